//! `/metrics`: the provider's own numbers, as Prometheus reads them: its calls to the cloud and how long they waited, the
//! cloud's clock, pods and groups.

use std::fmt::{Display, Write as _};

use crate::eci::{Eci, Waits};
use crate::pods::store::PodStore;

/// The text for what `eci` and `store` say now.
pub(super) fn text(eci: &Eci, store: &PodStore) -> String {
    let mut text = String::new();
    let waits: Vec<_> = eci.waits().into_iter().collect();
    let mut of_actions = |name, kind, help, value: fn(&Waits) -> String| {
        let labelled = waits.iter().map(|(action, waits)| (format!("{{action=\"{action}\"}}"), value(waits)));
        metric(&mut text, name, kind, help, labelled);
    };
    of_actions("eci_calls_total", "counter", "Calls to ECI that were let through the gate", |waits| {
        waits.calls.to_string()
    });
    of_actions("eci_call_waits_total", "counter", "Calls to ECI that had to wait at the gate", |waits| {
        waits.waited.to_string()
    });
    of_actions(
        "eci_call_wait_seconds_total",
        "counter",
        "Seconds that calls to ECI waited at the gate",
        |waits| waits.total.as_secs_f64().to_string(),
    );
    of_actions(
        "eci_call_wait_seconds_max",
        "gauge",
        "The longest wait of a call to ECI at the gate",
        |waits| waits.longest.as_secs_f64().to_string(),
    );
    of_actions("eci_calls_waiting", "gauge", "Calls to ECI that wait at the gate now", |waits| {
        waits.waiting.to_string()
    });
    let mut one = |name, kind, help, value: &dyn Display| {
        metric(&mut text, name, kind, help, [(String::new(), value.to_string())]);
    };
    let skew = eci.clock_skew().unwrap_or_default().as_secs_f64();
    one(
        "eci_clock_skew_seconds",
        "gauge",
        "The clock of ECI less this machine's, once a call was refused for it",
        &skew,
    );
    one(
        "duplicate_container_groups_total",
        "counter",
        "Groups found beside another of the same pod",
        &store.duplicates(),
    );
    one("pods", "gauge", "Pods of the node that are in the API", &store.pods().len());
    text
}

fn metric(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: impl IntoIterator<Item = (String, String)>,
) {
    let _ = writeln!(text, "# HELP virtual_node_{name} {help}\n# TYPE virtual_node_{name} {kind}");
    for (labels, value) in samples {
        let _ = writeln!(text, "virtual_node_{name}{labels} {value}");
    }
}
