//! A cloud with many groups, and signed requests for them.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use determinism::{Chance, Clock, Seed};
use eci_api::Secret;
use eci_api::actions::create_container_group::{self as create, CreateContainerGroup};
use eci_api::query::render;
use eci_api::signature::{acs3, rpc};
use eci_sim::EciSim;
use http::Request;
use jiff::Timestamp;

const KEY_ID: &str = "bench";
const KEY_SECRET: &str = "bench-secret";
const HOST: &str = "eci.cn-hangzhou.aliyuncs.com";
const ACTION: &str = "DescribeContainerGroups";

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

    /// The same request, signed in the older way, as a query.
    ///
    /// # Errors
    /// When the request cannot be put together.
    pub fn describe_by_rpc(&mut self, id: &str) -> Result<Request<Bytes>> {
        let mut pairs = vec![("ContainerGroupIds".to_owned(), format!("[\"{id}\"]"))];
        let secret = Secret::new(KEY_SECRET);
        let nonce = self.nonces.text("0123456789abcdef", 32);
        rpc::complete(&mut pairs, ACTION, (KEY_ID, &secret), "GET", self.now, &nonce);
        Ok(Request::get(format!("http://{HOST}/?{}", render(&pairs)))
            .header("host", HOST)
            .body(Bytes::new())?)
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
        let headers = acs3::headers(ACTION, HOST, &query, (KEY_ID, &secret), self.now, &nonce);
        let mut request = Request::post(format!("http://{HOST}/?{}", render(&query)));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(request.body(Bytes::new())?)
    }
}
