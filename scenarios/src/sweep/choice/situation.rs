//! The situation of a place: the case's step, the states of pods and groups, and the call itself, without what differs between
//! equal pods or from one repetition to the next.
//!
//! Two places of one situation differ only by which of several equal pods is concerned, or by how often the same was said
//! before: the twentieth pod of a ReplicaSet, the hundredth heartbeat, an image that is asked for again and again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sweep::journal::{GroupMove, Occurrence, PodWrite};

/// A pod: what it is counted as, its state, and as much of that as the others of its controller make of it.
#[derive(Debug)]
struct PodSeen {
    counted: String,
    state: String,
    from_afar: String,
}

/// The world as far as a journal tells of it.
#[derive(Debug, Default)]
pub(super) struct Situation {
    /// None before the first.
    step: Option<usize>,
    /// The pods by UID.
    pods: BTreeMap<String, PodSeen>,
    /// The same of the groups by their ids.
    groups: BTreeMap<String, (String, String)>,
    /// What a pod of this namespace and name is counted as.
    counted: BTreeMap<String, String>,
    /// The UID of a pod of this namespace and name.
    uids: BTreeMap<String, String>,
    /// What pods are counted as, in the order in which they were met.
    met: Vec<String>,
    /// The set of all states.
    states: String,
}

impl Situation {
    /// Takes in what happens.
    pub(super) fn follow(&mut self, what: &Occurrence) {
        match what {
            Occurrence::Step(index, _) => self.step = Some(*index),
            Occurrence::Pod(pod) if pod.removed => {
                self.pods.remove(pod.uid());
            }
            Occurrence::Pod(pod) => {
                let counted = counted_as(pod);
                if !self.met.contains(&counted) {
                    self.met.push(counted.clone());
                }
                self.counted.insert(pod.name(), counted.clone());
                self.uids.insert(pod.name(), pod.uid().to_owned());
                let state = state_of(pod);
                let is_one_of_many = counted != pod.name();
                let phase = || format!("{} leaving {}", pod.phase(), pod.is_leaving());
                let from_afar = if is_one_of_many { phase() } else { state.clone() };
                self.pods.insert(pod.uid().to_owned(), PodSeen { counted, state, from_afar });
            }
            Occurrence::Group(GroupMove { id, state, .. }) if state == "Deleted" => {
                self.groups.remove(id);
            }
            Occurrence::Group(GroupMove { id, uid, state }) => {
                let pod = self.pods.get(uid).map_or("nobody", |pod| pod.counted.as_str()).to_owned();
                self.groups.insert(id.clone(), (pod, state.clone()));
            }
            _ => return,
        }
        let pods = self.pods.values().map(|pod| (&pod.counted, &pod.from_afar));
        let groups = self.groups.values().map(|(counted, state)| (counted, state));
        let all = pods.chain(groups);
        let states: BTreeSet<_> = all.map(|(counted, state)| format!("{counted} {state}")).collect();
        self.states = states.into_iter().collect::<Vec<_>>().join("; ");
    }

    /// The situation of a call or an event; `None` of everything else.
    pub(super) fn of(&self, what: &Occurrence) -> Option<String> {
        let (life, what) = match what {
            Occurrence::Kube(call) => {
                let body = call.document();
                let status = &body["status"];
                let told = [&body["reason"], &status["phase"], &status["reason"]];
                let told = told.map(|text| text.as_str().unwrap_or_default()).join(" ");
                let (path, pod) = self.path(&call.path);
                (call.life, format!("{} {path} {pod} {told} {}", call.verb, call.answer))
            }
            Occurrence::Cloud(call) => {
                let groups: BTreeSet<_> = call.groups.iter().map(|group| self.group(group)).collect();
                let of = self.pods.get(&call.uid);
                let of = of.map(|pod| format!("{} {}", pod.counted, pod.state)).unwrap_or_default();
                let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
                (call.life, format!("{} of {of} {} [{groups}]", call.action, call.answer))
            }
            Occurrence::Event(_, life, event) => {
                let words: Vec<_> = event.split(' ').take(3).collect();
                let name = words.last().copied().unwrap_or_default();
                let object = self.counted.get(name).map_or(name, String::as_str);
                let what = words[..words.len().min(2)].join(" ");
                (*life, format!("{what} {object} {}", self.state(name)))
            }
            _ => return None,
        };
        let step = self.step.map_or_else(|| "the start".to_owned(), |step| format!("step {step}"));
        Some(format!("{step} life {life} {what} where {}", self.states))
    }

    /// The situation but for the step and the names of this case: `name 1` is the first that was met.
    pub(super) fn without_names(&self, situation: &str) -> String {
        let (_, text) = situation.split_once(" life ").unwrap_or(("", situation));
        let mut text = text.to_owned();
        for (number, name) in self.met.iter().enumerate() {
            text = text.replace(name, &format!("name {number}"));
        }
        text
    }

    /// The state of a pod by its namespace and name.
    fn state(&self, pod: &str) -> &str {
        self.uids.get(pod).and_then(|uid| self.pods.get(uid)).map_or("", |pod| pod.state.as_str())
    }

    /// The path of a call with the name of a pod, or of an event about one, replaced by what the pod is counted as; and that
    /// pod's state.
    fn path(&self, path: &str) -> (String, &str) {
        let mut segments: Vec<&str> = path.split('/').collect();
        let Some(at) = segments.iter().position(|segment| matches!(*segment, "pods" | "events")) else {
            return (path.to_owned(), "");
        };
        let segment = |at: usize| segments.get(at).copied();
        let Some((namespace, name)) = segment(at.wrapping_sub(1)).zip(segment(at + 1)) else {
            return (path.to_owned(), "");
        };
        let of_event = segments[at] == "events";
        let short = if of_event { name.rsplit_once('.').map_or(name, |(pod, _)| pod) } else { name };
        let pod = format!("{namespace}/{short}");
        segments[at + 1] = self.counted.get(&pod).map_or(short, String::as_str);
        (segments.join("/"), self.state(&pod))
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
