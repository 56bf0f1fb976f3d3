//! A trace, read from CSV: rows of arrival, duration, vCPU and memory; a broken row is told with file, row and what would be right.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::columns::{Field, Machine, Unit, known};

/// The trace that comes with this program, a small one of our own making.
pub const EXAMPLE: (&str, &str) = ("example.csv", include_str!("example.csv"));
/// The longest time of an arrival or a run: ten years, in milliseconds.
const TIME_MAX: u64 = 10 * 366 * 24 * 3600 * 1000;

/// Pods of one size that come at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Row in the file, the header being 1.
    pub number: u64,
    /// Time from the first arrival of the trace.
    pub arrival: Duration,
    /// Time for which it runs.
    pub duration: Duration,
    /// vCPU, in thousandths.
    pub milli_vcpu: u64,
    /// Memory in MiB.
    pub mebibytes: u64,
}

/// The unit of a trace's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum TimeUnit {
    /// Seconds
    #[default]
    S,
    /// Milliseconds
    Ms,
    /// Microseconds
    Us,
}

/// What a trace does not say by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions {
    /// Unit of its times.
    pub unit: TimeUnit,
    /// Size of the machines of which it tells shares.
    pub machine: Option<Machine>,
}

/// A trace that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// The header lacks a column.
    #[error(
        "{file}: the first row names no column of {lacking}; it should name arrival, duration (or an end), cpu and memory, in these words or \
         in those of a public trace, which docs/load.md lists"
    )]
    Header {
        /// The file.
        file: String,
        /// What is lacking.
        lacking: &'static str,
    },
    /// Two columns say the same.
    #[error(
        "{file}: the columns `{one}` and `{other}` both say the {field}; rename one of them, and it is passed over"
    )]
    Twice {
        /// The file.
        file: String,
        /// The first column.
        one: String,
        /// The second column.
        other: String,
        /// What both say.
        field: String,
    },
    /// A share of a machine whose size is not known.
    #[error(
        "{file}: `{column}` is a share of a machine; say how large with `--machine VCPU,GIB`, such as `--machine 96,512`"
    )]
    Share {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// A cell that is not as it should be.
    #[error("{file}, row {row}: `{cell}` in column `{column}` should be {right}")]
    Cell {
        /// The file.
        file: String,
        /// The row, the header being 1.
        row: u64,
        /// What the cell says.
        cell: String,
        /// The column.
        column: String,
        /// What would be right.
        right: &'static str,
    },
    /// A row that is no row.
    #[error("{file}, row {row}: {why}; a row should have a cell for each column of the first row")]
    Row {
        /// The file.
        file: String,
        /// The row.
        row: u64,
        /// What is wrong with it.
        why: String,
    },
    /// No row at all.
    #[error("{file} has no rows below its header; a row is a pod")]
    Empty {
        /// The file.
        file: String,
    },
}

/// A known column of the header.
struct Named {
    place: usize,
    header: String,
    unit: Unit,
}

struct Reader<'a> {
    file: &'a str,
    columns: BTreeMap<Field, Named>,
    options: ReadOptions,
}

/// Reads a trace, in order of arrival; the first arrival is at zero.
///
/// # Errors
/// [`TraceError`], for the first that is wrong.
pub fn read(file: &str, text: &str, options: ReadOptions) -> Result<Vec<Row>, TraceError> {
    let mut csv =
        csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |row, why: &dyn std::fmt::Display| TraceError::Row {
        file: file.to_owned(),
        row,
        why: why.to_string(),
    };
    let header = csv.headers().map_err(|why| broken(1, &why))?.clone();
    let reader = Reader::new(file, &header, options)?;
    let mut rows = Vec::new();
    for record in csv.records() {
        let record = record.map_err(|why| {
            let row = why.position().map_or(0, csv::Position::line);
            let short = match why.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("it has {len} cells instead of {expected_len}")
                }
                csv::ErrorKind::Utf8 { .. } => "it is no UTF-8".to_owned(),
                _ => "it cannot be read".to_owned(),
            };
            broken(row, &short)
        })?;
        let number = record.position().map_or(0, csv::Position::line);
        let (row, count) = reader.row(number, &record)?;
        rows.extend(std::iter::repeat_n(row, count));
    }
    rows.sort_by_key(|row: &Row| (row.arrival, row.number));
    let first =
        rows.first().map(|row| row.arrival).ok_or_else(|| TraceError::Empty { file: file.to_owned() })?;
    rows.iter_mut().for_each(|row| row.arrival -= first);
    Ok(rows)
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, header: &csv::StringRecord, options: ReadOptions) -> Result<Self, TraceError> {
        let mut columns: BTreeMap<Field, Named> = BTreeMap::new();
        for (place, header) in header.iter().enumerate() {
            let Some((field, unit)) = known(header) else { continue };
            if matches!(unit, Unit::OfMachine(_)) && options.machine.is_none() {
                return Err(TraceError::Share { file: file.to_owned(), column: header.to_owned() });
            }
            let named = Named { place, header: header.to_owned(), unit };
            if let Some(before) = columns.insert(field, named) {
                let field = format!("{field:?}").to_ascii_lowercase();
                let (one, other) = (before.header, header.to_owned());
                return Err(TraceError::Twice { file: file.to_owned(), one, other, field });
            }
        }
        let has = |field| columns.contains_key(&field);
        let lacking = [
            ("arrival", has(Field::Arrival)),
            ("duration or end", has(Field::Duration) || has(Field::End)),
            ("cpu", has(Field::Cpu)),
            ("memory", has(Field::Memory)),
        ];
        match lacking.into_iter().find(|(_, there)| !there) {
            Some((lacking, _)) => Err(TraceError::Header { file: file.to_owned(), lacking }),
            None => Ok(Self { file, columns, options }),
        }
    }

    /// A row, and how many pods it stands for.
    fn row(&self, number: u64, record: &csv::StringRecord) -> Result<(Row, usize), TraceError> {
        let arrival = self.time(number, record, Field::Arrival, "a time, 0 or more")?;
        let duration = match self.columns.contains_key(&Field::Duration) {
            true => self.time(number, record, Field::Duration, "a time, more than 0")?,
            false => {
                let right = "a time, later than the arrival";
                let end = self.time(number, record, Field::End, right)?;
                end.checked_sub(arrival).ok_or_else(|| self.wrong(number, record, Field::End, right))?
            }
        };
        if duration.is_zero() {
            let of = if self.columns.contains_key(&Field::Duration) { Field::Duration } else { Field::End };
            return Err(self.wrong(number, record, of, "a time that leaves the pod some time to run"));
        }
        let milli_vcpu = self.size(
            number,
            record,
            Field::Cpu,
            1000,
            "a number of vCPU in the column's unit, more than 0",
        )?;
        let mebibytes = self.size(
            number,
            record,
            Field::Memory,
            1024,
            "an amount of memory in the column's unit, more than 0",
        )?;
        Ok((Row { number, arrival, duration, milli_vcpu, mebibytes }, self.count(number, record)?))
    }

    fn cell<'r>(&self, record: &'r csv::StringRecord, field: Field) -> &'r str {
        self.columns.get(&field).and_then(|named| record.get(named.place)).unwrap_or_default()
    }

    fn wrong(&self, row: u64, record: &csv::StringRecord, field: Field, right: &'static str) -> TraceError {
        let column = self.columns.get(&field).map(|named| named.header.clone()).unwrap_or_default();
        let cell = self.cell(record, field).chars().take(40).collect();
        TraceError::Cell { file: self.file.to_owned(), row, cell, column, right }
    }

    fn number(&self, record: &csv::StringRecord, field: Field) -> Option<Decimal> {
        let cell = self.cell(record, field);
        let number = Decimal::from_str(cell).or_else(|_| Decimal::from_scientific(cell)).ok()?;
        (!number.is_sign_negative()).then_some(number)
    }

    fn time(
        &self,
        row: u64,
        record: &csv::StringRecord,
        field: Field,
        right: &'static str,
    ) -> Result<Duration, TraceError> {
        let millis = match self.options.unit {
            TimeUnit::S => Decimal::from(1000),
            TimeUnit::Ms => Decimal::ONE,
            TimeUnit::Us => Decimal::new(1, 3),
        };
        let time = self.number(record, field).and_then(|number| number.checked_mul(millis)?.round().to_u64());
        let time = time.filter(|time| *time <= TIME_MAX);
        time.map(Duration::from_millis).ok_or_else(|| self.wrong(row, record, field, right))
    }

    /// A size in parts of a vCPU or GiB, rounded up.
    fn size(
        &self,
        row: u64,
        record: &csv::StringRecord,
        field: Field,
        parts: u32,
        right: &'static str,
    ) -> Result<u64, TraceError> {
        let unit = self.columns.get(&field).map_or(Unit::None, |named| named.unit);
        let whole = self.number(record, field).and_then(|number| match (unit, self.options.machine) {
            (Unit::Per(count), _) => number.checked_div(Decimal::from(count)),
            (Unit::OfMachine(count), Some(machine)) => {
                let all = if field == Field::Cpu { machine.vcpu } else { machine.gib };
                number.checked_div(Decimal::from(count))?.checked_mul(all)
            }
            _ => Some(number),
        });
        let size = whole.and_then(|whole| whole.checked_mul(Decimal::from(parts))?.ceil().to_u64());
        size.filter(|size| *size > 0).ok_or_else(|| self.wrong(row, record, field, right))
    }

    fn count(&self, row: u64, record: &csv::StringRecord) -> Result<usize, TraceError> {
        if !self.columns.contains_key(&Field::Count) {
            return Ok(1);
        }
        let count =
            self.cell(record, Field::Count).parse().ok().filter(|count| (1..=1_000_000).contains(count));
        count.ok_or_else(|| self.wrong(row, record, Field::Count, "a number of pods from 1 to 1000000"))
    }
}

#[cfg(test)]
mod tests;
