//! A report as one HTML page that needs nothing else: no script, no style, font or picture from outside.

use std::fmt::Write as _;

use super::chart::{Line, LineChart, escaped};
use super::history::Moment;
use super::percentiles::seconds;
use super::report::Report;
use super::stage::STAGES;
use super::text;

/// The page's own style.
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse}td,th{padding:.2rem .9rem .2rem 0;text-align:right}\
td:first-child,th:first-child{text-align:left}th{border-bottom:1px solid #999}svg{width:100%;height:auto}svg text{font-size:12px}\
.tick{fill:#555}.grid{stroke:#ddd}.short{color:#a02000}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}.tick{fill:#aaa}.grid{stroke:#333}.short{color:#ff9a7a}}";

/// The page.
pub fn page(report: &Report) -> String {
    let title = escaped(&text::headline(report));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    let time = if report.stepped { "the world's time" } else { "the machine's time" };
    // Writing into a text cannot fail.
    let _ = writeln!(
        page,
        "<p>Began {}, {:.1} s of {time}, seed {}.</p>",
        escaped(&report.began.to_string()),
        report.seconds,
        escaped(&report.seed)
    );
    for sentence in report.shortfalls() {
        let _ = writeln!(page, "<p class=\"short\">{}</p>", escaped(&sentence));
    }
    page.push_str("<h2>Pods over time</h2>\n");
    page.push_str(&over_time(report).svg());
    page.push_str("<h2>Time by stage</h2>\n");
    page.push_str(&by_stage(report).svg());
    page.push_str(&stages(report));
    page.push_str("<h2>Calls</h2>\n");
    page.push_str(&calls(report));
    page.push_str("<h2>Processes and cost</h2>\n");
    page.push_str(&processes(report));
    page.push_str("</body>\n</html>\n");
    page
}

/// The number of pods that have come so far, by the time since the run began.
fn over_time(report: &Report) -> LineChart {
    let line = |(name, moment): (&str, Moment)| {
        let mut at: Vec<u64> = report.lives.iter().filter_map(|life| life.at(moment)).collect();
        at.sort_unstable();
        let points = at.iter().zip(1u32..).map(|(at, count)| (seconds(*at), f64::from(count)));
        Line { name: name.to_owned(), points: points.collect() }
    };
    let moments = [
        ("requested", Moment::Requested),
        ("scheduled", Moment::Scheduled),
        ("group requested", Moment::GroupRequested),
        ("group Running", Moment::GroupRunning),
        ("Running", Moment::Running),
        ("group gone", Moment::GroupGone),
        ("gone", Moment::Gone),
    ];
    let lines = moments.into_iter().map(line).filter(|line| !line.points.is_empty()).collect();
    LineChart {
        title: "Pods over time".into(),
        x: "seconds since the run began".into(),
        y: "pods".into(),
        lines,
    }
}

/// The share of pods that took no longer, by the time of a stage.
fn by_stage(report: &Report) -> LineChart {
    let lines = STAGES.into_iter().filter_map(|stage| {
        let mut spans: Vec<u64> = report.lives.iter().filter_map(|life| stage.of(life)).collect();
        spans.sort_unstable();
        let all = f64::from(u32::try_from(spans.len()).ok()?);
        let points: Vec<_> = spans
            .iter()
            .zip(1u32..)
            .map(|(span, rank)| (seconds(*span), 100.0 * f64::from(rank) / all))
            .collect();
        (!points.is_empty()).then(|| Line { name: stage.name().to_owned(), points })
    });
    let lines = lines.collect();
    LineChart {
        title: "Time by stage".into(),
        x: "seconds since it was asked for".into(),
        y: "% of pods".into(),
        lines,
    }
}

/// A table of texts, the first row its head.
fn table(rows: &[Vec<String>]) -> String {
    let mut table = String::from("<table>\n");
    for (place, row) in rows.iter().enumerate() {
        let tag = if place == 0 { "th" } else { "td" };
        let cells: Vec<_> = row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        let _ = writeln!(table, "<tr>{}</tr>", cells.concat());
    }
    table.push_str("</table>\n");
    table
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn stages(report: &Report) -> String {
    let mut rows = vec![row(&["until", "pods", "p50", "p90", "p99", "max"])];
    for stage in STAGES {
        rows.push(match report.stages.get(&stage) {
            Some(of) => {
                let spans = [of.p50, of.p90, of.p99, of.max].map(text::span);
                [vec![stage.name().to_owned(), of.count.to_string()], spans.to_vec()].concat()
            }
            None => row(&[stage.name(), "n/a", "", "", "", ""]),
        });
    }
    table(&rows)
}

fn calls(report: &Report) -> String {
    let mut rows = vec![row(&["call", "count", "a pod"])];
    let a_pod = |count| report.a_pod(count).map_or_else(|| "n/a".to_owned(), |each| format!("{each:.2}"));
    for (call, count) in report.kubernetes.iter().flatten() {
        rows.push(vec![format!("Kubernetes: {call}"), count.to_string(), a_pod(*count)]);
    }
    for (action, of) in report.eci.iter().flatten() {
        rows.push(vec![format!("ECI: {action}"), of.calls.to_string(), a_pod(of.calls)]);
    }
    if let Some((_, writes)) = report.kubernetes_calls() {
        rows.push(vec!["writes to Kubernetes".to_owned(), writes.to_string(), a_pod(writes)]);
    }
    if let Some((_, throttled)) = report.eci_calls() {
        rows.push(vec!["throttled by ECI".to_owned(), throttled.to_string(), a_pod(throttled)]);
    }
    table(&rows)
}

fn processes(report: &Report) -> String {
    let mut rows = vec![row(&["process", "CPU, s", "peak, MiB"])];
    for process in &report.processes {
        let (cpu, peak) = (format!("{:.2}", process.cpu_seconds), process.peak_mebibytes.to_string());
        rows.push(vec![process.name.clone(), cpu, peak]);
    }
    let cost = report.money.as_ref().map_or_else(String::new, |money| {
        let amount = money
            .amount
            .map_or_else(|| "a price is missing".to_owned(), |amount| amount.normalize().to_string());
        format!("<p>Cost {} {}.</p>\n", escaped(&amount), escaped(&money.currency))
    });
    table(&rows) + &cost
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_outside_and_what_it_shows_cannot_be_markup() {
        let mut report = report(20, 500);
        report.cluster = "<img src=x onerror=alert(1)> & co".to_owned();
        let page = page(&report);
        for outside in ["http:", "https:", "<script", "<link", "<img", "url(", "@import", "src="] {
            let shown = page.replace("&lt;img src=x onerror=alert(1)&gt;", "");
            assert!(!shown.contains(outside), "{outside}");
        }
        assert!(page.contains("&lt;img src=x") && page.contains("this &lt;b&gt;"));
        assert_eq!(page.matches("<svg").count(), 2);
        assert_eq!(page.matches("</svg>").count(), 2);
        assert!(page.contains("<td>running</td><td>20</td><td>1.50 s</td>"), "{page}");
    }
}
