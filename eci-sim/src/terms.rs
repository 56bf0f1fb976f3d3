//! The pricing terms of an instance: size, category, and all else that its price depends on.

use std::fmt;

use eci_api::size::{Mebibytes, MilliVcpu};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Currency;

/// The pricing terms of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PricingTerms {
    /// vCPU and memory.
    pub size: Size,
    /// Pool of machines.
    pub category: Category,
    /// ECS type whose price applies, where one was asked for.
    pub instance_type: Option<Box<str>>,
    /// GiB of ephemeral storage above the free 30.
    pub extra_storage: u32,
    /// Price of an hour as a spot instance.
    pub spot: Option<Decimal>,
    /// Currency of the price list that spot prices refer to.
    pub currency: Currency,
    /// GiB of disk for image and data caches.
    pub cache_disk: u32,
    /// GiB of the snapshot that holds a cache.
    pub snapshot: u32,
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
    /// The instance spec as the cloud writes it: a size, or an ECS type.
    pub fn what(&self) -> String {
        self.instance_type.as_deref().map_or_else(|| self.size.to_string(), str::to_owned)
    }
}

impl Size {
    /// The size of a group that asks for nothing: 2 vCPU and 4 GiB.
    pub const DEFAULT: Self = Self { vcpu: MilliVcpu(2000), memory: Mebibytes(4096) };
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

impl fmt::Display for PricingTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size)?;
        if self.category != Category::Default {
            write!(f, " {}", self.category.name())?;
        }
        if let Some(name) = &self.instance_type {
            write!(f, " {name}")?;
        }
        if self.extra_storage > 0 {
            write!(f, " +{} GiB storage", self.extra_storage)?;
        }
        if let Some(hourly) = self.spot {
            write!(f, " spot at {hourly} an hour")?;
        }
        if self.cache_disk > 0 {
            write!(f, " +{} GiB of caches", self.cache_disk)?;
        }
        Ok(())
    }
}
