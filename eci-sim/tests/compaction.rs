//! A world whose journal was compacted is the same world, and its store does not grow with time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::path::Path;

use crate::support::{START_TIME, create, group, once, wait};
use determinism::Clock;
use eci_api::actions::create_container_group::{Container, Exec, Probe};
use eci_api::actions::{CreateVirtualNode, DeleteContainerGroup, TagResources, tag_resources};
use eci_api::signature::Secret;
use eci_sim::persistence::store::Store;
use eci_sim::{ControlServer, EciSim, Incoming, StoreError};
use serde_json::{Value, json};

/// Sums up as often as it may.
const OFTEN: u64 = 0;
const NEVER: u64 = u64::MAX;

fn keep(data: &Path, compact_from: u64) -> Result<EciSim, StoreError> {
    let clock = Clock::still(START_TIME.parse().unwrap());
    let builder = EciSim::builder().clock(clock).credential("local", Secret::new("local-secret"));
    builder.compact_from(compact_from).persist(data, None)
}

fn control_call(sim: &EciSim, method: &str, path: &str, body: &Value) -> String {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request =
        Incoming { method: method.into(), path: path.into(), body: body.into(), ..Incoming::default() };
    String::from_utf8(ControlServer::new(sim.control()).answer(&request).into_body().to_vec()).unwrap()
}

/// All that the control API shows of a world.
fn seen(sim: &EciSim) -> Vec<String> {
    let looks = ["/groups", "/ledger", "/bill", "/faults", "/stock", "/quota", "/throttling", "/clock"];
    let looks = looks.into_iter().chain(["/snapshots", "/scripts", "/prices"]);
    looks.map(|path| control_call(sim, "GET", path, &Value::Null)).collect()
}

/// A container that its liveness probe ends again and again, and that is ready for a while.
fn probed() -> Container {
    let script = "touch /tmp/healthy; sleep 30; rm /tmp/healthy; sleep 600";
    let command = ["cat", "/tmp/healthy"].map(str::to_owned).to_vec();
    let probe = Probe { exec: Some(Exec { command }), period_seconds: Some(7), ..Probe::default() };
    Container {
        readiness_probe: Some(probe.clone()),
        liveness_probe: Some(probe),
        ..crate::support::container("web", "busybox", &["sh", "-c", script])
    }
}

/// Much of what can happen to a world.
fn live(sim: &EciSim, from: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in from..from + 12 {
        let mut request = once(&format!("job-{n}"), &["sleep", "90"]);
        request.client_token = Some(format!("token-{n}"));
        request.spot_strategy = (n % 3 == 0).then(|| "SpotAsPriceGo".to_owned());
        ids.push(create(sim, &request));
        ids.push(create(
            sim,
            &group(&format!("web-{n}"), vec![crate::support::container("web", "nginx", &[])]),
        ));
        if n % 12 == 0 {
            ids.push(create(sim, &group(&format!("probed-{n}"), vec![probed()])));
        }
        wait(sim, 47);
        let delete =
            DeleteContainerGroup { container_group_id: ids.get(n % 7).cloned(), ..Default::default() };
        // Some are gone already; that is refused, and kept as such.
        let _gone = sim.act(&delete);
    }
    // The same call with the same token gives the same answer, also after all these restarts.
    let mut first = once("job-0", &["sleep", "90"]);
    (first.client_token, first.spot_strategy) = (Some("token-0".into()), Some("SpotAsPriceGo".into()));
    ids.push(create(sim, &first));
    let tags = vec![tag_resources::Tag { key: Some("a.b".into()), value: Some("ü".into()) }];
    let resource_id = vec![ids[ids.len() - 2].clone()];
    let resource_type = Some("containergroup".to_owned());
    sim.act(&TagResources { resource_id, resource_type, tag: tags, ..TagResources::default() }).unwrap();
    let node = CreateVirtualNode {
        virtual_node_name: Some(format!("node-{from}")),
        security_group_id: Some("sg-1".into()),
        vswitch_id: Some("vsw-1".into()),
        kube_config: Some("a config".into()),
        ..CreateVirtualNode::default()
    };
    let _made_or_refused = sim.act(&node);
    control_call(sim, "POST", "/scripts", &json!({ "pattern": "nginx", "run-seconds": 600, "exit-code": 1 }));
    control_call(sim, "POST", "/stock", &json!({ "sold-out": "cn-hangzhou-h" }));
    control_call(sim, "POST", &format!("/snapshots/after-{from}"), &Value::Null);
    let refuse = json!({ "refuse": { "code": "Throttling" } });
    control_call(sim, "POST", "/faults", &json!({ "action": "Delete*", "times": 2, "verdict": refuse }));
    ids
}

#[test]
fn a_world_that_is_summed_up_cannot_be_told_from_one_that_is_not() {
    let (often, never) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for round in 0..4 {
        let [one, other] =
            [(&often, OFTEN), (&never, NEVER)].map(|(data, from)| keep(data.path(), from).unwrap());
        assert_eq!(seen(&one), seen(&other), "as taken up in round {round}");
        assert_eq!(live(&one, 12 * round), live(&other, 12 * round), "round {round}");
        assert_eq!(seen(&one), seen(&other), "after round {round}");
        for sim in [&one, &other] {
            control_call(sim, "POST", "/snapshots/after-0/load", &Value::Null);
            wait(sim, 4000);
        }
        assert_eq!(seen(&one), seen(&other), "from the snapshot in round {round}");
    }
    let rows = |data: &Path| {
        let mut rows = 0;
        let store = Store::open(data).unwrap();
        store
            .read_snapshot(|_| {
                rows += 1;
                Ok::<_, Infallible>(())
            })
            .unwrap();
        rows
    };
    assert!(rows(often.path()) > 3);
    assert_eq!(rows(never.path()), 0);
}

#[test]
fn what_is_kept_grows_with_the_groups_that_live_and_not_with_time() {
    let data = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for lives in [1050, 600, 600] {
        let sim = keep(data.path(), 64 << 10).unwrap();
        for n in 0..lives {
            let id = create(&sim, &once(&format!("job-{}", n % 7), &["sleep", "60"]));
            let delete = DeleteContainerGroup { container_group_id: Some(id), ..Default::default() };
            sim.act(&delete).unwrap();
            wait(&sim, 3600);
        }
        drop(sim);
        sizes.push(std::fs::metadata(data.path().join("eci-sim.redb")).unwrap().len());
    }
    // What they have used is kept for itself of a thousand groups that are gone; after that, only for the bill.
    assert!(sizes[2] <= sizes[0] * 3 / 2, "{sizes:?}");
}

#[test]
fn an_incomplete_snapshot_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let sim = keep(data.path(), OFTEN).unwrap();
    live(&sim, 0);
    drop(sim);
    let store = Store::open(data.path()).unwrap();
    let mut rows = Vec::new();
    store
        .read_snapshot(|row| {
            rows.push(row.to_vec());
            Ok::<_, Infallible>(())
        })
        .unwrap();
    drop(store);
    for (kept, why) in [
        (&rows[..rows.len() - 1], "its snapshot is incomplete"),
        (&rows[1..], "its snapshot is incomplete"),
        (&rows[2..], "row 0 of its snapshot cannot be read: it belongs to no world"),
    ] {
        let store = Store::open(data.path()).unwrap();
        let mut draft = store.begin_snapshot().unwrap();
        kept.iter().for_each(|row| draft.put(row).unwrap());
        draft.commit().unwrap();
        drop(store);
        let refused = keep(data.path(), OFTEN).unwrap_err().to_string();
        assert!(refused.contains("is damaged: ") && refused.contains(why), "{refused}");
        assert!(refused.contains("To begin anew, move the file away"), "{refused}");
    }
}
