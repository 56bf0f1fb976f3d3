//! The events of controllers, as `kubectl describe` shows them; the same event again is counted.

use serde_json::{Value, json};

use crate::kinds;
use crate::managed_fields::track::{self, Writer};
use crate::object::field::{name, namespace, number, uid};
use crate::object::timestamp;
use crate::service::controller_writes::replace_as;
use crate::sim::KubeSim;
use crate::store::GroupResource;

const EVENTS: GroupResource = ("", "events");

const SCHEDULER: &str = "default-scheduler";

/// An event to record.
#[derive(Debug, Clone, Copy)]
pub struct EventRecord<'a> {
    /// `Normal` or `Warning`.
    pub kind: &'a str,
    /// Machine-readable reason in CamelCase.
    pub reason: &'a str,
    /// A sentence for people.
    pub message: &'a str,
    /// Component that reports the event.
    pub component: &'a str,
}

/// Records an event about an object, or counts it again.
pub fn record(sim: &KubeSim, about: &Value, entry: EventRecord<'_>) {
    let home = if namespace(about).is_empty() { "default" } else { namespace(about) };
    let now = timestamp::seconds(sim.clock().now());
    let event_name = format!("{}.{:016x}", name(about), fingerprint(about, entry));
    if let Some(event) = sim.store().get(EVENTS, home, &event_name) {
        let mut again = (*event).clone();
        if entry.component == SCHEDULER {
            let count = number(&event, "/series/count").unwrap_or(1) + 1;
            again["series"] =
                json!({"count": count, "lastObservedTime": timestamp::micros(sim.clock().now())});
        } else {
            again["count"] = (number(&event, "/count").unwrap_or(1) + 1).into();
            again["lastTimestamp"] = now.into();
        }
        let _ = replace_as(sim, manager(entry.component), EVENTS, &event, again); // somebody who counted at the same time is right, too
        return;
    }
    let fresh = sim.draw(|chance| chance.uuid().to_string());
    let mut event = json!({
        "kind": "Event", "apiVersion": "v1",
        "metadata": {"name": event_name, "namespace": home, "uid": fresh, "creationTimestamp": now},
        "involvedObject": {"kind": about["kind"], "apiVersion": about["apiVersion"], "namespace": namespace(about),
            "name": name(about), "uid": uid(about), "resourceVersion": about["metadata"]["resourceVersion"]},
        "reason": entry.reason, "message": entry.message, "type": entry.kind,
        "source": {"component": entry.component}, "reportingComponent": entry.component, "reportingInstance": "",
        "firstTimestamp": now, "lastTimestamp": now, "eventTime": null, "count": 1,
    });
    if entry.component == SCHEDULER {
        in_the_newer_form(&mut event, timestamp::micros(sim.clock().now()));
    }
    if let Some(kind) = kinds::find(EVENTS.0, EVENTS.1) {
        let writer = Writer { name: manager(entry.component), subresource: "", now: sim.clock().now() };
        track::created(kind, &mut event, writer, &[]);
    }
    let _ = sim.store().create(EVENTS, event); // somebody who said the same at the same time is right, too
}

/// The manager of a component's events.
fn manager(component: &str) -> &'static str {
    if component == SCHEDULER { "kube-scheduler" } else { "kube-controller-manager" }
}

/// The form of the scheduler, which alone writes events of `events.k8s.io`: other times, and an action.
fn in_the_newer_form(event: &mut Value, now: String) {
    event["action"] = if event["reason"] == "Scheduled" { "Binding" } else { "Scheduling" }.into();
    event["eventTime"] = now.into();
    event["firstTimestamp"] = Value::Null;
    event["lastTimestamp"] = Value::Null;
    event["reportingInstance"] = "default-scheduler-0".into();
    event["source"] = json!({});
    if let Some(members) = event.as_object_mut() {
        members.shift_remove("count");
    }
}

/// The hash of an event and its object, which names the event, so that it is found again without a search.
fn fingerprint(about: &Value, entry: EventRecord<'_>) -> u64 {
    let words = [uid(about), entry.kind, entry.reason, entry.message, entry.component];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in words.join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}
