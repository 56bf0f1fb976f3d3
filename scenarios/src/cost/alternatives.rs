//! What else could be bought: the same request in other categories and on the spot market, and requests nearby that cost
//! less; pure.

use std::collections::BTreeSet;

use eci_api::actions::CreateContainerGroup;
use eci_sim::catalog::{CATALOG, Pool};
use eci_sim::terms::{Basis, Category, InstanceTerms, Size};
use eci_sim::{Amount, Cost, Refusal};
use rust_decimal::Decimal;

use super::quote::{Quote, RegionPrices};

/// Requests nearby that are shown, at most.
const NEARBY_MAX: usize = 3;
/// What a nearby request keeps of vCPU and of memory at least, in thousandths (ours: a quarter less is still the same kind of
/// pod).
const NEARBY_KEEPS: u64 = 750;

/// A way to buy the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In a category.
    Category(Category),
    /// On the spot market.
    Spot,
}

/// The same request in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alternative {
    /// It is sold so.
    Sold {
        /// The terms.
        terms: InstanceTerms,
        /// The price of an hour.
        hour: Cost,
    },
    /// It is not sold so, and why.
    NotSold(Box<Refusal>),
}

/// A request nearby that costs less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearby {
    /// What to ask for.
    pub requested: Size,
    /// The size that is bought then.
    pub bought: Size,
    /// The price of an hour of it.
    pub hour: Amount,
}

impl Way {
    /// All ways, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Category(Category::Default),
        Self::Category(Category::Economy),
        Self::Category(Category::General),
        Self::Spot,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Category(category) => category.name(),
            Self::Spot => "spot",
        }
    }

    /// True when these terms are bought in this way.
    pub fn is_of(self, terms: &InstanceTerms) -> bool {
        match &terms.basis {
            Basis::Size(category) => self == Self::Category(*category),
            Basis::Spot(_) => self == Self::Spot,
            Basis::Type(_) => false,
        }
    }
}

impl Alternative {
    /// The price of an hour; `None` where it is not sold so.
    pub fn hour(&self) -> Option<&Cost> {
        match self {
            Self::Sold { hour, .. } => Some(hour),
            Self::NotSold(_) => None,
        }
    }
}

impl RegionPrices {
    /// The request of a quote, bought in another way.
    pub fn alternative(&self, quote: &Quote, way: Way) -> Alternative {
        let mut request = CreateContainerGroup {
            instance_type: None,
            compute_category: Vec::new(),
            spot_strategy: None,
            spot_price_limit: None,
            ..quote.request.clone()
        };
        match way {
            Way::Category(Category::Default) => {}
            Way::Category(category) => request.compute_category = vec![category.name().to_owned()],
            Way::Spot => request.spot_strategy = Some("SpotAsPriceGo".to_owned()),
        }
        match self.quote_request(request) {
            Ok(Quote { terms, hour, .. }) => Alternative::Sold { terms, hour },
            Err(refusal) => Alternative::NotSold(Box::new(refusal)),
        }
    }

    /// Requests nearby that cost less than the quote, the nearest first: each keeps at least three quarters of the vCPU and
    /// of the memory, and costs less than those before it. Only for what is priced by vCPU and memory.
    pub fn nearby(&self, quote: &Quote) -> Vec<Nearby> {
        let (Basis::Size(category), Some(requested)) = (&quote.terms.basis, quote.requested) else {
            return Vec::new();
        };
        let Ok(price) = quote.hour.known() else { return Vec::new() };
        let categories = [*category];
        let pool = Pool::Categories(&categories);
        let mut tried = BTreeSet::new();
        let mut candidates = Vec::new();
        for pair in CATALOG.pairs(self.region, pool) {
            let wish = wish(requested, pair.size);
            if !tried.insert(wish) || lack(requested, wish).is_none() {
                continue;
            }
            let Ok(bought) = CATALOG.fit(self.region, wish, pool) else { continue };
            let terms = InstanceTerms { size: bought, ..quote.terms.clone() };
            if let Ok(hour) = self.hour(&terms).known()
                && hour < price
            {
                candidates.push(Nearby { requested: wish, bought, hour });
            }
        }
        candidates.sort_by_key(|nearby| (lack(requested, nearby.requested), nearby.hour));
        let mut kept: Vec<Nearby> = Vec::new();
        for candidate in candidates {
            if kept.last().is_none_or(|last| candidate.hour < last.hour) {
                kept.push(candidate);
            }
        }
        kept.truncate(NEARBY_MAX);
        kept
    }
}

/// The request that leads to a size and gives up as little as it can: the size itself where it has all that is asked for.
fn wish(requested: Size, sold: Size) -> Size {
    if sold.vcpu >= requested.vcpu && sold.memory >= requested.memory {
        return sold;
    }
    Size { vcpu: requested.vcpu.min(sold.vcpu), memory: requested.memory.min(sold.memory) }
}

/// What a wish gives up of vCPU and of memory, in thousandths of each, added; `None` where that is too much.
fn lack(requested: Size, wish: Size) -> Option<u64> {
    let one = |requested: u32, wish: u32| {
        let kept =
            if wish >= requested { 1000 } else { u64::from(wish) * 1000 / u64::from(requested.max(1)) };
        (kept >= NEARBY_KEEPS).then(|| 1000 - kept)
    };
    Some(one(requested.vcpu.0, wish.vcpu.0)? + one(requested.memory.0, wish.memory.0)?)
}

/// The part that is saved, in whole percent.
pub fn saved_percent(before: Amount, after: Amount) -> Decimal {
    if before == Amount::ZERO {
        return Decimal::ZERO;
    }
    ((before.decimal() - after.decimal()) * Decimal::ONE_HUNDRED / before.decimal()).round()
}

#[cfg(test)]
mod tests;
