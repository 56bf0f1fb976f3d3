//! Two reports compared, figure by figure.

use super::report::Report;
use super::stage::STAGES;

/// A figure of two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Name of the figure.
    pub name: String,
    /// Figure of the earlier run.
    pub before: f64,
    /// Figure of this run.
    pub now: f64,
}

impl Compared {
    /// This run's figure by the earlier one's; `None` where that is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.before > 0.0).then(|| self.now / self.before)
    }
}

/// The figures that both runs have, and remarks on what differs between the two, so that ratios may mean something else.
pub fn compare(before: &Report, now: &Report) -> (Vec<Compared>, Vec<String>) {
    let mut figures = Vec::new();
    let mut add = |name: String, before: Option<f64>, now: Option<f64>| {
        if let (Some(before), Some(now)) = (before, now) {
            figures.push(Compared { name, before, now });
        }
    };
    for stage in STAGES {
        let of = |report: &Report| report.stages.get(&stage).copied();
        add(format!("p50({stage}), s"), of(before).map(|p| p.p50), of(now).map(|p| p.p50));
        add(format!("p99({stage}), s"), of(before).map(|p| p.p99), of(now).map(|p| p.p99));
    }
    add("rate(running), pods/s".to_owned(), before.rates.running, now.rates.running);
    add("rate(gone), pods/s".to_owned(), before.rates.gone, now.rates.gone);
    let kubernetes = |report: &Report| report.kubernetes_calls().and_then(|(calls, _)| report.a_pod(calls));
    add("calls(kubernetes) a pod".to_owned(), kubernetes(before), kubernetes(now));
    let writes = |report: &Report| report.kubernetes_calls().and_then(|(_, writes)| report.a_pod(writes));
    add("writes a pod".to_owned(), writes(before), writes(now));
    let eci = |report: &Report| report.eci_calls().and_then(|(calls, _)| report.a_pod(calls));
    add("calls(eci) a pod".to_owned(), eci(before), eci(now));
    let cpu = |report: &Report| Some(report.processes.iter().map(|process| process.cpu_seconds).sum());
    add("cpu, s".to_owned(), cpu(before), cpu(now));
    (figures, remarks(before, now))
}

fn remarks(before: &Report, now: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut differ = |what: &str, before: String, now: String| {
        if before != now {
            remarks.push(format!("{what} differ: {before} before, {now} now"));
        }
    };
    differ("clusters", before.cluster.clone(), now.cluster.clone());
    let time = |report: &Report| if report.stepped { "stepped" } else { "the machine's" }.to_owned();
    differ("times", time(before), time(now));
    differ("numbers of pods", before.plan.pods.to_string(), now.plan.pods.to_string());
    differ("forms", before.plan.workload.to_string(), now.plan.workload.to_string());
    remarks
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn figures_are_compared_by_ratio_and_what_differs_is_remarked() {
        let (figures, remarks) = compare(&report(2, 500), &report(4, 1000));
        let running = figures.iter().find(|figure| figure.name == "p99(running), s").unwrap();
        assert!((running.ratio().unwrap() - 2.0).abs() < 1e-9);
        assert!(figures.iter().all(|figure| !figure.name.contains("gone")), "neither run measured it");
        assert_eq!(remarks, ["numbers of pods differ: 2 before, 4 now"]);
    }
}
