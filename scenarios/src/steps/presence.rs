//! The pods that a step makes or sees, and those that it presumes: what is met by absence needs something that was there.

use std::collections::BTreeSet;

use eci_sim::text::did_you_mean;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{DynamicObject, ListParams, ObjectMeta};

use super::Step;
use super::expect_pods::Selection;
use crate::objects::{Fields, objects};
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::stage::World;

impl Step {
    /// The pods of which it must be known that they were there, since the step would be met, too, if they never were.
    pub(crate) fn pods_presumed(&self) -> Vec<PodName> {
        match self {
            Self::Expect(step) if step.is_met_by_absence() => vec![step.pod.clone()],
            Self::ExpectGroup(step) if step.is_met_by_absence() => step.pod.iter().cloned().collect(),
            Self::ExpectBill(step) => step.pod.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The selection of pods that must have been seen before, since the step would be met, too, with a slip in it.
    pub(crate) fn selection_presumed(&self) -> Option<Selection> {
        match self {
            Self::ExpectPods(step) if step.is_met_by_absence() => Some(step.selection()),
            _ => None,
        }
    }

    /// The selection of which there is a pod when it has come out as the case says.
    pub(crate) fn selection_shown(&self) -> Option<Selection> {
        match self {
            Self::ExpectPods(step) if !step.is_met_by_absence() => Some(step.selection()),
            _ => None,
        }
    }

    /// True when it would be met, too, if no pod had ever been made.
    pub(crate) fn presumes_any_pod(&self) -> bool {
        match self {
            Self::ExpectGroup(step) => step.pod.is_none() && step.is_met_by_absence(),
            Self::ExpectBill(step) => step.pod.is_none() && step.is_met_by_absence(),
            _ => false,
        }
    }

    /// The pods that are there, or were, when it has come out as the case says.
    pub(crate) fn pods_shown(&self) -> Vec<PodName> {
        match self {
            Self::Apply(step) => step.pod_made().into_iter().collect(),
            Self::ExpectObject(_) => Vec::new(),
            step if step.pods_presumed().is_empty() => {
                step.clone().pods().into_iter().map(|pod| pod.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// True when it may make pods whose names do not stand in the case.
    pub(crate) fn may_make_others(&self) -> bool {
        match self {
            Self::Apply(step) => step.is_in_a_file(),
            Self::Kubectl(_) => true,
            _ => false,
        }
    }

    /// True when pods may come of it.
    pub(crate) fn may_make_pods(&self) -> bool {
        match self {
            Self::Run(_) | Self::Kubectl(_) => true,
            Self::Apply(step) => step.makes_pods(),
            _ => false,
        }
    }

    /// True when the names of all pods that come of it stand in it.
    pub(crate) fn names_its_pods(&self) -> bool {
        match self {
            Self::Apply(step) => !step.makes_unnamed_pods(),
            step => !step.may_make_others(),
        }
    }

    /// The images of the containers that it makes.
    pub(crate) fn images(&self) -> Vec<&str> {
        match self {
            Self::Run(step) => vec![step.image()],
            Self::Apply(step) => step.images(),
            _ => Vec::new(),
        }
    }

    /// Fails when a pod that it presumes has never been: no step named it, and neither cluster nor cloud has heard of it.
    pub(super) async fn require_pods(&self, world: &mut World) -> Result<(), Miss> {
        for pod in self.pods_presumed() {
            if !world.has_seen(&pod) {
                look_around(world).await?;
            }
            if !world.has_seen(&pod) && !has_left_traces(world, &pod).await? {
                let names: Vec<_> = world.pods_seen().map(ToString::to_string).collect();
                let name = pod.to_string();
                let near = did_you_mean(&name, names.iter().map(String::as_str));
                return Err(CaseError::UnseenPod { pod: name, near }.into());
            }
        }
        Ok(())
    }

    /// Remembers the pods that it names, and those that it made without naming them.
    pub(super) async fn remember_pods(&self, world: &mut World) -> Result<(), Miss> {
        world.remember(self.pods_shown());
        match self.may_make_others() {
            true => look_around(world).await,
            false => Ok(()),
        }
    }
}

/// Remembers the pods that there are.
async fn look_around(world: &mut World) -> Result<(), Miss> {
    let pods = pods_there(world).await?;
    world.remember(pods);
    Ok(())
}

/// The pods of the whole cluster.
pub(crate) async fn pods_there(world: &World) -> Result<BTreeSet<PodName>, Miss> {
    let pods = objects::<Pod>(world.kube(), None).list_metadata(&ListParams::default()).await?.items;
    let name = |of: ObjectMeta| Some(PodName { namespace: of.namespace?, name: of.name? });
    Ok(pods.into_iter().filter_map(|pod| name(pod.metadata)).collect())
}

/// True when an event tells of the pod, or the cloud has or has billed a group of it.
async fn has_left_traces(world: &World, pod: &PodName) -> Result<bool, Miss> {
    let events = objects::<Event>(world.kube(), Some(&pod.namespace));
    let about = ListParams::default().fields(&format!("involvedObject.name={}", pod.name));
    let is_pod = |event: &DynamicObject| event.text("/involvedObject/kind") == Some("Pod");
    if events.list(&about).await?.items.iter().any(is_pod) {
        return Ok(true);
    }
    let groups = world.cloud().groups().await?;
    Ok(groups.iter().any(|group| group.belongs_to(pod))
        || world.cloud().charges().await?.iter().any(|charge| charge.belongs_to(pod)))
}
