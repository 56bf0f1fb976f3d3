//! The standing of accounts with the cloud, which decides whether they may create anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// The standing of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// In good standing.
    #[default]
    Good,
    /// Has unpaid bills.
    Arrears,
    /// Has no means of payment.
    NoPayment,
    /// Closed.
    Closed,
    /// Without a verified owner.
    Unverified,
}

impl Standing {
    /// The standing of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "good" => Self::Good,
            "arrears" => Self::Arrears,
            "no-payment" => Self::NoPayment,
            "closed" => Self::Closed,
            "unverified" => Self::Unverified,
            _ => return None,
        })
    }

    /// The name of the standing.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Arrears => "arrears",
            Self::NoPayment => "no-payment",
            Self::Closed => "closed",
            Self::Unverified => "unverified",
        }
    }

    fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Good => return None,
            Self::Arrears => "Account.Arrearage",
            Self::NoPayment => "InvalidPaymentMethod.InsufficientBalance",
            Self::Closed => "Forbidden.AccountClosed",
            Self::Unverified => "Forbidden.UserNotRealNameAuthentication",
        })
    }
}

/// The accounts whose standing is not good.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Standings(BTreeMap<String, Standing>);

impl Standings {
    /// Sets the standing of an account.
    pub fn set(&mut self, account: impl Into<String>, standing: Standing) {
        self.0.insert(account.into(), standing);
    }

    /// The standing of an account.
    pub fn of(&self, account: &str) -> Standing {
        self.0.get(account).copied().unwrap_or_default()
    }

    /// Fails for an account that may not create anything.
    ///
    /// # Errors
    /// [`Refusal`] with the standing's code.
    pub fn may_make(&self, account: &str) -> Result<(), Refusal> {
        match self.of(account).code() {
            Some(code) => Err(Refusal::by_rule(code, None, None)),
            None => Ok(()),
        }
    }
}
