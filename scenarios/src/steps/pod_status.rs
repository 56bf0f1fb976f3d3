//! The words of a pod's object about itself: phase, readiness, restarts, reasons and messages.

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::expect::Phase;
use crate::objects::{Fields, read};
use crate::outcome::Miss;
use crate::scenario::names::PodName;
use crate::stage::World;

/// The restarts of a pod of which no container has a status.
pub(super) const NO_STATUS: &str = "no container has a status";

/// The pod of this name; `None` where there is none.
pub(super) async fn find(world: &World, name: &PodName) -> Result<Option<Value>, Miss> {
    Ok(read::<Pod>(&world.kube(), &name.namespace, &name.name).await?)
}

/// The phase; `gone` where there is no pod, `none` where it has none.
pub(super) fn phase(pod: Option<&Value>) -> String {
    let Some(pod) = pod else { return Phase::Gone.to_string() };
    pod.text("/status/phase").unwrap_or("none").to_owned()
}

/// True when the condition Ready is True.
pub(super) fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod.list("/status/conditions").iter();
    conditions.any(|one| one.text("/type") == Some("Ready") && one.text("/status") == Some("True"))
}

/// The restarts of all containers together; `None` while none of them has a status.
pub(super) fn restarts(pod: &Value) -> Option<i64> {
    let statuses = pod.list("/status/containerStatuses");
    let counts = statuses.iter().filter_map(|status| status.get("restartCount")?.as_i64());
    (!statuses.is_empty()).then(|| counts.sum())
}

/// True when the container has started at least once; any container where none is named.
pub(super) fn has_started(pod: &Value, container: Option<&str>) -> bool {
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
    pub(super) fn of(pod: &Value) -> Self {
        let mut words = Self { reasons: Vec::new(), messages: Vec::new() };
        let Some(status) = pod.get("status") else { return words };
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
