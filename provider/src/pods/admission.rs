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

/// The pods that were admitted, each with its part of each resource that is given.
#[derive(Default)]
pub struct Admission(Mutex<BTreeMap<Uid, Vec<Decimal>>>);

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
        let pods = store.pods();
        let active = pods.iter().filter(|pod| !decide::has_ended(pod));
        let mut now: BTreeMap<Uid, Vec<Decimal>> = BTreeMap::new();
        for other in active {
            let Some(uid) = other.metadata.uid.as_deref() else { continue };
            match admitted.remove_entry(uid) {
                Some((uid, parts)) => drop(now.insert(uid, parts)),
                // another process admitted it, or it ran before
                None if !is_pristine(other) => drop(now.insert(uid.into(), parts(other, &given))),
                None => {}
            }
        }
        *admitted = now;
        if admitted.contains_key(uid) {
            return Ok(());
        }
        let own = parts(pod, &given);
        for (at, (resource, capacity)) in given.iter().enumerate() {
            let used = admitted
                .values()
                .filter_map(|parts| parts.get(at).copied())
                .fold(Decimal::ZERO, Decimal::saturating_add);
            let requested = own.get(at).copied().unwrap_or_default();
            if !requested.is_zero() && used.saturating_add(requested) > *capacity {
                // vCPU are counted in thousandths
                let unit = if *resource == "cpu" { Decimal::ONE_THOUSAND } else { Decimal::ONE };
                let [requested, used, capacity] =
                    [requested, used, *capacity].map(|amount| (amount * unit).trunc().normalize());
                return Err(Rejected { resource: (*resource).to_owned(), requested, used, capacity });
            }
        }
        admitted.insert(uid.clone(), own);
        Ok(())
    }
}

/// A pod's requests of the resources that are given.
fn parts(pod: &Pod, given: &[(&str, Decimal)]) -> Vec<Decimal> {
    let of = |resource: &str| match resource {
        PODS => Decimal::ONE,
        resource => pod.spec.as_ref().map_or(Decimal::ZERO, |spec| size::requested(spec, resource)),
    };
    given.iter().map(|(resource, _)| of(resource)).collect()
}
