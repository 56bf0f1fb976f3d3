//! The DNS servers of pods: the cluster's own, as they were configured or as they are found in kube-system.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::Config;

/// The label by which every cluster's DNS is known, whatever program it is.
const LABEL: &str = "k8s-app=kube-dns";
/// For how long what was found is believed.
const BELIEVED: Duration = Duration::from_mins(1);

/// Finds the cluster's DNS.
#[derive(Default)]
pub struct Finder(Mutex<Option<(Instant, Vec<String>)>>);

impl Finder {
    /// The addresses that `pod` asks for names of the cluster: none where it does not want to, or where there are none.
    ///
    /// # Errors
    /// When the API server does not answer, or forbids.
    pub async fn servers(&self, client: &Client, config: &Config, pod: &Pod) -> kube::Result<Vec<String>> {
        if !wants(pod) {
            return Ok(Vec::new());
        }
        if !config.cluster_dns.is_empty() {
            return Ok(config.cluster_dns.iter().map(ToString::to_string).collect());
        }
        let mut kept = self.0.lock().await;
        let now = Instant::now();
        if let Some((at, found)) = kept.as_ref()
            && now.duration_since(*at) < BELIEVED
        {
            return Ok(found.clone());
        }
        let api: Api<Service> = Api::namespaced(client.clone(), "kube-system");
        let services = api.list(&ListParams::default().labels(LABEL)).await?.items;
        let address = |service: Service| service.spec?.cluster_ip.filter(|ip| ip != "None" && !ip.is_empty());
        let found: Vec<String> = services.into_iter().filter_map(address).collect();
        *kept = Some((now, found.clone()));
        Ok(found)
    }
}

/// Returns true when the pod's names are the cluster's, which they are unless it says otherwise.
fn wants(pod: &Pod) -> bool {
    let policy = pod.spec.as_ref().and_then(|spec| spec.dns_policy.as_deref());
    matches!(policy, None | Some("ClusterFirst" | "ClusterFirstWithHostNet"))
}
