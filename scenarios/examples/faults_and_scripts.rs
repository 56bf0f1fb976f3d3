//! A cloud without stock, and a container that crashes as a script says: what a workload of one's own does then.
//!
//! `cargo run -p scenarios --example faults_and_scripts`; `cargo test` runs it too.

use std::error::Error;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use scenarios::{Rule, Script, Span, World};
use serde_json::json;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::builder().seed("quiet-otter-17".parse()?).start().await?;
    let no_stock: Rule = "CreateContainerGroup refuse OperationDenied.NoStock times=3".parse()?;
    world.inject(no_stock).await?;
    let script = Script {
        image: "batch:*".into(),
        pull: Some(Span::seconds(20)),
        run: Some(Span::seconds(90)),
        exit_code: Some(3),
        log: vec!["reading".into(), "no such table".into()],
        ..Script::default()
    };
    world.script(&script).await?;

    let pods: Api<Pod> = Api::default_namespaced(world.kube());
    let pod = json!({
        "metadata": { "name": "import" },
        "spec": {
            "nodeName": "virtual-kubelet",
            "restartPolicy": "Never",
            "containers": [{ "name": "main", "image": "batch:1.2" }]
        }
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await?;
    world.advance(Duration::from_secs(1)).await;
    assert!(world.cloud().groups().await?.is_empty(), "the cloud has no stock yet");

    world.advance(Duration::from_secs(900)).await;
    let status = pods.get("import").await?.status.unwrap_or_default();
    let ended = status.container_statuses.unwrap_or_default().pop().and_then(|main| main.state?.terminated);
    let code = ended.map(|ended| ended.exit_code);
    println!("{} with exit code {code:?}", status.phase.as_deref().unwrap_or("unknown"));
    assert_eq!((status.phase.as_deref(), code), (Some("Failed"), Some(3)));
    println!("{}", pods.logs("import", &kube::api::LogParams::default()).await?.trim_end());

    world.end().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pod_waits_for_stock_and_fails_as_its_script_says() -> Result<(), Box<dyn std::error::Error>> {
        super::main()
    }
}
