//! A report in words, for a terminal.

use std::fmt::Write as _;

use super::comparison::Compared;
use super::report::Report;
use super::stage::STAGES;

/// Writes the report.
pub fn report(report: &Report) -> String {
    let mut text = String::new();
    // Writing into a text cannot fail.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> std::fmt::Result {
    let time = if report.stepped { "of the world's time" } else { "of the machine's time" };
    writeln!(text, "{}", headline(report))?;
    writeln!(text, "{:.1} s {time} · seed {}", report.seconds, report.seed)?;
    writeln!(text, "\n{:<16}{:>8}{:>11}{:>11}{:>11}{:>11}", "until", "pods", "p50", "p90", "p99", "max")?;
    for stage in STAGES {
        match report.stages.get(&stage) {
            Some(of) => {
                let [p50, p90, p99, max] = [of.p50, of.p90, of.p99, of.max].map(span);
                writeln!(text, "{:<16}{:>8}{p50:>11}{p90:>11}{p99:>11}{max:>11}", stage.name(), of.count)?;
            }
            None if stage.is_of_cloud() && report.eci.is_none() => {
                writeln!(text, "{:<16}{:>8}", stage.name(), "n/a")?
            }
            None => writeln!(text, "{:<16}{:>8}", stage.name(), 0)?,
        }
    }
    let rate = |rate: Option<f64>| rate.map_or_else(|| "n/a".to_owned(), |rate| format!("{rate:.1}/s"));
    writeln!(text, "\nto Running {}, gone {}", rate(report.rates.running), rate(report.rates.gone))?;
    calls(report, text)?;
    for process in &report.processes {
        let (cpu, peak) = (process.cpu_seconds, process.peak_mebibytes);
        writeln!(text, "{}: {cpu:.2} s of CPU, {peak} MiB at most", process.name)?;
    }
    if let Some(money) = &report.money {
        let amount = money
            .amount
            .map_or_else(|| "a price is missing".to_owned(), |amount| amount.normalize().to_string());
        writeln!(text, "cost {amount} {}", money.currency)?;
    }
    report.shortfalls().iter().try_for_each(|sentence| writeln!(text, "{sentence}"))
}

/// What was made, in one line.
pub(super) fn headline(report: &Report) -> String {
    let plan = &report.plan;
    let rate = plan.rate.map_or_else(|| "as fast as it goes".to_owned(), |rate| format!("at {rate}"));
    let runs = if report.runs > 1 { format!(" in {} runs", report.runs) } else { String::new() };
    format!(
        "load · {} · {} {} {rate}, {} in flight{runs}",
        report.cluster, plan.pods, plan.workload, plan.in_flight
    )
}

fn calls(report: &Report, text: &mut String) -> std::fmt::Result {
    let a_pod = |count| report.a_pod(count).map_or_else(|| "n/a".to_owned(), |each| format!("{each:.2}"));
    match (report.kubernetes_calls(), &report.kubernetes) {
        (Some((calls, writes)), Some(by_verb)) => {
            writeln!(
                text,
                "the provider's calls to Kubernetes {} a pod, writes {} a pod",
                a_pod(calls),
                a_pod(writes)
            )?;
            let mut by_verb: Vec<_> = by_verb.iter().collect();
            by_verb.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (call, count) in by_verb {
                writeln!(text, "  {call:<32}{count:>9}{:>9}", a_pod(*count))?;
            }
        }
        _ => writeln!(text, "the provider's calls to Kubernetes n/a: it is not ours")?,
    }
    match (report.eci_calls(), &report.eci) {
        (Some((calls, throttled)), Some(actions)) => {
            writeln!(text, "calls to ECI {} a pod, {throttled} throttled", a_pod(calls))?;
            for (action, of) in actions {
                writeln!(text, "  {action:<32}{:>9}{:>9}", of.calls, a_pod(of.calls))?;
            }
            Ok(())
        }
        _ => writeln!(text, "calls to ECI n/a: the cloud is somewhere else"),
    }
}

/// Seconds, as short as they can be told.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// Writes a comparison: each figure before and now, and by how much it changed.
pub fn comparison((figures, remarks): &(Vec<Compared>, Vec<String>), before: &str) -> String {
    let mut text =
        format!("\ncompared with {before}\n{:<28}{:>12}{:>12}{:>9}\n", "", "before", "now", "ratio");
    for figure in figures {
        let ratio = figure.ratio().map_or_else(|| "n/a".to_owned(), |ratio| format!("{ratio:.2} ×"));
        let Compared { name, before, now } = figure;
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{name:<28}{before:>12.4}{now:>12.4}{ratio:>9}");
    }
    for remark in remarks {
        let _ = writeln!(text, "{remark}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::comparison::compare;
    use super::super::report::tests::report as example;
    use super::*;

    #[test]
    fn a_report_tells_stages_calls_and_what_is_not_known() {
        let text = report(&example(4, 500));
        for part in [
            "4 bare pods as fast as it goes, 32 in flight",
            "running                4     1.50 s     1.50 s     1.50 s     1.50 s",
            "group-requested        0",
            "writes 3.00 a pod",
            "CreateContainerGroup                    4     1.00",
            "1.50 s of CPU, 64 MiB at most",
            "cost 1.25 CNY",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let elsewhere = report(&Report { eci: None, kubernetes: None, ..example(4, 500) });
        for part in [
            "group-requested      n/a",
            "Kubernetes n/a: it is not ours",
            "ECI n/a: the cloud is somewhere else",
        ] {
            assert!(elsewhere.contains(part), "{part}\n{elsewhere}");
        }
    }

    #[test]
    fn a_comparison_tells_ratios() {
        let text = comparison(&compare(&example(2, 500), &example(2, 250)), "before.json");
        assert!(text.contains("p99(running), s                   1.5000      0.7500   0.50 ×"), "{text}");
    }
}
