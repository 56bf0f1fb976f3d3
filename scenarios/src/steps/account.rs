//! `account: { discount: 0.1 }`: what the cloud's account has agreed upon: its currency, reserved instances, savings plans, a
//! discount.

use std::fmt;

use eci_sim::Currency;
use eci_sim::billing::AccountTerms;
use eci_sim::billing::commitment::{PlanKind, ReservedInstance, SavingsPlan};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::eci::REGION;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::stage::World;

/// Sets the currency, the commitments and the discount of the account that pays, instead of those that it had.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Account {
    /// The currency of its bill, CNY or USD; yuan where nothing is said. It can be set before there are pods, not after.
    currency: Option<Currency>,
    /// The discount on what is paid on demand, as a share: 0.1 for a tenth.
    #[schemars(with = "Option<f64>")]
    discount: Option<Decimal>,
    /// Instances of ECS types that are paid for in advance: `ecs.c5.large`.
    reserved: Option<Vec<String>>,
    /// Savings plans.
    plans: Option<Vec<Plan>>,
    /// The amount that there is for the bill, beyond which the account is in arrears.
    #[schemars(with = "Option<f64>")]
    balance: Option<Decimal>,
    /// The hours for which instances go on in arrears; none where nothing is said.
    grace_hours: Option<u32>,
}

/// A savings plan, from now on for a year.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// The amount that is paid every hour, and is on the bill whether it is used or not.
    #[schemars(with = "f64")]
    hourly: Decimal,
    /// The discount under the plan, as a share.
    #[schemars(with = "f64")]
    discount: Decimal,
    /// True for a plan that covers ECS types alone.
    #[serde(default)]
    types_only: bool,
}

impl Account {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        if self.currency.is_none()
            && self.discount.is_none()
            && self.reserved.is_none()
            && self.plans.is_none()
            && self.balance.is_none()
        {
            return Err(CaseError::SaysNothing {
                step: "account",
                advice: "; add `currency: USD`, `discount: 0.1`, `reserved: [ecs.c5.large]`, `plans` or `balance: 5`",
            });
        }
        Ok(())
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let terms = self.terms(world.now());
        world.cloud().agree(terms)
    }

    fn terms(&self, now: Timestamp) -> AccountTerms {
        let year = now + SignedDuration::from_hours(365 * 24);
        let reserved = |(name, number): (&String, usize)| ReservedInstance {
            id: format!("ri-{number}"),
            instance_type: name.clone(),
            region: REGION.to_owned(),
            zone: None,
            count: 1,
            hourly: None,
            from: now,
            to: year,
        };
        let plan = |(plan, number): (&Plan, usize)| SavingsPlan {
            id: format!("sp-{number}"),
            kind: if plan.types_only { PlanKind::EcsCompute } else { PlanKind::General },
            hourly: plan.hourly,
            discount: plan.discount,
            from: now,
            to: year,
        };
        AccountTerms {
            currency: self.currency,
            discount: self.discount.unwrap_or_default(),
            reserved_instances: self.reserved.iter().flatten().zip(1..).map(reserved).collect(),
            savings_plans: self.plans.iter().flatten().zip(1..).map(plan).collect(),
            balance: self.balance,
            grace_hours: self.grace_hours.unwrap_or_default(),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the account has")?;
        let mut parts = Vec::new();
        parts.extend(self.currency.map(|currency| format!("a bill in {currency}")));
        parts.extend(self.reserved.iter().flatten().map(|name| format!("{name} reserved")));
        parts.extend(
            self.plans.iter().flatten().map(|plan| format!("a savings plan of {} an hour", plan.hourly)),
        );
        parts.extend(self.balance.map(|balance| format!("a balance of {balance}")));
        parts.extend(self.discount.map(|share| format!("a discount of {share}")));
        write!(f, " {}", parts.join(", "))
    }
}
