//! The default account and the root certificate of every namespace, put back after somebody deleted or changed them.

use super::waiting::ChangeWatcher;
use crate::defaults::{ROOT_CERTIFICATE, create_namespace_defaults, restore_root_certificate};
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
            let stored = |resource, what| sim.store().get(resource, name(namespace), what);
            let certificate = stored(MAPS, ROOT_CERTIFICATE);
            if certificate.is_none() || stored(ACCOUNTS, "default").is_none() {
                create_namespace_defaults(sim, name(namespace));
            }
            if let Some(certificate) = certificate {
                restore_root_certificate(sim, &certificate);
            }
        }
        changes.wait(sim, None).await;
    }
}
