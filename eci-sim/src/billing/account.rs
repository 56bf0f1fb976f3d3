//! What an account has agreed upon with the cloud: the currency of its bill, commitments, a discount, a balance.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commitment::{DISCOUNT, ReservedInstance, SavingsPlan};
use crate::money::Currency;
use crate::prices::Tariff;

/// What an account has agreed upon with the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AccountTerms {
    /// Currency of the account's bill; without one that of the simulator. It stays what it is once anything is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Discount on what is paid on demand, as a share: 0.1 for a tenth.
    #[schemars(with = "String")]
    pub discount: Decimal,
    /// Reserved instances.
    pub reserved_instances: Vec<ReservedInstance>,
    /// Savings plans.
    pub savings_plans: Vec<SavingsPlan>,
    /// Amount that the account has for its bill since the beginning; without one there is no end to it.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Decimal>,
    /// Hours for which instances go on, and are billed, once the balance is used up.
    pub grace_hours: u32,
}

/// Terms of an account that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Another currency than that of what is billed.
    #[error(
        "the account {account} has container groups in {billed}, and no bill has two currencies; give it {requested} before its first one"
    )]
    Currency {
        /// The account.
        account: String,
        /// Currency of its bill.
        billed: Currency,
        /// Currency that was requested.
        requested: Currency,
    },
    /// A share that is none.
    #[error("the discount of {of} is {share}; it should be 0 or more, and less than 1")]
    Discount {
        /// Id of the commitment, or the account.
        of: String,
        /// The share.
        share: Decimal,
    },
    /// A balance below zero.
    #[error("the balance of the account is {0}; it should be 0 or more")]
    Balance(Decimal),
    /// An amount below zero.
    #[error("the commitment {0} costs {1} an hour; it should be 0 or more")]
    Hourly(String, Decimal),
    /// A term that ends before it begins.
    #[error("the commitment {id} ends at {to}, and begins at {from}; its end should be later")]
    Term {
        /// Id of the commitment.
        id: String,
        /// Begin of its term.
        from: Timestamp,
        /// End of its term.
        to: Timestamp,
    },
    /// An id that stands twice.
    #[error("two commitments are called {0}; each should have an id of its own")]
    Twice(String),
    /// A type that does not exist.
    #[error("the reserved instance {id} is of the type `{name}`, which does not exist{near}")]
    Type {
        /// Id of the commitment.
        id: String,
        /// Name of the type.
        name: String,
        /// The type that was perhaps meant.
        near: String,
    },
    /// A region or zone that does not exist.
    #[error("the reserved instance {id} is for `{place}`, where nothing is sold{near}")]
    Place {
        /// Id of the commitment.
        id: String,
        /// The place.
        place: String,
        /// The place that was perhaps meant.
        near: String,
    },
}

impl AccountTerms {
    /// True where everything costs what the list says.
    pub fn is_empty(&self) -> bool {
        self.discount.is_zero() && !self.has_commitments()
    }

    /// True for terms by which groups share what was paid for.
    pub fn has_commitments(&self) -> bool {
        !self.reserved_instances.is_empty() || !self.savings_plans.is_empty()
    }

    /// Checks the terms.
    ///
    /// # Errors
    /// [`TermsError`] for the first that cannot be.
    pub fn check(&self) -> Result<(), TermsError> {
        share("the account", self.discount)?;
        if let Some(balance) = self.balance.filter(is_negative) {
            return Err(TermsError::Balance(balance));
        }
        let mut ids = BTreeSet::new();
        let reserved = self.reserved_instances.iter().map(|own| (&own.id, own.hourly, own.from, own.to));
        let plans = self.savings_plans.iter().map(|own| (&own.id, Some(own.hourly), own.from, own.to));
        for (id, hourly, from, to) in reserved.chain(plans) {
            if id == DISCOUNT || !ids.insert(id) {
                return Err(TermsError::Twice(id.clone()));
            }
            if to <= from {
                return Err(TermsError::Term { id: id.clone(), from, to });
            }
            if let Some(hourly) = hourly.filter(is_negative) {
                return Err(TermsError::Hourly(id.clone(), hourly));
            }
        }
        self.savings_plans.iter().try_for_each(|plan| share(&plan.id, plan.discount))?;
        self.reserved_instances.iter().try_for_each(ReservedInstance::check)
    }
}

fn is_negative(amount: &Decimal) -> bool {
    amount.is_sign_negative() && !amount.is_zero()
}

fn share(of: &str, share: Decimal) -> Result<(), TermsError> {
    let fits = share >= Decimal::ZERO && share < Decimal::ONE;
    fits.then_some(()).ok_or_else(|| TermsError::Discount { of: of.to_owned(), share })
}

/// The prices of an account: those of the simulator, in the account's currency.
pub fn tariff_of<'a>(
    tariff: &'a Tariff,
    accounts: &BTreeMap<String, AccountTerms>,
    account: &str,
) -> Cow<'a, Tariff> {
    match accounts.get(account).and_then(|terms| terms.currency) {
        Some(currency) if currency != tariff.currency => Cow::Owned(tariff.in_currency(currency)),
        _ => Cow::Borrowed(tariff),
    }
}
