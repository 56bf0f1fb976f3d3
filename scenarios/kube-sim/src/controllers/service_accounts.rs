//! The default account and the root certificate of every namespace, put back after somebody deleted them.

use super::waiting::ChangeWatcher;
use crate::defaults::create_namespace_defaults;
use crate::object::field::{is_terminating, name};
use crate::sim::KubeSim;
use crate::store::GroupResource;

const ACCOUNTS: GroupResource = ("", "serviceaccounts");
const NAMESPACES: GroupResource = ("", "namespaces");
const MAPS: GroupResource = ("", "configmaps");

/// Puts back missing accounts and certificates until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[NAMESPACES, ACCOUNTS, MAPS]);
    loop {
        changes.mark_seen();
        for namespace in sim.store().list(NAMESPACES, None).0.iter().filter(|n| !is_terminating(n)) {
            let there = |resource, what| sim.store().get(resource, name(namespace), what).is_some();
            if !there(ACCOUNTS, "default") || !there(MAPS, "kube-root-ca.crt") {
                create_namespace_defaults(sim, name(namespace));
            }
        }
        changes.wait(sim, None).await;
    }
}
