//! Which ECI answers: for now the simulator in this process.

mod line;

use std::fmt;
use std::sync::Arc;

use determinism::{Clock, Seed};
use eci_api::{ErrorCode, Secret};
use eci_sim::{Control, EciSim, Exchange, Incoming, Rule, Runs, Verdict};
use jiff::Timestamp;
use rust_decimal::Decimal;

use self::line::Line;
use crate::outcome::Miss;
use crate::report::money;
use crate::scenario::names::PodName;
use crate::steps::{Inject, Script};
use crate::story::Gathering;

/// The id of the access key that the simulator takes.
pub const ACCESS_KEY_ID: &str = "local";
/// Its secret; it opens nothing but this process.
pub const ACCESS_KEY_SECRET: &str = "local-secret";
/// The region.
pub const REGION: &str = "cn-hangzhou";

/// The cloud behind the virtual node.
#[derive(Clone)]
pub struct Eci {
    sim: EciSim,
    control: Control,
}

/// A container group, as far as cases look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its state in ECI's own words.
    pub status: String,
    /// How many vCPU it was given.
    pub vcpu: Decimal,
    /// How many GiB of memory it was given.
    pub memory: Decimal,
    owner: Option<PodName>,
}

/// One line of the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// From this second on.
    pub from: Timestamp,
    /// How many whole seconds.
    pub seconds: u64,
    /// Of how many vCPU.
    pub vcpu: Decimal,
    /// And how many GiB of memory.
    pub memory: Decimal,
    /// What they cost, in yuan.
    pub amount: Decimal,
    owner: Option<PodName>,
}

impl Eci {
    /// A simulator in this process.
    pub fn here(clock: &Clock, seed: Seed) -> Self {
        let sim = EciSim::builder()
            .clock(clock.clone())
            .seed(seed)
            .region(REGION)
            .credential(ACCESS_KEY_ID, Secret::new(ACCESS_KEY_SECRET))
            .build();
        Self { control: sim.control(), sim }
    }

    /// The bill up to now.
    pub fn bill(&self) -> eci_sim::Bill {
        self.control.bill()
    }

    /// The simulator's own door: faults, scripts, ledger.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What the provider speaks through.
    pub(crate) fn line(&self) -> Arc<dyn provider::eci::Transport> {
        Arc::new(Line(self.sim.clone()))
    }

    /// One exchange of the OpenAPI.
    pub(crate) fn exchange(&self, request: Incoming) -> Exchange {
        self.sim.exchange(request)
    }

    /// One exchange with the simulator's own door.
    pub(crate) fn control_exchange(&self, request: &Incoming) -> Exchange {
        self.control.exchange(request)
    }

    pub(crate) fn cost(&self) -> Decimal {
        self.control.cost().decimal()
    }

    pub(crate) async fn groups(&self) -> Result<Vec<Group>, Miss> {
        let groups = self.control.groups().into_iter().map(|group| {
            let tag = |name: &str| group.tags.get(name).cloned();
            Group {
                owner: owner(tag("NameSpace"), tag("PodName")),
                id: group.id,
                status: group.status,
                vcpu: group.vcpu,
                memory: group.memory,
            }
        });
        Ok(groups.collect())
    }

    pub(crate) async fn charges(&self) -> Result<Vec<Charge>, Miss> {
        let lines = self.control.bill().lines.into_iter().map(|line| {
            let tag =
                |name: &str| line.tags.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            Charge {
                owner: owner(tag("NameSpace"), tag("PodName")),
                from: line.from,
                seconds: line.seconds,
                vcpu: line.vcpu,
                memory: line.memory,
                amount: line.amount.decimal(),
            }
        });
        Ok(lines.collect())
    }

    pub(crate) async fn inject(&self, fault: &Inject) -> Result<(), Miss> {
        let verdict = match (&fault.code, fault.delay) {
            (Some(code), _) => {
                ErrorCode::named(code)
                    .ok_or_else(|| Miss::Refused(format!("ECI has no error code `{code}`")))?;
                Verdict::Refuse { code: code.clone(), status: None, message: None }
            }
            (None, Some(span)) => Verdict::DelayMs(u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX)),
            (None, None) if fault.answer_lost => Verdict::DropAfter,
            (None, None) => Verdict::DropBefore,
        };
        let mut rule = Rule::new(verdict);
        rule.times = fault.times;
        if let Some(action) = &fault.action {
            rule = rule.on(action);
        }
        self.control.lay(rule);
        Ok(())
    }

    pub(crate) async fn lift_faults(&self) -> Result<(), Miss> {
        self.control.clear_faults();
        Ok(())
    }

    pub(crate) async fn script(&self, script: &Script) -> Result<(), Miss> {
        let span = |span: Option<crate::scenario::span::Span>| span.map(|span| span.0);
        let plan = eci_sim::Script {
            pull: span(script.pull),
            cannot_pull: script.cannot_pull.clone(),
            start: span(script.start),
            run: script.run.map(|span| Runs::For(span.0)),
            exit_code: script.exit_code,
            log: script.log.clone(),
            unready: script.unready,
            scheduling: span(script.scheduling),
            cannot_schedule: script.cannot_schedule.clone(),
            ..eci_sim::Script::default()
        };
        self.control.script(&script.image, plan);
        Ok(())
    }

    /// Tells what the cloud did, which calls it turned down, and what it all costs.
    pub(crate) async fn tell(&self, gathering: &mut Gathering) {
        for entry in self.control.ledger() {
            let text = entry.to_string();
            // The entry's line begins with its instant, the region, and the group's id and name.
            let mut words = text.splitn(5, ' ').skip(2);
            let (id, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            gathering.add(entry.at, words.next().unwrap_or_default(), format!("{name} {id}"));
        }
        for call in self.control.requests() {
            if call.status >= 300 {
                gathering.add(call.at, call.action, format!("{} {}", call.status, call.code));
            }
        }
        let cost = self.cost();
        if !cost.is_zero() {
            gathering.add(self.control.clock().now(), "billed", money(cost));
        }
    }
}

fn owner(namespace: Option<String>, name: Option<String>) -> Option<PodName> {
    Some(PodName { namespace: namespace?, name: name? })
}

impl Group {
    /// Whether it is this pod's.
    pub fn belongs_to(&self, pod: &PodName) -> bool {
        self.owner.as_ref() == Some(pod)
    }
}

impl Charge {
    /// Whether it is for this pod.
    pub fn belongs_to(&self, pod: &PodName) -> bool {
        self.owner.as_ref() == Some(pod)
    }

    /// vCPU times seconds.
    pub fn vcpu_seconds(&self) -> Decimal {
        self.vcpu * Decimal::from(self.seconds)
    }

    /// GiB times seconds.
    pub fn gib_seconds(&self) -> Decimal {
        self.memory * Decimal::from(self.seconds)
    }
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pod) = &self.owner {
            write!(f, "{pod}, ")?;
        }
        write!(f, "{} s, {}", self.seconds, money(self.amount))
    }
}

impl fmt::Debug for Eci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Eci({:?})", self.sim)
    }
}
