//! Reports of shards, merged into one as if one run had made all their pods.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::history::{Counts, Life};
use super::processes::ProcessUsage;
use super::report::{ActionCalls, LoadOutcome, Money, Rates, Report};
use super::stage;

/// Merges reports; `None` of none. Their times are set side by side by the instants at which they began.
pub fn merge(reports: Vec<Report>) -> Option<Report> {
    let began = reports.iter().map(|report| report.began).min()?;
    let mut lives: Vec<Life> = Vec::new();
    let mut seconds: f64 = 0.0;
    let mut reports = reports.into_iter();
    let mut first = reports.next()?;
    let mut rest: Vec<Report> = reports.collect();
    for report in std::iter::once(&mut first).chain(&mut rest) {
        let later = report.began.duration_since(began);
        let micros = u64::try_from(later.as_micros()).unwrap_or(0);
        lives.extend(std::mem::take(&mut report.lives).into_iter().map(|life| life.later(micros)));
        seconds = seconds.max(later.as_secs_f64() + report.seconds);
    }
    let mut merged = rest.into_iter().fold(first, add);
    merged.began = began;
    merged.seconds = seconds;
    merged.stages = stage::percentiles(&lives);
    merged.rates = Rates::of(&lives);
    merged.lives = lives;
    Some(merged)
}

/// Adds the counts and sums of one report to another's.
fn add(mut sum: Report, one: Report) -> Report {
    sum.runs += one.runs;
    sum.plan.pods = sum.plan.pods.saturating_add(one.plan.pods);
    sum.plan.rate = match (sum.plan.rate, one.plan.rate) {
        (Some(own), Some(more)) => (own.a_second() + more.a_second()).try_into().ok(),
        _ => None,
    };
    sum.counts = Counts {
        requested: sum.counts.requested + one.counts.requested,
        accepted: sum.counts.accepted + one.counts.accepted,
        scheduled: sum.counts.scheduled + one.counts.scheduled,
        running: sum.counts.running + one.counts.running,
        failed: sum.counts.failed + one.counts.failed,
        gone: sum.counts.gone + one.counts.gone,
    };
    if sum.ended == LoadOutcome::Completed {
        sum.ended = one.ended;
    }
    sum.failure = sum.failure.or(one.failure);
    sum.kubernetes = both(sum.kubernetes, one.kubernetes, |own: &mut u64, more| *own += more);
    sum.eci = both(sum.eci, one.eci, |own: &mut ActionCalls, more| {
        own.calls += more.calls;
        own.throttled += more.throttled;
        own.refused += more.refused;
    });
    sum.processes = processes(sum.processes, one.processes);
    sum.money = match (sum.money, one.money) {
        (Some(own), Some(more)) if own.currency == more.currency => {
            let amount = own.amount.zip(more.amount).map(|(own, more): (Decimal, Decimal)| own + more);
            Some(Money { amount, ..own })
        }
        _ => None,
    };
    sum
}

/// The sums of two maps; `None` where either is not known.
fn both<T: Default>(
    own: Option<BTreeMap<String, T>>,
    more: Option<BTreeMap<String, T>>,
    add: impl Fn(&mut T, T),
) -> Option<BTreeMap<String, T>> {
    let (mut own, more) = own.zip(more)?;
    more.into_iter().for_each(|(key, value)| add(own.entry(key).or_default(), value));
    Some(own)
}

/// Processes of one name are summed in time; their peak is that of the larger.
fn processes(mut own: Vec<ProcessUsage>, more: Vec<ProcessUsage>) -> Vec<ProcessUsage> {
    for process in more {
        match own.iter_mut().find(|known| known.name == process.name) {
            Some(known) => {
                known.cpu_seconds += process.cpu_seconds;
                known.peak_mebibytes = known.peak_mebibytes.max(process.peak_mebibytes);
            }
            None => own.push(process),
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::super::stage::Stage;
    use super::*;

    #[test]
    fn shards_merge_into_the_report_of_one_run() {
        let mut late = report(3, 1000);
        late.began = late.began.checked_add(jiff::SignedDuration::from_secs(5)).unwrap();
        let merged = merge(vec![report(2, 500), late]).unwrap();
        assert_eq!((merged.runs, merged.counts.running, merged.lives.len()), (2, 5, 5));
        assert_eq!(merged.stages[&Stage::Running].count, 5);
        assert!((merged.stages[&Stage::Running].max - 3.0).abs() < 1e-9, "spans are not moved");
        assert!((merged.seconds - 14.0).abs() < 1e-9);
        assert_eq!(merged.kubernetes_calls(), Some((20, 15)));
        assert_eq!(merged.money.unwrap().amount, Some(Decimal::new(250, 2)));
        assert_eq!(merge(Vec::new()), None);
    }
}
