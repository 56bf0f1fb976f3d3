//! Tests of the running sum: whatever happens to pods and groups, it is the sum over all that is known.

use eci_api::Number;
use eci_api::actions::create_container_group::CreateContainerGroup;
use k8s_openapi::api::core::v1::Pod;
use std::sync::Arc;

use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::pods::decide::DeletionState;
use crate::pods::identity::Claim;
use crate::pods::specs::attempt::Attempt;

#[derive(Debug, Clone)]
enum Happening {
    Listed,
    Seen { status: &'static str, cpu: u32 },
    Created { cpu: u32 },
    Unanswered { cpu: u32 },
    Refused,
    Agreed,
    Spent,
    NotFound,
    LeftApi,
    Forgotten,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let status =
        proptest::sample::select(vec!["Scheduling", "Pending", "Running", "Succeeded", "Terminating"]);
    prop_oneof![
        2 => Just(Happening::Listed),
        4 => (status, 1..9_u32).prop_map(|(status, cpu)| Happening::Seen { status, cpu }),
        2 => (1..9_u32).prop_map(|cpu| Happening::Created { cpu }),
        2 => (1..9_u32).prop_map(|cpu| Happening::Unanswered { cpu }),
        1 => Just(Happening::Refused),
        1 => Just(Happening::Agreed),
        1 => Just(Happening::Spent),
        1 => Just(Happening::NotFound),
        1 => Just(Happening::LeftApi),
        1 => Just(Happening::Forgotten),
    ]
}

fn at(seconds: i64) -> Timestamp {
    "2026-01-05T01:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn pod(number: u8) -> Pod {
    let metadata = json!({ "namespace": format!("n{}", number % 2), "name": format!("p{number}"),
        "uid": format!("u{number}"), "resourceVersion": "1" });
    let limits = json!({ "cpu": "4", "memory": "8Gi" });
    let containers = json!([{ "name": "c", "image": "i", "resources": { "limits": limits } }]);
    serde_json::from_value(json!({ "metadata": metadata, "spec": { "containers": containers } })).unwrap()
}

fn group(number: u8, status: &str, cpu: u32) -> ContainerGroup {
    let cpu = Number(cpu.into());
    let id = format!("eci-{number}");
    ContainerGroup {
        container_group_id: id,
        status: status.into(),
        cpu,
        memory: cpu,
        ..ContainerGroup::default()
    }
}

fn happen(store: &PodStore, number: u8, happening: &Happening, now: Timestamp) {
    let uid = format!("u{number}");
    match happening {
        Happening::Listed => store.listed(pod(number), now),
        Happening::Seen { status, cpu } => {
            let (namespace, name) = (format!("n{}", number % 2), format!("p{number}"));
            let mut group = group(number, status, *cpu);
            group.containers = vec![Default::default()];
            store.saw_group(&Claim { uid, namespace, name }, group, now);
        }
        Happening::Created { cpu } => store.created(&uid, group(number, "Scheduling", *cpu), now),
        Happening::Unanswered { cpu } => {
            let request = CreateContainerGroup { cpu: Some(Number((*cpu).into())), ..Default::default() };
            store.creation_unanswered(&uid, Arc::new(request), now);
        }
        Happening::Refused => store.creation_refused(&uid, now),
        Happening::Agreed => store.deletion_agreed(&uid, DeletionState::Graceful, now),
        Happening::Spent => store.spent(&uid, &format!("eci-{number}"), now),
        Happening::NotFound => store.group_not_found(&uid, &format!("eci-{number}"), now),
        Happening::LeftApi => store.removed(pod(number), now),
        Happening::Forgotten => {
            if let Some(seen) = store.get(&uid) {
                store.forget(&seen);
            }
        }
    }
}

fn full_sum(store: &PodStore, policy: &Policy, except: &str) -> Usage {
    let mut usage = Usage::default();
    for (_, record) in store.state().records.iter().filter(|(uid, _)| &***uid != except) {
        if let Some((namespace, purchase)) = record.takes(policy) {
            usage.add(&namespace, &purchase);
        }
    }
    usage
}

proptest! {
    #[test]
    fn the_running_sum_is_the_sum_over_all_records(
        story in proptest::collection::vec((0..6_u8, any_happening()), 1..120),
        except in 0..6_u8,
    ) {
        let document = json!({ "node": { "instances": 9 }, "prices": { "vcpuHour": "0.176", "gibHour": "0.022" } });
        let policy = Policy::parse(&document.to_string()).unwrap();
        let store = PodStore::new(at(0), false);
        store.measure_usage(&policy);
        for (step, (number, happening)) in (0_i64..).zip(&story) {
            happen(&store, *number, happening, at(step));
        }
        let except: Uid = format!("u{except}").as_str().into();
        for namespace in ["n0", "n1"] {
            let full = full_sum(&store, &policy, &except).for_namespace(namespace);
            let running = store.usage(namespace, [&except]).for_namespace(namespace);
            prop_assert_eq!(running, full);
        }
    }
}

#[test]
fn a_sum_that_had_reached_its_end_is_summed_anew() {
    let mut usage = Usage::default();
    let policy = Policy::default();
    let huge = CreateContainerGroup { cpu: Some(Number(rust_decimal::Decimal::MAX)), ..Default::default() };
    let (huge, small) = (policy.purchase(&huge), policy.purchase(&CreateContainerGroup::default()));
    usage.add("n", &huge);
    usage.add("n", &small);
    assert!(!usage.take_back("n", &huge));
}

#[test]
fn a_group_that_the_cloud_has_not_described_yet_counts_as_the_spec_that_was_tried() {
    let policy = Policy::parse(r#"{ "node": { "vcpu": 8 } }"#).unwrap();
    let store = PodStore::new(at(0), false);
    store.measure_usage(&policy);
    let mut pod = pod(0);
    let annotation = ("k8s.aliyun.com/eci-use-specs".to_owned(), "2-4Gi,8-16Gi".to_owned());
    pod.metadata.annotations = Some([annotation].into());
    store.listed(pod, at(0));
    store.try_spec("u0", Attempt { spec: 1, vswitch: 0 }, at(0));
    let group = ContainerGroup {
        container_group_id: "eci-0".into(),
        status: "Scheduling".into(),
        ..Default::default()
    };
    store.created("u0", group, at(1));
    let another = CreateContainerGroup { cpu: Some(Number(1.into())), ..CreateContainerGroup::default() };
    let usage = store.usage("n0", std::iter::empty::<&Uid>());
    assert!(policy.fits("n0", &policy.purchase(&another), &usage).is_err(), "eight vCPU of eight are in use");
}
