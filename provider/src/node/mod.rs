//! The node: registered, kept alive while the cloud answers, registered again when somebody removed it.

pub mod facts;
pub mod lease;
pub mod object;

use std::time::Duration;

use determinism::Clock;
use eci_api::actions::describe_container_groups::DescribeContainerGroups;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::Instant;

use crate::config::Config;
use crate::eci::{Eci, Meaning, retry};
use crate::pods::events::{Recorder, Tone};
use crate::pods::store::PodStore;
use facts::{NodeFacts, NodeFound};
use object::Health;

/// The status is written at least this often, though nothing changed.
const STATUS_PERIOD: Duration = Duration::from_secs(300);
/// While the node is coming up it is looked at more often.
const STARTING_PERIOD: Duration = Duration::from_millis(500);
/// An answer of the cloud is a sign of life for this long: a little longer than from one round of looks to the next, so
/// that the rounds are the heartbeat, and short enough that the node is given up within two minutes of the cloud.
const FRESH: Duration = Duration::from_secs(35);
/// How long the cloud may take to answer whether it is there.
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// Keeps one node.
pub struct Keeper {
    /// The API.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The node's configuration.
    pub config: Config,
    /// What is known of the pods: a node that has not read its pods is not ready.
    pub store: PodStore,
    /// The facts shared with the pods' work.
    pub facts: NodeFacts,
    /// Where things are said.
    pub recorder: Recorder,
    /// The clock.
    pub clock: Clock,
}

/// What was written about the node last.
#[derive(Default)]
struct Written {
    lease: Option<Lease>,
    status_at: Option<Instant>,
}

/// Whether the cloud is there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pulse {
    /// It answers.
    Beating,
    /// It answers, and does not let us in.
    Refused(String),
    /// It does not answer: the node's state is unknown, and nothing is said about it.
    Away,
}

impl Keeper {
    /// Keeps the node for ever.
    pub async fn run(&self) {
        let mut node = self.register().await;
        self.recorder.node(&node, Tone::Normal, "Starting", "Starting the virtual node.");
        let mut written = Written::default();
        let mut was_ready = None;
        let mut changes = self.facts.changes();
        loop {
            let pulse = self.pulse().await;
            let health = self.health(&pulse);
            if pulse != Pulse::Away {
                match self.beat(health.as_ref(), &mut written).await {
                    Ok(seen) => node = seen,
                    Err(kube::Error::Api(answer)) if answer.code == 404 => {
                        tracing::warn!("the node is gone from the API and is registered again");
                        node = self.register().await;
                        written = Written::default();
                        tokio::time::sleep(STARTING_PERIOD).await;
                        continue;
                    }
                    Err(error) => tracing::warn!(%error, "the node's heartbeat was not written"),
                }
                self.tell(&node, health.as_ref(), &mut was_ready);
            }
            let coming_up = health.is_none() && pulse == Pulse::Beating;
            tokio::select! {
                () = tokio::time::sleep(if coming_up { STARTING_PERIOD } else { lease::PERIOD }) => {}
                () = self.facts.changed(&mut changes) => {}
            }
        }
    }

    fn tell(&self, node: &Node, health: Option<&Health>, was_ready: &mut Option<bool>) {
        let Some(health) = health else { return };
        let ready = *health == Health::Ready;
        if *was_ready != Some(ready) && (ready || was_ready.is_some()) {
            let reason = if ready { "NodeReady" } else { "NodeNotReady" };
            let message = format!("Node {} status is now: {reason}", self.config.node_name);
            self.recorder.node(node, Tone::Normal, reason, &message);
        }
        *was_ready = Some(ready);
    }

    async fn pulse(&self) -> Pulse {
        if self.eci.was_heard_within(FRESH) {
            return Pulse::Beating;
        }
        let ping = DescribeContainerGroups {
            region_id: Some(self.eci.region().to_owned()),
            limit: Some(1),
            ..DescribeContainerGroups::default()
        };
        match tokio::time::timeout(PING_PATIENCE, self.eci.call_once(&ping)).await {
            Ok(Ok(_)) => Pulse::Beating,
            Ok(Err(error)) if error.meaning().is_some_and(Meaning::bars_all_calls) => {
                Pulse::Refused(error.plain().to_string())
            }
            Ok(Err(error)) if error.shows_presence() => Pulse::Beating,
            Ok(Err(error)) => {
                tracing::warn!(%error, "no heartbeat: the cloud does not answer");
                Pulse::Away
            }
            Err(_) => {
                tracing::warn!("no heartbeat: the cloud does not answer in time");
                Pulse::Away
            }
        }
    }

    /// How the node is; `None` while it starts or the cloud is away: what is not known is not told, so that a node
    /// that was ready stays so while its provider is exchanged.
    fn health(&self, pulse: &Pulse) -> Option<Health> {
        match pulse {
            Pulse::Refused(why) => Some(Health::NotReady(format!("ECI serves no call: {why}"))),
            Pulse::Beating if self.store.are_pods_listed() && self.store.are_groups_listed() => {
                Some(Health::Ready)
            }
            Pulse::Beating | Pulse::Away => None,
        }
    }

    /// Renews the lease, and writes the status when it is not so any more, whoever changed it, or was last written long
    /// ago. Returns the node as it is then.
    async fn beat(&self, health: Option<&Health>, written: &mut Written) -> kube::Result<Node> {
        let now = self.clock.now();
        let api: Api<Node> = Api::all(self.client.clone());
        let node = api.get(&self.config.node_name).await?;
        if let Err(error) = lease::renew(&self.client, &node, &mut written.lease, now).await {
            tracing::warn!(%error, "the node's lease was not renewed");
        }
        let Some(health) = health else { return Ok(node) };
        let due = written.status_at.is_none_or(|at| at.elapsed() >= STATUS_PERIOD);
        let status = object::status(&self.config, node.status.as_ref(), health, now);
        let changed = node.status.as_ref().is_none_or(|known| object::differs(known, &status));
        if !due && !changed {
            return Ok(node);
        }
        let mut status = serde_json::to_value(status).unwrap_or_default();
        strike_out_old_addresses(&mut status, &node);
        let patch = json!({ "status": status });
        let newer = api
            .patch_status(&self.config.node_name, &PatchParams::default(), &Patch::Strategic(patch))
            .await?;
        written.status_at = Some(Instant::now());
        Ok(newer)
    }

    /// Makes the node or adopts the one that is there, however often that must be tried.
    async fn register(&self) -> Node {
        let mut failures = 0;
        loop {
            match self.register_once().await {
                Ok(node) => return node,
                Err(error) => {
                    tracing::warn!(%error, "the node is not registered yet");
                    failures += 1;
                }
            }
            tokio::time::sleep(retry::back_off(failures, Duration::from_millis(100), Duration::from_secs(7)))
                .await;
        }
    }

    async fn register_once(&self) -> kube::Result<Node> {
        let api: Api<Node> = Api::all(self.client.clone());
        let starting = Health::NotReady("the virtual node is starting".to_owned());
        let fresh = object::new(&self.config, self.eci.region(), &starting, self.clock.now());
        let name = &self.config.node_name;
        // Read first: a creation whose answer is lost would be taken for a node that stood.
        let Some(mut node) = api.get_opt(name).await? else {
            self.facts.set_found(NodeFound::New);
            return api.create(&PostParams::default(), &fresh).await;
        };
        self.facts.set_found(NodeFound::Same);
        if let Some(patch) = object::metadata_patch(&node, &self.config, self.eci.region()) {
            node = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        }
        if let Some(patch) = object::taint_patch(&node) {
            node = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        }
        Ok(node)
    }
}

/// Addresses are merged by their type: a type that is not told any more must be struck out.
fn strike_out_old_addresses(status: &mut serde_json::Value, node: &Node) {
    let old = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let told: Vec<_> = status["addresses"].as_array().cloned().unwrap_or_default();
    let stale: Vec<_> = old
        .filter(|address| !told.iter().any(|told| told["type"] == json!(address.type_)))
        .map(|address| json!({ "$patch": "delete", "type": address.type_ }))
        .collect();
    if !stale.is_empty() && !told.is_empty() {
        status["addresses"] = told.into_iter().chain(stale).collect();
    }
}
