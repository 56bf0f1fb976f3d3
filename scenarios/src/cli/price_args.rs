//! The arguments that say which prices hold: region, currency, price files and time.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use determinism::Clock;
use eci_sim::PriceFile;
use eci_sim::catalog::CATALOG;
use eci_sim::money::Currency;
use eci_sim::prices::Tariff;
use eci_sim::text::did_you_mean;
use jiff::Timestamp;

use crate::cost::quote::RegionPrices;

/// The prices that hold.
#[derive(Debug, Args)]
pub(super) struct PriceArgs {
    /// The currency of the prices: CNY or USD.
    #[arg(long, value_name = "CURRENCY", default_value_t)]
    currency: Currency,
    /// A price list of your own (CSV; docs/bill.md has its columns), before the compiled-in one; may be given again.
    #[arg(long, value_name = "FILE")]
    price_file: Vec<PathBuf>,
    /// The time at which the prices hold, as 2026-01-01T00:00:00+08:00; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

impl PriceArgs {
    /// The prices of regions.
    pub(super) fn by_region(&self, regions: &[String]) -> anyhow::Result<Vec<RegionPrices>> {
        let mut files = Vec::new();
        for path in &self.price_file {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            files.push((name, text));
        }
        let files: Vec<_> = files.iter().map(|(name, text)| PriceFile { name, text }).collect();
        let tariff = Tariff::with_files(self.currency, &files)?;
        let at = match self.at {
            Some(at) => at,
            // A second is fine enough for prices, and short to read.
            None => Timestamp::from_second(Clock::system().now().as_second())?,
        };
        let prices = |id: &String| {
            let region = CATALOG.region(id).ok_or_else(|| {
                let near = did_you_mean(id, CATALOG.regions().map(|region| region.id.as_str()));
                anyhow!("no region `{id}` sells ECI{near}")
            })?;
            Ok(RegionPrices { tariff: tariff.clone(), region, at })
        };
        regions.iter().map(prices).collect()
    }
}
