//! The situation of a place: the case's step, the states of pods and groups, and the call itself, without what differs between
//! equal pods or from one repetition to the next.
//!
//! Two places of one situation differ only by which of several equal pods is concerned, or by how often the same was said
//! before: the twentieth pod of a ReplicaSet, the hundredth heartbeat, an image that is asked for again and again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sweep::journal::{GroupMove, Occurrence, PodWrite};

/// The world as far as a journal tells of it.
#[derive(Debug, Default)]
pub(super) struct Situation {
    step: usize,
    /// The pods by UID: what each is counted as, and its state.
    pods: BTreeMap<String, (String, String)>,
    /// The same of the groups by their ids.
    groups: BTreeMap<String, (String, String)>,
    /// What a pod of this namespace and name is counted as.
    counted: BTreeMap<String, String>,
    /// The set of all states.
    states: String,
}

impl Situation {
    /// Takes in what happens.
    pub(super) fn follow(&mut self, what: &Occurrence) {
        match what {
            Occurrence::Step(index, _) => self.step = *index,
            Occurrence::Pod(pod) if pod.removed => {
                self.pods.remove(pod.uid());
            }
            Occurrence::Pod(pod) => {
                let counted = counted_as(pod);
                self.counted.insert(pod.name(), counted.clone());
                self.pods.insert(pod.uid().to_owned(), (counted, state_of(pod)));
            }
            Occurrence::Group(GroupMove { id, state, .. }) if state == "Deleted" => {
                self.groups.remove(id);
            }
            Occurrence::Group(GroupMove { id, uid, state }) => {
                let pod = self.pods.get(uid).map_or("nobody", |(counted, _)| counted.as_str()).to_owned();
                self.groups.insert(id.clone(), (pod, state.clone()));
            }
            _ => return,
        }
        let all = self.pods.values().chain(self.groups.values());
        let states: BTreeSet<_> = all.map(|(counted, state)| format!("{counted} {state}")).collect();
        self.states = states.into_iter().collect::<Vec<_>>().join("; ");
    }

    /// The situation of a call or an event; `None` of everything else.
    pub(super) fn of(&self, what: &Occurrence) -> Option<String> {
        let (life, what) = match what {
            Occurrence::Kube(call) => {
                let status = &call.body["status"];
                let told = [&call.body["reason"], &status["phase"], &status["reason"]];
                let told = told.map(|text| text.as_str().unwrap_or_default()).join(" ");
                (call.life, format!("{} {} {told} {}", call.verb, self.path(&call.path), call.answer))
            }
            Occurrence::Cloud(call) => {
                let groups: BTreeSet<_> = call.groups.iter().map(|group| self.group(group)).collect();
                let of = self.pods.get(&call.uid).map_or("", |(counted, _)| counted.as_str());
                let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
                (call.life, format!("{} of {of} {} [{groups}]", call.action, call.answer))
            }
            Occurrence::Event(_, life, event) => {
                let words: Vec<_> = event.split(' ').take(3).collect();
                let object =
                    words.last().map_or("", |name| self.counted.get(*name).map_or(*name, String::as_str));
                (*life, format!("{} {object}", words[..words.len().min(2)].join(" ")))
            }
            _ => return None,
        };
        Some(format!("step {} life {life} {what} where {}", self.step, self.states))
    }

    /// The path of a call with the name of a pod, or of an event about one, replaced by what the pod is counted as.
    fn path(&self, path: &str) -> String {
        let mut segments: Vec<&str> = path.split('/').collect();
        let Some(at) = segments.iter().position(|segment| matches!(*segment, "pods" | "events")) else {
            return path.to_owned();
        };
        let segment = |at: usize| segments.get(at).copied();
        let Some((namespace, name)) = segment(at.wrapping_sub(1)).zip(segment(at + 1)) else {
            return path.to_owned();
        };
        let pod =
            if segments[at] == "events" { name.rsplit_once('.').map_or(name, |(pod, _)| pod) } else { name };
        let counted = self.counted.get(&format!("{namespace}/{pod}"));
        segments[at + 1] = counted.map_or(pod, String::as_str);
        segments.join("/")
    }

    /// A group, as an answer names it with or without its state, by its pod.
    fn group(&self, told: &str) -> String {
        let (id, state) = told.split_once(' ').unwrap_or((told, ""));
        let pod = self.groups.get(id).map_or("a new one", |(counted, _)| counted.as_str());
        format!("{pod} {state}")
    }
}

/// The pod's controller and the names' beginning where it has one, else its own name.
fn counted_as(pod: &PodWrite) -> String {
    let owners = pod.object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    match owners.filter(|owner| owner["controller"] == true).find_map(|owner| owner["kind"].as_str()) {
        Some(kind) => {
            format!("{kind} {} {}", pod.text("/metadata/namespace"), pod.text("/metadata/generateName"))
        }
        None => pod.name(),
    }
}

/// The state of a pod without times, names and counts.
fn state_of(pod: &PodWrite) -> String {
    let status = &pod.object["status"];
    let lists = ["initContainerStatuses", "containerStatuses"].map(|list| status[list].as_array());
    let containers: BTreeSet<_> = lists.into_iter().flatten().flatten().map(container_state).collect();
    let is_bound = !pod.text("/spec/nodeName").is_empty();
    let is_named = pod.object["metadata"]["annotations"].as_object().is_some_and(|all| !all.is_empty());
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let holds: Vec<_> =
        conditions.filter(|one| one["status"] == "True").filter_map(|one| one["type"].as_str()).collect();
    format!(
        "{} {} bound {is_bound} annotated {is_named} leaving {} {holds:?} {containers:?}",
        pod.phase(),
        pod.text("/status/reason"),
        pod.is_leaving()
    )
}

fn container_state(container: &Value) -> String {
    let state = container["state"].as_object().and_then(|state| state.iter().next());
    let Some((kind, words)) = state else { return String::new() };
    format!("{kind} {} {}", words["reason"].as_str().unwrap_or_default(), words["exitCode"])
}
