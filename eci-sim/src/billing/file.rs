//! Bills as a file: the columns of the cloud's instance bill as CSV, JSON, and FOCUS.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use serde_json::{Value as Json, json};

use super::bill::Bill;
use super::cost::{Cost, UnknownCost};
use super::focus;
use super::instance_bill::{self, BillRow, Granularity, Value};
use super::view::Dimension;
use crate::text::did_you_mean;

/// Form of a file of bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillFormat {
    /// The columns of the cloud's instance bill, one row for each billing item of a line, and some of ours.
    Csv,
    /// One JSON document: lines, and sums by pod.
    Json,
    /// A FOCUS data set as CSV.
    Focus,
}

/// The bill of one world, and where it is from.
#[derive(Debug, Clone)]
pub struct NamedBill {
    /// Name of the case or world.
    pub name: String,
    /// The bill.
    pub bill: Bill,
    /// Ids of the groups that are still billed, though what they were made for is gone.
    pub leaked: BTreeSet<String>,
}

/// A row of a file, and the bill that it is of.
pub struct FileRow<'a> {
    /// Row of the instance bill.
    pub row: BillRow,
    /// Name of the bill.
    pub origin: &'a str,
    leaked: &'a BTreeSet<String>,
}

/// A bill that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A name of no form.
    #[error("`{name}` is no form of a bill{near}; it should be csv, json or focus")]
    Format {
        /// The name.
        name: String,
        /// The form that was perhaps meant.
        near: String,
    },
    /// A file whose name says no form.
    #[error(
        "`{0}` says no form of a bill; it should end in .csv, .json or .focus.csv, or --bill-format says which"
    )]
    Extension(String),
    /// A line without a price.
    #[error("the bill of {name} has a line that no file can have: {why}")]
    NoPrice {
        /// Name of the bill.
        name: String,
        /// The price that is missing.
        why: UnknownCost,
    },
    /// A row that cannot be written.
    #[error("the bill cannot be written: {0}")]
    Csv(#[from] csv::Error),
}

impl FromStr for BillFormat {
    type Err = FileError;

    fn from_str(text: &str) -> Result<Self, FileError> {
        match text {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "focus" => Ok(Self::Focus),
            _ => {
                let near = did_you_mean(text, ["csv", "json", "focus"]);
                Err(FileError::Format { name: text.to_owned(), near })
            }
        }
    }
}

impl BillFormat {
    /// The form that a file's name says.
    ///
    /// # Errors
    /// [`FileError::Extension`] where it says none.
    pub fn of_file(path: &Path) -> Result<Self, FileError> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        match name.rsplit_once('.') {
            Some((before, "csv")) if before.ends_with(".focus") || before == "focus" => Ok(Self::Focus),
            Some((_, "csv")) => Ok(Self::Csv),
            Some((_, "json")) => Ok(Self::Json),
            Some((_, "focus")) => Ok(Self::Focus),
            _ => Err(FileError::Extension(path.display().to_string())),
        }
    }

    /// The text of a file of bills, and what was left out of it: [`FileError::NoPrice`] for each bill with a line without a
    /// price, which JSON alone can have.
    ///
    /// # Errors
    /// [`FileError::Csv`] for a row that cannot be written.
    pub fn render<'a>(
        self,
        bills: impl IntoIterator<Item = &'a NamedBill>,
    ) -> Result<(String, Vec<FileError>), FileError> {
        match self {
            Self::Json => {
                let bills: Vec<Json> = bills.into_iter().map(document).collect();
                Ok((format!("{:#}\n", json!({ "bills": bills })), Vec::new()))
            }
            Self::Csv => {
                let columns = instance_bill::COLUMNS;
                let header = columns.iter().map(|column| column.name).chain(OURS.map(|(name, _)| name));
                let values = |row: &FileRow<'_>| {
                    let own = columns.iter().map(|column| (column.value)(&row.row).to_string());
                    vec![own.chain(OURS.map(|(_, value)| value(row))).collect()]
                };
                table(header, bills, values)
            }
            Self::Focus => {
                let header = focus::COLUMNS.iter().map(|column| column.name);
                table(header, bills, focus::values)
            }
        }
    }
}

/// Name of a column and its value in a row.
type Column = (&'static str, fn(&FileRow<'_>) -> String);

/// Columns of ours, behind the cloud's.
const OURS: [Column; 9] = [
    ("x_Case", |row| row.origin.to_owned()),
    ("x_From", |row| row.row.line.from.to_string()),
    ("x_To", |row| row.row.line.to.to_string()),
    ("x_Category", |row| Dimension::Category.of(&row.row.line).into_owned()),
    ("x_Spot", |row| row.row.line.spot.to_string()),
    ("x_UnitPrice", |row| row.row.part.map_or_else(String::new, |part| part.rate.per_hour().to_string())),
    ("x_RequestedVcpu", |row| {
        row.row.line.requested.map_or_else(String::new, |asked| asked.vcpu.normalize().to_string())
    }),
    ("x_RequestedMemory", |row| {
        row.row.line.requested.map_or_else(String::new, |asked| asked.memory.normalize().to_string())
    }),
    ("x_Leaked", |row| row.leaked().to_string()),
];

/// The rows of bills, and the bills that no row can have.
fn table<'a, 'b>(
    header: impl Iterator<Item = &'a str>,
    bills: impl IntoIterator<Item = &'b NamedBill>,
    values: impl Fn(&FileRow<'_>) -> Vec<Vec<String>>,
) -> Result<(String, Vec<FileError>), FileError> {
    let (mut writer, mut left_out) = (csv::Writer::from_writer(Vec::new()), Vec::new());
    writer.write_record(header)?;
    for NamedBill { name, bill, leaked } in bills {
        let rows = match instance_bill::rows(&bill.lines, Granularity::Line, true) {
            Ok(rows) => rows,
            Err(why) => {
                left_out.push(FileError::NoPrice { name: name.clone(), why });
                continue;
            }
        };
        for row in rows {
            for record in values(&FileRow { row, origin: name, leaked }) {
                writer.write_record(record)?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|why| csv::Error::from(why.into_error()))?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), left_out))
}

fn document(named: &NamedBill) -> Json {
    let NamedBill { name, bill, leaked } = named;
    let of_leaked = bill.lines.iter().filter(|line| leaked.contains(&*line.group_id));
    let money = Cost::of_all(of_leaked.map(|line| (line.currency, &line.amount)));
    json!({
        "case": name,
        "currency": bill.currency,
        "total": bill.total,
        "lines": bill.lines,
        "by-pod": bill.by(&[Dimension::Pod]),
        "leaked": { "groups": leaked, "amount": money },
    })
}

impl FileRow<'_> {
    /// True where the group is still billed, though what it was made for is gone.
    pub fn leaked(&self) -> bool {
        self.leaked.contains(&*self.row.line.group_id)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.normalize().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
