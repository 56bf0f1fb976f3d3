//! The cloud as cases see it: its groups, bill and faults, whether the simulator is in this process or in a pod.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use eci_api::actions::UpdateContainerGroup;
use eci_sim::RequestLogEntry;
use eci_sim::billing::AccountTerms;
use eci_sim::control::GroupSummary;
use eci_sim::control::client::ClientError;
use eci_sim::control::wire::{self, GroupFilter, RequestFilter};
use eci_sim::{BillQuery, ControlClient, Cost, Currency, Rule};
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::eci::{ACCESS_KEY_ID, Eci};
use crate::outcome::Miss;
use crate::report::priced;
use crate::scenario::names::PodName;
use crate::story::Gathering;

/// The tag with a pod's namespace.
const NAMESPACE: &str = "NameSpace";

/// The cloud behind the virtual node; cheap to clone.
#[derive(Debug, Clone)]
pub enum Cloud {
    /// A simulator in this process.
    Here(Eci),
    /// A simulator somewhere else, by its control API.
    There(Box<ControlClient>),
}

/// A container group, as far as cases look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id that ECI drew for the group: `eci-…`.
    pub id: String,
    /// The state in ECI's own words, such as `Running`.
    pub status: String,
    /// The group's size in vCPU.
    pub vcpu: Decimal,
    /// The group's memory in GiB.
    pub memory: Decimal,
    owner: Option<PodName>,
    /// UID of the pod that it was made for.
    pod_uid: Option<String>,
}

/// One line of the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The instant from which the seconds count.
    pub from: Timestamp,
    /// The line's duration in whole seconds.
    pub seconds: u64,
    /// The billed size in vCPU.
    pub vcpu: Decimal,
    /// The billed memory in GiB.
    pub memory: Decimal,
    /// The price of the line; unknown where a price list misses it.
    pub amount: Cost,
    /// The currency of the price.
    pub currency: Currency,
    /// The tags of the billed group, values by key.
    pub tags: Arc<BTreeMap<String, String>>,
    hourly: Decimal,
    owner: Option<PodName>,
}

impl Cloud {
    /// The simulator, where it is in this process.
    pub(crate) fn here(&self) -> Option<&Eci> {
        match self {
            Self::Here(eci) => Some(eci),
            Self::There(_) => None,
        }
    }

    /// The bill up to now.
    ///
    /// # Errors
    /// When a simulator somewhere else does not answer.
    pub async fn bill(&self) -> Result<wire::Bill, ClientError> {
        match self {
            Self::Here(eci) => Ok(wire::Bill::from(&eci.bill())),
            Self::There(control) => control.bill().await,
        }
    }

    /// The lines of the bill up to now that a filter selects, or their sums by its dimensions.
    ///
    /// # Errors
    /// When a simulator somewhere else does not answer.
    pub async fn bill_of(&self, query: &BillQuery) -> Result<wire::Bill, ClientError> {
        match self {
            Self::Here(eci) => Ok(wire::Bill::seen(eci.control().bill_of(query), &query.group_by)),
            Self::There(control) => control.bill_of(query).await,
        }
    }

    /// The total cost up to now, and its currency.
    pub(crate) async fn cost(&self) -> Result<(Currency, Cost), ClientError> {
        match self {
            Self::Here(eci) => {
                let bill = eci.bill();
                Ok((bill.currency, bill.total))
            }
            Self::There(control) => control.cost().await.map(|bill| (bill.currency, bill.total)),
        }
    }

    /// The container groups of all regions, those that have ended and are still listed among them.
    ///
    /// # Errors
    /// [`Miss::Refused`] when a simulator somewhere else does not answer.
    pub async fn groups(&self) -> Result<Vec<Group>, Miss> {
        let groups = match self {
            Self::Here(eci) => eci.control().groups(),
            Self::There(control) => control.groups(&GroupFilter::default()).await.map_err(unanswered)?,
        };
        Ok(groups.into_iter().map(Group::of).collect())
    }

    pub(crate) async fn charges(&self) -> Result<Vec<Charge>, Miss> {
        let bill = self.bill().await.map_err(unanswered)?;
        Ok(bill.lines.into_iter().map(Charge::of).collect())
    }

    /// Adds a fault; returns its number.
    pub(crate) async fn inject(&self, rule: Rule) -> Result<u64, Miss> {
        match self {
            Self::Here(eci) => Ok(eci.control().add_fault(rule)),
            Self::There(control) => control.add_fault(&rule).await.map_err(unanswered),
        }
    }

    /// The numbers of faults that hit no call, and the patterns of scripts that fitted nothing; none of a cloud
    /// somewhere else.
    pub(crate) fn idle(&self) -> (Vec<u64>, Vec<String>) {
        match self {
            Self::Here(eci) => (eci.control().idle_faults(), eci.control().idle_scripts()),
            Self::There(_) => (Vec::new(), Vec::new()),
        }
    }

    /// What is assumed of containers whose commands are not played, oldest first. Where a cloud somewhere else does not
    /// answer, that this is not known stands for it.
    pub(crate) async fn assumed(&self) -> Vec<String> {
        let runs = match self {
            Self::Here(eci) => eci.control().assumed(),
            Self::There(control) => match control.assumed().await {
                Ok(runs) => runs,
                Err(why) => return vec![format!("it is not known what was assumed: {why}")],
            },
        };
        runs.into_iter().map(|run| format!("{}/{}: {}", run.group, run.container, run.message)).collect()
    }

    /// Ends a container of the group badly; a miss while it does not run.
    pub(crate) async fn crash(&self, group: &str, container: &str, exit_code: i32) -> Result<(), Miss> {
        let not_running = |seen: String| Miss::one("container", format!("{container} runs"), seen);
        match self {
            Self::Here(eci) => match eci.control().crash(group, container, exit_code) {
                true => Ok(()),
                false => Err(not_running("it does not".to_owned())),
            },
            Self::There(control) => {
                control.crash(group, container, exit_code).await.map_err(|why| not_running(why.to_string()))
            }
        }
    }

    /// Gives a group another size in vCPU and GiB, by a signed call as an operator's console makes it; a refusal in the
    /// cloud's own words, and where the cloud is somewhere else, whose key is not ours.
    pub(crate) async fn resize(&self, group: &str, vcpu: Decimal, memory: Decimal) -> Result<(), Miss> {
        let Self::Here(eci) = self else {
            let why = "the size of a group is changed where the cloud is in this process; add `needs: [stepped-time]`";
            return Err(Miss::Refused(why.to_owned()));
        };
        let update = UpdateContainerGroup {
            container_group_id: Some(group.to_owned()),
            cpu: Some(vcpu.into()),
            memory: Some(memory.into()),
            ..UpdateContainerGroup::default()
        };
        eci.operator().call_once(&update).await.map_err(|why| Miss::Refused(why.to_string()))?;
        Ok(())
    }

    /// Sets the commitments and the discount of the account that pays; a refusal where the cloud is somewhere else, whose
    /// account is not ours.
    pub(crate) fn agree(&self, terms: AccountTerms) -> Result<(), Miss> {
        match self {
            Self::Here(eci) => eci
                .control()
                .set_terms(ACCESS_KEY_ID, terms)
                .map_err(|why| Miss::Refused(why.to_string())),
            Self::There(_) => Err(Miss::Refused(
                "the terms of an account are set where the cloud is in this process; add `needs: [stepped-time]`".to_owned(),
            )),
        }
    }

    pub(crate) async fn clear_faults(&self) -> Result<(), Miss> {
        match self {
            Self::Here(eci) => eci.control().clear_faults(),
            Self::There(control) => control.clear_faults().await.map_err(unanswered)?,
        }
        Ok(())
    }

    pub(crate) async fn script(&self, scripted: wire::ScriptRequest) -> Result<(), Miss> {
        match self {
            Self::Here(eci) => {
                let image = scripted.pattern.clone();
                let script = eci_sim::Script::try_from(scripted);
                eci.control().script(&image, script.map_err(|why| Miss::Refused(why.to_string()))?);
            }
            Self::There(control) => control.script(&scripted).await.map_err(unanswered)?,
        }
        Ok(())
    }

    /// Tells what the cloud did, which calls it turned down, and what it all costs.
    pub(crate) async fn tell(&self, now: Timestamp, gathering: &mut Gathering) {
        let gathered = async {
            for line in self.ledger().await? {
                tell_entry(&line, gathering);
            }
            for call in self.requests().await? {
                if call.status >= 300 {
                    gathering.add(call.at, call.action, format!("{} {}", call.status, call.code));
                }
            }
            let (currency, cost) = self.cost().await?;
            if cost != Cost::ZERO {
                gathering.add(now, "billed", priced(currency, &cost));
            }
            Ok::<_, ClientError>(())
        };
        if let Err(why) = gathered.await {
            gathering.add(now, "no story", why.to_string());
        }
    }

    /// The ledger, one line an entry.
    async fn ledger(&self) -> Result<Vec<String>, ClientError> {
        match self {
            Self::Here(eci) => Ok(eci.control().ledger().iter().map(ToString::to_string).collect()),
            Self::There(control) => control.ledger().await,
        }
    }

    async fn requests(&self) -> Result<Vec<RequestLogEntry>, ClientError> {
        match self {
            Self::Here(eci) => Ok(eci.control().requests()),
            Self::There(control) => control.requests(&RequestFilter::default()).await,
        }
    }
}

/// An entry's line begins with its instant, the region, and the group's id and name.
fn tell_entry(line: &str, gathering: &mut Gathering) {
    let mut words = line.splitn(5, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (at, _region, id, name, what) = (next(), next(), next(), next(), next());
    if let Ok(at) = at.parse() {
        gathering.add(at, what, format!("{name} {id}"));
    }
}

fn unanswered(why: ClientError) -> Miss {
    Miss::Refused(why.to_string())
}

impl Group {
    fn of(group: GroupSummary) -> Self {
        Self {
            owner: owner(|name| group.tags.get(name).cloned()),
            pod_uid: group.tags.get("UID").cloned(),
            id: group.id,
            status: group.status,
            vcpu: group.vcpu,
            memory: group.memory,
        }
    }

    /// True when the group's tags name this pod.
    pub fn belongs_to(&self, pod: &PodName) -> bool {
        self.owner.as_ref() == Some(pod)
    }

    /// True for a group that is billed and that nobody ends, where its pod is not among these, by their UIDs.
    pub(crate) fn is_leaked(&self, pods: &BTreeSet<String>) -> bool {
        let billed = ["Pending", "Running", "Restarting", "Updating"].contains(&self.status.as_str());
        billed && self.pod_uid.as_ref().is_some_and(|uid| !pods.contains(uid))
    }

    /// The pod in its tags.
    pub(crate) fn owner(&self) -> Option<String> {
        self.owner.as_ref().map(ToString::to_string)
    }
}

impl Charge {
    fn of(line: eci_sim::BillLine) -> Self {
        let hourly = line.unit_price().unwrap_or_default();
        Self {
            owner: owner(|name| line.tags.get(name).cloned()),
            from: line.from,
            seconds: line.seconds,
            vcpu: line.vcpu,
            memory: line.memory,
            amount: line.amount,
            currency: line.currency,
            hourly,
            tags: line.tags,
        }
    }

    /// True when the tags of the billed group name this pod.
    pub fn belongs_to(&self, pod: &PodName) -> bool {
        self.owner.as_ref() == Some(pod)
    }

    /// The namespace of the pod that the tags of the billed group name.
    pub fn namespace(&self) -> Option<&str> {
        self.tags.get(NAMESPACE).map(String::as_str)
    }

    /// The price of an hour on the line's terms, with six decimals, before small amounts are settled.
    pub fn per_hour(&self) -> Decimal {
        self.hourly.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero)
    }

    /// True when the line is about this instant.
    pub(crate) fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at.duration_since(self.from).as_secs().unsigned_abs() < self.seconds
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

/// Whose a group is, by its tags.
fn owner(tag: impl Fn(&str) -> Option<String>) -> Option<PodName> {
    Some(PodName { namespace: tag(NAMESPACE)?, name: tag("PodName")? })
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pod) = &self.owner {
            write!(f, "{pod}, ")?;
        }
        write!(f, "{} s, {}", self.seconds, priced(self.currency, &self.amount))
    }
}
