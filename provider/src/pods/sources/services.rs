//! Lists of Services, shared by the pods that need them at about the same time.
//!
//! An API server answers a list only once it knows that nothing newer is stored, which takes up to a tenth of a second where
//! nobody changes Services, however small the list. So a list serves every pod that was known before it was asked for: what
//! existed before such a pod is in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::time::Instant;

/// For how long a list serves pods, so that one which is tried again later sees what changed meanwhile.
const SERVES: Duration = Duration::from_secs(1);

/// The lists of late.
#[derive(Default)]
pub struct ServiceLists {
    lists: Mutex<HashMap<String, List>>,
    /// Held by the one whose list is asked for, so that others wait for that list instead of asking for their own.
    asking: tokio::sync::Mutex<()>,
}

/// One namespace's Services.
#[derive(Clone)]
struct List {
    services: Arc<Vec<Service>>,
    /// The number of the last pod that was known when the list was asked for.
    covers: u64,
    answered: Instant,
}

/// A pod as one of those that are known, with the number of the last of them at this moment.
pub struct Arrival<'a> {
    /// Number of the pod: those that became known before have smaller ones.
    pub number: u64,
    /// Tells the number of the last pod that is known by now.
    pub last: &'a (dyn Fn() -> u64 + Send + Sync),
}

impl ServiceLists {
    /// The Services of which a pod's containers know the addresses: `kubernetes`, and those of its namespace where it asks for
    /// them.
    ///
    /// # Errors
    /// When the API server does not answer, or forbids.
    pub async fn of(&self, client: &Client, pod: &Pod, arrival: &Arrival<'_>) -> kube::Result<Vec<Service>> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
        let linked = pod.spec.as_ref().and_then(|spec| spec.enable_service_links).unwrap_or(true);
        let is_kubernetes = |service: &&Service| service.metadata.name.as_deref() == Some("kubernetes");
        let of_default = self.list(client, "default", arrival).await?;
        if namespace == "default" && linked {
            return Ok(of_default.to_vec());
        }
        let mut found: Vec<Service> = of_default.iter().filter(is_kubernetes).cloned().collect();
        if linked {
            found.extend(self.list(client, namespace, arrival).await?.iter().cloned());
        }
        Ok(found)
    }

    async fn list(
        &self,
        client: &Client,
        namespace: &str,
        arrival: &Arrival<'_>,
    ) -> kube::Result<Arc<Vec<Service>>> {
        if let Some(services) = self.serving(namespace, arrival.number) {
            return Ok(services);
        }
        let _asking = self.asking.lock().await;
        if let Some(services) = self.serving(namespace, arrival.number) {
            return Ok(services);
        }
        let covers = (arrival.last)();
        let api: Api<Service> = Api::namespaced(client.clone(), namespace);
        let services = Arc::new(api.list(&ListParams::default()).await?.items);
        let list = List { services: services.clone(), covers, answered: Instant::now() };
        let mut lists = self.lists();
        lists.retain(|_, list| list.answered.elapsed() < SERVES);
        lists.insert(namespace.to_owned(), list);
        Ok(services)
    }

    /// A list that serves the pod of this number.
    fn serving(&self, namespace: &str, number: u64) -> Option<Arc<Vec<Service>>> {
        let lists = self.lists();
        let list =
            lists.get(namespace).filter(|list| number <= list.covers && list.answered.elapsed() < SERVES);
        list.map(|list| list.services.clone())
    }

    fn lists(&self) -> MutexGuard<'_, HashMap<String, List>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
