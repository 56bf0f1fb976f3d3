//! A quote: what is bought for a pod, and the price of an hour; pure.

use eci_api::actions::CreateContainerGroup;
use eci_sim::catalog::{NoMatchingSize, Region};
use eci_sim::group::order;
use eci_sim::market::Market;
use eci_sim::money::Charge;
use eci_sim::prices::{Location, Tariff};
use eci_sim::serving::acceptable::{self, Offer};
use eci_sim::terms::{Basis, InstanceTerms, PricingTerms, Size};
use eci_sim::{Cost, Refusal, billing};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use provider::config::Architecture;
use provider::pods::request::{RequestError, purchase};

/// The label of a node's processor architecture.
const ARCHITECTURE: &str = "kubernetes.io/arch";
/// Seconds of an hour.
const HOUR: u64 = 3600;

/// The prices of a region at an instant.
#[derive(Debug, Clone)]
pub struct RegionPrices {
    /// Price lists, and their currency.
    pub tariff: Tariff,
    /// Region.
    pub region: &'static Region,
    /// Instant at which the prices hold.
    pub at: Timestamp,
}

/// What is bought for a pod.
#[derive(Debug, Clone)]
pub struct Quote {
    /// The size that is asked for; `None` where nothing is declared.
    pub requested: Option<Size>,
    /// The size that is sold, and the basis of its price.
    pub terms: InstanceTerms,
    /// The price of an hour.
    pub hour: Cost,
    /// The request for it.
    pub request: CreateContainerGroup,
}

/// The bought that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waste {
    /// vCPU and memory.
    pub size: Size,
    /// The price of an hour of it; `None` for what is not priced by vCPU and memory.
    pub hour: Option<Cost>,
}

/// A pod that cannot be bought.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSold {
    /// The virtual node refuses it.
    #[error("no virtual node runs this pod: {0}")]
    Node(#[from] RequestError),
    /// Nothing that is sold is as large.
    #[error("{0}")]
    TooLarge(NoMatchingSize),
    /// The cloud refuses it.
    #[error("{0}")]
    Cloud(Box<Refusal>),
}

impl From<Refusal> for NotSold {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchSize(size) | Refusal::NoSpotSize(size) => Self::TooLarge(size),
            other => Self::Cloud(Box::new(other)),
        }
    }
}

impl RegionPrices {
    /// The quote for a pod.
    ///
    /// # Errors
    /// [`NotSold`].
    pub fn quote(&self, pod: &Pod) -> Result<Quote, NotSold> {
        Ok(self.quote_request(purchase::of_pod(pod, architecture(pod))?)?)
    }

    /// The quote for a request.
    ///
    /// # Errors
    /// [`Refusal`] for what is not sold.
    pub fn quote_request(&self, request: CreateContainerGroup) -> Result<Quote, Refusal> {
        let requested = order::size(&request)?;
        let offer = Offer { region: self.region, tariff: &self.tariff, now: self.at };
        let wanted = acceptable::terms(&request, requested, offer)?;
        let terms = wanted.into_iter().next().ok_or_else(|| Refusal::missing("Cpu"))?;
        let terms = self.at_market(terms);
        let requested = Some(requested).filter(|requested| *requested != Size::default());
        Ok(Quote { requested, hour: self.hour(&terms), terms, request })
    }

    /// The price of an hour on these terms.
    pub fn hour(&self, terms: &InstanceTerms) -> Cost {
        let terms = PricingTerms::from(terms.clone());
        let parts = billing::price::price(&terms, self.location(), &self.tariff, self.at, HOUR);
        parts.map(|parts| parts.iter().map(|part| part.charge).sum::<Charge>().rounded()).into()
    }

    /// The terms with the market's price, where they are a spot instance's: without a market, what the local ECI takes.
    fn at_market(&self, terms: InstanceTerms) -> InstanceTerms {
        let Some(mut spot) = terms.spot().cloned() else { return terms };
        spot.hourly = Market::default().spot_price(&terms, self.location(), &self.tariff, self.at).ok();
        InstanceTerms { basis: Basis::Spot(spot), ..terms }
    }

    fn location(&self) -> Location<'_> {
        Location { region: &self.region.id, zone: "" }
    }

    /// The bought that nobody asked for; `None` where nothing was declared, since then nobody knows what is needed.
    pub fn waste(&self, quote: &Quote) -> Option<Waste> {
        let (requested, bought) = (quote.requested?, quote.terms.size);
        let vcpu = bought.vcpu.0.saturating_sub(requested.vcpu.0);
        let memory = bought.memory.0.saturating_sub(requested.memory.0);
        let size = Size { vcpu: eci_api::size::MilliVcpu(vcpu), memory: eci_api::size::Mebibytes(memory) };
        let hour = match &quote.terms.basis {
            Basis::Size(category) => Some(self.hour(&InstanceTerms::of(size, Basis::Size(*category)))),
            Basis::Type(_) | Basis::Spot(_) => None,
        };
        Some(Waste { size, hour })
    }
}

/// The architecture of the node that the pod is for.
fn architecture(pod: &Pod) -> Architecture {
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    let named = selector.and_then(|selector| selector.get(ARCHITECTURE));
    named.and_then(|name| name.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
