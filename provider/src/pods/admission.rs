//! Admission by the capacity that the operator gives the node, as a kubelet admits pods (kubelet-contract.md R37); pure but for
//! the memory of who was admitted.
//!
//! A pod that a scheduler has bound fits, one that names the node itself may not. The account's quota rejects nothing here:
//! the cloud judges it by what instances have, and a pod waits for it (`ours`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use rust_decimal::Decimal;

use super::decide;
use super::provenance::is_pristine;
use super::queue::Uid;
use super::request::size;
use super::store::PodStore;
use crate::config::Capacity;

/// The resource that counts pods.
const PODS: &str = "pods";
/// The least number of pods with which all are looked at again.
const LOOK_AT_MIN: usize = 64;

/// The pods that were admitted.
#[derive(Default)]
pub struct Admission(Mutex<Admitted>);

/// Each pod's part of each resource that is given, and their sums.
#[derive(Default)]
struct Admitted {
    parts: BTreeMap<Uid, Vec<Decimal>>,
    /// Sums that count pods which have ended since all pods were looked at last; `None` before the first look.
    used: Option<Vec<Decimal>>,
    /// Number of pods with which all are looked at again, so that those that have ended are forgotten.
    look_at: usize,
}

/// A pod that does not fit beside those that were admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}"
)]
pub struct Rejected {
    /// The resource of which there is not enough.
    pub resource: String,
    requested: Decimal,
    used: Decimal,
    capacity: Decimal,
}

impl Rejected {
    /// The pod's reason, as a kubelet writes it.
    pub fn reason(&self) -> String {
        format!("OutOf{}", self.resource)
    }
}

impl Admission {
    /// Admits a pod, once and for as long as it has not ended.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn admit(&self, uid: &Uid, pod: &Pod, capacity: &Capacity, store: &PodStore) -> Result<(), Rejected> {
        let given: Vec<(&str, Decimal)> = capacity.given().collect();
        if given.is_empty() || planted!(CapacityAdmitsAll) {
            return Ok(());
        }
        let mut admitted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if admitted.parts.contains_key(uid) {
            return Ok(());
        }
        let own = parts(pod, &given);
        if !admitted.surely_has_room(&given, &own) {
            admitted.look(store, &given);
            // this pod may have been admitted by another process
            if admitted.parts.contains_key(uid) {
                return Ok(());
            }
            let used = admitted.used.as_deref().unwrap_or_default();
            shortage(&given, used, &own).map_or(Ok(()), Err)?;
        }
        admitted.add(uid.clone(), own);
        Ok(())
    }
}

impl Admitted {
    /// True where a pod fits though those that have ended are counted: then nobody has to look at all pods.
    fn surely_has_room(&self, given: &[(&str, Decimal)], own: &[Decimal]) -> bool {
        let used = self.used.as_deref().filter(|_| self.parts.len() < self.look_at);
        used.is_some_and(|used| shortage(given, used, own).is_none())
    }

    /// Looks at all pods: those that have ended or are gone take nothing any more.
    fn look(&mut self, store: &PodStore, given: &[(&str, Decimal)]) {
        let mut before = std::mem::take(&mut self.parts);
        self.used = Some(vec![Decimal::ZERO; given.len()]);
        for pod in store.pods().iter().filter(|pod| !decide::has_ended(pod)) {
            let Some(uid) = pod.metadata.uid.as_deref() else { continue };
            match before.remove_entry(uid) {
                Some((uid, parts)) => self.add(uid, parts),
                // another process admitted it, or it ran before
                None if !is_pristine(pod) => self.add(uid.into(), parts(pod, given)),
                None => {}
            }
        }
        self.look_at = 2 * self.parts.len() + LOOK_AT_MIN;
    }

    fn add(&mut self, uid: Uid, own: Vec<Decimal>) {
        for (used, own) in self.used.iter_mut().flatten().zip(&own) {
            *used = used.saturating_add(*own);
        }
        self.parts.insert(uid, own);
    }
}

/// The first resource of which there is not enough beside what is used.
fn shortage(given: &[(&str, Decimal)], used: &[Decimal], own: &[Decimal]) -> Option<Rejected> {
    for ((resource, capacity), (used, requested)) in given.iter().zip(used.iter().zip(own)) {
        if !requested.is_zero() && used.saturating_add(*requested) > *capacity {
            // vCPU are counted in thousandths
            let unit = if *resource == "cpu" { Decimal::ONE_THOUSAND } else { Decimal::ONE };
            let [requested, used, capacity] =
                [*requested, *used, *capacity].map(|amount| (amount * unit).trunc().normalize());
            return Some(Rejected { resource: (*resource).to_owned(), requested, used, capacity });
        }
    }
    None
}

/// A pod's requests of the resources that are given.
fn parts(pod: &Pod, given: &[(&str, Decimal)]) -> Vec<Decimal> {
    let of = |resource: &str| match resource {
        PODS => Decimal::ONE,
        resource => pod.spec.as_ref().map_or(Decimal::ZERO, |spec| size::requested(spec, resource)),
    };
    given.iter().map(|(resource, _)| of(resource)).collect()
}
