//! The outcome of a replay in words.

use rust_decimal::Decimal;

use super::outcome::Outcome;
use super::playing::Played;
use crate::report::{money, priced, simulated};

/// The outcome of a trace of so many pods, from a file.
pub fn outcome(file: &str, pods: usize, played: &Played, outcome: &Outcome) -> String {
    let hours = |seconds: Decimal| (seconds / Decimal::from(3600)).round_dp(2).normalize();
    let row = |name: &str, requested: Decimal, bought: Decimal| {
        let ratio = match requested.is_zero() {
            true => "n/a".to_owned(),
            false => format!("{} ×", (bought / requested).round_dp(2).normalize()),
        };
        format!(
            "{name:<12}{:>12}{:>12}{ratio:>10}\n",
            hours(requested).to_string(),
            hours(bought).to_string()
        )
    };
    let mut text = format!("replay · {file} · {pods} pods, {} of the world's time\n", simulated(played.took));
    if played.interrupted {
        text.push_str("It was interrupted; what follows is of what was played until then.\n");
    }
    text.push_str(&format!("{} ran to their end, {} failed\n", played.succeeded.len(), played.failed.len()));
    for (_, why) in played.failed.iter().take(3) {
        text.push_str(&format!("  {why}\n"));
    }
    text.push_str(&format!("\n{:<12}{:>12}{:>12}{:>10}\n", "", "asked", "bought", "ratio"));
    text.push_str(&row("vCPU h", outcome.requested.vcpu_seconds, outcome.bought.vcpu_seconds));
    text.push_str(&row("GiB h", outcome.requested.gib_seconds, outcome.bought.gib_seconds));
    let waste = outcome.waste.map_or_else(|| "n/a".to_owned(), |waste| money(outcome.currency, waste));
    text.push_str(&format!("\nbill {}, of which waste {waste}\n", priced(outcome.currency, &outcome.total)));
    text
}
