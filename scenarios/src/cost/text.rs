//! An estimate and its difference as text for people, a hundred characters wide at most.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use eci_sim::Cost;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::columns::{Align, lines};
use super::difference::Difference;
use super::estimate::{Estimate, Row};
use super::figures::{HOURS_A_MONTH, hour_of, month, month_of, sign, signed};

/// The requests that are shown as cheaper, at most.
const CHEAPER_MAX: usize = 3;

/// What stands beside an estimate: kinds that were passed over, and what to type next.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    /// The number of documents of each kind of which no pod was counted.
    pub passed_over: BTreeMap<String, usize>,
    /// Lines to be pasted.
    pub next: Vec<String>,
}

/// The estimate: a table, the sum, what could be saved, and what was left out.
pub fn estimate(estimate: &Estimate, of: &str, remarks: &Remarks) -> String {
    let mut text = format!("{}\n\n", heading(estimate, of));
    let mut rows =
        vec![words(&["", "asked", "bought", "pods", "an hour", "a month", "economy", "spot", "waste"])];
    rows.extend(estimate.workloads.iter().map(cells));
    rows.push(sum(estimate));
    let mut align = vec![Align::Left; 3];
    align.extend([Align::Right; 6]);
    for line in lines(&rows, &align) {
        text += &format!("{line}\n");
    }
    text.push('\n');
    text += &savings(estimate);
    text += &left_out(estimate, remarks);
    for command in &remarks.next {
        text += &fact("next:", command);
    }
    text
}

fn heading(estimate: &Estimate, of: &str) -> String {
    let (region, currency, day) = (&estimate.region, estimate.currency, day(estimate.at));
    format!("cost of {of} · {region} · {currency} · prices of {day} · a month is {HOURS_A_MONTH} h")
}

/// A day in UTC+08:00, as bills have it.
fn day(at: Timestamp) -> String {
    Offset::constant(8).to_datetime(at).strftime("%F").to_string()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn cells(row: &Row) -> Vec<String> {
    let hours =
        if row.hours_a_month < HOURS_A_MONTH { format!(" ({} h)", row.hours_a_month) } else { String::new() };
    let other = |cost: &Option<Cost>| cost.as_ref().map_or_else(|| "-".to_owned(), month_of);
    vec![
        format!("{}{hours}", row.title()),
        row.requested(),
        row.what(),
        row.replicas.to_string(),
        hour_of(&row.hour),
        month_of(&row.month),
        other(&row.economy),
        other(&row.spot),
        other(&row.waste),
    ]
}

fn sum(estimate: &Estimate) -> Vec<String> {
    let waste: Cost = estimate.workloads.iter().filter_map(|row| row.waste.clone()).sum();
    vec![
        "in all".to_owned(),
        String::new(),
        String::new(),
        estimate.pods().to_string(),
        hour_of(&estimate.hour),
        month_of(&estimate.month),
        month_of(&estimate.month_in(|row| &row.economy)),
        month_of(&estimate.month_in(|row| &row.spot)),
        month_of(&waste),
    ]
}

/// A line of the remarks: a word, then what it says.
fn fact(word: &str, says: &str) -> String {
    format!("{word:<12}{says}\n")
}

fn savings(estimate: &Estimate) -> String {
    let sign = sign(estimate.currency);
    let mut text = String::new();
    let mut cheaper: Vec<_> = estimate
        .workloads
        .iter()
        .filter_map(|row| {
            let cheaper = row.cheaper.as_ref()?;
            let less = row.month.known().ok()?.decimal() - cheaper.month.known().ok()?.decimal();
            Some((less, row, cheaper)).filter(|_| less.is_sign_positive() && !less.is_zero())
        })
        .collect();
    cheaper.sort_by_key(|(less, ..)| std::cmp::Reverse(*less));
    for (less, row, cheaper) in cheaper.into_iter().take(CHEAPER_MAX) {
        let (title, instead, vcpu, gib) =
            (row.title(), row.requested(), cheaper.requested.vcpu, cheaper.requested.gib);
        let less = month(less);
        let requested =
            format!("{title} with {vcpu} vCPU, {gib} GiB instead of {instead}: {sign} {less} a month less");
        text += &fact("cheaper", &requested);
    }
    let silent = estimate.workloads.iter().filter(|row| row.requested.is_none() && row.replicas > 0).count();
    if silent > 0 {
        let all = estimate.workloads.len();
        let says = "without requests and limits, and so 2 vCPU, 4 GiB a pod; less may do";
        text += &fact("undeclared", &format!("{silent} of {all}: {says}"));
    }
    text
}

fn left_out(estimate: &Estimate, remarks: &Remarks) -> String {
    let mut text = String::new();
    let (known, unknown) = estimate.known_month();
    if unknown > 0 {
        let sign = sign(estimate.currency);
        text += &fact(
            "unknown",
            &format!("{unknown} without a price; the others are {sign} {} a month", month(known)),
        );
        let why = estimate.workloads.iter().find_map(|row| row.month.known().err().map(|why| (row, why)));
        if let Some((row, why)) = why {
            text += &fact("", &format!("{} ({}): {why}", row.title(), row.place));
        }
    }
    let ends = |row: &&Row| matches!(row.kind.as_str(), "Job" | "CronJob");
    if estimate.workloads.iter().any(|row| ends(&row) && row.hours_a_month == HOURS_A_MONTH) {
        text +=
            &fact("jobs", "are counted as if they always ran; say for how long in a month with --job-hours");
    }
    let sold = |row: &Row| row.economy.is_some() && row.spot.is_some();
    if !estimate.workloads.iter().all(sold) {
        text += &fact("-", "is not sold so, and stays as it is in the sum");
    }
    if !remarks.passed_over.is_empty() {
        let kinds = remarks.passed_over.iter().map(|(kind, number)| format!("{kind} {number}"));
        text += &fact("passed over", &kinds.collect::<Vec<_>>().join(", "));
    }
    if remarks.passed_over.contains_key("DaemonSet") {
        text += &fact("", "pods of DaemonSets stay off virtual nodes");
    }
    text
}

/// The difference: a table of what changed, and the sum.
pub fn difference(estimate: &Estimate, difference: &Difference<'_>, of: &str, than: &str) -> String {
    let mut text = format!("{} · against {than}\n\n", heading(estimate, of));
    let mut rows = vec![words(&["", "before", "after", "a month"])];
    for change in &difference.changes {
        let [before, after] = change.sides();
        rows.push(vec![
            change.title(),
            before,
            after,
            change.month().map_or_else(|| "unknown".to_owned(), signed),
        ]);
    }
    let total = difference.month().map_or_else(|| "unknown".to_owned(), signed);
    let sides = [difference.before, difference.after].map(month_of);
    let [before, after] = sides;
    rows.push(vec!["in all".to_owned(), before, after, total]);
    for line in lines(&rows, &[Align::Left, Align::Left, Align::Left, Align::Right]) {
        let _ = writeln!(text, "{line}");
    }
    if difference.unchanged > 0 {
        let _ = writeln!(text, "\nunchanged   {}", difference.unchanged);
    }
    text
}
