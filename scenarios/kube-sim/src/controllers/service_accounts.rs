//! The default account and the root certificate of every namespace, put back after somebody deleted them.

use super::waiting::Changes;
use crate::sim::KubeSim;
use crate::defaults::furnish;
use crate::object::field::{is_leaving, name};
use crate::store::Shelf;

const ACCOUNTS: Shelf = ("", "serviceaccounts");
const NAMESPACES: Shelf = ("", "namespaces");
const MAPS: Shelf = ("", "configmaps");

/// Puts back missing accounts and certificates until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = Changes::of(sim, &[NAMESPACES, ACCOUNTS, MAPS]);
    loop {
        changes.seen();
        for namespace in sim.store().list(NAMESPACES, None).0.iter().filter(|n| !is_leaving(n)) {
            let there = |shelf, what| sim.store().get(shelf, name(namespace), what).is_some();
            if !there(ACCOUNTS, "default") || !there(MAPS, "kube-root-ca.crt") {
                furnish(sim, name(namespace));
            }
        }
        changes.next(sim, None).await;
    }
}
