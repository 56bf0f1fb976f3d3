//! The operator's limits, kept while many pods are bought for at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use eci_api::actions::create_container_group::CreateContainerGroup;

use super::queue::Uid;
use super::store::PodStore;
use crate::policy::{Policy, PolicyError, Purchase};

/// Purchases that are under way: counted from before the cloud is asked until the store shows their groups.
#[derive(Default)]
pub struct Budget(Mutex<BTreeMap<Uid, (String, Purchase)>>);

/// A purchase that counts until it is dropped.
pub struct Reserved<'a> {
    budget: Option<&'a Budget>,
    uid: Uid,
}

impl Budget {
    /// Counts the purchase that `request` is for the pod `uid` of `namespace` from now on.
    ///
    /// # Errors
    /// [`PolicyError`] when it does not fit beside what runs and what is under way.
    pub fn reserve(
        &self,
        policy: &Policy,
        store: &PodStore,
        (uid, namespace): (&Uid, &str),
        request: &CreateContainerGroup,
    ) -> Result<Reserved<'_>, PolicyError> {
        if !policy.has_limits() {
            return Ok(Reserved { budget: None, uid: uid.clone() });
        }
        let purchase = policy.purchase(request);
        let mut under_way = self.under_way();
        let this = (!under_way.contains_key(uid)).then_some(uid);
        let mut usage = store.usage(namespace, under_way.keys().chain(this));
        let counts = |other: &Uid| other != uid && !planted!(PurchasesUnderWayAreNotCounted);
        for (_, (namespace, purchase)) in under_way.iter().filter(|(other, _)| counts(other)) {
            usage.add(namespace, purchase);
        }
        policy.fits(namespace, &purchase, &usage)?;
        under_way.insert(uid.clone(), (namespace.to_owned(), purchase));
        Ok(Reserved { budget: Some(self), uid: uid.clone() })
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Uid, (String, Purchase)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.budget {
            budget.under_way().remove(&self.uid);
        }
    }
}
