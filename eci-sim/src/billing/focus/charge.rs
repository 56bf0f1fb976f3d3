//! The charges into which a row of the bill falls: on demand, under a commitment, the purchase of one, and what of it nothing
//! used (focus.md, section 2). What is billed and what is effective are the same sum.

use rust_decimal::Decimal;

use crate::billing::commitment::{CoverKind, Covered};
use crate::billing::file::FileRow;
use crate::billing::instance_bill::BillRow;
use crate::billing::item::{Item, Part};
use crate::money::{Amount, Charge};

/// Decimals of a quantity.
const QUANTITY_DECIMALS: u32 = 12;

/// A charge of the data set.
pub struct FocusCharge<'a> {
    /// Row of the bill.
    pub row: &'a BillRow,
    /// Name of the bill.
    pub origin: &'a str,
    /// True where the group is still billed, though what it was made for is gone.
    pub leaked: bool,
    /// What the charge is.
    pub kind: ChargeKind,
    /// Commitment that pays, or that is paid for.
    pub commitment: Option<Commitment<'a>>,
    /// Units times hours.
    pub hours: Decimal,
    /// Cost on demand.
    pub list: Amount,
    /// Cost at the price of the market, or on demand.
    pub contracted: Amount,
    /// Amount of the bill.
    pub billed: Amount,
    /// The same with the fees of commitments spread over what they are for.
    pub effective: Amount,
}

/// What a charge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeKind {
    /// Usage that is paid as such.
    OnDemand,
    /// Usage under a commitment.
    Used,
    /// Fee of a commitment.
    Purchase,
    /// Part of a fee for which nothing was used.
    Unused,
}

/// A commitment of a charge.
#[derive(Debug, Clone, Copy)]
pub struct Commitment<'a> {
    /// Id of the commitment.
    pub id: &'a str,
    /// True for a savings plan, which is an amount to spend; false for reserved instances.
    pub is_plan: bool,
    /// Instances times hours, or what was spent.
    pub quantity: Decimal,
}

/// The charges of a row.
pub(super) fn charges<'a>(file: &'a FileRow<'_>) -> Vec<FocusCharge<'a>> {
    let row = &file.row;
    match (row.item(), &row.part) {
        (Item::ReservedInstance | Item::SavingsPlan, _) => of_fee(file),
        (_, Some(part)) => of_usage(file, part),
        (_, None) => {
            vec![FocusCharge { list: row.gross, contracted: row.pretax, ..FocusCharge::of(file) }]
        }
    }
}

impl<'a> FocusCharge<'a> {
    /// The whole row, as it is billed.
    fn of(file: &'a FileRow<'_>) -> Self {
        let row = &file.row;
        Self {
            row,
            origin: file.origin,
            leaked: file.leaked(),
            kind: ChargeKind::OnDemand,
            commitment: None,
            hours: row.unit_hours(),
            list: row.pretax,
            contracted: row.pretax,
            billed: row.pretax,
            effective: row.pretax,
        }
    }
}

/// The purchase of an hour of a commitment, and the part of it that nothing used.
fn of_fee<'a>(file: &'a FileRow<'_>) -> Vec<FocusCharge<'a>> {
    let (row, whole) = (&file.row, FocusCharge::of(file));
    let is_plan = row.item() == Item::SavingsPlan;
    let commitment = |hours: Decimal, spent: Amount| {
        let quantity = if is_plan { spent.decimal() } else { hours };
        Some(Commitment { id: &row.line.group_id, is_plan, quantity })
    };
    let mut charges = Vec::new();
    if let Some(unused) = row.line.unused {
        let share = unused.decimal().checked_div(row.pretax.decimal()).unwrap_or_default();
        let hours = (whole.hours * share).round_dp(QUANTITY_DECIMALS).normalize();
        charges.push(FocusCharge {
            kind: ChargeKind::Unused,
            commitment: commitment(hours, unused),
            hours,
            list: unused,
            contracted: unused,
            billed: Amount::ZERO,
            effective: unused,
            ..FocusCharge::of(file)
        });
    }
    let purchase = commitment(whole.hours, row.pretax);
    let (kind, effective) = (ChargeKind::Purchase, Amount::ZERO);
    charges.insert(0, FocusCharge { kind, commitment: purchase, effective, ..whole });
    charges
}

/// The usage under each commitment, and what is left on demand; the last one takes what is left of quantity and cost.
fn of_usage<'a>(file: &'a FileRow<'_>, part: &Part) -> Vec<FocusCharge<'a>> {
    let row = &file.row;
    let of_all =
        |rate: crate::money::Rate| -> Amount { Charge::rounded(rate.charge(part.units, row.seconds)) };
    let (contracted, list) = (of_all(part.rate), of_all(part.list.unwrap_or(part.rate)));
    let mut rest = FocusCharge { list, contracted, ..FocusCharge::of(file) };
    let own = |covered: &&Covered| covered.kind != CoverKind::Discount && covered.item == part.item;
    let covered: Vec<&Covered> = row.line.covered.iter().filter(own).collect();
    let fully = part.amount == Amount::ZERO;
    let mut charges = Vec::new();
    for (index, one) in covered.iter().enumerate() {
        let is_last = fully && index + 1 == covered.len();
        let share = one.amount.decimal().checked_div(contracted.decimal()).unwrap_or_default();
        let (hours, list, contracted) = match is_last {
            true => (rest.hours, rest.list, rest.contracted),
            false => {
                let hours = (row.unit_hours() * share).round_dp(QUANTITY_DECIMALS).normalize();
                (hours, one.amount.part_of(contracted, list), one.amount)
            }
        };
        let is_plan = one.kind == CoverKind::SavingsPlan;
        let quantity = if is_plan { one.fee.decimal() } else { hours };
        charges.push(FocusCharge {
            kind: ChargeKind::Used,
            commitment: Some(Commitment { id: &one.by, is_plan, quantity }),
            hours,
            list,
            contracted,
            billed: Amount::ZERO,
            effective: one.fee,
            ..FocusCharge::of(file)
        });
        rest.hours = (rest.hours - hours).max(Decimal::ZERO).normalize();
        rest.list = rest.list.beyond(list);
        rest.contracted = rest.contracted.beyond(contracted);
    }
    if charges.is_empty() || !fully || row.pretax != Amount::ZERO {
        charges.push(rest);
    }
    charges
}
