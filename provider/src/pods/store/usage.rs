//! Usage of live container groups, for the operator's limits.

use std::collections::BTreeMap;

use super::super::queue::Uid;
use super::super::request::purchase;
use super::record::Record;
use super::{PodStore, State};
use crate::config::Architecture;
use crate::policy::{Policy, Purchase, Usage};

/// The running sum of what groups take, and what each pod's adds to it.
pub(super) struct UsageMeter {
    policy: Policy,
    total: Usage,
    counted: BTreeMap<Uid, (String, Purchase)>,
}

impl PodStore {
    /// Sums up from now on what groups take that are billed, and creations whose answers are not known, by `policy`'s
    /// prices; nothing is summed up for a policy without limits.
    pub fn measure_usage(&self, policy: &Policy) {
        if !policy.has_limits() {
            return;
        }
        let mut state = self.state();
        let (total, counted) = (Usage::default(), BTreeMap::new());
        state.meter = Some(UsageMeter { policy: policy.clone(), total, counted });
        let known: Vec<Uid> = state.records.keys().cloned().collect();
        known.iter().for_each(|uid| state.measure(uid));
    }

    /// The usage that counts for a purchase for `namespace`, but for the pods of `except`, each of which is named once.
    pub fn usage<'a>(&self, namespace: &str, except: impl IntoIterator<Item = &'a Uid>) -> Usage {
        let state = self.state();
        let Some(meter) = &state.meter else { return Usage::default() };
        let mut usage = meter.total.for_namespace(namespace);
        let mut is_known = true;
        let except: Vec<&Uid> = except.into_iter().collect();
        for (namespace, purchase) in except.iter().filter_map(|uid| meter.counted.get(*uid)) {
            is_known &= usage.take_back(namespace, purchase);
        }
        if is_known { usage } else { sum(meter.counted.iter().filter(|(uid, _)| !except.contains(uid))) }
    }
}

impl State {
    /// Brings what a pod's group adds to the sum up to date.
    pub(super) fn measure(&mut self, uid: &Uid) {
        let Some(meter) = &mut self.meter else { return };
        let takes = self.records.get(uid).and_then(|record| record.takes(&meter.policy));
        let before = meter.counted.get(uid);
        if before == takes.as_ref() {
            return;
        }
        let is_known = before.is_none_or(|(namespace, purchase)| meter.total.take_back(namespace, purchase));
        match takes {
            Some((namespace, purchase)) => {
                meter.total.add(&namespace, &purchase);
                meter.counted.insert(uid.clone(), (namespace, purchase));
            }
            None => drop(meter.counted.remove(uid)),
        }
        if !is_known {
            meter.total = sum(&meter.counted);
        }
    }
}

fn sum<'a>(counted: impl IntoIterator<Item = (&'a Uid, &'a (String, Purchase))>) -> Usage {
    let mut usage = Usage::default();
    counted.into_iter().for_each(|(_, (namespace, purchase))| usage.add(namespace, purchase));
    usage
}

impl Record {
    /// The namespace and the purchase that count against the limits; none for what is not billed any more.
    fn takes(&self, policy: &Policy) -> Option<(String, Purchase)> {
        let purchase = match (&self.group, &self.unanswered) {
            (Some(group), _) if group.parsed_status().is_over() => return None,
            // the cloud has not described it yet
            (Some(group), _) if group.containers.is_empty() && self.in_api => {
                // a pod that is refused has no group
                let bought = purchase::of_attempt(&self.pod, Architecture::default(), self.attempt);
                policy.purchase(&bought.unwrap_or_default())
            }
            (Some(group), _) => policy.purchase_of_group(group),
            (None, Some(request)) => policy.purchase(request),
            (None, None) => return None,
        };
        Some((self.pod.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned()), purchase))
    }
}

#[cfg(test)]
mod tests;
