//! What is billed, and on which terms: an instance by its size, type or the spot market, a cache, a virtual node.

use std::fmt;
use std::sync::{Arc, LazyLock};

use eci_api::size::{Mebibytes, MilliVcpu};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Hourly;

/// What is billed, with all that its price depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PricingTerms {
    /// A container group's instance.
    Instance(InstanceTerms),
    /// The making of a cache: an instance of 2 vCPU and 4 GiB with a disk of the cache's size.
    CacheBuild {
        /// Kind of the cache.
        cache: CacheKind,
        /// GiB of the disk.
        disk: u32,
        /// GiB of the snapshot of the cache's last state, which is kept meanwhile; 0 for a cache that is new.
        snapshot: u32,
    },
    /// The snapshot that holds a cache.
    Snapshot {
        /// GiB of the snapshot.
        gib: u32,
    },
    /// A virtual node of a self-managed cluster, which costs as an instance of 2 vCPU and 8 GiB does.
    VirtualNode,
}

/// The pricing terms of a container group's instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceTerms {
    /// vCPU and memory.
    pub size: Size,
    /// Basis of the price.
    pub basis: Basis,
    /// GiB of ephemeral storage above the free 30.
    #[serde(default, skip_serializing_if = "is_none")]
    pub extra_storage: u32,
    /// GiB of disk for the image and data caches that it uses.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cache_disk: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(gib: &u32) -> bool {
    *gib == 0
}

/// The basis of an instance's price.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// vCPU and memory, at a category's prices.
    Size(Category),
    /// The ECS type of this name.
    Type(Box<str>),
    /// The spot market.
    Spot(Spot),
}

/// The spot price of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spot {
    /// ECS type that the instance is matched to; `None` where the catalog has none of its size.
    pub instance_type: Option<Box<str>>,
    /// Market price; `None` where no list has one.
    pub hourly: Option<Hourly>,
}

/// The kinds of caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheKind {
    /// An image cache.
    Image,
    /// A data cache.
    Data,
}

/// A size: vCPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Size {
    /// vCPU of the size.
    pub vcpu: MilliVcpu,
    /// Memory of the size.
    pub memory: Mebibytes,
}

/// A pool of machines with a price of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Category {
    /// None was asked for.
    #[default]
    Default,
    /// Cheaper vCPU, 8 at most.
    Economy,
    /// The default's price, 1 vCPU at least.
    General,
}

impl PricingTerms {
    /// The terms of a container group's instance; `None` for all else.
    pub fn instance(&self) -> Option<&InstanceTerms> {
        if let Self::Instance(terms) = self { Some(terms) } else { None }
    }

    /// The terms of a container group's instance, to be changed; `None` for all else.
    pub fn instance_mut(&mut self) -> Option<&mut InstanceTerms> {
        if let Self::Instance(terms) = self { Some(terms) } else { None }
    }

    /// vCPU and memory that are billed; nothing of either for a snapshot.
    pub fn size(&self) -> Size {
        match self {
            Self::Instance(terms) => terms.size,
            Self::CacheBuild { .. } => Size::DEFAULT,
            Self::Snapshot { .. } => Size::default(),
            Self::VirtualNode => Size::VIRTUAL_NODE,
        }
    }

    /// The compute category, by whose prices vCPU and memory are billed.
    pub fn category(&self) -> Category {
        match self.instance().map(|terms| &terms.basis) {
            Some(Basis::Size(category)) => *category,
            _ => Category::Default,
        }
    }

    /// The ECS type that is billed, or that a spot instance is matched to.
    pub fn instance_type(&self) -> Option<&str> {
        self.instance()?.instance_type()
    }

    /// GiB of ephemeral storage above the free 30.
    pub fn extra_storage(&self) -> u32 {
        self.instance().map_or(0, |terms| terms.extra_storage)
    }

    /// The instance spec as the cloud writes it: a size, or an ECS type.
    pub fn what(&self) -> String {
        self.instance_type().map_or_else(|| self.size().to_string(), str::to_owned)
    }
}

impl InstanceTerms {
    /// The terms of a size on a basis, without extra storage or cache disks.
    pub fn of(size: Size, basis: Basis) -> Self {
        Self { size, basis, extra_storage: 0, cache_disk: 0 }
    }

    /// The ECS type that is billed, or that a spot instance is matched to.
    pub fn instance_type(&self) -> Option<&str> {
        match &self.basis {
            Basis::Size(_) => None,
            Basis::Type(name) => Some(name),
            Basis::Spot(spot) => spot.instance_type.as_deref(),
        }
    }

    /// The spot price; `None` for an instance on demand.
    pub fn spot(&self) -> Option<&Spot> {
        if let Basis::Spot(spot) = &self.basis { Some(spot) } else { None }
    }

    /// The instance spec as the cloud writes it: a size, or an ECS type.
    pub fn what(&self) -> String {
        self.instance_type().map_or_else(|| self.size.to_string(), str::to_owned)
    }

    /// The spot instance as an item of a price list.
    pub fn spot_item(&self) -> String {
        format!("{} as a spot instance", self.what())
    }
}

impl From<InstanceTerms> for PricingTerms {
    fn from(terms: InstanceTerms) -> Self {
        Self::Instance(terms)
    }
}

impl Size {
    /// The size of a group that asks for nothing: 2 vCPU and 4 GiB.
    pub const DEFAULT: Self = Self { vcpu: MilliVcpu(2000), memory: Mebibytes(4096) };
    /// The size as which a virtual node is billed: 2 vCPU and 8 GiB.
    pub const VIRTUAL_NODE: Self = Self { vcpu: MilliVcpu(2000), memory: Mebibytes(8192) };
}

impl Category {
    /// The category of this name; the default for the empty name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::Default),
            "economy" => Some(Self::Economy),
            "general" => Some(Self::General),
            _ => None,
        }
    }

    /// The name in the price table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Economy => "economy",
            Self::General => "general",
        }
    }

    /// The name in the price table, as lines of a bill share it.
    pub fn shared_name(self) -> Arc<str> {
        static NAMES: LazyLock<[Arc<str>; 3]> = LazyLock::new(|| {
            [Category::Default, Category::Economy, Category::General].map(|category| category.name().into())
        });
        let [default, economy, general] = &*NAMES;
        Arc::clone(match self {
            Self::Default => default,
            Self::Economy => economy,
            Self::General => general,
        })
    }

    /// The name in the API.
    pub fn wire_name(self) -> &'static str {
        if self == Self::Default { "" } else { self.name() }
    }
}

/// As the cloud writes it back: `2.0-4.0Gi`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Decimal| {
            let value = value.normalize();
            if value.scale() == 0 { format!("{value}.0") } else { value.to_string() }
        };
        write!(f, "{}-{}Gi", number(self.vcpu.vcpu().0), number(self.memory.gib().0))
    }
}

impl fmt::Display for CacheKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image cache",
            Self::Data => "data cache",
        })
    }
}

impl fmt::Display for PricingTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(terms) => terms.fmt(f),
            Self::CacheBuild { cache, disk, .. } => write!(f, "{cache} of {disk} GiB being built"),
            Self::Snapshot { gib } => write!(f, "snapshot of {gib} GiB"),
            Self::VirtualNode => f.write_str("virtual node"),
        }
    }
}

impl fmt::Display for InstanceTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size)?;
        if let Basis::Size(category @ (Category::Economy | Category::General)) = self.basis {
            write!(f, " {}", category.name())?;
        }
        if let Some(name) = self.instance_type() {
            write!(f, " {name}")?;
        }
        if self.extra_storage > 0 {
            write!(f, " +{} GiB storage", self.extra_storage)?;
        }
        match self.spot().map(|spot| spot.hourly) {
            Some(Some(Hourly { amount, .. })) => write!(f, " spot at {amount} an hour")?,
            Some(None) => f.write_str(" spot at a price that is not known")?,
            None => {}
        }
        if self.cache_disk > 0 {
            write!(f, " +{} GiB of caches", self.cache_disk)?;
        }
        Ok(())
    }
}
