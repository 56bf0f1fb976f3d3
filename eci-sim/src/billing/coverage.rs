//! What the terms of an account leave to be paid: reserved instances first, savings plans next (billing.md, section 7), and a
//! discount on what is left.
//!
//! Which of several lines of an hour a commitment covers is on no page. `ours`: the line that begins first, then the older
//! instance; of several plans the one with the greater discount; a discount after all commitments, since it is for what is
//! paid on demand; of an hour in which a term begins or ends, its share. Spot instances are covered by neither.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::AccountTerms;
use super::commitment::{CoverKind, Covered, DISCOUNT, PlanKind, ReservedInstance, SavingsPlan};
use super::fee::FeePeriods;
use super::item::{Item, PricedPart};
use crate::money::{Amount, Charge};
use crate::terms::{Basis, PricingTerms};

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

/// What is left to be paid of a piece.
#[derive(Debug, Default)]
pub(super) struct Reduced {
    /// Charges that are left, in the order of the parts.
    pub charges: Vec<Charge>,
    pub covered: Vec<Covered>,
}

/// What the terms of accounts cover.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// What is left of each piece, by the group's number and the first second.
    pieces: HashMap<(u64, i64), Reduced>,
    /// Fees that are used, by account, by the commitment's id and the clock hour.
    used: BTreeMap<String, HashMap<(String, i64), Amount>>,
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

    /// True for a piece that begins within a term.
    fn is_in(&self, from: Timestamp, to: Timestamp) -> bool {
        from.as_second() <= self.from && self.from < to.as_second()
    }

    fn is_reserved(&self, own: &ReservedInstance) -> bool {
        self.is_by_type(&own.instance_type)
            && *self.region == *own.region
            && own.zone.as_deref().is_none_or(|zone| zone == self.zone)
            && self.is_in(own.from, own.to)
    }
}

impl Coverage {
    /// Applies the terms of accounts to their pieces; commitments pay from the first second on for which fees are billed.
    pub fn of(
        mut pieces: Vec<Piece<'_>>,
        accounts: &BTreeMap<String, AccountTerms>,
        periods: &FeePeriods,
    ) -> Self {
        pieces.sort_by_key(|piece| (piece.from, piece.number));
        let mut coverage = Self::default();
        for (name, terms) in accounts.iter().filter(|(_, terms)| !terms.is_empty()) {
            let mut hours: BTreeMap<i64, Vec<&Piece<'_>>> = BTreeMap::new();
            for piece in pieces.iter().filter(|piece| piece.account == name) {
                hours.entry(piece.from.div_euclid(3600)).or_default().push(piece);
            }
            let since = periods.get(name).map_or(i64::MIN, |period| period.start);
            let used = coverage.used.entry(name.clone()).or_default();
            for (number, pieces) in hours {
                let mut hour = Hour::of(terms, (number, since));
                let pay = |piece: &Piece<'_>| ((piece.number, piece.from), hour.pay(piece, terms));
                coverage.pieces.extend(pieces.into_iter().map(pay));
                used.extend(hour.used().map(|(id, fee)| ((id.to_owned(), number), fee)));
            }
        }
        coverage
    }

    /// What is left of the piece of a group that begins at a second; `None` where no terms apply.
    pub fn reduced(&self, number: u64, from: i64) -> Option<&Reduced> {
        self.pieces.get(&(number, from))
    }

    /// The part of a commitment's fee that is used in a clock hour.
    pub fn used(&self, account: &str, id: &str, hour: i64) -> Amount {
        let used = self.used.get(account).and_then(|used| used.get(&(id.to_owned(), hour)));
        used.copied().unwrap_or_default()
    }
}

/// What is left of an account's commitments in one hour.
struct Hour<'a> {
    /// Seconds of each reserved instance, and its fees so far.
    reserved: Vec<(&'a ReservedInstance, u64, Fees)>,
    /// Amount of each plan, the greatest discount first, and its fees so far.
    plans: Vec<(&'a SavingsPlan, Charge, Fees)>,
}

/// Fees that were used, exact.
#[derive(Debug, Clone, Copy, Default)]
struct Fees(Charge);

impl Fees {
    /// Adds a fee; what is rounded of it adds up to what is rounded of the sum.
    fn add(&mut self, fee: Charge) -> Amount {
        let before = self.0.rounded();
        self.0 = self.0 + fee;
        self.0.rounded().beyond(before)
    }
}

impl<'a> Hour<'a> {
    fn of(terms: &'a AccountTerms, (hour, since): (i64, i64)) -> Self {
        let reserved = terms.reserved_instances.iter();
        let reserved = reserved.map(|own| (own, own.seconds_of(hour, since), Fees::default())).collect();
        let plans = terms.savings_plans.iter();
        let mut plans: Vec<_> =
            plans.map(|plan| (plan, plan.amount_of(hour, since), Fees::default())).collect();
        plans.sort_by_key(|(plan, ..)| Reverse(plan.discount));
        Self { reserved, plans }
    }

    fn used(&self) -> impl Iterator<Item = (&'a str, Amount)> {
        let reserved = self.reserved.iter().map(|(own, _, fees)| (own.id.as_str(), fees.0.rounded()));
        reserved.chain(self.plans.iter().map(|(plan, _, fees)| (plan.id.as_str(), fees.0.rounded())))
    }

    fn pay(&mut self, piece: &Piece<'_>, terms: &AccountTerms) -> Reduced {
        let mut reduced = Reduced::default();
        for part in &piece.parts {
            let left = match part.item {
                Item::Cpu | Item::Mem | Item::InstanceType => {
                    let left = self.by_reserved(piece, part, &mut reduced);
                    self.by_plans(piece, (part.item, left), &mut reduced)
                }
                _ => part.charge,
            };
            reduced.charges.push(left);
        }
        let spot = piece.terms.instance().is_some_and(|terms| terms.spot().is_some());
        if !terms.discount.is_zero() && !spot {
            reduced.discount(&piece.parts, terms.discount);
        }
        reduced.covered.retain(|covered| covered.amount != Amount::ZERO);
        reduced
    }

    /// What reserved instances leave of a part.
    fn by_reserved(&mut self, piece: &Piece<'_>, part: &PricedPart, reduced: &mut Reduced) -> Charge {
        let (mut left, mut open) = (part.charge, piece.seconds);
        for (own, seconds, fees) in self.reserved.iter_mut().filter(|(own, ..)| piece.is_reserved(own)) {
            let paid = open.min(*seconds);
            *seconds -= paid;
            open -= paid;
            let rest = part.rate.charge(part.units, open).min(left);
            let (by, kind, amount) = (own.id.clone(), CoverKind::ReservedInstance, left.less(rest).rounded());
            reduced.covered.push(Covered { by, kind, item: part.item, amount, fee: fees.add(own.fee(paid)) });
            left = rest;
        }
        left
    }

    /// What savings plans leave of what is left of a part.
    fn by_plans(&mut self, piece: &Piece<'_>, (item, left): (Item, Charge), reduced: &mut Reduced) -> Charge {
        let mut left = left;
        let fits = |plan: &SavingsPlan| piece.is_eligible(plan.kind) && piece.is_in(plan.from, plan.to);
        for (plan, budget, fees) in self.plans.iter_mut().filter(|(plan, ..)| fits(plan)) {
            let share = Decimal::ONE - plan.discount;
            let price = left.times(share);
            let rest = if price <= *budget { Charge::ZERO } else { left.less(budget.over(share)) };
            let fee = fees.add(price.min(*budget));
            *budget = budget.less(price);
            let (by, kind, amount) = (plan.id.clone(), CoverKind::SavingsPlan, left.less(rest).rounded());
            reduced.covered.push(Covered { by, kind, item, amount, fee });
            left = rest;
        }
        left
    }
}

impl Reduced {
    /// Takes the account's own discount from what is left of each part.
    fn discount(&mut self, parts: &[PricedPart], discount: Decimal) {
        for (charge, part) in self.charges.iter_mut().zip(parts) {
            let rest = charge.times(Decimal::ONE - discount);
            let amount = charge.less(rest).rounded();
            *charge = rest;
            let (by, kind, item) = (DISCOUNT.to_owned(), CoverKind::Discount, part.item);
            self.covered.push(Covered { by, kind, item, amount, fee: Amount::ZERO });
        }
    }
}
