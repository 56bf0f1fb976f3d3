//! `/metrics/resource`: what the node and its pods use, as Prometheus reads it (kubelet-contract.md, R134).

use std::fmt::Write as _;

use jiff::Timestamp;

use super::usage::{PodUsage, Reading, positive};

/// The media type of the text.
pub(super) const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

const CONTAINER_CPU: (&str, &str, &str) = (
    "container_cpu_usage_seconds_total",
    "counter",
    "Cumulative cpu time consumed by the container in core-seconds",
);
const CONTAINER_MEMORY: (&str, &str, &str) =
    ("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes");
const CONTAINER_START: (&str, &str, &str) =
    ("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds");
const NODE_CPU: (&str, &str, &str) =
    ("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds");
const NODE_MEMORY: (&str, &str, &str) =
    ("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes");
const POD_CPU: (&str, &str, &str) =
    ("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds");
const POD_MEMORY: (&str, &str, &str) =
    ("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes");
const ERROR: (&str, &str, &str) = (
    "resource_scrape_error",
    "gauge",
    "1 if there was an error while getting container metrics, 0 otherwise",
);

/// The metrics of a reading; `None`, when it failed, is an error in the text itself, as a kubelet has it.
pub(super) fn text(reading: Option<&Reading>) -> String {
    let mut text = String::new();
    if let Some(reading) = reading {
        containers(&mut text, reading);
        pods(&mut text, reading);
        let memory: u64 = reading.pods.iter().filter_map(memory_of).sum();
        series(&mut text, NODE_CPU, [(String::new(), seconds(reading.spent), reading.at)]);
        series(&mut text, NODE_MEMORY, [(String::new(), memory.to_string(), reading.at)]);
    }
    let (name, kind, help) = ERROR;
    let failed = u8::from(reading.is_none());
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {failed}");
    text
}

fn containers(text: &mut String, reading: &Reading) {
    let (mut cpu, mut memory, mut start) = (vec![], vec![], vec![]);
    for pod in &reading.pods {
        let (namespace, name) = pod.names();
        for container in &pod.record.containers {
            let labels = format!(
                "{{container=\"{}\",pod=\"{name}\",namespace=\"{namespace}\"}}",
                container.name.escape_default()
            );
            let at = pod.at(reading.at);
            if let Some(used) = &container.cpu {
                cpu.push((labels.clone(), seconds(positive(used.usage_core_nano_seconds)), at));
            }
            if let Some(used) = &container.memory {
                memory.push((labels.clone(), positive(used.working_set).to_string(), at));
            }
            if let Some(began) = pod.began(&container.name) {
                start.push((labels, began.as_second().to_string(), at));
            }
        }
    }
    series(text, CONTAINER_CPU, cpu);
    series(text, CONTAINER_MEMORY, memory);
    series(text, CONTAINER_START, start);
}

fn pods(text: &mut String, reading: &Reading) {
    let (mut cpu, mut memory) = (vec![], vec![]);
    for pod in &reading.pods {
        let (namespace, name) = pod.names();
        let labels = format!("{{namespace=\"{namespace}\",pod=\"{name}\"}}");
        let at = pod.at(reading.at);
        cpu.push((labels.clone(), seconds(pod.spent()), at));
        if let Some(used) = memory_of(pod) {
            memory.push((labels, used.to_string(), at));
        }
    }
    series(text, POD_CPU, cpu);
    series(text, POD_MEMORY, memory);
}

fn memory_of(pod: &PodUsage) -> Option<u64> {
    pod.record.memory.as_ref().map(|memory| positive(memory.working_set))
}

/// One series, each sample with its instant in milliseconds; nothing where there are no samples.
fn series(
    text: &mut String,
    (name, kind, help): (&str, &str, &str),
    samples: impl IntoIterator<Item = (String, String, Timestamp)>,
) {
    let mut samples = samples.into_iter().peekable();
    if samples.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value, at) in samples {
        let _ = writeln!(text, "{name}{labels} {value} {}", at.as_millisecond());
    }
}

/// Nanoseconds as seconds, exactly.
fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_become_seconds_exactly() {
        for (nanoseconds, told) in [
            (0, "0.000000000"),
            (1, "0.000000001"),
            (1_500_000_000, "1.500000000"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(seconds(nanoseconds), told);
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_in_the_text() {
        let text = text(None);
        assert!(text.ends_with("\nresource_scrape_error 1\n"), "{text}");
        assert!(!text.contains("node_cpu"), "{text}");
    }
}
