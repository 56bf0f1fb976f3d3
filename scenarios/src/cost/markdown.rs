//! An estimate and its difference as Markdown, for the comment of a pull request.

use std::fmt::Write as _;

use super::budget::{Budget, Overrun};
use super::difference::Difference;
use super::estimate::Estimate;
use super::figures::{HOURS_A_MONTH, hour_of, month_of, sign, signed};

/// The rows of a table, at most; a comment has a limit of its own.
const ROWS_MAX: usize = 50;

/// The comment: the month first, then what changed or what there is, then the budget.
pub fn comment(
    estimate: &Estimate,
    difference: Option<&Difference<'_>>,
    budget: Option<(&Budget, Option<&Overrun>)>,
) -> String {
    let sign = sign(estimate.currency);
    let mut text = format!("### Cost: {sign} {} a month", month_of(&estimate.month));
    if let Some(difference) = difference {
        text += &match (difference.month(), difference.percent()) {
            (Some(more), Some(percent)) if !more.is_zero() => format!(", {} ({percent} %)", signed(more)),
            (Some(more), None) if !more.is_zero() => format!(", {}", signed(more)),
            (Some(_), _) => ", unchanged".to_owned(),
            (None, _) => ", the difference is unknown".to_owned(),
        };
    }
    text += "\n\n";
    match difference {
        Some(difference) => changes(difference, &mut text),
        None => workloads(estimate, &mut text),
    }
    match budget {
        Some((_, Some(overrun))) => {
            let is_above = matches!(overrun, Overrun::Above { .. });
            let word = if is_above { "Above budget" } else { "Budget not judged" };
            _ = writeln!(text, "**{word}:** {}.\n", escaped(&overrun.to_string()));
        }
        Some((budget, None)) => _ = writeln!(text, "Within the budget of {budget}.\n"),
        None => {}
    }
    let _ = writeln!(
        text,
        "<sub>{} pods, {sign} {} an hour; list prices of {} in {}, {HOURS_A_MONTH} hours a month, without discounts</sub>",
        estimate.pods(),
        hour_of(&estimate.hour),
        escaped(&estimate.region),
        estimate.currency,
    );
    text
}

fn changes(difference: &Difference<'_>, text: &mut String) {
    if difference.changes.is_empty() {
        text.push_str("Nothing that costs money changed.\n\n");
        return;
    }
    text.push_str("| workload | before | after | a month |\n|---|---|---|---:|\n");
    for change in difference.changes.iter().take(ROWS_MAX) {
        let [before, after] = change.sides();
        let month = change.month().map_or_else(|| "unknown".to_owned(), signed);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {month} |",
            code(&change.title()),
            escaped(&before),
            escaped(&after)
        );
    }
    rest(difference.changes.len(), text);
    if difference.unchanged > 0 {
        let _ = writeln!(text, "Unchanged: {}.\n", difference.unchanged);
    }
}

fn workloads(estimate: &Estimate, text: &mut String) {
    text.push_str("| workload | pods | asked | bought | a month |\n|---|---:|---|---|---:|\n");
    for row in estimate.workloads.iter().take(ROWS_MAX) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            code(&row.title()),
            row.replicas,
            escaped(&row.requested()),
            escaped(&row.what()),
            month_of(&row.month)
        );
    }
    rest(estimate.workloads.len(), text);
}

/// Ends a table, with the number of rows that it does not show.
fn rest(rows: usize, text: &mut String) {
    text.push('\n');
    if rows > ROWS_MAX {
        let _ = writeln!(text, "And {} more.\n", rows - ROWS_MAX);
    }
}

/// A text as code within a cell of a table.
fn code(text: &str) -> String {
    let inner: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '`' | '|') { '\u{fffd}' } else { c }).collect();
    format!("`{inner}`")
}

/// A text of which Markdown makes nothing.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '@' | '#' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}
