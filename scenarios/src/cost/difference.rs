//! The difference between two estimates: what came, went and changed, and by how much a month; pure.

use std::collections::BTreeMap;

use eci_sim::Cost;
use eci_sim::money::Currency;
use rust_decimal::Decimal;

use super::estimate::{Estimate, Row, VERSION};

/// The difference between two estimates.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference<'a> {
    /// The workloads that are not the same, by name.
    pub changes: Vec<Change<'a>>,
    /// The number of those that are.
    pub unchanged: usize,
    /// The month before.
    pub before: &'a Cost,
    /// The month after.
    pub after: &'a Cost,
}

/// A workload that is not the same in both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<'a> {
    /// The workload before; `None` for one that is new.
    pub before: Option<&'a Row>,
    /// The workload after; `None` for one that is gone.
    pub after: Option<&'a Row>,
}

/// A document that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Incomparable {
    /// A text that is no estimate.
    #[error("{file} is no estimate: {why}; write it with `scenarios cost -f … --json > {file}`")]
    NotAnEstimate {
        /// The file.
        file: String,
        /// The reader's word.
        why: String,
    },
    /// An estimate of another version of the document.
    #[error(
        "{file} was written in version {version} of the document, and this program reads version {VERSION}; write it again"
    )]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// Another currency.
    #[error("{file} is in {theirs}, and this estimate in {ours}; use --currency {theirs}")]
    Currency {
        /// The file.
        file: String,
        /// Its currency.
        theirs: Currency,
        /// The currency of this estimate.
        ours: Currency,
    },
    /// Another region.
    #[error("{file} is of {theirs}, and this estimate of {ours}; use --region {theirs}")]
    Region {
        /// The file.
        file: String,
        /// Its region.
        theirs: String,
        /// The region of this estimate.
        ours: String,
    },
}

/// Reads the estimate with which `own` is to be compared.
///
/// # Errors
/// [`Incomparable`].
pub fn read(file: &str, text: &str, own: &Estimate) -> Result<Estimate, Incomparable> {
    let file = file.to_owned();
    let read: Estimate = match serde_json::from_str(text) {
        Ok(read) => read,
        Err(why) => return Err(Incomparable::NotAnEstimate { file, why: why.to_string() }),
    };
    if read.version != VERSION {
        return Err(Incomparable::Version { file, version: read.version });
    }
    if read.currency != own.currency {
        return Err(Incomparable::Currency { file, theirs: read.currency, ours: own.currency });
    }
    if read.region != own.region {
        return Err(Incomparable::Region { file, theirs: read.region, ours: own.region.clone() });
    }
    Ok(read)
}

impl<'a> Difference<'a> {
    /// The difference between two estimates; of several workloads of one name the first is compared with the first.
    pub fn between(before: &'a Estimate, after: &'a Estimate) -> Self {
        let mut pairs: BTreeMap<_, (Option<&Row>, Option<&Row>)> = BTreeMap::new();
        for (index, row) in numbered(before) {
            pairs.entry((row.identity(), index)).or_default().0 = Some(row);
        }
        for (index, row) in numbered(after) {
            pairs.entry((row.identity(), index)).or_default().1 = Some(row);
        }
        let all = pairs.len();
        let changes: Vec<_> = pairs
            .into_values()
            .map(|(before, after)| Change { before, after })
            .filter(Change::is_one)
            .collect();
        Self { unchanged: all - changes.len(), changes, before: &before.month, after: &after.month }
    }

    /// What a month costs more; `None` where one of the two is not known.
    pub fn month(&self) -> Option<Decimal> {
        let (after, before) = (self.after.known().ok()?.decimal(), self.before.known().ok()?.decimal());
        Some(after.checked_sub(before)?.normalize())
    }

    /// What a month costs more, in percent of what it cost; `None` too where it cost nothing.
    pub fn percent(&self) -> Option<Decimal> {
        let before = self.before.known().ok()?.decimal();
        let percent = self.month()?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before)?;
        Some(percent.round_dp(1).normalize())
    }
}

/// The rows, each with the number of those of the same name before it.
fn numbered(estimate: &Estimate) -> Vec<(usize, &Row)> {
    let mut seen = BTreeMap::new();
    let number = |row| {
        let before: &mut usize = seen.entry(Row::identity(row)).or_default();
        *before += 1;
        (*before, row)
    };
    estimate.workloads.iter().map(number).collect()
}

impl Change<'_> {
    /// True where what is bought or paid has changed; where it stands says nothing.
    fn is_one(&self) -> bool {
        let bought = |row: &Row| (row.replicas, row.hours_a_month, row.what(), row.month.clone());
        self.before.map(bought) != self.after.map(bought)
    }

    /// What a month costs more; `None` where it is not known.
    pub fn month(&self) -> Option<Decimal> {
        let month = |row: Option<&Row>| match row {
            Some(row) => row.month.known().ok().map(eci_sim::Amount::decimal),
            None => Some(Decimal::ZERO),
        };
        Some(month(self.after)?.checked_sub(month(self.before)?)?.normalize())
    }

    /// The workload's name as one would say it.
    pub fn title(&self) -> String {
        self.after.or(self.before).map(Row::title).unwrap_or_default()
    }

    /// What was bought and what is: `3 × 4-8Gi`, `none`.
    pub fn sides(&self) -> [String; 2] {
        let side = |row: Option<&Row>| match row {
            Some(row) => format!("{} × {}", row.replicas, row.what()),
            None => "none".to_owned(),
        };
        [side(self.before), side(self.after)]
    }
}

#[cfg(test)]
mod tests;
