//! Events: what a controller did, as `kubectl describe` shows it; the same thing again is counted.

use serde_json::{Value, json};

use crate::KubeSim;
use crate::pods::field::{name, namespace, number, text, uid};
use crate::pods::instant;
use crate::store::Shelf;

const EVENTS: Shelf = ("", "events");
const HEX: &str = "0123456789abcdef";

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// `Normal` or `Warning`.
    pub kind: &'a str,
    /// One word for programs.
    pub reason: &'a str,
    /// A sentence for people.
    pub message: &'a str,
    /// Which component says so.
    pub component: &'a str,
}

/// Notes what happened to an object.
pub fn record(sim: &KubeSim, about: &Value, happening: Happening<'_>) {
    let home = if namespace(about).is_empty() { "default" } else { namespace(about) };
    let now = instant::seconds(sim.clock().now());
    let same = |event: &Value| {
        text(event, "/involvedObject/uid") == uid(about)
            && text(event, "/reason") == happening.reason
            && text(event, "/message") == happening.message
    };
    let (events, _) = sim.store().list(EVENTS, Some(home));
    if let Some(event) = events.iter().rev().find(|event| same(event)) {
        let mut again = (**event).clone();
        again["count"] = (number(event, "/count").unwrap_or(1) + 1).into();
        again["lastTimestamp"] = now.into();
        let _ = sim.store().replace(EVENTS, event, again); // somebody who counted at the same time is right, too
        return;
    }
    let (suffix, fresh) = sim.draw(|chance| (chance.text(HEX, 16), chance.uuid().to_string()));
    let event = json!({
        "kind": "Event", "apiVersion": "v1",
        "metadata": {"name": format!("{}.{suffix}", name(about)), "namespace": home, "uid": fresh, "creationTimestamp": now},
        "involvedObject": {"kind": about["kind"], "apiVersion": about["apiVersion"], "namespace": namespace(about),
            "name": name(about), "uid": uid(about), "resourceVersion": about["metadata"]["resourceVersion"]},
        "reason": happening.reason, "message": happening.message, "type": happening.kind,
        "source": {"component": happening.component}, "reportingComponent": happening.component, "reportingInstance": "",
        "firstTimestamp": now, "lastTimestamp": now, "eventTime": null, "count": 1,
    });
    let _ = sim.store().create(EVENTS, event); // the name is random: two of one name do not happen
}
