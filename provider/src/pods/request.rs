//! From a pod and its sources to the request that makes its group; pure.

pub(super) mod claims;
mod containers;
mod environment;
pub(super) mod error;
mod network;
mod new_disk;
pub mod purchase;
pub mod shares;
pub(super) mod size;
mod variables;
mod volumes;

use eci_api::actions::create_container_group::{CreateContainerGroup, SecurityContext, Sysctl};
use k8s_openapi::api::core::v1::{Pod, PodSpec};

use super::annotations;
use super::fields::{self, Findings};
use super::identity::{self, Owner};
use super::made_from;
use super::provenance::TokenBasis;
use super::sources::Sources;
use super::specs::SpecList;
use super::specs::attempt::Attempt;
use crate::config::Config;

pub use error::{Remark, RequestError};
pub use size::{Size, declared, is_sidecar, of_pod as size_of_pod};
pub(super) use volumes::ADDED_VOLUME;

/// The part of a request that is the same for all pods of this node.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The node's configuration.
    pub config: Config,
    /// The region of the groups.
    pub region: String,
    /// The groups' owner.
    pub owner: Owner,
}

/// A request that can be sent, and what should be said about it.
#[derive(Clone)]
pub struct Made {
    /// The request.
    pub request: CreateContainerGroup,
    /// Warnings for the pod's owner that do not stop the creation.
    pub remarks: Vec<Remark>,
}

impl std::fmt::Debug for Made {
    /// Without the request, which holds passwords and the contents of Secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.request.container_group_name.as_deref().unwrap_or_default();
        write!(f, "Made({name}, {:?})", self.remarks)
    }
}

/// Makes the request for the first of the specs that `pod` accepts, under the client token that follows from `token`.
///
/// # Errors
/// [`RequestError`].
pub fn for_pod(
    pod: &Pod,
    sources: &Sources,
    scope: &Scope,
    token: &TokenBasis,
) -> Result<Made, RequestError> {
    for_attempt(pod, sources, scope, (token, Attempt::default()))
}

/// Makes the request for one of the specs that `pod` accepts.
///
/// # Errors
/// [`RequestError`].
pub fn for_attempt(
    pod: &Pod,
    sources: &Sources,
    scope: &Scope,
    (token, attempt): (&TokenBasis, Attempt),
) -> Result<Made, RequestError> {
    let spec = &*new_disk::spec_of(pod);
    let findings = inspected(pod, spec)?;
    let config = &scope.config;
    let specs = SpecList::of(pod, &config.vswitch)?;
    let left_out = findings.left_out.into_iter().chain(specs.left_out.iter().cloned());
    let mut remarks: Vec<_> = left_out.map(Remark::left_out).collect();
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let mut request = CreateContainerGroup {
        region_id: Some(scope.region.clone()),
        container_group_name: Some(identity::group_name(pod)),
        client_token: Some(identity::client_token(uid, token, attempt)),
        vswitch_id: Some(config.vswitch.clone()),
        security_group_id: Some(config.security_group.clone()),
        resource_group_id: config.resource_group.clone(),
        restart_policy: Some(spec.restart_policy.clone().unwrap_or_else(|| "Always".to_owned())),
        termination_grace_period_seconds: spec.termination_grace_period_seconds,
        active_deadline_seconds: spec.active_deadline_seconds,
        share_process_namespace: spec.share_process_namespace.filter(|shared| *shared),
        host_name: network::host_name(pod, spec),
        security_context: sysctls(spec),
        tag: scope.owner.tags(pod),
        ..CreateContainerGroup::default()
    };
    request.tag.push(made_from::tag(pod, sources));
    purchase::begin(&mut request, pod, spec, config.architecture);
    let size = size::of_pod(pod);
    let context = containers::PodContext { pod, spec, sources, size: &size };
    containers::fill(&mut request, &context, &mut remarks)?;
    request.volume = volumes::of_pod(pod, spec, sources, &mut remarks)?;
    network::fill(&mut request, pod, spec, sources, &config.cluster_domain, &mut remarks);
    annotations::apply(pod, &mut request)?;
    specs.apply(attempt, &mut request);
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let allowed = config.policy.allows(namespace, &request, config);
    allowed.map_err(|forbidden| RequestError::Unsupported(forbidden.to_string()))?;
    Ok(Made { request, remarks: error::merged(remarks) })
}

/// Judges fields and annotations of a pod.
///
/// # Errors
/// [`RequestError`] for a pod that this node refuses.
fn inspected(pod: &Pod, spec: &PodSpec) -> Result<Findings, RequestError> {
    let mut findings = fields::inspect(spec);
    findings.extend(annotations::inspect(pod)?);
    match findings.refused.is_empty() {
        true => Ok(findings),
        false => Err(RequestError::Unsupported(findings.refused.join("; "))),
    }
}

fn sysctls(spec: &PodSpec) -> Option<SecurityContext> {
    let context = spec.security_context.as_ref()?;
    let sysctls = context.sysctls.iter().flatten();
    let sysctl: Vec<Sysctl> = sysctls
        .map(|sysctl| Sysctl { name: Some(sysctl.name.clone()), value: Some(sysctl.value.clone()) })
        .collect();
    (!sysctl.is_empty()).then_some(SecurityContext { sysctl })
}

#[cfg(test)]
mod tests;
