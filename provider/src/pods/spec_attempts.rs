//! The way from one spec to the next when a creation is refused, and the verdict when none is left.
//!
//! A second creation is told to the API before it is made: a pod whose status nobody has written yet shows a later process
//! that at most its very first creation may have been made, which that process repeats under the same token.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::call_failure::{self, CallFailure, FailurePolicy, PROVIDER_FAILED};
use super::events::EventType;
use super::provenance::is_pristine;
use super::reconcile::{Outcome, Reconciler};
use super::request;
use super::specs::attempt::Attempt;
use super::specs::{SpecList, SpecRefusal};
use super::status;
use super::store::Snapshot;
use crate::eci::{EciError, Meaning};
use crate::policy::PolicyError;

/// The source of a refusal.
pub(super) enum Refused<'a> {
    /// The cloud does not make it.
    ByCloud(&'a EciError),
    /// The operator's policy has no room for it.
    ByPolicy(&'a PolicyError),
}

impl Reconciler {
    /// The pod's specs; `None` where an annotation of it cannot be used, as its request says.
    pub(super) fn spec_list(&self, seen: &Snapshot) -> Option<SpecList> {
        SpecList::of(&seen.pod, &self.scope.config.vswitch).ok()
    }

    /// The pod's specs and the attempt behind the present one, which was refused in this way; `None` where none is left.
    pub(super) fn further_spec(&self, seen: &Snapshot, refusal: SpecRefusal) -> Option<(SpecList, Attempt)> {
        let specs = self.spec_list(seen).filter(|_| !planted!(FirstSpecIsTheOnlyOne))?;
        let next = specs.next(seen.attempt, refusal)?;
        Some((specs, next))
    }

    /// Turns to the next spec at once.
    pub(super) async fn try_next(
        &self,
        seen: &Snapshot,
        specs: &SpecList,
        next: Attempt,
        refused: Refused<'_>,
    ) -> Outcome {
        let why = match refused {
            Refused::ByCloud(error) => {
                self.pod_work().entry(seen.uid.clone()).or_default().refusals.push(error.clone());
                error.plain().to_string()
            }
            Refused::ByPolicy(error) => error.to_string(),
        };
        let message = format!("{}: {why}; next is {}", specs.name(seen.attempt), specs.name(next));
        self.recorder.pod(&seen.pod, EventType::Warning, "ProviderCreateFailed", &message);
        if is_pristine(&seen.pod) && !planted!(NextSpecLeavesNoTrace) {
            let trouble =
                status::without_group(&seen.pod, Some((PROVIDER_FAILED, &message)), self.clock.now());
            if !self.write(seen, trouble, BTreeMap::new()).await {
                return Outcome::failed(1, 30);
            }
        }
        self.store.try_spec(&seen.uid, next, self.steady.now());
        Outcome::At(Instant::now())
    }

    /// The operator's policy has no room for this spec: the next is tried, and behind the last the pod waits or ends.
    pub(super) async fn has_no_room(&self, seen: &Snapshot, error: &PolicyError) -> Outcome {
        let refusal = if error.is_final() { SpecRefusal::NotSold } else { SpecRefusal::OutOfStock };
        if let Some((specs, next)) = self.further_spec(seen, refusal) {
            return self.try_next(seen, &specs, next, Refused::ByPolicy(error)).await;
        }
        self.store.try_spec(&seen.uid, Attempt::default(), self.steady.now());
        let refusals = self.take_refusals(seen);
        match refusals.into_iter().find(may_be_had_later) {
            Some(hope) if error.is_final() => self.was_refused(seen, &hope).await,
            _ => self.is_beyond_policy(seen, error).await,
        }
    }

    /// The consequence of the last refusal of a list: that of the one which may pass, where there is one.
    pub(super) fn verdict(&self, seen: &Snapshot, error: &EciError) -> CallFailure {
        let policy = FailurePolicy::of(&seen.pod);
        let concerns_spec = SpecRefusal::of(error).is_some();
        let Some(specs) = self.spec_list(seen).filter(|specs| concerns_spec && !specs.is_plain()) else {
            return call_failure::of_creation(error, policy, request::size_of_pod(&seen.pod));
        };
        let tried = self.take_refusals(seen);
        let hope = tried.into_iter().find(|tried| !may_be_had_later(error) && may_be_had_later(tried));
        let error = hope.as_ref().filter(|_| !planted!(LastRefusalDecides)).unwrap_or(error);
        let failure = call_failure::of_creation(error, policy, specs.name(seen.attempt));
        CallFailure { words: format!("{} cannot be had: {}", specs.names(), failure.words), ..failure }
    }

    /// The refusals of the round that is over.
    pub(super) fn take_refusals(&self, seen: &Snapshot) -> Vec<EciError> {
        let mut work = self.pod_work();
        work.get_mut(&seen.uid).map(|work| std::mem::take(&mut work.refusals)).unwrap_or_default()
    }
}

fn may_be_had_later(error: &EciError) -> bool {
    matches!(error.meaning(), Some(Meaning::NoStock | Meaning::Quota))
}
