//! An estimate: workloads with their quotes, added up by the hour and month; also the document that `--json` writes and
//! `--against` reads.

use eci_sim::money::Currency;
use eci_sim::terms::{Basis, Category, InstanceTerms, Size};
use eci_sim::{Amount, Cost};
use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alternatives::Way;
use super::figures::{HOURS_A_MONTH, gib, times, vcpu};
use super::quote::{NotSold, Quote, RegionPrices};
use super::workload::Workload;

/// The version of the document.
pub const VERSION: u32 = 1;

/// What workloads cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Estimate {
    /// The version of the document.
    pub version: u32,
    /// The region.
    pub region: String,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The instant at which the prices hold.
    pub at: Timestamp,
    /// The price of an hour in which all of it runs.
    pub hour: Cost,
    /// The price of a month.
    pub month: Cost,
    /// The workloads, by place.
    pub workloads: Vec<Row>,
}

/// One workload of an estimate. Amounts are those of all its pods together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The kind, as `Deployment`.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The file and row, or where else it was found.
    pub place: String,
    /// The number of pods that run at once.
    pub replicas: u32,
    /// The hours of a month for which they run.
    pub hours_a_month: u32,
    /// The size that one pod asks for; nothing where it declares none.
    pub requested: Option<Resources>,
    /// The size that is bought for one pod.
    pub bought: Resources,
    /// The ECS type by which it is billed, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// The basis of the price: a compute category, `type` or `spot`.
    pub basis: String,
    /// The price of an hour.
    pub hour: Cost,
    /// The price of a month.
    pub month: Cost,
    /// The bought that nobody asked for, by the month; nothing where it has no price.
    pub waste: Option<Cost>,
    /// The price of a month in the category economy; nothing where it is not sold so.
    pub economy: Option<Cost>,
    /// The price of a month on the spot market; nothing where it is not sold so.
    pub spot: Option<Cost>,
    /// The request nearby that costs least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cheaper: Option<Cheaper>,
}

/// vCPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// vCPU.
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// GiB.
    #[schemars(with = "String")]
    pub gib: Decimal,
}

/// A request nearby that costs less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cheaper {
    /// What to ask for.
    pub requested: Resources,
    /// What is bought then.
    pub bought: Resources,
    /// The price of a month of it.
    pub month: Cost,
}

impl Estimate {
    /// The estimate of workloads; those that end by themselves run for so many hours of a month. Beside it stand the
    /// workloads that cannot be bought, each with the reason.
    pub fn of(
        workloads: &[Workload],
        prices: &RegionPrices,
        job_hours: u32,
    ) -> (Self, Vec<(Workload, NotSold)>) {
        let (mut rows, mut unsold) = (Vec::new(), Vec::new());
        for workload in workloads {
            match prices.quote(&workload.pod) {
                Ok(quote) => rows.push(Row::of(workload, &quote, prices, job_hours)),
                Err(why) => unsold.push((workload.clone(), why)),
            }
        }
        (Self::of_rows(rows, prices), unsold)
    }

    /// The sum of rows.
    fn of_rows(workloads: Vec<Row>, prices: &RegionPrices) -> Self {
        Self {
            version: VERSION,
            region: prices.region.id.clone(),
            currency: prices.tariff.currency,
            at: prices.at,
            hour: workloads.iter().map(|row| row.hour.clone()).sum(),
            month: workloads.iter().map(|row| row.month.clone()).sum(),
            workloads,
        }
    }

    /// The number of pods that run at once.
    pub fn pods(&self) -> u64 {
        self.workloads.iter().map(|row| u64::from(row.replicas)).sum()
    }

    /// The month, without those whose price is not known, and how many those are.
    pub fn known_month(&self) -> (Decimal, usize) {
        let known = self.workloads.iter().filter_map(|row| row.month.known().ok());
        let sum = known.map(Amount::decimal).fold(Decimal::ZERO, Decimal::saturating_add);
        (sum.normalize(), self.workloads.iter().filter(|row| row.month.known().is_err()).count())
    }

    /// The month of all of it in another way; what is not sold so stays as it is.
    pub fn month_in(&self, way: impl Fn(&Row) -> &Option<Cost>) -> Cost {
        self.workloads.iter().map(|row| way(row).clone().unwrap_or_else(|| row.month.clone())).sum()
    }
}

impl Row {
    /// The row of a workload and the quote of one of its pods.
    pub fn of(workload: &Workload, quote: &Quote, prices: &RegionPrices, job_hours: u32) -> Self {
        let hours = if workload.ends { job_hours.min(HOURS_A_MONTH) } else { HOURS_A_MONTH };
        let month = |hour: &Cost| times(&times(hour, workload.replicas), hours);
        let other = |way| prices.alternative(quote, way).hour().map(&month);
        let waste = prices.waste(quote).and_then(|waste| waste.hour);
        let least = prices.nearby(quote).into_iter().next_back();
        Self {
            kind: workload.kind.clone(),
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            place: workload.place.to_string(),
            replicas: workload.replicas,
            hours_a_month: hours,
            requested: quote.requested.map(Resources::from),
            bought: quote.terms.size.into(),
            instance_type: quote.terms.instance_type().map(str::to_owned),
            basis: basis(&quote.terms),
            hour: times(&quote.hour, workload.replicas),
            month: month(&quote.hour),
            waste: waste.map(|hour| month(&hour)),
            economy: other(Way::Category(Category::Economy)),
            spot: other(Way::Spot),
            cheaper: least.map(|nearby| Cheaper {
                requested: nearby.requested.into(),
                bought: nearby.bought.into(),
                month: month(&Cost::Known(nearby.hour)),
            }),
        }
    }

    /// Kind, namespace and name, by which two estimates are compared.
    pub fn identity(&self) -> (&str, &str, &str) {
        (&self.kind, &self.namespace, &self.name)
    }

    /// The name as one would say it.
    pub fn title(&self) -> String {
        format!("{} {}/{}", self.kind, self.namespace, self.name)
    }

    /// What is bought for one pod: `8-14Gi`, `2-4Gi economy`, `ecs.c5.large`.
    pub fn what(&self) -> String {
        let what = self.instance_type.clone().unwrap_or_else(|| self.bought.spec());
        match self.basis.as_str() {
            "default" | "type" => what,
            basis => format!("{what} {basis}"),
        }
    }

    /// What is asked for one pod.
    pub fn requested(&self) -> String {
        self.requested.map_or_else(|| "nothing".to_owned(), |requested| requested.spec())
    }
}

/// The basis of a price by its name.
fn basis(terms: &InstanceTerms) -> String {
    match &terms.basis {
        Basis::Size(category) => category.name(),
        Basis::Type(_) => "type",
        Basis::Spot(_) => "spot",
    }
    .to_owned()
}

impl From<Size> for Resources {
    fn from(size: Size) -> Self {
        Self { vcpu: vcpu(size.vcpu), gib: gib(size.memory) }
    }
}

impl Resources {
    /// As the cloud's list has it: `7-13Gi`.
    pub fn spec(self) -> String {
        format!("{}-{}Gi", self.vcpu, self.gib)
    }
}

#[cfg(test)]
pub(crate) mod tests;
