//! Secrets: none stands in what is told, stored for people, or logged.

use std::fmt::Write as _;

use super::violation::Violation;
use crate::eci::ACCESS_KEY_SECRET;
use crate::sweep::journal::Entry;
use crate::sweep::played::Played;

/// Texts that only a secret looks like: the access key, a signature, a token of a service account.
const SECRETS: [&str; 3] = [ACCESS_KEY_SECRET, "Signature=", "eyJhbGciOi"];
/// The number of characters of a line that are shown.
const SHOWN: usize = 60;

/// Neither journal nor log holds the access key's secret, a signature, a token, or a value of a Secret of the case. The first
/// `searched` entries were searched before.
pub(super) fn no_secret(played: &Played, searched: usize) -> Vec<Violation> {
    let searched: Vec<&Entry> = played.entries.iter().skip(searched).collect();
    // One text of all, since to begin a search takes longer than to search a line.
    let mut journal = String::new();
    let mut ends = Vec::with_capacity(searched.len());
    for entry in &searched {
        let _ = writeln!(journal, "{entry}"); // a text takes all that is written
        ends.push(journal.len());
    }
    let mut found = Vec::new();
    for secret in secrets(played) {
        if let Some(at) = find(&journal, secret) {
            let entry = searched.get(ends.partition_point(|end| *end <= at));
            found.extend(
                entry.map(|entry| violation(("journal", journal.as_str(), at), secret, played, entry)),
            );
        }
        if let Some((at, entry)) = find(&played.log, secret).zip(played.entries.last()) {
            found.push(violation(("log", played.log.as_str(), at), secret, played, entry));
        }
    }
    found
}

/// The place of `secret` in `text`; of long texts, faster than by the standard library.
fn find(text: &str, secret: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), secret.as_bytes())
}

fn secrets(played: &Played) -> impl Iterator<Item = &str> {
    SECRETS.into_iter().chain(played.secrets.iter().map(String::as_str))
}

/// The violation, with the line's beginning without any secret.
fn violation(
    (place, text, at): (&str, &str, usize),
    secret: &str,
    played: &Played,
    entry: &Entry,
) -> Violation {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1)..at + secret.len();
    let hidden = secrets(played).fold(text[line].to_owned(), |line, secret| line.replace(secret, "•••"));
    let shown: String = hidden.chars().take(SHOWN).collect();
    let words = format!("a secret of {} characters stands in the {place}: {shown}…", secret.chars().count());
    Violation::new("no-secret", entry.at, words)
}
