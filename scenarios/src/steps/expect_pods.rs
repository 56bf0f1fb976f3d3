//! `expect-pods: { in: vk, labels: { app: web }, count: 3, is: Running }`: pods whose names nobody chose, as a Deployment's.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, ListParams};
use schemars::JsonSchema;
use serde::Deserialize;

use super::comparison::Comparison;
use super::expect::{DEFAULT_TIMEOUT, Phase};
use super::pod_status::{self, NO_STATUS, Words};
use crate::objects::{Fields, objects};
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::HOME;
use crate::scenario::span::Span;
use crate::stage::World;

/// The most pods that are shown one by one when they are not as expected.
const MOST_SHOWN: usize = 5;

/// Expects something of all pods that have some labels; pods that are being deleted count, too.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectPods {
    /// The namespace; `default` where nothing is said.
    #[serde(default = "home")]
    r#in: String,
    /// The labels that the pods have, as a Deployment's selector; all pods of the namespace where nothing is said.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// The number of pods; at least one where nothing is said.
    count: Option<usize>,
    /// The phase of each of them.
    is: Option<Phase>,
    /// The node that each of them is bound to; `none` when it is bound to none.
    on: Option<String>,
    /// The status of the condition Ready of each: true for True, false for anything else.
    ready: Option<bool>,
    /// The number of restarts of all their containers together.
    restarts: Option<i64>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
    /// The time for which it then stays so.
    r#for: Option<Span>,
}

/// A namespace and labels; its text is as one would say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    namespace: String,
    labels: BTreeMap<String, String>,
}

fn home() -> String {
    HOME.to_owned()
}

impl ExpectPods {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let of_each =
            self.is.is_some() || self.on.is_some() || self.ready.is_some() || self.restarts.is_some();
        if self.is_met_by_absence() && of_each {
            let others = "phase, node, readiness or restarts";
            return Err(CaseError::AbsenceWithOthers { absence: "count: 0", others });
        }
        if self.is == Some(Phase::Gone) {
            let near = "; write `count: 0`".to_owned();
            return Err(CaseError::NoSuchWord { field: "is", word: "gone".to_owned(), near });
        }
        match self.count.is_some() || of_each {
            true => Ok(()),
            false => Err(CaseError::SaysNothing {
                step: "expect-pods",
                advice: " about the pods; add `count: 3` or `is: Running`",
            }),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.labels.values_mut().for_each(each);
    }

    /// True when no pod at all would do.
    pub(super) fn is_met_by_absence(&self) -> bool {
        self.count == Some(0)
    }

    /// The pods that are meant.
    pub(super) fn selection(&self) -> Selection {
        Selection { namespace: self.r#in.clone(), labels: self.labels.clone() }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        world
            .within_objects(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await)
            .await?;
        match self.r#for {
            Some(span) => world.throughout_objects(span.0, async || self.look(world).await).await,
            None => Ok(()),
        }
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let namespace = if self.r#in == HOME { world.home() } else { &self.r#in };
        let labels: Vec<_> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let params = ListParams::default().labels(&labels.join(","));
        let pods = objects::<Pod>(world.kube(), Some(namespace)).list(&params).await?.items;
        let mut facts = Comparison::default();
        match self.count {
            Some(count) => facts.compare("pods", count.to_string(), pods.len().to_string()),
            None if pods.is_empty() => facts.compare("pods", "at least one", "none"),
            None => {}
        }
        if let Some(restarts) = self.restarts.filter(|_| !pods.is_empty()) {
            let count = pods.iter().map(|pod| pod_status::restarts(&pod.data)).sum::<Option<i64>>();
            let have = count.map_or_else(|| format!("{NO_STATUS} in one of them"), |count| count.to_string());
            facts.compare("restarts", restarts.to_string(), have);
        }
        let others = pods.iter().filter_map(|pod| self.difference(namespace, pod));
        for (want, have) in others.take(MOST_SHOWN) {
            facts.compare("pod", want, have);
        }
        let because = pods.iter().find_map(|pod| Words::of(&pod.data).because());
        facts.result(because)
    }

    /// What was wanted and seen of a pod that is not as it should be, with its name.
    fn difference(&self, namespace: &str, pod: &DynamicObject) -> Option<(String, String)> {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let (mut want, mut have) = (String::new(), String::new());
        let mut compare = |wanted: String, seen: String| {
            if wanted != seen {
                want.push_str(&format!(" {wanted}"));
                have.push_str(&format!(" {seen}"));
            }
        };
        if let Some(is) = self.is {
            compare(is.to_string(), pod_status::phase(Some(&pod.data)));
        }
        if let Some(on) = &self.on {
            compare(format!("on {on}"), format!("on {}", pod.text("/spec/nodeName").unwrap_or("none")));
        }
        if let Some(ready) = self.ready {
            let words = |ready| if ready { "ready" } else { "not ready" }.to_owned();
            compare(words(ready), words(pod_status::is_ready(&pod.data)));
        }
        let whole = |words: String| format!("{namespace}/{name}{words}");
        (want != have).then(|| (whole(want), whole(have)))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pods of {}", self.namespace)?;
        for (index, (key, value)) in self.labels.iter().enumerate() {
            write!(f, "{} {key}={value}", if index == 0 { " with" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for ExpectPods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect {}", self.selection())?;
        if let Some(count) = self.count {
            write!(f, ": {count}")?;
        }
        if let Some(is) = self.is {
            write!(f, " {is}")?;
        }
        if let Some(on) = &self.on {
            write!(f, " on {on}")?;
        }
        if let Some(ready) = self.ready {
            f.write_str(if ready { " ready" } else { " not ready" })?;
        }
        if let Some(restarts) = self.restarts {
            write!(f, " restarted {restarts} times")?;
        }
        if let Some(span) = self.r#for {
            write!(f, " for {span}")?;
        }
        Ok(())
    }
}
