//! The terms that a request accepts, the most desired first: types in their order, else one size by vCPU and memory.

use eci_api::actions::CreateContainerGroup;
use jiff::Timestamp;

use crate::catalog::{Architecture, CATALOG, InstanceType, Pool, Region};
use crate::group::order;
use crate::prices::{Location, Tariff};
use crate::refusal::Refusal;
use crate::terms::{Basis, Category, InstanceTerms, Size, Spot};

/// ECS types of a request, at most (specs.md, section 4).
const TYPES_MAX: usize = 5;
/// Decimals of the limit of a spot price, at most (billing.md, section 6).
const LIMIT_DECIMALS: u32 = 3;

/// What the choice of terms looks at besides the request.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    /// Region of the call.
    pub region: &'a Region,
    /// Price lists.
    pub tariff: &'a Tariff,
    /// Present instant.
    pub now: Timestamp,
}

impl Offer<'_> {
    /// A zone of the region; the region as a whole for the empty name.
    pub fn location<'a>(&'a self, zone: &'a str) -> Location<'a> {
        Location { region: &self.region.id, zone }
    }
}

/// The terms that are acceptable, the most desired first, each with the size that is sold. A spot price is that of no zone
/// yet, and so not known.
///
/// # Errors
/// [`Refusal`] where none is.
pub fn terms(
    request: &CreateContainerGroup,
    asked: Size,
    offer: Offer<'_>,
) -> Result<Vec<InstanceTerms>, Refusal> {
    let extra_storage = request.ephemeral_storage.and_then(|gib| u32::try_from(gib).ok()).unwrap_or(0);
    let desired = Desired::of(request, asked)?;
    let all = match desired.types.as_slice() {
        [] if desired.architecture == Some(Architecture::Arm64) => vec![desired.arm()?],
        [] => desired.sizes(offer)?,
        types => desired.of_types(types)?,
    };
    Ok(all.into_iter().map(|terms| InstanceTerms { extra_storage, ..terms }).collect())
}

/// What a request wants of its instance.
struct Desired {
    size: Size,
    types: Vec<&'static InstanceType>,
    categories: Vec<Category>,
    architecture: Option<Architecture>,
    spot: bool,
    /// The container that asks for most GPUs: its parameter, and how many.
    gpus: Option<(String, i32)>,
}

impl Desired {
    fn of(request: &CreateContainerGroup, size: Size) -> Result<Self, Refusal> {
        let categories = request.compute_category.iter().filter(|name| !name.is_empty());
        let category = |name: &String| {
            let why =
                || Refusal::invalid("ComputeCategory", format!("`{name}` should be economy or general"));
            Category::named(name).ok_or_else(why)
        };
        let architecture = request.cpu_architecture.as_deref().filter(|text| !text.is_empty());
        let desired = Self {
            size,
            types: instance_types(request.instance_type.as_deref())?,
            categories: categories.map(category).collect::<Result<_, _>>()?,
            architecture: architecture.and_then(|text| text.parse().ok()),
            spot: request.spot_strategy.as_deref().is_some_and(order::is_spot),
            gpus: gpus(request),
        };
        check_limit(request)?;
        match desired.conflict() {
            Some(parameters) => Err(Refusal::Conflict(parameters.to_owned())),
            None => Ok(desired),
        }
    }

    /// Parameters that exclude each other (specs.md, section 3.5).
    fn conflict(&self) -> Option<&'static str> {
        if self.categories.is_empty() {
            return None;
        }
        if self.spot {
            return Some("SpotStrategy, ComputeCategory");
        }
        (self.architecture == Some(Architecture::Arm64) && self.types.is_empty())
            .then_some("CpuArchitecture, ComputeCategory")
    }

    /// The terms of those types of the list that hold what the containers ask for, in the list's order.
    fn of_types(&self, types: &[&'static InstanceType]) -> Result<Vec<InstanceTerms>, Refusal> {
        let each: Vec<Result<InstanceTerms, Refusal>> = types.iter().map(|kind| self.of_type(kind)).collect();
        if each.iter().any(Result::is_ok) {
            return Ok(each.into_iter().flatten().collect());
        }
        each.into_iter().collect()
    }

    fn of_type(&self, kind: &InstanceType) -> Result<InstanceTerms, Refusal> {
        if let Some(asked) = self.architecture.filter(|asked| *asked != kind.architecture) {
            let (has, requested) = (kind.architecture.to_string(), asked.to_string());
            return Err(Refusal::OtherArchitecture { kind: kind.name.clone(), has, requested });
        }
        if self.size.vcpu > kind.size.vcpu || self.size.memory > kind.size.memory {
            let why = format!("the containers ask for more than {} has", kind.name);
            return Err(Refusal::invalid("InstanceType", why));
        }
        if let Some((parameter, asked)) = self.gpus.as_ref().filter(|(_, asked)| *asked > kind.gpus) {
            let why = format!("{asked} GPUs asked; {} has {}", kind.name, kind.gpus);
            return Err(Refusal::invalid(parameter, why));
        }
        if self.spot && !kind.spot {
            return Err(Refusal::NoSuchType(format!("{} is not sold as a spot instance", kind.name)));
        }
        let name: Box<str> = kind.name.as_str().into();
        let basis = match self.spot {
            true => Basis::Spot(Spot { instance_type: Some(name), hourly: None }),
            false => Basis::Type(name),
        };
        Ok(InstanceTerms::of(kind.size, basis))
    }

    fn arm(&self) -> Result<InstanceTerms, Refusal> {
        self.of_type(CATALOG.fit_arm(self.size)?)
    }

    /// The size that fits, once in each category that sells it.
    fn sizes(&self, offer: Offer<'_>) -> Result<Vec<InstanceTerms>, Refusal> {
        if let Some((parameter, asked)) = &self.gpus {
            let why = format!("{asked} GPUs asked; name a type that has as many in InstanceType");
            return Err(Refusal::invalid(parameter, why));
        }
        if self.spot {
            return Ok(vec![spot(self.size, offer)?]);
        }
        let categories: &[Category] = match self.categories.as_slice() {
            [] => &[Category::Default],
            categories => categories,
        };
        let size = CATALOG.fit(offer.region, self.size, Pool::Categories(categories))?;
        let selling = categories.iter().filter(|category| CATALOG.sells(offer.region, size, **category));
        Ok(selling.map(|category| InstanceTerms::of(size, Basis::Size(*category))).collect())
    }
}

/// The terms of a spot instance of the smallest size that is sold as one and fits, with the type that it is matched to.
///
/// # Errors
/// [`Refusal`] where none is as large.
pub fn spot(asked: Size, offer: Offer<'_>) -> Result<InstanceTerms, Refusal> {
    let size = CATALOG.fit(offer.region, asked, Pool::Spot).map_err(Refusal::NoSpotSize)?;
    let name = offer.tariff.spot_type(size, offer.location(""), offer.now);
    let spot = Spot { instance_type: name.map(Into::into), hourly: None };
    Ok(InstanceTerms::of(size, Basis::Spot(spot)))
}

/// The container that asks for the most GPUs, which all containers of a group share (eci-openapi.md, section 8).
fn gpus(request: &CreateContainerGroup) -> Option<(String, i32)> {
    let of = |list: &str, index: usize, gpus: Option<i32>| {
        let gpus = gpus.filter(|gpus| *gpus > 0)?;
        Some((format!("{list}.{}.Gpu", index + 1), gpus))
    };
    let containers = request.container.iter().enumerate().filter_map(|(at, c)| of("Container", at, c.gpu));
    let inits = request.init_container.iter().enumerate();
    containers.chain(inits.filter_map(|(at, c)| of("InitContainer", at, c.gpu))).max_by_key(|(_, gpus)| *gpus)
}

/// Fails for a limit of the spot price that is finer than prices are.
fn check_limit(request: &CreateContainerGroup) -> Result<(), Refusal> {
    match request.spot_price_limit.filter(|limit| limit.0.normalize().scale() > LIMIT_DECIMALS) {
        Some(limit) => {
            let why = format!("`{limit}` should have {LIMIT_DECIMALS} decimals at most");
            Err(Refusal::invalid("SpotPriceLimit", why))
        }
        None => Ok(()),
    }
}

/// ECS types of a list with commas; each has to be sold, and GPU and Arm types stand with their own kind.
///
/// # Errors
/// [`Refusal`] for a list that cannot be.
pub fn instance_types(names: Option<&str>) -> Result<Vec<&'static InstanceType>, Refusal> {
    let names = names.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let kind = |name: &str| CATALOG.instance_type(name).ok_or_else(|| Refusal::NoSuchType(name.to_owned()));
    let types = names.map(kind).collect::<Result<Vec<_>, _>>()?;
    if types.len() > TYPES_MAX {
        let why = format!("{} types; {TYPES_MAX} at most", types.len());
        return Err(Refusal::invalid("InstanceType", why));
    }
    let sort = |kind: &InstanceType| (kind.gpus > 0, kind.architecture);
    match types.windows(2).find(|pair| sort(pair[0]) != sort(pair[1])) {
        Some(pair) => {
            let why = format!(
                "{} and {} are of two kinds; GPU and Arm types stand alone",
                pair[0].name, pair[1].name
            );
            Err(Refusal::invalid("InstanceType", why))
        }
        None => Ok(types),
    }
}
