//! What a container costs that is put into a pod, as service meshes do; pure.

use std::str::FromStr;

use eci_sim::{Amount, Cost};
use k8s_openapi::api::core::v1::{Container, EnvVar, Pod, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use provider::pods::quantity;
use provider::pods::request::shares::IGNORE;
use rust_decimal::Decimal;

use crate::cost::quote::{NotSold, Quote, RegionPrices};

/// A container that is put into pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    cpu: String,
    memory: String,
}

/// A text that is no sidecar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no sidecar; write its CPU and memory, as `100m,128Mi`")]
pub struct NotASidecar(String);

/// A pod with a sidecar.
#[derive(Debug, Clone)]
pub struct WithSidecar {
    /// What is bought then.
    pub quote: Quote,
    /// What an hour costs more; `None` where a price is not known.
    pub more: Option<Decimal>,
}

impl Default for Sidecar {
    /// A tenth of a vCPU and an eighth of a GiB, as proxies of service meshes request it (ours).
    fn default() -> Self {
        Self { cpu: "100m".to_owned(), memory: "128Mi".to_owned() }
    }
}

impl FromStr for Sidecar {
    type Err = NotASidecar;

    fn from_str(text: &str) -> Result<Self, NotASidecar> {
        let wrong = || NotASidecar(text.to_owned());
        let (cpu, memory) = text.split_once(',').ok_or_else(wrong)?;
        let part = |text: &str| {
            let text = text.trim();
            quantity::parse(text).filter(|amount| !amount.is_sign_negative()).map(|_| text.to_owned())
        };
        Ok(Self { cpu: part(cpu).ok_or_else(wrong)?, memory: part(memory).ok_or_else(wrong)? })
    }
}

impl Sidecar {
    /// The quote of a pod with this container in it; `ignored` where it asks not to be counted.
    ///
    /// # Errors
    /// [`NotSold`] where the pod is too large then.
    pub fn put_into(
        &self,
        pod: &Pod,
        quote: &Quote,
        prices: &RegionPrices,
        ignored: bool,
    ) -> Result<WithSidecar, NotSold> {
        let mut pod = pod.clone();
        if let Some(spec) = pod.spec.as_mut() {
            spec.containers.push(self.container(ignored));
        }
        let with = prices.quote(&pod)?;
        let hour = |cost: &Cost| cost.known().ok().map(Amount::decimal);
        let more = hour(&with.hour).zip(hour(&quote.hour)).map(|(with, without)| with - without);
        Ok(WithSidecar { quote: with, more })
    }

    fn container(&self, ignored: bool) -> Container {
        let requests = [("cpu", &self.cpu), ("memory", &self.memory)];
        let requests = requests.map(|(key, value)| (key.to_owned(), Quantity(value.clone())));
        let variable = EnvVar { name: IGNORE.to_owned(), value: Some("TRUE".to_owned()), value_from: None };
        Container {
            name: "sidecar".to_owned(),
            env: ignored.then(|| vec![variable]),
            resources: Some(ResourceRequirements { requests: Some(requests.into()), ..Default::default() }),
            ..Container::default()
        }
    }
}

impl std::fmt::Display for Sidecar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.cpu, self.memory)
    }
}
