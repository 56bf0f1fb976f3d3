//! Commitments of an account, by which its instances cost less: reserved instances first, savings plans next (billing.md,
//! section 7), and a discount on what is left.
//!
//! Which of several lines of an hour a commitment covers is on no page. `ours`: the line that begins first, then the older
//! instance; of several plans the one with the greater discount; a discount after all commitments, since it is for what is
//! paid on demand. Spot instances are covered by neither.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::item::{Item, PricedPart};
use crate::catalog::CATALOG;
use crate::money::{Amount, Charge};
use crate::terms::{Basis, PricingTerms};
use crate::text::did_you_mean;

/// Id under which an account's own discount is told of.
pub(super) const DISCOUNT: &str = "discount";

/// What an account has agreed upon with the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AccountTerms {
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

/// Instances of a type that are paid for in advance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReservedInstance {
    /// Id, unlike that of any other commitment.
    pub id: String,
    /// ECS type that it covers.
    pub instance_type: String,
    /// Region in which it covers instances.
    pub region: String,
    /// Zone in which it covers instances; all zones of the region where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Number of instances at a time.
    #[serde(default = "one")]
    pub count: u32,
    /// Begin of its term.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// End of its term, not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
}

/// An amount that is paid every hour, used or not, for instances at a discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SavingsPlan {
    /// Id, unlike that of any other commitment.
    pub id: String,
    /// What it covers.
    #[serde(default)]
    pub kind: PlanKind,
    /// Amount that is paid every hour, in the account's currency.
    #[schemars(with = "String")]
    pub hourly: Decimal,
    /// Discount on the list price under the plan, as a share.
    #[schemars(with = "String")]
    pub discount: Decimal,
    /// Begin of its term.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// End of its term, not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
}

/// The kinds of savings plans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// Covers any instance.
    #[default]
    General,
    /// Covers instances by ECS type alone.
    EcsCompute,
}

/// What a commitment pays of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Covered {
    /// Id of the commitment; `discount` for the account's own.
    pub by: String,
    /// Part of the price that is not paid because of it.
    pub amount: Amount,
}

/// Terms of an account that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
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
    #[error("the savings plan {0} costs {1} an hour; it should be 0 or more")]
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

fn one() -> u32 {
    1
}

impl AccountTerms {
    /// True where everything costs what the list says.
    pub fn is_empty(&self) -> bool {
        self.discount.is_zero() && self.reserved_instances.is_empty() && self.savings_plans.is_empty()
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
        if let Some(balance) = self.balance.filter(|balance| balance.is_sign_negative() && !balance.is_zero())
        {
            return Err(TermsError::Balance(balance));
        }
        let mut ids = std::collections::BTreeSet::new();
        let reserved = self.reserved_instances.iter().map(|own| (&own.id, own.from, own.to));
        for (id, from, to) in reserved.chain(self.savings_plans.iter().map(|own| (&own.id, own.from, own.to)))
        {
            if id == DISCOUNT || !ids.insert(id) {
                return Err(TermsError::Twice(id.clone()));
            }
            if to <= from {
                return Err(TermsError::Term { id: id.clone(), from, to });
            }
        }
        for plan in &self.savings_plans {
            share(&plan.id, plan.discount)?;
            if plan.hourly.is_sign_negative() && !plan.hourly.is_zero() {
                return Err(TermsError::Hourly(plan.id.clone(), plan.hourly));
            }
        }
        self.reserved_instances.iter().try_for_each(ReservedInstance::check)
    }
}

fn share(of: &str, share: Decimal) -> Result<(), TermsError> {
    let fits = share >= Decimal::ZERO && share < Decimal::ONE;
    fits.then_some(()).ok_or_else(|| TermsError::Discount { of: of.to_owned(), share })
}

impl ReservedInstance {
    fn check(&self) -> Result<(), TermsError> {
        if CATALOG.instance_type(&self.instance_type).is_none() {
            let near =
                did_you_mean(&self.instance_type, CATALOG.instance_types().map(|kind| kind.name.as_str()));
            return Err(TermsError::Type { id: self.id.clone(), name: self.instance_type.clone(), near });
        }
        let wrong =
            |place: &str, near| TermsError::Place { id: self.id.clone(), place: place.to_owned(), near };
        let Some(region) = CATALOG.region(&self.region) else {
            let near = did_you_mean(&self.region, CATALOG.regions().map(|region| region.id.as_str()));
            return Err(wrong(&self.region, near));
        };
        match self.zone.as_ref().filter(|zone| !region.zones.contains(zone)) {
            Some(zone) => Err(wrong(zone, did_you_mean(zone, region.zones.iter().map(String::as_str)))),
            None => Ok(()),
        }
    }

    fn covers(&self, piece: &Piece<'_>) -> bool {
        piece.is_by_type(&self.instance_type)
            && *piece.region == *self.region
            && self.zone.as_deref().is_none_or(|zone| zone == piece.zone)
            && in_term(piece, self.from, self.to)
    }
}

/// True for a piece that begins within a term.
fn in_term(piece: &Piece<'_>, from: Timestamp, to: Timestamp) -> bool {
    from.as_second() <= piece.from && piece.from < to.as_second()
}

/// A piece of a usage, before anything is settled.
pub(super) struct Piece<'a> {
    /// Number of the group.
    pub number: u64,
    /// First second.
    pub from: i64,
    /// Number of seconds.
    pub seconds: u64,
    pub account: &'a str,
    pub region: &'a str,
    pub zone: &'a str,
    pub terms: &'a PricingTerms,
    /// Parts of the price.
    pub parts: Vec<PricedPart>,
}

impl Piece<'_> {
    fn is_by_type(&self, name: &str) -> bool {
        let basis = self.terms.instance().map(|terms| &terms.basis);
        matches!(basis, Some(Basis::Type(own)) if **own == *name)
    }

    /// True for an instance on demand, of which a plan of this kind can cover a part.
    fn is_eligible(&self, kind: PlanKind) -> bool {
        match self.terms.instance().map(|terms| &terms.basis) {
            Some(Basis::Type(_)) => true,
            Some(Basis::Size(_)) => kind == PlanKind::General,
            Some(Basis::Spot(_)) | None => false,
        }
    }
}

/// What is left to be paid of a piece.
#[derive(Debug, Default)]
pub(super) struct Reduced {
    /// Charges that are left, in the order of the parts.
    pub charges: Vec<Charge>,
    pub covered: Vec<Covered>,
}

/// What is left of each piece, by the group's number and the first second.
pub(super) type Coverage = HashMap<(u64, i64), Reduced>;

/// Applies the terms of accounts to their pieces.
pub(super) fn cover(mut pieces: Vec<Piece<'_>>, accounts: &BTreeMap<String, AccountTerms>) -> Coverage {
    pieces.sort_by_key(|piece| (piece.from, piece.number));
    let mut coverage = Coverage::new();
    for (name, terms) in accounts.iter().filter(|(_, terms)| !terms.is_empty()) {
        let mut hours: BTreeMap<i64, Vec<&Piece<'_>>> = BTreeMap::new();
        for piece in pieces.iter().filter(|piece| piece.account == name) {
            hours.entry(piece.from.div_euclid(3600)).or_default().push(piece);
        }
        for pieces in hours.into_values() {
            let mut hour = Hour::of(terms);
            coverage
                .extend(pieces.into_iter().map(|piece| ((piece.number, piece.from), hour.pay(piece, terms))));
        }
    }
    coverage
}

/// What is left of an account's commitments in one hour.
struct Hour<'a> {
    /// Seconds of each reserved instance.
    reserved: Vec<(&'a ReservedInstance, u64)>,
    /// Amount of each plan, the greatest discount first.
    plans: Vec<(&'a SavingsPlan, Charge)>,
}

impl<'a> Hour<'a> {
    fn of(terms: &'a AccountTerms) -> Self {
        let reserved =
            terms.reserved_instances.iter().map(|own| (own, u64::from(own.count) * 3600)).collect();
        let mut plans: Vec<_> =
            terms.savings_plans.iter().map(|plan| (plan, Charge::of(plan.hourly))).collect();
        plans.sort_by_key(|(plan, _)| std::cmp::Reverse(plan.discount));
        Self { reserved, plans }
    }

    fn pay(&mut self, piece: &Piece<'_>, terms: &AccountTerms) -> Reduced {
        let mut reduced =
            Reduced { charges: piece.parts.iter().map(|part| part.charge).collect(), covered: Vec::new() };
        for (index, part) in piece.parts.iter().enumerate() {
            if !matches!(part.item, Item::Cpu | Item::Mem | Item::InstanceType) {
                continue;
            }
            let mut left = part.charge;
            let mut open = piece.seconds;
            for (own, seconds) in self.reserved.iter_mut().filter(|(own, _)| own.covers(piece)) {
                let paid = open.min(*seconds);
                *seconds -= paid;
                open -= paid;
                let rest = part.rate.charge(part.units, open).min(left);
                reduced.note(&own.id, left.less(rest));
                left = rest;
            }
            let plans = self
                .plans
                .iter_mut()
                .filter(|(plan, _)| piece.is_eligible(plan.kind) && in_term(piece, plan.from, plan.to));
            for (plan, budget) in plans {
                let price = left.times(Decimal::ONE - plan.discount);
                let rest = if price <= *budget {
                    Charge::ZERO
                } else {
                    left.less(budget.over(Decimal::ONE - plan.discount))
                };
                *budget = budget.less(price);
                reduced.note(&plan.id, left.less(rest));
                left = rest;
            }
            reduced.charges[index] = left;
        }
        let spot = piece.terms.instance().is_some_and(|terms| terms.spot().is_some());
        if !terms.discount.is_zero() && !spot {
            for charge in &mut reduced.charges {
                let rest = charge.times(Decimal::ONE - terms.discount);
                let off = charge.less(rest);
                *charge = rest;
                reduced.covered.push(Covered { by: DISCOUNT.to_owned(), amount: off.rounded() });
            }
        }
        reduced.covered.retain(|covered| covered.amount != Amount::ZERO);
        reduced
    }
}

impl Reduced {
    fn note(&mut self, by: &str, charge: Charge) {
        if charge > Charge::ZERO {
            self.covered.push(Covered { by: by.to_owned(), amount: charge.rounded() });
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
