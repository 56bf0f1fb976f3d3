//! Any sequence of calls, clock steps and faults keeps what has to hold, and the same sequence makes the same world.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{START_TIME, sim};
use bytes::Bytes;
use determinism::Clock;
use eci_api::actions::{DescribeContainerGroups, DescribeImageCaches, ListUsage};
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::Incoming;
use eci_sim::ledger::LedgerEvent;
use eci_sim::lifecycle::State;
use eci_sim::world::standing::Standing;
use eci_sim::{ControlServer, EciSim, FaultVerdict, Rule};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Deed {
    Call(&'static str, Vec<(&'static str, String)>),
    Wait(u32),
    Fault(Rule),
    NoFaults,
    SellOut(bool),
    Market(u32),
    Account(Standing),
    Crash(usize),
    Reclaim(usize),
}

/// What a group is asked to do.
const COMMANDS: [&str; 6] =
    ["sleep 30", "exit 3", "echo x; sleep 5; exit 1", "sleep 100000", "true", "sleep 7; exit 0"];

fn create() -> impl Strategy<Value = Deed> {
    let kinds = prop::sample::select(vec!["Always", "OnFailure", "Never"]);
    let images = prop::sample::select(vec!["busybox", "nginx:1.25", "broken", "sick", "Not An Image"]);
    let options = prop::collection::vec(0..9usize, 0..3);
    (0..4u8, kinds, images, prop::sample::select(COMMANDS.to_vec()), options).prop_map(
        |(name, policy, image, command, options)| {
            let mut pairs = vec![
                ("ContainerGroupName", format!("group-{name}")),
                ("RestartPolicy", policy.to_owned()),
                ("Container.1.Name", "main".to_owned()),
                ("Container.1.Image", image.to_owned()),
                ("Container.1.Command.1", "sh".to_owned()),
                ("Container.1.Command.2", "-c".to_owned()),
                ("Container.1.Command.3", command.to_owned()),
                ("VSwitchId", "vsw-1".to_owned()),
            ];
            for option in options {
                let more: &[(&str, &str)] = match option {
                    0 => &[
                        ("InitContainer.1.Name", "first"),
                        ("InitContainer.1.Image", "busybox"),
                        ("InitContainer.1.Command.1", "true"),
                    ],
                    1 => &[
                        ("SpotStrategy", "SpotWithPriceLimit"),
                        ("SpotPriceLimit", "0.2"),
                        ("SpotDuration", "0"),
                    ],
                    2 => &[("ActiveDeadlineSeconds", "100")],
                    3 => &[("FixedIp", "true")],
                    4 => &[("ClientToken", "token")],
                    5 => &[("MaxPendingMinute", "10")],
                    6 => &[("Cpu", "4"), ("Memory", "8")],
                    7 => &[("Container.1.LivenessProbe.HttpGet.Port", "80")],
                    _ => &[
                        ("Container.1.LifecyclePreStopHandlerExec.1", "sleep"),
                        ("Container.1.LifecyclePreStopHandlerExec.2", "9"),
                    ],
                };
                pairs.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            }
            Deed::Call("CreateContainerGroup", pairs)
        },
    )
}

/// A call that names the group of an index, among those that there are.
fn on_group() -> impl Strategy<Value = Deed> {
    let calls = vec![
        ("DeleteContainerGroup", vec![]),
        ("DeleteContainerGroup", vec![("Force", "true")]),
        ("RestartContainerGroup", vec![]),
        ("UpdateContainerGroup", vec![("Container.1.Image", "redis")]),
        ("UpdateContainerGroup", vec![("Cpu", "8"), ("Memory", "16")]),
        ("UpdateContainerGroup", vec![("Tag.1.Key", "a"), ("Tag.1.Value", "b")]),
        ("ResizeContainerGroupEphemeralStorage", vec![("NewSize", "10")]),
    ];
    (0..6usize, prop::sample::select(calls)).prop_map(|(index, (action, more))| {
        let mut pairs = vec![("ContainerGroupId", format!("#{index}"))];
        pairs.extend(more.into_iter().map(|(name, value)| (name, value.to_owned())));
        Deed::Call(action, pairs)
    })
}

fn fault() -> impl Strategy<Value = Deed> {
    let verdicts = vec![
        FaultVerdict::DropBefore,
        FaultVerdict::DropAfter,
        FaultVerdict::Refuse { code: "Throttling".into(), status: None, message: None },
        FaultVerdict::Truncate(10),
        FaultVerdict::StaleMs(5000),
        FaultVerdict::SoldOut("cn-hangzhou-b".into()),
        FaultVerdict::Reclaim(3),
        FaultVerdict::Crash { container: "main".into(), exit_code: 5 },
    ];
    (prop::sample::select(verdicts), 1..4u32)
        .prop_map(|(verdict, times)| Deed::Fault(Rule::new(verdict).times(times)))
}

fn deed() -> impl Strategy<Value = Deed> {
    let cache = || {
        Deed::Call(
            "CreateImageCache",
            vec![("ImageCacheName", "c".into()), ("Image.1", "redis".into()), ("RetentionDays", "1".into())],
        )
    };
    prop_oneof![
        6 => create(),
        6 => (1..4000u32).prop_map(Deed::Wait),
        1 => (10_000..200_000u32).prop_map(Deed::Wait),
        4 => on_group(),
        2 => fault(),
        1 => Just(Deed::NoFaults),
        1 => any::<bool>().prop_map(Deed::SellOut),
        1 => (1..500u32).prop_map(Deed::Market),
        1 => prop::sample::select(vec![Standing::Good, Standing::Arrears]).prop_map(Deed::Account),
        1 => (0..6usize).prop_map(Deed::Crash),
        1 => (0..6usize).prop_map(Deed::Reclaim),
        1 => Just(()).prop_map(move |()| cache()),
    ]
}

/// In it some images do something else than their commands say.
fn scripted(sim: EciSim) -> EciSim {
    let broken = json!({ "pattern": "broken", "cannot-pull": "gone" });
    let sick = json!({ "pattern": "sick", "unhealthy-after-seconds": 20 });
    for script in [broken, sick] {
        control_call(&sim, "POST", "/scripts", &script);
    }
    sim
}

/// A simulator with a persistent world, whose journal is compacted from so many bytes on.
fn keep(data: &Path, compact_from: u64) -> EciSim {
    let clock = Clock::still(START_TIME.parse().unwrap());
    let builder = EciSim::builder().clock(clock).credential("local", Secret::new("local-secret"));
    builder.compact_from(compact_from).persist(data, None).unwrap()
}

fn id_at(sim: &EciSim, index: usize) -> String {
    let groups = sim.control().groups();
    groups.get(index % groups.len().max(1)).map_or_else(|| "eci-none".to_owned(), |group| group.id.clone())
}

/// Does it, and gives what was answered.
fn act(sim: &EciSim, number: usize, deed: &Deed) -> String {
    let control = sim.control();
    match deed {
        Deed::Call(action, pairs) => {
            let fill = |value: &str| match value.strip_prefix('#') {
                Some(index) => id_at(sim, index.parse().unwrap()),
                None => value.to_owned(),
            };
            let mut pairs: Pairs =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect();
            let (now, secret) = (control.clock().now(), Secret::new("local-secret"));
            rpc::complete(&mut pairs, action, ("local", &secret), "POST", now, &format!("nonce-{number}"));
            let incoming = Incoming {
                method: "POST".into(),
                path: "/".into(),
                query: render(&pairs),
                headers: vec![("host".into(), "eci.cn-hangzhou.aliyuncs.com".into())],
                body: Bytes::new(),
            };
            sim.exchange(incoming).answer.map_or_else(String::new, |answer| format!("{answer:?}"))
        }
        Deed::Wait(seconds) => control_call(sim, "POST", "/clock/advance", &json!({ "seconds": seconds })),
        Deed::Fault(rule) => control_call(sim, "POST", "/faults", &json!(rule)),
        Deed::NoFaults => control_call(sim, "DELETE", "/faults", &Value::Null),
        Deed::SellOut(true) => control_call(sim, "POST", "/stock", &json!({ "sold-out": "cn-hangzhou-b" })),
        Deed::SellOut(false) => control_call(sim, "POST", "/stock", &json!({ "restocked": "cn-hangzhou-b" })),
        Deed::Market(thousandths) => {
            let hourly = Decimal::new(i64::from(*thousandths), 3).to_string();
            control_call(sim, "POST", "/prices", &json!({ "hourly": hourly }))
        }
        Deed::Account(standing) => {
            control_call(sim, "POST", "/accounts/local", &json!({ "standing": standing.name() }))
        }
        Deed::Crash(index) => {
            let crash = json!({ "container": "main", "exit-code": 9 });
            control_call(sim, "POST", &format!("/groups/{}/crash", id_at(sim, *index)), &crash)
        }
        Deed::Reclaim(index) => control_call(
            sim,
            "POST",
            &format!("/groups/{}/reclaim", id_at(sim, *index)),
            &json!({ "minutes": 3 }),
        ),
    }
}

/// What the control API answers.
fn control_call(sim: &EciSim, method: &str, path: &str, body: &Value) -> String {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (method, path) = (method.to_owned(), path.to_owned());
    // a group that is crashed or taken back may be gone, or have ended
    let may_fail = path.starts_with("/groups/");
    let request = Incoming { method, path, body: body.into(), ..Incoming::default() };
    let answer = ControlServer::new(sim.control()).answer(&request);
    assert!(may_fail || answer.status() == 200, "{request:?} {answer:?}");
    format!("{} {}", answer.status(), String::from_utf8_lossy(answer.body()))
}

/// All that can be seen of a world.
fn picture(sim: &EciSim) -> String {
    let all = DescribeContainerGroups { with_event: Some(true), ..Default::default() };
    let seen = sim.act(&all).map(|reply| reply.container_groups);
    let caches = sim.act(&DescribeImageCaches::default()).map(|reply| reply.image_caches);
    let control = sim.control();
    let ledger: Vec<_> = control.ledger().iter().map(ToString::to_string).collect();
    format!("{seen:?}\n{caches:?}\n{ledger:#?}\n{:?}\n{:?}", control.bill(), control.groups())
}

/// The edges of `lifecycle::next`, drawn from every state with every event; a test there knows them one by one.
fn is_an_edge(from: State, to: State) -> bool {
    use State::*;
    matches!(
        (from, to),
        (Scheduling, Pending | ScheduleFailed | Deleted)
            | (
                Pending,
                Running | Succeeded | Failed | Restarting | Updating | Expired | Terminating | Deleted
            )
            | (Running, Succeeded | Failed | Restarting | Updating | Expired | Terminating | Deleted)
            | (Restarting | Updating, Pending | Failed | Expired | Terminating | Deleted)
            | (Terminating | ScheduleFailed | Succeeded | Failed | Expired, Deleted)
    )
}

fn check(sim: &EciSim) -> Result<(), TestCaseError> {
    let control = sim.control();
    let ledger = control.ledger();
    let mut states: BTreeMap<u64, State> = BTreeMap::new();
    for pair in ledger.windows(2) {
        prop_assert!(pair[0].at <= pair[1].at, "the ledger goes back: {} then {}", pair[0], pair[1]);
    }
    for entry in &ledger {
        match &entry.event {
            LedgerEvent::Created => {
                prop_assert!(states.insert(entry.group.number, State::Scheduling).is_none())
            }
            LedgerEvent::Moved { from, to } => {
                let before = states.insert(entry.group.number, *to);
                prop_assert_eq!(before, Some(*from), "{}", entry);
                prop_assert!(is_an_edge(*from, *to), "{} is no edge", entry);
            }
            _ => {}
        }
    }
    let groups = control.groups();
    for group in &groups {
        let known = ledger.iter().rev().find(|entry| *entry.group.id == *group.id).map(|e| e.group.number);
        let state = known.and_then(|number| states.get(&number)).copied();
        prop_assert_eq!(state.map(State::name), Some(group.status.as_str()));
    }
    let over = ["ScheduleFailed", "Succeeded", "Failed", "Expired"];
    let live: Decimal = groups.iter().filter(|g| !over.contains(&g.status.as_str())).map(|g| g.vcpu).sum();
    let used = sim.act(&ListUsage::default()).unwrap().attributes["UsedCpu"].0;
    prop_assert_eq!(used.normalize(), live.normalize(), "usage is not the sum of what lives");
    let bill = control.bill();
    prop_assert_eq!(bill.total, bill.lines.iter().map(|line| line.amount.clone()).sum());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_world_stays_whole_and_can_be_made_again(deeds in prop::collection::vec(deed(), 1..40)) {
        let (first, second) = (scripted(sim()), scripted(sim()));
        let mut cost = Decimal::ZERO;
        for (number, deed) in deeds.iter().enumerate() {
            let answer = act(&first, number, deed);
            check(&first)?;
            let now = first.control().cost().known().unwrap().decimal();
            prop_assert!(now >= cost, "the bill shrinks: {} then {}", cost, now);
            cost = now;
            prop_assert_eq!(answer, act(&second, number, deed), "the same call is answered otherwise");
            check(&second)?;
        }
        prop_assert_eq!(picture(&first), picture(&second), "the same calls make another world");
    }
}

proptest! {
    // each call waits for the disk
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_done_done_again_makes_the_same_world(
        deeds in prop::collection::vec(deed(), 1..40),
        compact_from in prop::sample::select(vec![0, 4 << 10, u64::MAX]),
    ) {
        let data = tempfile::tempdir().unwrap();
        let sim = scripted(keep(data.path(), compact_from));
        for (number, deed) in deeds.iter().enumerate() {
            act(&sim, number, deed);
        }
        let (before, now) = (picture(&sim), sim.control().clock().now());
        drop(sim);
        let again = keep(data.path(), compact_from);
        again.control().clock().set(now);
        prop_assert_eq!(before, picture(&again), "the same calls, done again, make another world");
        check(&again)?;
    }
}
