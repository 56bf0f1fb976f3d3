//! The explanation of one workload's size and price, in one region or several; also the document that `--json` writes.

use eci_sim::Cost;
use eci_sim::catalog::{CATALOG, Pool};
use eci_sim::money::Currency;
use eci_sim::terms::Basis;
use rust_decimal::Decimal;
use serde::Serialize;

use super::sidecar::Sidecar;
use super::sum::Sum;
use crate::cost::alternatives::{Alternative, Way};
use crate::cost::estimate::Resources;
use crate::cost::figures;
use crate::cost::quote::{NotSold, Quote, RegionPrices};
use crate::cost::workload::Workload;

/// The explanation of one workload.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// The kind, as `Deployment`.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The file and row.
    pub place: String,
    /// The number of pods that run at once.
    pub replicas: u32,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What was summed.
    pub sum: Sum,
    /// The size that one pod asks for; nothing where it declares none.
    pub requested: Option<Resources>,
    /// GiB of ephemeral storage beyond the free 30.
    pub extra_storage: u32,
    /// What is bought, region by region.
    pub regions: Vec<InRegion>,
    /// What an injected sidecar costs, in the first region.
    pub sidecar: SidecarCost,
}

/// What is bought for one pod in a region. Amounts are those of an hour.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InRegion {
    /// The region.
    pub region: String,
    /// The size that is bought.
    pub bought: Resources,
    /// The size or type, as the cloud's list has it.
    pub what: String,
    /// The reason for it.
    pub why: String,
    /// The price.
    pub hour: Cost,
    /// The bought that nobody asked for.
    pub waste: Option<Waste>,
    /// The prices of the same request in all ways.
    pub prices: Vec<Price>,
    /// Requests nearby that cost less.
    pub cheaper: Vec<Cheaper>,
}

/// The bought that nobody asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waste {
    /// vCPU and GiB.
    #[serde(flatten)]
    pub size: Resources,
    /// The price of it; nothing where it has none by vCPU and memory.
    pub hour: Option<Cost>,
}

/// The price of the same request in one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Price {
    /// `default`, `economy`, `general` or `spot`.
    pub way: &'static str,
    /// True for the way in which it is bought.
    pub is_bought: bool,
    /// The size or type; nothing where it is not sold so.
    pub what: Option<String>,
    /// The price; nothing where it is not sold so.
    pub hour: Option<Cost>,
    /// The reason why it is not sold so, or what is to be known about the price.
    pub remark: Option<String>,
}

/// A request nearby that costs less.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cheaper {
    /// What to ask for.
    pub requested: Resources,
    /// The size that is bought then.
    pub what: String,
    /// The price.
    pub hour: Cost,
    /// What is saved, in percent.
    pub saved_percent: Decimal,
}

/// What an injected sidecar costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SidecarCost {
    /// CPU and memory of it.
    pub requested: String,
    /// The size or type that is bought with it; nothing where the pod is too large then.
    pub what: Option<String>,
    /// What an hour costs more, where both prices are known.
    pub more: Option<Decimal>,
    /// The same where it asks to be ignored.
    pub more_when_ignored: Option<Decimal>,
    /// What is to be known about it.
    pub remark: Option<String>,
}

impl Explanation {
    /// Explains a workload; `by_region` are the prices of each region, of which there is at least one.
    ///
    /// # Errors
    /// [`NotSold`] in the first region in which it cannot be bought.
    pub fn of(
        workload: &Workload,
        by_region: &[RegionPrices],
        sidecar: &Sidecar,
    ) -> Result<Option<Self>, NotSold> {
        let Some(first) = by_region.first() else { return Ok(None) };
        let quote = first.quote(&workload.pod)?;
        let regions =
            by_region.iter().map(|prices| InRegion::of(workload, prices)).collect::<Result<_, _>>()?;
        Ok(Some(Self {
            kind: workload.kind.clone(),
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            place: workload.place.to_string(),
            replicas: workload.replicas,
            currency: first.tariff.currency,
            sum: Sum::of(&workload.pod),
            requested: quote.requested.map(Resources::from),
            extra_storage: quote.terms.extra_storage,
            regions,
            sidecar: SidecarCost::of(workload, &quote, first, sidecar),
        }))
    }
}

impl InRegion {
    fn of(workload: &Workload, prices: &RegionPrices) -> Result<Self, NotSold> {
        let quote = prices.quote(&workload.pod)?;
        let waste = prices.waste(&quote).map(|waste| Waste { size: waste.size.into(), hour: waste.hour });
        let price = quote.hour.known().ok();
        let cheaper = prices.nearby(&quote).into_iter().map(|nearby| Cheaper {
            requested: nearby.requested.into(),
            what: figures::spec(nearby.bought),
            hour: Cost::Known(nearby.hour),
            saved_percent: price
                .map_or(Decimal::ZERO, |price| crate::cost::alternatives::saved_percent(price, nearby.hour)),
        });
        Ok(Self {
            region: prices.region.id.clone(),
            bought: quote.terms.size.into(),
            what: what(&quote),
            why: why(&quote, prices, workload),
            hour: quote.hour.clone(),
            waste,
            prices: Way::ALL.iter().map(|way| Price::of(*way, &quote, prices)).collect(),
            cheaper: cheaper.collect(),
        })
    }
}

impl Price {
    fn of(way: Way, quote: &Quote, prices: &RegionPrices) -> Self {
        let (name, is_bought) = (way.name(), way.is_of(&quote.terms));
        match prices.alternative(quote, way) {
            Alternative::Sold { terms, hour } => {
                let unknown = hour.known().err().map(|why| why.to_string());
                let what = match terms.instance_type() {
                    Some(kind) => format!("{} as {kind}", figures::spec(terms.size)),
                    None => figures::spec(terms.size),
                };
                let guess = (way == Way::Spot)
                    .then(|| "three tenths of the list price, as the local ECI takes it".to_owned());
                let remark = unknown.or(guess);
                Self { way: name, is_bought, what: Some(what), hour: Some(hour), remark }
            }
            Alternative::NotSold(why) => {
                let remark = Some(NotSold::from(*why).to_string());
                Self { way: name, is_bought, what: None, hour: None, remark }
            }
        }
    }
}

impl SidecarCost {
    fn of(workload: &Workload, quote: &Quote, prices: &RegionPrices, sidecar: &Sidecar) -> Self {
        let put = |ignored| sidecar.put_into(&workload.pod, quote, prices, ignored);
        let more_when_ignored = put(true).ok().and_then(|with| with.more);
        let requested = sidecar.to_string();
        match put(false) {
            Ok(with) => {
                let becomes = quote.requested.is_none() && with.quote.requested.is_some();
                let remark = becomes.then(|| {
                    "the others declare nothing, so what the sidecar asks for is all that is bought"
                        .to_owned()
                });
                Self { requested, what: Some(what(&with.quote)), more: with.more, more_when_ignored, remark }
            }
            Err(why) => {
                Self { requested, what: None, more: None, more_when_ignored, remark: Some(why.to_string()) }
            }
        }
    }
}

/// What is bought: a size or a type.
fn what(quote: &Quote) -> String {
    match &quote.terms.basis {
        Basis::Size(_) => figures::spec(quote.terms.size),
        _ => quote.terms.instance_type().map_or_else(|| figures::spec(quote.terms.size), str::to_owned),
    }
}

/// The reason for what is bought.
fn why(quote: &Quote, prices: &RegionPrices, workload: &Workload) -> String {
    let bought = quote.terms.size;
    let says = |key| provider::pods::annotations::of(&workload.pod, key).is_some();
    let names_type = says("eci-use-specs") || says("eci-instance-type");
    match (&quote.terms.basis, quote.requested) {
        (Basis::Type(_), _) if quote.request.instance_type.is_none() => {
            "Arm is sold by ECS types alone; the smallest that has as much".to_owned()
        }
        (Basis::Type(_), _) if !names_type => {
            "the first ECS type that fits the GPUs, card, family or generation asked for".to_owned()
        }
        (Basis::Type(_), _) => {
            "the ECS type that the annotation names first, and that has as much".to_owned()
        }
        (Basis::Spot(_), _) => "the smallest size that is sold on the spot market and has as much".to_owned(),
        (Basis::Size(_), None) => "nothing is declared; the cloud takes 2 vCPU, 4 GiB then".to_owned(),
        (Basis::Size(_), Some(requested)) if requested == bought => "sold as it is asked for".to_owned(),
        (Basis::Size(category), Some(requested)) => {
            let text = format!(
                "{} is not sold; the fewest vCPU with enough memory, then the least",
                figures::spec(requested)
            );
            let elsewhere = CATALOG.regions().filter(|other| other.fine_sizes != prices.region.fine_sizes);
            let categories = [*category];
            let smaller = elsewhere.filter_map(|other| {
                let fits = CATALOG.fit(other, requested, Pool::Categories(&categories)).ok()?;
                (fits < bought).then(|| format!("{text} ({} in {})", figures::spec(fits), other.id))
            });
            let mut smaller: Vec<_> = smaller.collect();
            // The region that is known best, where several sell it.
            smaller.sort_by_key(|text| !text.ends_with("cn-hangzhou)"));
            smaller.into_iter().next().unwrap_or(text)
        }
    }
}

#[cfg(test)]
mod tests;
