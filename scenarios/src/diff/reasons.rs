//! The differences that are known and have a reason: a data file, each row with its source.

use std::cell::Cell;

use eci_sim::text::matches;
use serde::Deserialize;

use super::compare::Difference;

/// The path of the rows, as people are told it.
pub const FILE: &str = "scenarios/data/differences.csv";

/// One known difference.
#[derive(Debug, Clone, Deserialize)]
struct Row {
    /// The cases in which it is seen; `*` stands for any text, as in the next two.
    case: String,
    /// The thing that differs, as a record calls it.
    subject: String,
    /// The field.
    path: String,
    /// The reason for which it may differ.
    reason: String,
    /// The source of the reason: a page, or a section of a fact sheet.
    source: String,
    /// The number of differences that the row has explained so far.
    #[serde(skip)]
    used: Cell<usize>,
}

/// All rows.
#[derive(Debug, Clone)]
pub struct Reasons(Vec<Row>);

/// A file of reasons that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{FILE}: {0}")]
pub struct ReasonsError(String);

impl Reasons {
    /// The rows that are compiled in.
    ///
    /// # Errors
    /// When a row is malformed, or lacks its reason or its source.
    pub fn known() -> Result<Self, ReasonsError> {
        Self::read(include_str!("../../data/differences.csv"))
    }

    fn read(text: &str) -> Result<Self, ReasonsError> {
        let mut rows = Vec::new();
        for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
            let row: Row = row.map_err(|error| ReasonsError(error.to_string()))?;
            if row.reason.trim().is_empty() || row.source.trim().is_empty() {
                let place = format!("{} {} {}", row.case, row.subject, row.path);
                return Err(ReasonsError(format!("`{place}` lacks its reason or its source")));
            }
            rows.push(row);
        }
        Ok(Self(rows))
    }

    /// The reason for which these may differ in `case`, if a row gives one.
    pub fn of(&self, case: &str, difference: &Difference) -> Option<&str> {
        let fits = |row: &&Row| {
            matches(&row.case, case)
                && matches(&row.subject, &difference.subject)
                && matches(&row.path, &difference.path)
        };
        let row = self.0.iter().find(fits)?;
        row.used.set(row.used.get() + 1);
        Some(&row.reason)
    }

    /// The rows that no difference needed so far; after a run of all cases they should be taken out.
    pub fn unused(&self) -> Vec<String> {
        let unused = self.0.iter().filter(|row| row.used.get() == 0);
        unused.map(|row| format!("{} | {} | {}", row.case, row.subject, row.path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(subject: &str, path: &str) -> Difference {
        Difference { subject: subject.to_owned(), path: path.to_owned(), left: None, right: None }
    }

    #[test]
    fn a_row_that_was_needed_is_not_among_the_unused() {
        let text = "case,subject,path,reason,source\n*,pod *,status.hostIP,drawn,ours\n*,node *,*,old,ours\n";
        let reasons = Reasons::read(text).unwrap();
        assert_eq!(reasons.of("a/b", &difference("pod x/y", "status.hostIP")), Some("drawn"));
        assert_eq!(reasons.of("a/b", &difference("pod x/y", "status.phase")), None);
        assert_eq!(reasons.unused(), ["* | node * | *"]);
    }

    #[test]
    fn a_row_without_reason_or_source_is_refused() {
        let text = "case,subject,path,reason,source\n*,pod *,status.hostIP,drawn,\n";
        assert!(Reasons::read(text).unwrap_err().to_string().contains("lacks its reason or its source"));
    }

    #[test]
    fn the_known_reasons_can_be_read() {
        assert!(Reasons::known().is_ok_and(|reasons| reasons.0.len() < 200));
    }
}
