//! `expect: { pod: vk/nginx, is: Running, on: virtual-kubelet, within: 60s }`: what a pod comes to show.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::comparison::Comparison;
use super::pod_status::{self, NO_STATUS, Words, phase};
use super::{fields, texts};
use crate::objects::Fields;
use crate::outcome::{Fact, Miss};
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// The longest wait of an expectation where the case does not say.
pub(super) const DEFAULT_TIMEOUT: Span = Span::seconds(60);

/// Expects something of a pod.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expect {
    /// The pod: `vk/nginx`.
    pub(super) pod: PodName,
    /// The pod's phase, or `gone`.
    is: Option<Phase>,
    /// The node it is bound to; `none` when it is bound to none.
    on: Option<String>,
    /// The status of its condition Ready: true for True, false for anything else.
    ready: Option<bool>,
    /// The number of restarts of its containers, all together.
    restarts: Option<i32>,
    /// A reason that its status, a condition or a container gives.
    reason: Option<String>,
    /// A part of a message that its status, a condition or a container gives.
    message: Option<String>,
    /// The fields that the object contains.
    #[schemars(with = "Option<Map<String, Value>>")]
    has: Option<Map<String, Value>>,
    /// A phase that it never has, for all of `for`.
    never: Option<Phase>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
    /// The time for which it then stays so.
    r#for: Option<Span>,
}

/// A phase of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Phase {
    /// Not all containers run yet.
    Pending,
    /// Bound, and at least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them not well.
    Failed,
    /// The node has not been heard of.
    Unknown,
    /// There is no such pod.
    #[serde(rename = "gone")]
    Gone,
}

impl Expect {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let of_one_that_is_there = self.on.is_some()
            || self.ready.is_some()
            || self.restarts.is_some()
            || self.reason.is_some()
            || self.message.is_some()
            || self.has.is_some();
        match (self.is.is_some() || of_one_that_is_there, self.never.is_some()) {
            (false, false) => {
                return Err(CaseError::SaysNothing {
                    step: "expect",
                    advice: " about the pod; add `is: Running` or the like",
                });
            }
            (true, true) => return Err(CaseError::NeverWithOthers),
            _ => {}
        }
        if self.is_met_by_absence() && of_one_that_is_there {
            let others = "node, reason, message or other field";
            return Err(CaseError::AbsenceWithOthers { absence: "is: gone", others });
        }
        let texts = [("on", &self.on), ("reason", &self.reason), ("message", &self.message)];
        if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.as_deref() == Some("")) {
            return Err(CaseError::EmptyText(name));
        }
        match &self.has {
            Some(has) if has.is_empty() => {
                Err(CaseError::SaysNothing { step: "expect", advice: " about the object; add to `has`" })
            }
            Some(has) => fields::check("v1", "Pod", has),
            None => Ok(()),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.message.iter_mut().for_each(&mut *each);
        self.has.iter_mut().flat_map(Map::values_mut).for_each(|value| texts::of_value(value, each));
    }

    /// True when a pod that never was would do.
    pub(super) fn is_met_by_absence(&self) -> bool {
        self.is == Some(Phase::Gone)
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        if let Some(phase) = self.never {
            let span = self.r#for.or(self.within).unwrap_or(DEFAULT_TIMEOUT);
            return world.throughout_objects(span.0, async || self.look_never(world, phase).await).await;
        }
        world
            .within_objects(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await)
            .await?;
        match self.r#for {
            Some(span) => world.throughout_objects(span.0, async || self.look(world).await).await,
            None => Ok(()),
        }
    }

    async fn look_never(&self, world: &World, never: Phase) -> Result<(), Miss> {
        let pod = pod_status::find(world, &self.pod).await?;
        if pod.is_none() {
            return Err(Miss::one("pod", self.pod.to_string(), "no such pod"));
        }
        match phase(pod.as_ref()) {
            seen if seen == never.to_string() => {
                Err(Miss::one("status.phase", format!("never {never}"), seen))
            }
            _ => Ok(()),
        }
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let pod = pod_status::find(world, &self.pod).await?;
        let mut facts = Comparison::default();
        if let Some(is) = self.is {
            facts.compare("status.phase", is.to_string(), phase(pod.as_ref()));
        }
        let Some(pod) = pod.as_ref().filter(|_| self.is != Some(Phase::Gone)) else {
            if self.is.is_none() {
                facts.compare("pod", self.pod.to_string(), "no such pod");
            }
            return facts.result(None);
        };
        if let Some(on) = &self.on {
            let node = pod.text("/spec/nodeName");
            facts.compare("spec.nodeName", on, node.unwrap_or("none"));
        }
        if let Some(ready) = self.ready {
            facts.compare("Ready", ready.to_string(), pod_status::is_ready(pod).to_string());
        }
        if let Some(restarts) = self.restarts {
            let count =
                pod_status::restarts(pod).map_or_else(|| NO_STATUS.to_owned(), |count| count.to_string());
            facts.compare("restarts", restarts.to_string(), count);
        }
        let words = Words::of(pod);
        if let Some(reason) = &self.reason {
            let given = words.reasons.iter().find(|given| *given == reason);
            facts.compare("reason", reason, given.cloned().unwrap_or_else(|| one_of(&words.reasons)));
        }
        if let Some(part) = &self.message
            && !words.messages.iter().any(|message| message.contains(part.as_str()))
        {
            facts.compare("message", format!("…{part}…"), one_of(&words.messages));
        }
        if let Some(has) = &self.has {
            facts.contains(has, pod)?;
        }
        facts.result(words.because())
    }
}

/// A miss, unless nothing was wanted that was not seen.
pub(super) fn unmet(wanted: Vec<Fact>, seen: Vec<Fact>, because: Option<String>) -> Result<(), Miss> {
    match wanted.is_empty() {
        true => Ok(()),
        false => Err(Miss::Unmet { wanted, seen, because: None }.because(because)),
    }
}

fn one_of(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(" · ") }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("gone"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect pod {}", self.pod)?;
        if let Some(phase) = self.never {
            write!(f, " never {phase}")?;
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
        if let Some(reason) = &self.reason {
            write!(f, " because of {reason}")?;
        }
        if self.message.is_some() {
            f.write_str(" with a message")?;
        }
        if let Some(within) = self.within {
            write!(f, " within {within}")?;
        }
        if let Some(span) = self.r#for {
            write!(f, " for {span}")?;
        }
        Ok(())
    }
}
