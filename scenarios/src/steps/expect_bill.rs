//! `expect-bill: { vcpu-seconds: 7200, total: "0.441072" }`: the cloud's bill, to the last digit.

use std::fmt;

use eci_sim::Cost;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::unmet;
use crate::cloud::Charge;
use crate::outcome::{Fact, Miss};
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::stage::World;

/// Expects the cloud's bill to say so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectBill {
    /// Only what this pod costs.
    pub(super) pod: Option<PodName>,
    /// vCPU times the seconds they were had.
    #[schemars(with = "Option<f64>")]
    vcpu_seconds: Option<Decimal>,
    /// GiB of memory times the seconds they were had.
    #[schemars(with = "Option<f64>")]
    gib_seconds: Option<Decimal>,
    /// The sum in yuan.
    #[schemars(with = "Option<Amount>")]
    total: Option<Decimal>,
    /// The most that the sum may be, in yuan.
    #[schemars(with = "Option<Amount>")]
    at_most: Option<Decimal>,
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
    /// The price of the line, in yuan.
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
        let says = self.vcpu_seconds.is_some()
            || self.gib_seconds.is_some()
            || self.total.is_some()
            || self.at_most.is_some()
            || self.lines.is_some();
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
            && self.lines.as_ref().is_none_or(Vec::is_empty)
    }

    /// True if an amount is expected, and not only what was had.
    fn asks_for_money(&self) -> bool {
        self.total.is_some() || self.at_most.is_some() || self.lines.is_some()
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let mut charges = world.cloud().charges().await?;
        if let Some(pod) = &self.pod {
            charges.retain(|charge| charge.belongs_to(pod));
        }
        let cost: Cost = charges.iter().map(|charge| charge.amount.clone()).sum();
        let total = match cost.known() {
            Ok(amount) => amount.decimal(),
            Err(no_price) if self.asks_for_money() => return Err(Miss::Refused(no_price.to_string())),
            Err(_) => Decimal::ZERO,
        };
        let (mut wanted, mut seen) = (Vec::new(), Vec::new());
        let figures = [
            ("vcpu-seconds", self.vcpu_seconds, charges.iter().map(Charge::vcpu_seconds).sum::<Decimal>()),
            ("gib-seconds", self.gib_seconds, charges.iter().map(Charge::gib_seconds).sum()),
            ("total", self.total, total),
        ];
        for (name, want, have) in figures {
            if let Some(want) = want.filter(|want| *want != have) {
                wanted.push(Fact::new(name, want.to_string()));
                seen.push(Fact::new(name, have.normalize().to_string()));
            }
        }
        // A bound above zero says that something is billed.
        let is_bound = |most: &Decimal| total <= *most && (most.is_zero() || !charges.is_empty());
        if let Some(most) = self.at_most.filter(|most| !is_bound(most)) {
            let have = if charges.is_empty() {
                "nothing is billed".to_owned()
            } else {
                total.normalize().to_string()
            };
            wanted.push(Fact::new("total", format!("at most {most}")));
            seen.push(Fact::new("total", have));
        }
        if let Some(lines) = &self.lines {
            compare_lines(lines, &charges, &mut wanted, &mut seen);
        }
        unmet(wanted, seen, None)
    }
}

fn compare_lines(lines: &[BillLine], charges: &[Charge], wanted: &mut Vec<Fact>, seen: &mut Vec<Fact>) {
    for index in 0..lines.len().max(charges.len()) {
        let (line, charge) = (lines.get(index), charges.get(index));
        if let (Some(line), Some(charge)) = (line, charge)
            && line.is_met_by(charge)
        {
            continue;
        }
        let name = format!("line {}", index + 1);
        wanted.push(Fact::new(name.clone(), line.map_or_else(|| "none".to_owned(), ToString::to_string)));
        seen.push(Fact::new(name, charge.map_or_else(|| "none".to_owned(), ToString::to_string)));
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
        parts.extend(self.amount.map(|amount| format!("¥ {amount}")));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for ExpectBill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expect the bill")?;
        if let Some(pod) = &self.pod {
            write!(f, " of {pod}")?;
        }
        match self.total {
            Some(total) => write!(f, " to be ¥ {total}"),
            None => f.write_str(" to say so"),
        }
    }
}
