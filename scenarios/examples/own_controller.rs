//! A controller of one's own in a world: it makes a pod for each ConfigMap labelled `work`, and removes what has ended.
//!
//! `cargo run -p scenarios --example own_controller`; `cargo test` runs it too.

use std::error::Error;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use scenarios::World;
use serde_json::json;

/// One turn of the controller: what ought to be there is made, what has ended goes.
async fn reconcile(kube: Client) -> kube::Result<()> {
    let works: Api<ConfigMap> = Api::default_namespaced(kube.clone());
    let pods: Api<Pod> = Api::default_namespaced(kube);
    for work in works.list(&ListParams::default().labels("work")).await? {
        let name = work.name_any();
        let phase = pods.get_opt(&name).await?.map(|pod| pod.status.and_then(|status| status.phase));
        match phase.as_ref().map(Option::as_deref) {
            None => drop(pods.create(&PostParams::default(), &pod_for(&name)).await?),
            Some(Some("Succeeded" | "Failed")) => {
                pods.delete(&name, &DeleteParams::default()).await?;
                works.delete(&name, &DeleteParams::default()).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Reconciles until a call fails.
async fn run(kube: Client) -> kube::Result<()> {
    loop {
        reconcile(kube.clone()).await?;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

fn pod_for(name: &str) -> Pod {
    let pod = json!({
        "metadata": { "name": name },
        "spec": {
            "nodeName": "virtual-kubelet",
            "restartPolicy": "Never",
            "containers": [{ "name": "main", "image": "busybox", "command": ["sh", "-c", "sleep 600; echo done"] }]
        }
    });
    serde_json::from_value(pod).unwrap_or_default()
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::start().await?;
    let controller = tokio::spawn(run(world.kube()));

    let works: Api<ConfigMap> = Api::default_namespaced(world.kube());
    let work = json!({ "metadata": { "name": "nightly", "labels": { "work": "yes" } } });
    works.create(&PostParams::default(), &serde_json::from_value(work)?).await?;
    world.advance(Duration::from_secs(300)).await;
    let pods: Api<Pod> = Api::default_namespaced(world.kube());
    let phase = pods.get("nightly").await?.status.and_then(|status| status.phase);
    println!("after five minutes the pod is {}", phase.as_deref().unwrap_or("unknown"));
    assert_eq!(phase.as_deref(), Some("Running"));

    world.advance(Duration::from_secs(900)).await;
    assert!(pods.get_opt("nightly").await?.is_none(), "the controller removes what has ended");
    assert!(works.get_opt("nightly").await?.is_none());
    println!("after twenty it is gone; billed ¥ {}", world.bill().await?.total);

    controller.abort();
    world.end().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_controller_makes_its_pod_and_removes_it() -> Result<(), Box<dyn std::error::Error>> {
        super::main()
    }
}
