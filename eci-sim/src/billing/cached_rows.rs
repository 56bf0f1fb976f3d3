//! The rows of the last query of the billing API, kept until its last page is read: a bill is computed once a query, and all
//! pages show the same one, however time goes on between them (`ours`, for an hour).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::instance_bill::BillRow;

/// Time for which later pages show what the first one did.
const ROWS_TTL: SignedDuration = SignedDuration::from_hours(1);

/// The rows of a query.
#[derive(Debug, Clone)]
pub struct CachedRows {
    query: String,
    at: Timestamp,
    /// Number of entries that the ledger had.
    entries: usize,
    rows: Arc<Vec<BillRow>>,
}

impl CachedRows {
    /// Rows that a query found at an instant, when the ledger had so many entries.
    pub fn new(query: String, (at, entries): (Timestamp, usize), rows: Vec<BillRow>) -> Self {
        Self { query, at, entries, rows: Arc::new(rows) }
    }

    /// The rows.
    pub fn rows(&self) -> Arc<Vec<BillRow>> {
        Arc::clone(&self.rows)
    }

    /// True for the rows of this query: for its first page as they are at this instant, for a later page as they were at the
    /// first one.
    pub fn serves(&self, query: &str, is_first: bool, (now, entries): (Timestamp, usize)) -> bool {
        let is_current = (self.at, self.entries) == (now, entries);
        let age = self.at.duration_until(now);
        let is_young = age >= SignedDuration::ZERO && age < ROWS_TTL;
        self.query == query && (is_current || !is_first && is_young)
    }
}
