//! Lists that are shared, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use http::{Request, Response};
use kube::client::Body;
use serde_json::json;

use super::*;

/// An API server that takes a tenth of a second for each list, the lists so far, and the pods that it knows by now.
struct Bed {
    client: Client,
    requests: Arc<AtomicU64>,
    known: AtomicU64,
    lists: ServiceLists,
}

impl Bed {
    fn new() -> Self {
        let requests = Arc::new(AtomicU64::new(0));
        let counted = requests.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let namespace = request.uri().path().split('/').nth(4).unwrap_or_default().to_owned();
                let named = |name: &str| json!({ "metadata": { "name": name, "namespace": namespace } });
                let items = [named("kubernetes"), named(&format!("list-{number}"))];
                let list =
                    json!({ "kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": items });
                Ok::<_, std::convert::Infallible>(Response::new(Body::from(list.to_string().into_bytes())))
            }
        });
        Self {
            client: Client::new(service, "default"),
            requests,
            known: AtomicU64::new(0),
            lists: ServiceLists::default(),
        }
    }

    /// The names of the Services that the pod of this number has.
    async fn of(&self, number: u64, pod: &Pod) -> Vec<String> {
        let last = || self.known.load(Ordering::Relaxed);
        let found = self.lists.of(&self.client, pod, &Arrival { number, last: &last }).await.unwrap();
        found.into_iter().filter_map(|service| service.metadata.name).collect()
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

fn pod(namespace: &str, linked: bool) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "p", "namespace": namespace },
        "spec": { "containers": [], "enableServiceLinks": linked }
    }))
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_list_serves_all_pods_that_were_known_when_it_was_asked_for() {
    let bed = Bed::new();
    bed.known.store(100, Ordering::Relaxed);
    let pod = pod("default", true);
    let all = join_all((1..=100).map(|number| bed.of(number, &pod))).await;
    assert!(all.iter().all(|names| *names == ["kubernetes", "list-1"]), "{all:?}");
    assert_eq!(bed.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_became_known_later_is_served_by_a_list_that_is_asked_for_later() {
    let bed = Bed::new();
    bed.known.store(1, Ordering::Relaxed);
    let pod = pod("default", true);
    let younger = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        bed.known.store(2, Ordering::Relaxed);
        bed.of(2, &pod).await
    };
    let (older, younger) = tokio::join!(bed.of(1, &pod), younger);
    assert_eq!((older[1].as_str(), younger[1].as_str()), ("list-1", "list-2"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_tried_again_later_sees_what_changed_meanwhile() {
    let bed = Bed::new();
    bed.known.store(1, Ordering::Relaxed);
    let pod = pod("default", true);
    assert_eq!(bed.of(1, &pod).await[1], "list-1");
    tokio::time::sleep(SERVES).await;
    assert_eq!(bed.of(1, &pod).await[1], "list-2");
}

#[tokio::test(start_paused = true)]
async fn without_links_a_pod_has_kubernetes_alone_and_with_them_the_services_of_its_namespace() {
    let bed = Bed::new();
    assert_eq!(bed.of(0, &pod("shop", false)).await, ["kubernetes"]);
    assert_eq!(bed.of(0, &pod("default", false)).await, ["kubernetes"]);
    assert_eq!(bed.of(0, &pod("shop", true)).await, ["kubernetes", "kubernetes", "list-2"]);
    assert_eq!(bed.requests(), 2, "one of each namespace");
}
