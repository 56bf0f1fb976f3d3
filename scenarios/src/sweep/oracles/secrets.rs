//! Secrets: none stands in what is told, stored for people, or logged.

use super::Violation;
use crate::eci::ACCESS_KEY_SECRET;
use crate::sweep::journal::Entry;

/// What only a secret looks like: the access key, a signature, a token of a service account.
const SECRETS: [&str; 3] = [ACCESS_KEY_SECRET, "Signature=", "eyJhbGciOi"];

/// Neither journal nor log holds a secret.
pub(super) fn no_secret(entries: &[Entry], log: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for entry in entries {
        let text = entry.to_string();
        if let Some(secret) = SECRETS.iter().find(|secret| text.contains(**secret)) {
            let shown: String = text.chars().take(60).collect();
            let words = format!(
                "what looks like a secret ({} letters) stands in the journal: {shown}…",
                secret.len()
            );
            found.push(Violation::new("no-secret", entry.at, words));
        }
    }
    if let Some(line) = log.lines().find(|line| SECRETS.iter().any(|secret| line.contains(secret)))
        && let Some(entry) = entries.last()
    {
        let shown: String = line.chars().take(60).collect();
        found.push(Violation::new("no-secret", entry.at, format!("a secret stands in the log: {shown}…")));
    }
    found
}
