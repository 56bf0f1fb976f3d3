//! The node: registered, kept alive while the cloud answers, registered again when somebody removed it.

mod account_limits;
mod cloud_health;
pub mod facts;
pub mod identity;
pub mod lease;
pub mod object;

use std::time::Duration;

use determinism::Clock;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::api::{GetParams, Patch, PatchParams, PostParams, Request};
use kube::{Api, Client, Resource};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::config::Config;
use crate::eci::{Eci, retry};
use crate::health::Health;
use crate::pods::events::{EventType, Recorder};
use crate::pods::store::PodStore;
use cloud_health::CloudHealth;
use facts::{NodeFacts, NodeFound};
use identity::NodeIdentity;
use lease::Renewal;
use object::{Condition, Readiness};

/// The status is written at least this often, though nothing changed.
pub const STATUS_PERIOD: Duration = Duration::from_secs(300);
/// The node is read at least this often, and at once when its lease was not there or not renewed. Shorter than the 40 s after
/// which pods of a node that is gone are collected.
const READ_PERIOD: Duration = Duration::from_secs(30);
/// The pause between two turns while the node is coming up.
const STARTING_PERIOD: Duration = Duration::from_millis(500);

/// Keeps one node.
pub struct NodeController {
    /// The API, by a connection that nothing else uses: a call elsewhere that hangs holds no heartbeat up.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The node's configuration.
    pub config: Config,
    /// The identity that the node object records.
    pub identity: NodeIdentity,
    /// The pods' records: a node that has not read its pods is not ready.
    pub store: PodStore,
    /// The facts shared with the pods' work.
    pub facts: NodeFacts,
    /// The signs of life that probes ask for.
    pub health: Health,
    /// The recorder of the node's events.
    pub recorder: Recorder,
    /// The clock.
    pub clock: Clock,
}

/// The lease and the status as they were last written, and the time at which the whole node was last heard of.
#[derive(Default)]
struct Written {
    lease: Option<Lease>,
    status_at: Option<Instant>,
    /// Nothing after trouble: then the node is read before it is trusted again.
    node_at: Option<Instant>,
    /// The text that the node as it is known was read from; most reads say the same again, and need not be taken apart.
    node_text: Option<String>,
}

/// The node object is not there any more.
struct NodeGone;

impl NodeController {
    /// Keeps the node for ever, and what it offers.
    pub async fn run(&self) {
        let limits = async {
            if self.config.capacity.needs_no_limits() {
                return;
            }
            // what pods wait for goes first
            self.facts.wait_found().await;
            account_limits::keep(&self.eci, &self.facts).await;
        };
        tokio::join!(self.keep(), limits);
    }

    async fn keep(&self) {
        let mut node = self.register().await;
        self.recorder.node(&node, EventType::Normal, "Starting", "Starting the virtual node.");
        self.tell_identity(&node);
        let mut written = Written::default();
        let mut was_ready = None;
        let mut changes = self.facts.changes();
        loop {
            self.health.turned();
            let cloud = CloudHealth::check(&self.eci).await;
            if cloud == CloudHealth::Answers {
                self.health.cloud_answered();
            }
            let readiness = self.readiness(&cloud);
            if cloud != CloudHealth::Away || planted!(NodeLivesWithoutItsCloud) {
                if let Err(NodeGone) = self.beat(&mut node, readiness.as_ref(), &mut written).await {
                    tracing::warn!("the node is gone from the API and is registered again");
                    node = self.register().await;
                    written = Written::default();
                    tokio::time::sleep(STARTING_PERIOD).await;
                    continue;
                }
                self.tell(&node, readiness.as_ref(), &mut was_ready);
            }
            let coming_up = readiness.is_none() && cloud == CloudHealth::Answers;
            // in this order: a change at the instant of a turn is seen by that turn, and makes no other
            tokio::select! {
                biased;
                () = self.facts.changed(&mut changes) => {}
                () = tokio::time::sleep(if coming_up { STARTING_PERIOD } else { lease::PERIOD }) => {}
            }
        }
    }

    fn tell(&self, node: &Node, readiness: Option<&Readiness>, was_ready: &mut Option<bool>) {
        let Some(readiness) = readiness else { return };
        let ready = *readiness == Readiness::Ready;
        if *was_ready != Some(ready) && (ready || was_ready.is_some()) {
            let reason = if ready { "NodeReady" } else { "NodeNotReady" };
            let message = format!("Node {} status is now: {reason}", self.config.node_name);
            self.recorder.node(node, EventType::Normal, reason, &message);
        }
        *was_ready = Some(ready);
    }

    /// Says on the node that another identity kept it, since nothing is concluded from absent groups until that is settled.
    fn tell_identity(&self, node: &Node) {
        if let Some(NodeFound::IdentityChanged { what }) = self.facts.found() {
            let message = format!(
                "This node was kept by a provider of another identity: {what}. Until a group proves ours right, no \
                 missing group is taken for a lost one."
            );
            tracing::warn!("{message}");
            self.recorder.node(node, EventType::Warning, "IdentityChanged", &message);
        }
    }

    /// The node's readiness; `None` while it starts or the cloud is away: what is not known is not told, so that a
    /// node that was ready stays so while its provider is exchanged.
    fn readiness(&self, cloud: &CloudHealth) -> Option<Readiness> {
        match cloud {
            CloudHealth::Refused(why) => Some(Readiness::NotReady(format!("ECI serves no call: {why}"))),
            CloudHealth::Answers if planted!(ReadyBeforeItsPods) => Some(Readiness::Ready),
            CloudHealth::Answers if self.store.are_pods_listed() && self.store.are_groups_listed() => {
                Some(Readiness::Ready)
            }
            CloudHealth::Answers | CloudHealth::Away => None,
        }
    }

    /// Renews the lease, also where the node cannot be read, and then brings the node's status up to date.
    async fn beat(
        &self,
        node: &mut Node,
        readiness: Option<&Readiness>,
        written: &mut Written,
    ) -> Result<(), NodeGone> {
        let now = self.clock.now();
        let api: Api<Node> = Api::all(self.client.clone());
        if written.node_at.is_none_or(|at| at.elapsed() >= READ_PERIOD) {
            self.read(node, written).await?;
        }
        match lease::renew(&self.client, node, &mut written.lease, now).await {
            Ok(renewal) => {
                self.health.lease_renewed();
                if renewal == Renewal::MadeAnew && written.node_at.is_some() {
                    // Leases go with their nodes.
                    self.read(node, written).await?;
                }
            }
            Err(error) => {
                written.node_at = None;
                tracing::warn!(error = %crate::causes::with_causes(&error), "the node's lease was not renewed");
            }
        }
        if written.node_at.is_none() {
            return Ok(());
        }
        match self.write_status(&api, node, readiness, written).await {
            Ok(Some(newer)) => {
                *node = newer;
                written.node_text = None;
            }
            Ok(None) => {}
            Err(kube::Error::Api(answer)) if answer.code == 404 => return Err(NodeGone),
            Err(error) => {
                written.node_at = None;
                tracing::warn!(error = %crate::causes::with_causes(&error), "the node's status was not written");
            }
        }
        Ok(())
    }

    /// Reads the node; where that fails, it is not trusted until it was read.
    async fn read(&self, node: &mut Node, written: &mut Written) -> Result<(), NodeGone> {
        written.node_at = None;
        match self.read_newer(written).await {
            Ok(seen) => {
                if let Some(seen) = seen {
                    *node = seen;
                }
                written.node_at = Some(Instant::now());
                Ok(())
            }
            Err(kube::Error::Api(answer)) if answer.code == 404 && !planted!(NodeStaysGone) => Err(NodeGone),
            Err(error) => {
                tracing::warn!(error = %crate::causes::with_causes(&error), "the node was not read");
                Ok(())
            }
        }
    }

    /// Reads the node; nothing where it is as it was read last.
    async fn read_newer(&self, written: &mut Written) -> kube::Result<Option<Node>> {
        let request =
            Request::new(Node::url_path(&(), None)).get(&self.config.node_name, &GetParams::default());
        let text = self.client.request_text(request.map_err(kube::Error::BuildRequest)?).await?;
        if written.node_text.as_ref() == Some(&text) {
            return Ok(None);
        }
        let node = serde_json::from_str(&text).map_err(kube::Error::SerdeError)?;
        written.node_text = Some(text);
        Ok(Some(node))
    }

    /// Writes the status when it is not so any more, whoever changed it, or was last written long ago, and the identity
    /// once it is confirmed. Returns the node where it was written.
    async fn write_status(
        &self,
        api: &Api<Node>,
        node: &Node,
        readiness: Option<&Readiness>,
        written: &mut Written,
    ) -> kube::Result<Option<Node>> {
        let name = &self.config.node_name;
        let mut newer = None;
        if let Some(annotations) = self.changed_annotations(node) {
            let patch = json!({ "metadata": { "annotations": annotations } });
            newer = Some(api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?);
        }
        let Some(readiness) = readiness else { return Ok(newer) };
        let condition =
            Condition { readiness, doubt: self.facts.doubt(), limits: self.facts.account_limits() };
        let status = object::status(&self.config, node.status.as_ref(), &condition, self.clock.now());
        let due = written.status_at.is_none_or(|at| at.elapsed() >= STATUS_PERIOD);
        let changed = node.status.as_ref().is_none_or(|known| object::differs(known, &status));
        if !due && !changed {
            return Ok(newer);
        }
        let mut status = serde_json::to_value(status).unwrap_or_default();
        strike_out_old_addresses(&mut status, node);
        strike_out_lifted_doubt(&mut status, node);
        let patch = Patch::Strategic(json!({ "status": status }));
        let node = api.patch_status(name, &PatchParams::default(), &patch).await?;
        written.status_at = Some(Instant::now());
        Ok(Some(node))
    }

    /// The annotations to be written: the identity once it is confirmed, and the end of the adoption once every group found
    /// is a pod's or gone.
    fn changed_annotations(&self, node: &Node) -> Option<Value> {
        let found = self.identity.compare(node);
        let mut changed = serde_json::Map::new();
        if matches!(found, NodeFound::IdentityChanged { .. }) && self.facts.is_identity_confirmed() {
            changed.extend(self.identity.annotations().into_iter().map(|(key, value)| (key, value.into())));
        }
        if identity::is_adoption_pending(node) && self.store.is_adoption_complete() {
            changed.insert(identity::ADOPTION_PENDING.to_owned(), Value::Null);
        }
        (!changed.is_empty()).then_some(Value::Object(changed))
    }

    /// Makes the node or adopts the one that is there, however often that must be tried.
    async fn register(&self) -> Node {
        let mut failures = 0;
        loop {
            match self.register_once().await {
                Ok(node) => return node,
                Err(error) => {
                    tracing::warn!(error = %crate::causes::with_causes(&error), "the node is not registered yet");
                    failures += 1;
                }
            }
            self.health.turned();
            tokio::time::sleep(retry::back_off(failures, Duration::from_millis(100), Duration::from_secs(7)))
                .await;
        }
    }

    async fn register_once(&self) -> kube::Result<Node> {
        let api: Api<Node> = Api::all(self.client.clone());
        let name = &self.config.node_name;
        // Read first: a creation whose answer is lost would be taken for a node that stood.
        let Some(mut node) = api.get_opt(name).await? else {
            self.facts.set_found(NodeFound::New);
            let starting = Readiness::NotReady("the virtual node is starting".to_owned());
            let condition =
                Condition { readiness: &starting, doubt: None, limits: self.facts.account_limits() };
            let region = self.eci.region();
            let fresh = object::new(&self.config, region, &self.identity, &condition, self.clock.now());
            return api.create(&PostParams::default(), &fresh).await;
        };
        self.facts.set_found(self.identity.compare(&node));
        if let Some(patch) = object::metadata_patch(&node, &self.config, self.eci.region(), &self.identity) {
            node = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        }
        if let Some(patch) = object::taint_patch(&node) {
            node = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        }
        Ok(node)
    }
}

/// Addresses are merged by their type: a type that is not told any more must be struck out.
fn strike_out_old_addresses(status: &mut Value, node: &Node) {
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

/// Conditions are merged by their type, too: a doubt that no longer holds must be struck out.
fn strike_out_lifted_doubt(status: &mut Value, node: &Node) {
    let has = |conditions: &Value| {
        conditions.as_array().into_iter().flatten().any(|condition| condition["type"] == object::DOUBT)
    };
    let known = serde_json::to_value(&node.status).unwrap_or_default();
    if has(&known["conditions"])
        && !has(&status["conditions"])
        && let Some(conditions) = status["conditions"].as_array_mut()
    {
        conditions.push(json!({ "$patch": "delete", "type": object::DOUBT }));
    }
}
