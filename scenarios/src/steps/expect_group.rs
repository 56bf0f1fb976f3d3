//! `expect-group: { pod: vk/nginx, is: Running, vcpu: 2, memory: 4 }`: what the cloud itself says.

use std::fmt;

use eci_sim::lifecycle::State;
use eci_sim::text::did_you_mean;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::comparison::Comparison;
use super::expect::DEFAULT_TIMEOUT;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Expects something of a pod's container group in the cloud.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectGroup {
    /// The pod; without it, all container groups count.
    pub(super) pod: Option<PodName>,
    /// The group's state in ECI's own words.
    is: Option<String>,
    /// The group's size in vCPU.
    #[schemars(with = "Option<f64>")]
    vcpu: Option<Decimal>,
    /// The group's memory in GiB.
    #[schemars(with = "Option<f64>")]
    memory: Option<Decimal>,
    /// The number of groups.
    count: Option<usize>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
    /// The time for which it then stays so.
    r#for: Option<Span>,
}

impl ExpectGroup {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let of_one = self.is.is_some() || self.vcpu.is_some() || self.memory.is_some();
        if of_one && self.is_met_by_absence() {
            return Err(CaseError::AbsenceWithOthers { absence: "count: 0", others: "state and no size" });
        }
        self.is.as_deref().map_or(Ok(()), check_state)?;
        match (of_one, self.count, &self.pod) {
            (false, None, _) => Err(CaseError::SaysNothing {
                step: "expect-group",
                advice: "; add `is: Running` or `count: 0`",
            }),
            (true, _, None) => {
                Err(CaseError::Lacks { holder: "expect-group", lacking: "`pod`: whose group is meant" })
            }
            _ => Ok(()),
        }
    }

    /// True when a pod that never was would do.
    pub(super) fn is_met_by_absence(&self) -> bool {
        self.count == Some(0)
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        world.within(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await).await?;
        match self.r#for {
            Some(span) => world.throughout(span.0, async || self.look(world).await).await,
            None => Ok(()),
        }
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let groups = world.cloud().groups().await?;
        let of_pod: Vec<_> = groups
            .into_iter()
            .filter(|group| self.pod.as_ref().is_none_or(|pod| group.belongs_to(pod)))
            .collect();
        let mut facts = Comparison::default();
        let mut compare = |name: &str, want: Option<String>, have: String| {
            if let Some(want) = want {
                facts.compare(name, want, have);
            }
        };
        compare("groups", self.count.map(|count| count.to_string()), of_pod.len().to_string());
        match of_pod.first() {
            Some(group) => {
                compare("Status", self.is.clone(), group.status.clone());
                let plain = |number: Decimal| number.normalize().to_string();
                compare("Cpu", self.vcpu.map(plain), plain(group.vcpu));
                compare("Memory", self.memory.map(plain), plain(group.memory));
            }
            None if self.count.is_none() => {
                compare("groups", Some("1".to_owned()), "no such group".to_owned())
            }
            None => {}
        }
        facts.result(None)
    }
}

/// Checks that groups can be in this state while they are listed.
fn check_state(word: &str) -> Result<(), CaseError> {
    let known: Vec<_> =
        State::ALL.into_iter().filter(|state| *state != State::Deleted).map(State::name).collect();
    if known.contains(&word) {
        return Ok(());
    }
    let near = match did_you_mean(word, known.iter().copied()) {
        near if near.is_empty() => format!("; it can be {}", known.join(", ")),
        near => near,
    };
    Err(CaseError::NoSuchWord { field: "is", word: word.to_owned(), near })
}

impl fmt::Display for ExpectGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pod, self.count) {
            (Some(pod), _) => write!(f, "expect the group of {pod}")?,
            (None, Some(count)) => write!(f, "expect {count} groups")?,
            (None, None) => f.write_str("expect groups")?,
        }
        if let Some(is) = &self.is {
            write!(f, " {is}")?;
        }
        if let (Some(vcpu), Some(memory)) = (self.vcpu, self.memory) {
            write!(f, " with {vcpu} vCPU {memory} GiB")?;
        }
        if let Some(span) = self.r#for {
            write!(f, " for {span}")?;
        }
        Ok(())
    }
}
