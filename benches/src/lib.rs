//! Fixtures of the benches: a cloud with many groups, signed requests, a world with a virtual node.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use determinism::{Chance, Clock, Seed};
use eci_api::Secret;
use eci_api::actions::create_container_group::{self as create, CreateContainerGroup};
use eci_api::query::render;
use eci_api::signature::acs3;
use eci_sim::EciSim;
use http::Request;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use scenarios::World;
use serde_json::json;

const KEY_ID: &str = "bench";
const KEY_SECRET: &str = "bench-secret";
const HOST: &str = "eci.cn-hangzhou.aliyuncs.com";

/// A local cloud at nine o'clock, with groups that run.
pub struct Cloud {
    /// Simulator within this process.
    pub sim: EciSim,
    /// Ids of the groups, in order of creation.
    pub ids: Vec<String>,
    now: Timestamp,
    nonces: Chance,
}

impl Cloud {
    /// A cloud with so many groups.
    ///
    /// # Errors
    /// When a group is refused.
    pub fn with_groups(count: usize) -> Result<Self> {
        let clock = Clock::still("2026-01-05T01:00:00Z".parse()?);
        let secret = Secret::new(KEY_SECRET);
        let sim = EciSim::builder().clock(clock.clone()).credential(KEY_ID, secret).build();
        sim.control().set_quota(eci_sim::quota::Quota { vcpu: u64::MAX, ..eci_sim::quota::Quota::default() });
        let mut ids = Vec::with_capacity(count);
        for n in 0..count {
            let container = create::Container {
                name: Some("main".into()),
                image: Some("nginx".into()),
                ..create::Container::default()
            };
            let request = CreateContainerGroup {
                region_id: Some("cn-hangzhou".into()),
                container_group_name: Some(format!("group-{n}")),
                container: vec![container],
                ..CreateContainerGroup::default()
            };
            ids.push(sim.act(&request)?.container_group_id);
        }
        clock.advance(Duration::from_secs(60))?;
        sim.control().next_due(); // brings the world up to the present
        Ok(Self { sim, ids, now: clock.now(), nonces: Seed::DEFAULT.chance("nonces") })
    }

    /// A signed request for one group, as a Tea client sends it; each has a nonce of its own.
    ///
    /// # Errors
    /// When the request cannot be put together.
    pub fn describe(&mut self, id: &str) -> Result<Request<Bytes>> {
        let query = vec![
            ("RegionId".to_owned(), "cn-hangzhou".to_owned()),
            ("ContainerGroupIds".to_owned(), format!("[\"{id}\"]")),
        ];
        let secret = Secret::new(KEY_SECRET);
        let nonce = self.nonces.text("0123456789abcdef", 32);
        let action = "DescribeContainerGroups";
        let headers = acs3::headers(action, HOST, &query, (KEY_ID, &secret), self.now, &nonce);
        let mut request = Request::post(format!("http://{HOST}/?{}", render(&query)));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(request.body(Bytes::new())?)
    }
}

/// Creates a pod on the virtual node, and waits until it runs.
///
/// # Errors
/// When it is refused, or does not run within a simulated minute.
pub async fn run_pod(world: &World, name: &str) -> Result<()> {
    let kind = ApiResource::erase::<Pod>(&());
    let pods: Api<DynamicObject> = Api::default_namespaced_with(world.kube(), &kind);
    let container = json!({ "name": "main", "image": "nginx" });
    let spec = json!({ "nodeName": "virtual-kubelet", "containers": [container] });
    let pod = DynamicObject::new(name, &kind).data(json!({ "spec": spec }));
    pods.create(&PostParams::default(), &pod).await?;
    for _ in 0..600 {
        world.advance(Duration::from_millis(100)).await;
        if pods.get(name).await?.data.pointer("/status/phase").is_some_and(|phase| phase == "Running") {
            return Ok(());
        }
    }
    anyhow::bail!("{name} does not run after a minute")
}

/// Deletes a pod at once.
///
/// # Errors
/// When it is refused.
pub async fn end_pod(world: &World, name: &str) -> Result<()> {
    let pods: Api<DynamicObject> =
        Api::default_namespaced_with(world.kube(), &ApiResource::erase::<Pod>(&()));
    pods.delete(name, &DeleteParams::default().grace_period(0)).await?;
    world.advance(Duration::from_secs(1)).await;
    Ok(())
}
