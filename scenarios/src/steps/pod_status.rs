//! The words of a pod's object about itself: phase, readiness, restarts, reasons and messages.

use k8s_openapi::api::core::v1::Pod;
use kube::api::DynamicObject;
use serde_json::Value;

use super::expect::Phase;
use crate::objects::{Fields, objects};
use crate::outcome::Miss;
use crate::scenario::names::PodName;
use crate::stage::World;

/// The restarts of a pod of which no container has a status.
pub(super) const NO_STATUS: &str = "no container has a status";

/// The pod of this name; `None` where there is none.
pub(super) async fn find(world: &World, name: &PodName) -> Result<Option<DynamicObject>, Miss> {
    Ok(objects::<Pod>(world.kube(), Some(&name.namespace)).get_opt(&name.name).await?)
}

/// The phase; `gone` where there is no pod, `none` where it has none.
pub(super) fn phase(pod: Option<&DynamicObject>) -> String {
    let Some(pod) = pod else { return Phase::Gone.to_string() };
    pod.text("/status/phase").unwrap_or("none").to_owned()
}

/// True when the condition Ready is True.
pub(super) fn is_ready(pod: &DynamicObject) -> bool {
    let mut conditions = pod.list("/status/conditions").iter();
    conditions.any(|one| one.text("/type") == Some("Ready") && one.text("/status") == Some("True"))
}

/// The restarts of all containers together; `None` while none of them has a status.
pub(super) fn restarts(pod: &DynamicObject) -> Option<i64> {
    let statuses = pod.list("/status/containerStatuses");
    let counts = statuses.iter().filter_map(|status| status.get("restartCount")?.as_i64());
    (!statuses.is_empty()).then(|| counts.sum())
}

/// True when the container has started at least once; any container where none is named.
pub(super) fn has_started(pod: &DynamicObject, container: Option<&str>) -> bool {
    let started = |status: &Value| {
        let is = |pointer| status.pointer(pointer).is_some_and(|state| !state.is_null());
        is("/state/running") || is("/state/terminated") || is("/lastState/terminated")
    };
    let all = pod.list("/status/initContainerStatuses").iter().chain(pod.list("/status/containerStatuses"));
    let mut named = all.filter(|status| container.is_none_or(|name| status.text("/name") == Some(name)));
    named.any(started)
}

/// Every reason and message that a pod's status gives, the most telling first.
pub(super) struct Words {
    pub(super) reasons: Vec<String>,
    pub(super) messages: Vec<String>,
}

impl Words {
    pub(super) fn of(pod: &DynamicObject) -> Self {
        let mut words = Self { reasons: Vec::new(), messages: Vec::new() };
        let Some(status) = pod.data.get("status") else { return words };
        words.add(status);
        let inits = status.list("/initContainerStatuses").iter();
        for container in inits.chain(status.list("/containerStatuses")) {
            for place in
                ["/state/waiting", "/state/terminated", "/lastState/waiting", "/lastState/terminated"]
            {
                words.add(container.pointer(place).unwrap_or(&Value::Null));
            }
        }
        status.list("/conditions").iter().for_each(|condition| words.add(condition));
        words
    }

    fn add(&mut self, of: &Value) {
        let full = |word: Option<&str>| word.filter(|word| !word.is_empty()).map(ToOwned::to_owned);
        self.reasons.extend(full(of.text("/reason")));
        self.messages.extend(full(of.text("/message")));
    }

    pub(super) fn because(&self) -> Option<String> {
        self.messages.first().or(self.reasons.first()).cloned()
    }
}
