//! Rows of the tables of sizes and regions: parsed and checked.

use std::collections::BTreeMap;

use eci_api::size::{Mebibytes, MilliVcpu};

use super::table::{Row, RowError, TableError};
use super::{InstanceType, Pair, Region};
use crate::terms::Size;

pub(super) const SIZE_COLUMNS: [&str; 11] = [
    "name",
    "kind",
    "vcpu",
    "memory_gib",
    "sold_in",
    "default",
    "economy",
    "general",
    "spot",
    "gpu",
    "architecture",
];
pub(super) const REGION_COLUMNS: [&str; 5] = ["region", "endpoint", "zones", "id_prefix", "fine_sizes"];

pub(super) fn insert<T>(
    table: &mut BTreeMap<String, T>,
    name: String,
    entry: T,
    row: &Row,
) -> Result<(), TableError> {
    match table.insert(name.clone(), entry) {
        Some(_) => Err(row.error(RowError::Twice(name))),
        None => Ok(()),
    }
}

fn size(row: &Row) -> Result<Size, TableError> {
    let vcpu = MilliVcpu::from_vcpu(row.number("vcpu")?.into()).map_err(|why| row.error(why))?;
    let memory = Mebibytes::from_gib(row.number("memory_gib")?.into()).map_err(|why| row.error(why))?;
    Ok(Size { vcpu, memory })
}

pub(super) fn pair(row: &Row) -> Result<Pair, TableError> {
    Ok(Pair {
        size: size(row)?,
        fine: row.one_of("sold_in", &["everywhere", "fine"])? == 1,
        economy: row.yes("economy")?,
        general: row.yes("general")?,
        spot: row.yes("spot")?,
    })
}

pub(super) fn instance_type(row: &Row) -> Result<InstanceType, TableError> {
    row.one_of("sold_in", &["everywhere"])?;
    Ok(InstanceType {
        name: row.needed("name")?.to_owned(),
        size: size(row)?,
        gpus: row.parsed("gpu", "a number of GPUs")?,
        architecture: row.parsed("architecture", "AMD64 or ARM64")?,
        spot: row.yes("spot")?,
    })
}

pub(super) fn region(row: &Row) -> Result<Region, TableError> {
    Ok(Region {
        id: row.needed("region")?.to_owned(),
        endpoint: row.needed("endpoint")?.to_owned(),
        zones: row.needed("zones")?.split('|').map(str::to_owned).collect(),
        id_prefix: row.needed("id_prefix")?.to_owned(),
        fine_sizes: row.yes("fine_sizes")?,
    })
}
