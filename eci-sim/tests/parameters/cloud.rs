//! The cloud that each variant meets: one of everything, made in the same order, so that all ids are the same.

use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use eci_api::actions as api;
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::Incoming;
use eci_sim::{EciSim, Runs, Script};
use jiff::Timestamp;
use serde_json::Value;

const BEGIN: &str = "2026-01-01T09:00:00Z";
const HOST: &str = "eci.cn-hangzhou.aliyuncs.com";
const KEY: &str = "local";
/// The name under which the world is kept when all is ready.
const PREPARED: &str = "prepared";
const SECRET: &str = "local-secret";

/// A simulator with what the base requests name.
pub struct Cloud {
    pub sim: EciSim,
    names: Vec<(&'static str, String)>,
    calls: std::cell::Cell<u32>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub status: u16,
    pub code: String,
    pub body: Value,
}

impl Cloud {
    /// One group that runs, one that has ended, and one of each other thing, all ready.
    pub fn prepared() -> Self {
        let begin: Timestamp = BEGIN.parse().expect("a time");
        let sim = EciSim::builder().clock(Clock::still(begin)).credential(KEY, Secret::new(SECRET)).build();
        let mut cloud = Self { sim, names: Vec::new(), calls: std::cell::Cell::new(0) };
        cloud.script();
        for (name, action, field, pairs) in super::requests::PREPARED {
            let answer = cloud.call(action, &cloud.filled(pairs));
            assert_eq!(answer.status, 200, "preparing {name}: {answer:?}");
            let id = answer.body[*field].as_str().unwrap_or_default().to_owned();
            cloud.names.push((name, id));
            cloud.wait(60);
        }
        cloud.wait(600);
        cloud.sim.control().save(PREPARED).expect("a world can be kept");
        cloud
    }

    /// The same cloud as it was when all was ready.
    pub fn again(&self) -> &Self {
        self.sim.control().load(PREPARED).expect("it was kept");
        self
    }

    /// What containers of certain images do, so that there is something to see.
    fn script(&self) {
        let control = self.sim.control();
        let plain = Script::default;
        control.script("broken", Script { cannot_pull: Some("it is not there".into()), ..plain() });
        let fails = Script {
            run: Some(Runs::For(Duration::from_secs(5))),
            exit_code: Some(1),
            log: vec!["the last words".into()],
            ..plain()
        };
        control.script("fails", fails);
        let sick = Script { unhealthy_after: Some(Duration::from_secs(20)), ..plain() };
        control.script("sick", sick);
    }

    /// Signed and sent as the oldest clients do.
    pub fn call(&self, action: &str, pairs: &Pairs) -> Outcome {
        let number = self.calls.get() + 1;
        self.calls.set(number);
        let now = self.sim.control().clock().now();
        let (mut pairs, secret) = (pairs.clone(), Secret::new(SECRET));
        rpc::complete(&mut pairs, action, (KEY, &secret), "POST", now, &format!("nonce-{number}"));
        let incoming = Incoming {
            method: "POST".into(),
            path: "/".into(),
            query: render(&pairs),
            headers: vec![("host".into(), HOST.into())],
            body: Bytes::new(),
        };
        let response = self.sim.exchange(incoming).answer.expect("no fault is laid");
        let mut body: Value = serde_json::from_slice(response.body()).expect("an answer is JSON");
        if let Some(members) = body.as_object_mut() {
            members.remove("RequestId");
        }
        let code = body["Code"].as_str().unwrap_or_default().to_owned();
        Outcome { status: response.status().as_u16(), code, body }
    }

    /// The parameters with the ids of what was prepared in place of `$group` and the like.
    pub fn filled(&self, pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), self.fill(value))).collect()
    }

    pub fn fill(&self, value: &str) -> String {
        let mut value = value.to_owned();
        for (name, id) in &self.names {
            value = value.replace(&format!("${name}"), id);
        }
        value
    }

    pub fn wait(&self, seconds: u64) {
        let clock = self.sim.control().clock().clone();
        clock.advance(Duration::from_secs(seconds)).expect("time goes on");
    }

    /// All that any client could see now.
    pub fn everything(&self) -> Vec<Value> {
        let all = api::DescribeContainerGroups { with_event: Some(true), ..Default::default() };
        vec![
            self.see(&all),
            self.see(&api::DescribeContainerGroupStatus::default()),
            self.see(&api::DescribeImageCaches::default()),
            self.see(&api::DescribeDataCaches::default()),
            self.see(&api::DescribeDataCaches { region_id: Some("cn-beijing".into()), ..Default::default() }),
            self.see(&api::DescribeVirtualNodes::default()),
            self.see(&api::DescribeCommitContainerTask::default()),
            self.see(&api::ListUsage::default()),
            self.see(&api::DescribeInstanceOpsRecords {
                container_group_id: Some(self.fill("$group")),
                ops_type: Some("coredump".into()),
                ..Default::default()
            }),
            Value::from(self.sim.control().cost().to_string()),
        ]
    }

    /// Whoever bids for less than the list price gets nothing any more.
    pub fn raise_the_market(&self) {
        let control = self.sim.control();
        control.quote(eci_sim::market::Quote {
            what: "*".into(),
            zone: "*".into(),
            currency: None,
            from: control.clock().now(),
            hourly: 1000.into(),
        });
    }

    /// Deletes every group.
    pub fn delete_all(&self) {
        for group in self.sim.control().groups() {
            let region_id = Some(group.region);
            let request = api::DeleteContainerGroup {
                container_group_id: Some(group.id),
                region_id,
                ..Default::default()
            };
            self.sim.act(&request).expect("a group that is there can be deleted");
        }
    }

    /// What was said by the container called `main` of the newest group.
    pub fn log_of_newest(&self) -> Value {
        let groups = self.sim.control().groups();
        let Some(newest) = groups.last() else { return Value::Null };
        self.see(&api::DescribeContainerLog {
            container_group_id: Some(newest.id.clone()),
            container_name: Some("main".into()),
            ..Default::default()
        })
    }

    fn see<A: eci_sim::Serve>(&self, request: &A) -> Value {
        let mut seen = match self.sim.act(request) {
            Ok(reply) => serde_json::to_value(reply).expect("a reply is JSON"),
            Err(refusal) => Value::from(refusal.wire_code()),
        };
        if let Some(members) = seen.as_object_mut() {
            members.remove("RequestId");
        }
        seen
    }
}
