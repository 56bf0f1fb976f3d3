//! `expect-bill: { namespace: vk, total: "0.441072" }`: the cloud's bill, to the last digit, or a part of it.

use std::collections::BTreeMap;
use std::fmt;

use eci_sim::Cost;
use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::bill_selection::BillSelection;
use super::comparison::Comparison;
use crate::cloud::Charge;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::stage::World;

/// Expects the cloud's bill to say so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectBill {
    /// Only what this pod costs.
    pub(super) pod: Option<PodName>,
    /// Only what pods of this namespace cost.
    namespace: Option<String>,
    /// Only what groups with these tags cost, as `team: web`.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// vCPU times the seconds they were had.
    #[schemars(with = "Option<f64>")]
    vcpu_seconds: Option<Decimal>,
    /// GiB of memory times the seconds they were had.
    #[schemars(with = "Option<f64>")]
    gib_seconds: Option<Decimal>,
    /// The sum, in the account's currency: yuan where the case says nothing else.
    #[schemars(with = "Option<Amount>")]
    total: Option<Decimal>,
    /// The most that the sum may be.
    #[schemars(with = "Option<Amount>")]
    at_most: Option<Decimal>,
    /// The price of an hour, at the time at which it was highest; before small amounts are settled.
    #[schemars(with = "Option<Amount>")]
    per_hour: Option<Decimal>,
    /// The most that an hour may cost at any time.
    #[schemars(with = "Option<Amount>")]
    at_most_per_hour: Option<Decimal>,
    /// The item whose price no list has, so that the sum is not known: `ecs.gn6i-c4g1.xlarge`.
    no_price_for: Option<String>,
    /// The lines, in the bill's order.
    pub(super) lines: Option<Vec<BillLine>>,
}

/// One line of the bill: what one pod cost within one clock hour.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BillLine {
    /// The pod: `vk/nginx`.
    pub(super) pod: Option<PodName>,
    /// The duration of the line in seconds.
    seconds: Option<u64>,
    /// The price of the line.
    #[schemars(with = "Option<Amount>")]
    amount: Option<Decimal>,
}

/// An amount of money as a schema: a text keeps every digit.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum Amount {
    Text(String),
    Number(f64),
}

impl ExpectBill {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let counts = self.vcpu_seconds.is_some() || self.gib_seconds.is_some();
        let says = counts || self.asks_for_money() || self.no_price_for.is_some();
        if self.lines.iter().flatten().any(BillLine::says_nothing) {
            return Err(CaseError::SaysNothing {
                step: "lines",
                advice: " in one of them; add `pod`, `seconds` or `amount`",
            });
        }
        match says {
            true => Ok(()),
            false => Err(CaseError::SaysNothing {
                step: "expect-bill",
                advice: "; add `total: \"0.441072\"` or `vcpu-seconds: 7200`",
            }),
        }
    }

    /// True when a bill without a line would do.
    pub(super) fn is_met_by_absence(&self) -> bool {
        let is_zero = |figure: &Option<Decimal>| figure.is_none_or(|figure| figure.is_zero());
        is_zero(&self.vcpu_seconds)
            && is_zero(&self.gib_seconds)
            && is_zero(&self.total)
            && is_zero(&self.at_most)
            && is_zero(&self.per_hour)
            && is_zero(&self.at_most_per_hour)
            && self.lines.as_ref().is_none_or(Vec::is_empty)
            && self.no_price_for.is_none()
    }

    /// True if an amount is expected, and not only what was had.
    fn asks_for_money(&self) -> bool {
        let amounts = [self.total, self.at_most, self.per_hour, self.at_most_per_hour];
        amounts.iter().any(Option::is_some) || self.lines.is_some()
    }

    fn selection(&self) -> BillSelection<'_> {
        BillSelection { pod: self.pod.as_ref(), namespace: self.namespace.as_deref(), tags: &self.tags }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let mut charges = world.cloud().charges().await?;
        self.selection().keep(&mut charges, world.home())?;
        let cost = Cost::of_all(charges.iter().map(|charge| (charge.currency, &charge.amount)));
        let total = match cost.known() {
            Ok(amount) => amount.decimal(),
            Err(no_price) if self.asks_for_money() => return Err(Miss::Refused(no_price.to_string())),
            Err(_) => Decimal::ZERO,
        };
        let mut comparison = Comparison::default();
        if let Some(item) = &self.no_price_for {
            let seen = match &cost {
                Cost::Unknown(no_price) => no_price.item.clone(),
                known => format!("all prices are known: {known}"),
            };
            if seen != *item {
                comparison.differs("no price for", item.clone(), seen);
            }
        }
        let figures = [
            ("vcpu-seconds", self.vcpu_seconds, charges.iter().map(Charge::vcpu_seconds).sum::<Decimal>()),
            ("gib-seconds", self.gib_seconds, charges.iter().map(Charge::gib_seconds).sum()),
            ("total", self.total, total),
        ];
        for (name, want, have) in figures {
            if let Some(want) = want.filter(|want| *want != have) {
                comparison.differs(name, want.to_string(), have.normalize().to_string());
            }
        }
        let peak = peak(&charges);
        for (name, most, have) in
            [("total", self.at_most, total), ("the dearest hour", self.at_most_per_hour, peak)]
        {
            // A bound above zero says that something is billed.
            let is_kept = |most: &Decimal| have <= *most && (most.is_zero() || !charges.is_empty());
            if let Some(most) = most.filter(|most| !is_kept(most)) {
                comparison.differs(name, format!("at most {most}"), amount_of(&charges, have));
            }
        }
        if let Some(want) = self.per_hour.filter(|want| charges.is_empty() || *want != peak) {
            comparison.differs("an hour", want.to_string(), amount_of(&charges, peak));
        }
        if let Some(lines) = &self.lines {
            compare_lines(lines, &charges, &mut comparison);
        }
        comparison.result(None)
    }
}

fn amount_of(charges: &[Charge], amount: Decimal) -> String {
    if charges.is_empty() { "nothing is billed".to_owned() } else { amount.normalize().to_string() }
}

/// The highest price of an hour that all of it had together at any time.
fn peak(charges: &[Charge]) -> Decimal {
    let together = |at: Timestamp| {
        let then = charges.iter().filter(|charge| charge.covers(at));
        then.map(Charge::per_hour).sum::<Decimal>()
    };
    charges.iter().map(|charge| together(charge.from)).max().unwrap_or_default()
}

fn compare_lines(lines: &[BillLine], charges: &[Charge], comparison: &mut Comparison) {
    for index in 0..lines.len().max(charges.len()) {
        let (line, charge) = (lines.get(index), charges.get(index));
        if let (Some(line), Some(charge)) = (line, charge)
            && line.is_met_by(charge)
        {
            continue;
        }
        let wanted = line.map_or_else(|| "none".to_owned(), ToString::to_string);
        let seen = charge.map_or_else(|| "none".to_owned(), ToString::to_string);
        comparison.differs(&format!("line {}", index + 1), wanted, seen);
    }
}

impl BillLine {
    fn says_nothing(&self) -> bool {
        self.pod.is_none() && self.seconds.is_none() && self.amount.is_none()
    }

    fn is_met_by(&self, charge: &Charge) -> bool {
        self.pod.as_ref().is_none_or(|pod| charge.belongs_to(pod))
            && self.seconds.is_none_or(|seconds| seconds == charge.seconds)
            && self.amount.is_none_or(|amount| charge.amount.known().is_ok_and(|own| own.decimal() == amount))
    }
}

impl fmt::Display for BillLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.pod.as_ref().map(ToString::to_string));
        parts.extend(self.seconds.map(|seconds| format!("{seconds} s")));
        parts.extend(self.amount.map(|amount| amount.to_string()));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for ExpectBill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect the bill{}", self.selection())?;
        match (self.total, self.at_most, self.at_most_per_hour) {
            (Some(total), ..) => write!(f, " to be {total}"),
            (_, Some(most), _) => write!(f, " to be at most {most}"),
            (_, _, Some(most)) => write!(f, " to be at most {most} an hour"),
            _ => f.write_str(" to say so"),
        }
    }
}
