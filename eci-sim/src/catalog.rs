//! The catalog: sizes, ECS types and regions from `data/{sizes,regions}.csv`, and the smallest size that fits.

mod rows;
pub mod table;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use eci_api::size::{Mebibytes, MilliVcpu};

use crate::terms::{Category, Size};
use rows::{REGION_COLUMNS, SIZE_COLUMNS, insert, instance_type, pair, region};
use table::TableError;

/// The tables, read once.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| match Catalog::compiled_in() {
    Ok(catalog) => catalog,
    // The programs read the tables when they start, and a test reads them whole.
    Err(error) => panic!("the compiled-in catalog cannot be read: {error}"),
});

/// All sizes, types and regions.
#[derive(Debug)]
pub struct Catalog {
    /// vCPU and memory pairs, by vCPU, then memory.
    pairs: Vec<Pair>,
    types: BTreeMap<String, InstanceType>,
    regions: BTreeMap<String, Region>,
}

/// One vCPU and memory pair of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The pair.
    pub size: Size,
    fine: bool,
    economy: bool,
    general: bool,
    spot: bool,
}

/// An ECS instance type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceType {
    /// Name, as `ecs.c6.large`.
    pub name: String,
    /// vCPU and memory.
    pub size: Size,
    /// Number of GPUs.
    pub gpus: i32,
    /// Architecture of its processors.
    pub architecture: Architecture,
    /// Sold as a spot instance.
    pub spot: bool,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// x86.
    Amd64,
    /// Arm.
    Arm64,
}

/// A region that sells ECI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Region id, as `cn-hangzhou`.
    pub id: String,
    /// Host of its endpoint.
    pub endpoint: String,
    /// Zone ids.
    pub zones: Vec<String>,
    /// Prefix of ids made there, after `eci-`.
    pub id_prefix: String,
    /// Sells the sizes of the fine table.
    pub fine_sizes: bool,
}

/// The machines among which a size is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool<'a> {
    /// Machines of these compute categories; at least one.
    Categories(&'a [Category]),
    /// Machines that are sold as spot instances.
    Spot,
}

/// A size that no product fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMatchingSize {
    /// Larger than anything that is sold.
    #[error(
        "{vcpu}, {memory} asked; the largest size sold{of} is {largest}; ask for less or split the group"
    )]
    TooLarge {
        /// vCPU that were asked for.
        vcpu: MilliVcpu,
        /// Memory that was asked for.
        memory: Mebibytes,
        /// Suffix of the message, ` in the category …` or nothing.
        of: &'static str,
        /// Largest size there is.
        largest: Size,
    },
}

impl Catalog {
    /// The tables that are compiled in.
    ///
    /// # Errors
    /// [`TableError`] with the first row that is broken.
    pub fn compiled_in() -> Result<Self, TableError> {
        Self::read(include_str!("../data/sizes.csv"), include_str!("../data/regions.csv"))
    }

    fn read(sizes: &str, regions: &str) -> Result<Self, TableError> {
        let mut catalog = Self { pairs: Vec::new(), types: BTreeMap::new(), regions: BTreeMap::new() };
        for row in table::rows("sizes.csv", sizes, &SIZE_COLUMNS)? {
            if row.one_of("kind", &["pair", "type"])? == 0 {
                catalog.pairs.push(pair(&row)?);
            } else {
                let kind = instance_type(&row)?;
                insert(&mut catalog.types, kind.name.clone(), kind, &row)?;
            }
        }
        catalog.pairs.sort_by_key(|pair| pair.size);
        for row in table::rows("regions.csv", regions, &REGION_COLUMNS)? {
            let region = region(&row)?;
            insert(&mut catalog.regions, region.id.clone(), region, &row)?;
        }
        Ok(catalog)
    }

    /// A region by its id.
    pub fn region(&self, id: &str) -> Option<&Region> {
        self.regions.get(id)
    }

    /// All regions, by id.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// An ECS type by its name.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.types.get(name)
    }

    /// All ECS types, by name.
    pub fn instance_types(&self) -> impl Iterator<Item = &InstanceType> {
        self.types.values()
    }

    /// The pairs that a region sells from a pool, by vCPU, then memory.
    pub fn pairs<'a>(&'a self, region: &Region, pool: Pool<'a>) -> impl Iterator<Item = &'a Pair> {
        let fine = region.fine_sizes;
        self.pairs.iter().filter(move |pair| (fine || !pair.fine) && pair.is_in(pool))
    }

    /// The smallest size that fits: the fewest vCPU that come with enough memory, then the least memory. Of several
    /// categories it is looked for among what any of them sells (specs.md, section 3.6).
    ///
    /// # Errors
    /// [`NoMatchingSize`] when everything that is sold is smaller.
    pub fn fit(&self, region: &Region, asked: Size, pool: Pool<'_>) -> Result<Size, NoMatchingSize> {
        let asked = if asked == Size::default() { Size::DEFAULT } else { asked };
        let fits = |size: &Size| size.vcpu >= asked.vcpu && size.memory >= asked.memory;
        let mut last = None;
        for pair in self.pairs(region, pool) {
            if fits(&pair.size) {
                return Ok(pair.size);
            }
            last = last.max(Some(pair.size));
        }
        Err(too_large(asked, pool.of(), last))
    }

    /// True if a region sells a size in a category.
    pub fn sells(&self, region: &Region, size: Size, category: Category) -> bool {
        self.pairs(region, Pool::Categories(&[category])).any(|pair| pair.size == size)
    }

    /// The smallest Arm type that fits; Arm machines are sold by type alone (specs.md, section 5.4).
    ///
    /// # Errors
    /// [`NoMatchingSize`] when all of them are smaller.
    pub fn fit_arm(&self, asked: Size) -> Result<&InstanceType, NoMatchingSize> {
        let asked = if asked == Size::default() { Size::DEFAULT } else { asked };
        let arms = || self.types.values().filter(|kind| kind.architecture == Architecture::Arm64);
        let fits = |kind: &&InstanceType| kind.size.vcpu >= asked.vcpu && kind.size.memory >= asked.memory;
        let largest = || arms().map(|kind| kind.size).max();
        arms()
            .filter(fits)
            .min_by_key(|kind| kind.size)
            .ok_or_else(|| too_large(asked, " on ARM64", largest()))
    }

    /// The ECS types that a spot instance of this size can be matched to, by name.
    pub fn types_of(&self, size: Size) -> impl Iterator<Item = &InstanceType> {
        let plain = |kind: &&InstanceType| kind.gpus == 0 && kind.architecture == Architecture::Amd64;
        self.types.values().filter(move |kind| kind.size == size && kind.spot).filter(plain)
    }
}

fn too_large(asked: Size, of: &'static str, largest: Option<Size>) -> NoMatchingSize {
    let largest = largest.unwrap_or_default();
    NoMatchingSize::TooLarge { vcpu: asked.vcpu, memory: asked.memory, of, largest }
}

impl Pair {
    fn is_in(&self, pool: Pool<'_>) -> bool {
        match pool {
            Pool::Spot => self.spot,
            Pool::Categories(categories) => categories.iter().any(|category| match category {
                Category::Default => true,
                Category::Economy => self.economy,
                Category::General => self.general,
            }),
        }
    }
}

impl Pool<'_> {
    /// Suffix of a message about what the pool sells.
    fn of(self) -> &'static str {
        match self {
            Self::Spot => " as a spot instance",
            Self::Categories([Category::Economy]) => " in the category economy",
            Self::Categories([Category::General]) => " in the category general",
            Self::Categories(_) => "",
        }
    }
}

impl std::str::FromStr for Architecture {
    type Err = UnknownArchitecture;

    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        if text.eq_ignore_ascii_case("AMD64") {
            Ok(Self::Amd64)
        } else if text.eq_ignore_ascii_case("ARM64") {
            Ok(Self::Arm64)
        } else {
            Err(UnknownArchitecture(text.to_owned()))
        }
    }
}

/// A text that names no processor architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` should be AMD64 or ARM64")]
pub struct UnknownArchitecture(String);

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Amd64 => "AMD64",
            Self::Arm64 => "ARM64",
        })
    }
}

#[cfg(test)]
mod tests;
