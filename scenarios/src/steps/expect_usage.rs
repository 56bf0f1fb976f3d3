//! `expect-usage: { pod: vk/web, cpu: 250m, memory: 512Mi }`: the CPU and memory that a pod uses, as its node tells.

use std::fmt;

use http::Request;
use provider::pods::quantity;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::comparison::Comparison;
use super::expect::DEFAULT_TIMEOUT;
use super::pod_status;
use crate::objects::Fields;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Bytes in a MiB.
const MEBIBYTE: u64 = 1 << 20;

/// Expects of a pod, or of one of its containers, that it uses so much; a `script` says how much containers use. It needs `node-proxy`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectUsage {
    /// The pod: `vk/nginx`.
    pub(super) pod: PodName,
    /// The container; the whole pod where nothing is said.
    container: Option<String>,
    /// The CPU that is used, as Kubernetes writes it: `250m`.
    cpu: Option<String>,
    /// The memory that is used, as Kubernetes writes it: `512Mi`.
    memory: Option<String>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
}

impl ExpectUsage {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let quantities: Vec<_> = self.cpu.iter().chain(&self.memory).collect();
        match quantities.iter().find(|text| quantity::parse(text).is_none()) {
            Some(text) => Err(CaseError::NotAQuantity((*text).clone())),
            None if quantities.is_empty() => Err(CaseError::SaysNothing {
                step: "expect-usage",
                advice: "; add `cpu: 250m` or `memory: 512Mi`",
            }),
            None => Ok(()),
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        world.within(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await).await
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let pod = pod_status::find(world, &self.pod).await?;
        let pod = pod.ok_or_else(|| Miss::one("pod", self.pod.to_string(), "no such pod"))?;
        let Some(node) = pod.text("/spec/nodeName") else {
            return Err(Miss::one("usage", self.wanted(), "none: the pod is bound to no node"));
        };
        let summary = summary(world, node).await?;
        let of_pod = summary.list("/pods").iter().find(|told| self.is_of(told));
        let told = match &self.container {
            None => of_pod,
            Some(name) => of_pod.and_then(|pod| {
                pod.list("/containers").iter().find(|container| container.text("/name") == Some(name))
            }),
        };
        let Some(told) = told else {
            return Err(Miss::one("usage", self.wanted(), "none: its node tells nothing of it"));
        };
        let number = |pointer: &str| told.pointer(pointer).and_then(Value::as_u64);
        let mut facts = Comparison::default();
        let mut compare =
            |name: &str, want: &Option<String>, have: Option<Decimal>, unit: fn(Decimal) -> String| {
                if let Some(want) = want.as_ref().filter(|want| quantity::parse(want) != have) {
                    facts.differs(name, want, have.map_or_else(|| "nothing told".to_owned(), unit));
                }
            };
        let nano_cores =
            number("/cpu/usageNanoCores").map(|nano| Decimal::from(nano) / Decimal::from(1_000_000_000));
        compare("cpu", &self.cpu, nano_cores, in_milli);
        compare("memory", &self.memory, number("/memory/workingSetBytes").map(Decimal::from), in_mebibytes);
        facts.result(None)
    }

    fn is_of(&self, told: &Value) -> bool {
        told.text("/podRef/namespace") == Some(&self.pod.namespace)
            && told.text("/podRef/name") == Some(&self.pod.name)
    }

    fn wanted(&self) -> String {
        let parts = [("cpu", &self.cpu), ("memory", &self.memory)].into_iter();
        let parts = parts.filter_map(|(name, part)| part.as_ref().map(|part| format!("{name} {part}")));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// The node's own summary of usage, by way of the API server.
async fn summary(world: &World, node: &str) -> Result<Value, Miss> {
    let request = Request::get(format!("/api/v1/nodes/{node}/proxy/stats/summary")).body(Vec::new());
    let request = request.map_err(|error| Miss::Refused(error.to_string()))?;
    Ok(world.kube().request(request).await?)
}

fn in_milli(vcpu: Decimal) -> String {
    format!("{}m", (vcpu * Decimal::ONE_THOUSAND).normalize())
}

fn in_mebibytes(bytes: Decimal) -> String {
    format!("{}Mi", (bytes / Decimal::from(MEBIBYTE)).round_dp(3).normalize())
}

impl fmt::Display for ExpectUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Some(container) => {
                write!(f, "expect container {container} of {} to use {}", self.pod, self.wanted())
            }
            None => write!(f, "expect {} to use {}", self.pod, self.wanted()),
        }
    }
}
