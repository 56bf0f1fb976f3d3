//! Tables as CSV: rows with their numbers, so that an error names file, row and reason.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;

use crate::money::{RateError, UnknownCurrency};

/// A row of a table.
#[derive(Debug)]
pub struct Row {
    file: String,
    /// Number of the row in its file; the header is row 1.
    pub number: u64,
    fields: BTreeMap<String, String>,
}

/// A table that cannot be read: the row and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{file}, row {row}: {why}")]
pub struct TableError {
    file: String,
    row: u64,
    why: Box<RowError>,
}

/// A row that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// A row that is no CSV of the header's columns.
    #[error("{0}")]
    Csv(String),
    /// A header without a column that is needed.
    #[error("the header has no column `{0}`")]
    NoColumn(&'static str),
    /// A field that has to say something.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// A field that is none of the words for it.
    #[error("`{text}` is no {column}; it should be {known}")]
    Unknown {
        /// Column of the field.
        column: &'static str,
        /// The field.
        text: String,
        /// Words that it can be.
        known: String,
    },
    /// A field that does not parse.
    #[error("the {column} `{text}` should be {should}")]
    Wrong {
        /// Column of the field.
        column: &'static str,
        /// The field.
        text: String,
        /// Form that it should have.
        should: &'static str,
    },
    /// A name that an earlier row has.
    #[error("`{0}` is in the table twice")]
    Twice(String),
    /// A size out of range.
    #[error(transparent)]
    Size(#[from] eci_api::size::NotASize),
    /// A price that is none.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A currency that no list is in.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// An end that is not after the beginning.
    #[error("it ends at {to}, which is not after its beginning at {from}")]
    EndsBefore {
        /// Beginning.
        from: jiff::Timestamp,
        /// End.
        to: jiff::Timestamp,
    },
    /// A category beside an item that has none.
    #[error("the item {item} has no categories, so the category should be empty and not `{category}`")]
    NoCategory {
        /// Name of the item.
        item: String,
        /// The field.
        category: String,
    },
    /// Two prices of one thing at one time.
    #[error(
        "row {other} gives the price of {item} {location} in {currency} from {from} on, too; let one end where the other begins"
    )]
    Overlap {
        /// Row of the other price.
        other: String,
        /// Name of the item.
        item: String,
        /// Where both hold.
        location: String,
        /// Currency of both.
        currency: crate::money::Currency,
        /// Time from which both hold.
        from: jiff::Timestamp,
    },
    /// A time without a price between two prices.
    #[error(
        "the price of {item} {location} in {currency} is given until {until} (row {other}) and again from {from} on, and not between; let one end where the other begins"
    )]
    Gap {
        /// Row of the price before.
        other: String,
        /// Name of the item.
        item: String,
        /// Where both hold.
        location: String,
        /// Currency of both.
        currency: crate::money::Currency,
        /// End of the price before.
        until: jiff::Timestamp,
        /// Beginning of the next price.
        from: jiff::Timestamp,
    },
}

/// Reads the rows of a table; `file` is its name in errors.
///
/// # Errors
/// [`TableError`] for a row that has not the header's columns, and a header without one of `columns`.
pub fn rows(file: &str, text: &str, columns: &[&'static str]) -> Result<Vec<Row>, TableError> {
    let error = |row, why| TableError { file: file.to_owned(), row, why: Box::new(why) };
    let text = format!("{}\n", text.strip_prefix('\u{feff}').unwrap_or(text).trim_end());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|why| error(1, csv_error(&why)))?.clone();
    if let Some(column) = columns.iter().find(|column| !header.iter().any(|own| own == **column)) {
        return Err(error(1, RowError::NoColumn(column)));
    }
    let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
    loop {
        let read = reader.read_record(&mut record);
        // The reader stands behind the end of the row's line.
        let number = reader.position().line().saturating_sub(1);
        if !read.map_err(|why| error(number, csv_error(&why)))? {
            return Ok(rows);
        }
        let fields = header.iter().zip(&record).map(|(name, field)| (name.to_owned(), field.to_owned()));
        rows.push(Row { file: file.to_owned(), number, fields: fields.collect() });
    }
}

fn csv_error(why: &csv::Error) -> RowError {
    RowError::Csv(match why.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields and the header {expected_len}")
        }
        _ => why.to_string(),
    })
}

impl Row {
    /// The error of this row.
    pub fn error(&self, why: impl Into<RowError>) -> TableError {
        TableError { file: self.file.clone(), row: self.number, why: Box::new(why.into()) }
    }

    /// Where the row is, for the error of another: its number, with its file where that is another.
    pub fn beside(&self, other: &Self) -> String {
        if self.file == other.file {
            self.number.to_string()
        } else {
            format!("{} of {}", self.number, self.file)
        }
    }

    /// A field; empty where the table has no such column.
    pub fn text(&self, column: &str) -> &str {
        self.fields.get(column).map_or("", String::as_str)
    }

    /// A field that has to say something.
    ///
    /// # Errors
    /// [`TableError`] when it is empty.
    pub fn needed(&self, column: &'static str) -> Result<&str, TableError> {
        match self.text(column) {
            "" => Err(self.error(RowError::Empty(column))),
            text => Ok(text),
        }
    }

    /// A field that is one of these words; returns its place among them.
    ///
    /// # Errors
    /// [`TableError`] when it is none of them.
    pub fn one_of(&self, column: &'static str, words: &[&str]) -> Result<usize, TableError> {
        let text = self.text(column);
        words.iter().position(|word| *word == text).ok_or_else(|| self.unknown(column, &words.join(" or ")))
    }

    /// A field that is `yes` or `no`.
    ///
    /// # Errors
    /// [`TableError`] when it is neither.
    pub fn yes(&self, column: &'static str) -> Result<bool, TableError> {
        Ok(self.one_of(column, &["no", "yes"])? == 1)
    }

    /// A field that parses; `should` says its form.
    ///
    /// # Errors
    /// [`TableError`] when it does not.
    pub fn parsed<T: FromStr>(&self, column: &'static str, should: &'static str) -> Result<T, TableError> {
        let text = self.needed(column)?;
        text.parse().map_err(|_| self.error(RowError::Wrong { column, text: text.to_owned(), should }))
    }

    /// A field that is a decimal number.
    ///
    /// # Errors
    /// [`TableError`] when it is none.
    pub fn number(&self, column: &'static str) -> Result<Decimal, TableError> {
        self.parsed(column, "a decimal number")
    }

    /// The error of a field that is none of the words for it.
    pub fn unknown(&self, column: &'static str, known: &str) -> TableError {
        self.error(RowError::Unknown { column, text: self.text(column).to_owned(), known: known.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_is_named_with_its_number_and_the_reason() {
        let columns = &["name", "vcpu"];
        let read = |text: &str| -> Result<(), TableError> {
            for row in rows("sizes.csv", text, columns)? {
                row.number("vcpu")?;
                row.yes("spot")?;
            }
            Ok(())
        };
        for (text, why) in [
            (
                "name,vcpu,spot\na,1,no\nb,two,no",
                "sizes.csv, row 3: the vcpu `two` should be a decimal number",
            ),
            ("name,vcpu,spot\na,1,nope", "sizes.csv, row 2: `nope` is no spot; it should be no or yes"),
            ("name,vcpu,spot\na,1", "sizes.csv, row 2: it has 2 fields and the header 3"),
            ("name,vcpu,spot\n\n\na,,no", "sizes.csv, row 4: the vcpu is empty"),
            ("name,cpu,spot\na,1,no", "sizes.csv, row 1: the header has no column `vcpu`"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), why);
        }
        assert!(read("\u{feff}name, vcpu ,spot\n a , 1 , no\n").is_ok(), "as spreadsheets write it");
    }
}
