//! What was summed: the share of each container and the annotations that decide; pure.

use k8s_openapi::api::core::v1::Pod;
use provider::pods::request::shares::{self, Counting, Declared, Share};
use provider::pods::{annotations, quantity};
use rust_decimal::Decimal;
use serde::Serialize;

/// Annotations that decide what is bought, and what each does.
const DECIDING: [(&str, &str); 9] = [
    ("eci-gpu-type", "the card, and so the ECS type"),
    ("eci-instance-family", "the families of ECS types"),
    ("eci-instance-generation", "the generations of ECS types"),
    ("eci-instance-type", "the ECS type, before what containers ask for"),
    ("eci-use-specs", "the size or types, before what containers ask for"),
    ("eci-compute-category", "the category"),
    ("eci-spot-strategy", "the spot market"),
    ("eci-spot-price-limit", "the most that an hour may cost on the spot market"),
    ("eci-extra-ephemeral-storage", "extra storage, or more where containers request more"),
];

/// What was summed for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sum {
    /// The containers, init containers first.
    pub containers: Vec<Line>,
    /// What the pod declares as a whole, before its containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Line>,
    /// The annotations that decide.
    pub annotations: Vec<Annotation>,
}

/// What one container, or the pod, declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// The container's name; the pod's.
    pub name: String,
    /// vCPU.
    pub vcpu: Option<Amount>,
    /// GiB.
    pub gib: Option<Amount>,
    /// GiB of ephemeral storage that are requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_gib: Option<Decimal>,
    /// How it counts.
    pub counts: Counts,
}

/// An amount and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Amount {
    /// The amount.
    pub amount: Decimal,
    /// `limit` or `request`.
    pub from: &'static str,
}

/// How a container counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// It is added to the others.
    Added,
    /// An init container that is larger than the others together, so that it counts and they do not.
    Larger,
    /// An init container that is not larger than the others together, and does not count.
    Smaller,
    /// It asks not to be counted.
    Ignored,
    /// The pod's own word, which counts before its containers'.
    Pod,
}

/// An annotation that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Annotation {
    /// The key in full.
    pub key: String,
    /// The value.
    pub value: String,
    /// What it decides.
    pub decides: &'static str,
}

impl Sum {
    /// What was summed for a pod.
    pub fn of(pod: &Pod) -> Self {
        let shares = pod.spec.as_ref().map(shares::of).unwrap_or_default();
        let deciding = DECIDING.iter().filter_map(|(key, decides)| {
            let value = annotations::of(pod, key)?.to_owned();
            Some(Annotation { key: format!("{}{key}", annotations::PREFIX), value, decides })
        });
        Self {
            containers: shares.iter().map(|share| Line::of(share, &shares)).collect(),
            pod: of_pod(pod),
            annotations: deciding.collect(),
        }
    }
}

/// What the pod declares as a whole.
fn of_pod(pod: &Pod) -> Option<Line> {
    let resources = pod.spec.as_ref()?.resources.as_ref()?;
    let (cpu, memory) = (shares::declared_in(resources, "cpu"), shares::declared_in(resources, "memory"));
    cpu.or(memory)?;
    let name = pod.metadata.name.clone().unwrap_or_default();
    Some(Line { name, vcpu: cpu.map(vcpu), gib: memory.map(gib), storage_gib: None, counts: Counts::Pod })
}

impl Line {
    fn of(share: &Share<'_>, all: &[Share<'_>]) -> Self {
        let requests = share.container.resources.as_ref().and_then(|own| own.requests.as_ref());
        let storage =
            requests.and_then(|requests| requests.get("ephemeral-storage")).and_then(quantity::value);
        Self {
            name: share.container.name.clone(),
            vcpu: share.declared("cpu").map(vcpu),
            gib: share.declared("memory").map(gib),
            storage_gib: storage.map(quantity::gib),
            counts: counts(share, all),
        }
    }
}

fn counts(share: &Share<'_>, all: &[Share<'_>]) -> Counts {
    let amount =
        |share: &Share<'_>, resource| share.declared(resource).map_or(Decimal::ZERO, |own| own.amount);
    let together = |resource| {
        let added = all.iter().filter(|share| share.counting == Counting::Together);
        added.map(|share| amount(share, resource)).fold(Decimal::ZERO, Decimal::saturating_add)
    };
    match share.counting {
        Counting::Together => Counts::Added,
        Counting::Ignored => Counts::Ignored,
        Counting::Alone => {
            let is_larger = |resource| amount(share, resource) > together(resource);
            if is_larger("cpu") || is_larger("memory") { Counts::Larger } else { Counts::Smaller }
        }
    }
}

fn vcpu(declared: Declared) -> Amount {
    Amount { amount: declared.amount.normalize(), from: from(declared) }
}

fn gib(declared: Declared) -> Amount {
    Amount { amount: quantity::gib(declared.amount).round_dp(6).normalize(), from: from(declared) }
}

fn from(declared: Declared) -> &'static str {
    if declared.is_limit { "limit" } else { "request" }
}

impl Counts {
    /// The words behind a container's figures.
    pub fn says(self) -> &'static str {
        match self {
            Self::Added => "",
            Self::Larger => "init: larger than the others together, so it counts",
            Self::Smaller => "init: smaller than the others together, so it does not count",
            Self::Ignored => "asks to be ignored, so it does not count",
            Self::Pod => "the pod's own word, before its containers'",
        }
    }
}
