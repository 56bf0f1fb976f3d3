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
    let secrets = || SECRETS.into_iter().chain(played.secrets.iter().map(String::as_str));
    let secret_in = |text: &str| secrets().find(|secret| text.contains(secret));
    let mut found = Vec::new();
    let mut text = String::new();
    for entry in played.entries.iter().skip(searched) {
        text.clear();
        if write!(text, "{entry}").is_ok()
            && let Some(secret) = secret_in(&text)
        {
            found.push(violation("journal", &text, secret, entry));
        }
    }
    let line = played.log.lines().find_map(|line| Some((line, secret_in(line)?)));
    if let Some(((line, secret), entry)) = line.zip(played.entries.last()) {
        found.push(violation("log", line, secret, entry));
    }
    found
}

/// The violation, without the secret.
fn violation(place: &str, text: &str, secret: &str, entry: &Entry) -> Violation {
    let shown: String = text.replace(secret, "•••").chars().take(SHOWN).collect();
    let words = format!("a secret of {} characters stands in the {place}: {shown}…", secret.chars().count());
    Violation::new("no-secret", entry.at, words)
}
