//! The operations that change or read groups after they were made.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{container, create, group, look, once, sim, status, wait, wait_until};
use eci_api::actions::update_container_group as update;
use eci_api::actions::{
    CreateContainerGroup, DescribeAvailableResource, DescribeContainerGroupMetric,
    DescribeMultiContainerGroupMetric, ExecContainerCommand, ListTagResources, ListUsage,
    ResizeContainerGroupEphemeralStorage, RestartContainerGroup, TagResources, UntagResources,
    UpdateContainerGroup, create_container_group, describe_available_resource, tag_resources,
};
use eci_sim::script::Usage;
use eci_sim::{EciSim, Script};

fn web(sim: &EciSim) -> String {
    let id = create(sim, &group("web", vec![container("web", "nginx:1.25", &[])]));
    wait(sim, 60);
    id
}

fn restart(id: &str) -> RestartContainerGroup {
    RestartContainerGroup { container_group_id: Some(id.into()), ..RestartContainerGroup::default() }
}

#[test]
fn a_restarted_group_runs_again_under_the_same_address() {
    let sim = sim();
    let id = web(&sim);
    let before = look(&sim, &id).unwrap();
    sim.act(&restart(&id)).unwrap();
    assert_eq!(status(&sim, &id), "Restarting");
    wait_until(&sim, &id, "Pending");
    wait_until(&sim, &id, "Running");
    let after = look(&sim, &id).unwrap();
    assert_eq!(after.intranet_ip, before.intranet_ip);
    assert_eq!(after.containers[0].restart_count, 1);
    assert!(after.events.iter().any(|event| event.message.contains("already present on machine")));
}

#[test]
fn what_has_ended_is_not_restarted() {
    let sim = sim();
    let id = create(&sim, &once("job", &["true"]));
    wait(&sim, 60);
    let refusal = sim.act(&restart(&id)).unwrap_err();
    assert_eq!(refusal.wire_code(), "IncorrectStatus");
    assert!(refusal.to_string().contains(&id) && refusal.to_string().contains("Succeeded"), "{refusal}");
}

fn update(id: &str) -> UpdateContainerGroup {
    UpdateContainerGroup { container_group_id: Some(id.into()), ..UpdateContainerGroup::default() }
}

#[test]
fn an_image_alone_changes_the_image_and_keeps_the_rest() {
    let sim = sim();
    let request = group("web", vec![container("web", "nginx:1.25", &["sleep", "9999"])]);
    let id = create(&sim, &request);
    wait(&sim, 60);
    let image = update::Container { image: Some("nginx:1.27".into()), ..update::Container::default() };
    sim.act(&UpdateContainerGroup { container: vec![image], ..update(&id) }).unwrap();
    assert_eq!(status(&sim, &id), "Updating");
    wait_until(&sim, &id, "Running");
    let group = look(&sim, &id).unwrap();
    assert_eq!(group.containers[0].image, "nginx:1.27");
    assert_eq!(group.containers[0].commands, ["sleep", "9999"]);
    assert_eq!(group.containers[0].name, "web");
}

#[test]
fn a_renewing_update_replaces_the_whole_list() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![container("a", "nginx", &[]), container("b", "nginx", &[])]));
    wait(&sim, 60);
    let only = update::Container {
        name: Some("b".into()),
        image: Some("redis".into()),
        ..update::Container::default()
    };
    let renew = UpdateContainerGroup { container: vec![only.clone()], ..update(&id) };
    let grow = UpdateContainerGroup { update_type: Some("IncrementalUpdate".into()), ..renew.clone() };
    for (request, names) in [(grow, vec!["a", "b"]), (renew, vec!["b"])] {
        sim.act(&request).unwrap();
        wait(&sim, 60);
        let group = look(&sim, &id).unwrap();
        assert_eq!(group.containers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), names);
        assert_eq!(group.status, "Running");
    }
}

#[test]
fn another_size_is_billed_from_the_update_on() {
    let sim = sim();
    let id = web(&sim);
    let size = UpdateContainerGroup { cpu: Some(4.into()), memory: Some(8.into()), ..update(&id) };
    sim.act(&size).unwrap();
    wait(&sim, 60);
    let sizes: Vec<_> =
        sim.control().bill().lines.iter().map(|line| line.vcpu.normalize().to_string()).collect();
    assert_eq!(sizes, ["2", "4"]);
    assert_eq!(sim.act(&size).unwrap_err().wire_code(), "NoNeedUpdate");
}

#[test]
fn tags_come_and_go() {
    let sim = sim();
    let id = web(&sim);
    let tag =
        |key: &str, value: &str| tag_resources::Tag { key: Some(key.into()), value: Some(value.into()) };
    let (resource_type, resource_id) = (Some("ContainerGroup".to_owned()), vec![id]);
    let tag = vec![tag("a", "1"), tag("b", "2")];
    sim.act(&TagResources {
        tag,
        resource_type: resource_type.clone(),
        resource_id: resource_id.clone(),
        ..Default::default()
    })
    .unwrap();
    let list = ListTagResources {
        resource_type: resource_type.clone(),
        resource_id: resource_id.clone(),
        ..Default::default()
    };
    let keys = |sim: &EciSim| -> Vec<String> {
        sim.act(&list).unwrap().tag_resources.into_iter().map(|row| row.tag_key).collect()
    };
    assert_eq!(keys(&sim), ["a", "b"]);
    let untag = UntagResources { resource_type, resource_id, ..UntagResources::default() };
    sim.act(&UntagResources { tag_key: vec!["a".into()], ..untag.clone() }).unwrap();
    assert_eq!(keys(&sim), ["b"]);
    sim.act(&UntagResources { all: Some(true), ..untag }).unwrap();
    assert_eq!(keys(&sim), [""; 0]);
}

#[test]
fn a_command_s_output_comes_back_when_the_command_is_understood() {
    let sim = sim();
    let id = web(&sim);
    let exec = |command: &str, sync| ExecContainerCommand {
        container_group_id: Some(id.clone()),
        container_name: Some("web".into()),
        command: Some(command.into()),
        sync: Some(sync),
        tty: Some(false),
        ..ExecContainerCommand::default()
    };
    let output = sim.act(&exec("[\"/bin/sh\",\"-c\",\"echo a; echo b\"]", true)).unwrap().sync_response;
    assert_eq!(output, "a\nb\n");
    let refusal = sim.act(&exec("[\"top\"]", true)).unwrap_err();
    assert_eq!(refusal.wire_code(), "NotSimulated");
    assert!(refusal.to_string().contains("top"), "{refusal}");
    let session = sim.act(&exec("/bin/bash", false)).unwrap().web_socket_uri;
    assert!(session.starts_with("wss://eci.cn-hangzhou.aliyuncs.com/exec/?s="), "{session}");
}

#[test]
fn usage_is_told_every_fifteen_seconds_for_five_minutes() {
    let sim = sim();
    sim.control().script(
        "nginx",
        Script { usage: Some(Usage { milli_vcpu: 500, mebibytes: 256 }), ..Script::default() },
    );
    let id = web(&sim);
    wait(&sim, 600);
    let one = DescribeContainerGroupMetric { container_group_id: Some(id.clone()), ..Default::default() };
    let records = sim.act(&one).unwrap().records;
    assert_eq!(records.len(), 20);
    let cpu = records[0].cpu.clone().unwrap();
    assert_eq!((cpu.limit, cpu.usage_nano_cores), (2000, 500_000_000));
    assert_eq!(records[0].memory.clone().unwrap().usage_bytes, 256 << 20);
    let ids = Some(format!("[\"{id}\", \"eci-none\"]"));
    let several = DescribeMultiContainerGroupMetric { container_group_ids: ids, ..Default::default() };
    let datas = sim.act(&several).unwrap().monitor_datas;
    assert_eq!(datas.iter().map(|data| data.records.len()).collect::<Vec<_>>(), [1]);
}

#[test]
fn used_vcpu_is_what_lives() {
    let sim = sim();
    let used = |sim: &EciSim| sim.act(&ListUsage::default()).unwrap().attributes["UsedCpu"].to_string();
    web(&sim);
    let quarter = create_container_group::Container {
        cpu: Some("0.25".parse().unwrap()),
        ..container("main", "busybox", &["true"])
    };
    create(&sim, &CreateContainerGroup { container: vec![quarter], ..once("job", &[]) });
    assert_eq!(used(&sim), "2.25");
    wait(&sim, 60);
    assert_eq!(used(&sim), "2");
}

#[test]
fn storage_grows_and_is_billed() {
    let sim = sim();
    let id = web(&sim);
    let resize = ResizeContainerGroupEphemeralStorage {
        container_group_id: Some(id),
        new_size: Some("20".into()),
        ..Default::default()
    };
    sim.act(&resize).unwrap();
    wait(&sim, 60);
    let items: Vec<_> = sim.control().bill().lines.iter().map(|line| line.parts.len()).collect();
    assert_eq!(items, [2, 3]);
}

#[test]
fn a_zone_that_is_sold_out_is_told_so() {
    let sim = sim();
    sim.control().sell_out("cn-hangzhou-b/ecs.c6.large");
    let destination_resource = Some(describe_available_resource::DestinationResource {
        category: Some("InstanceType".into()),
        value: Some("ecs.c6.large".into()),
        ..Default::default()
    });
    let request = DescribeAvailableResource { destination_resource, ..Default::default() };
    let zones = sim.act(&request).unwrap().available_zones.unwrap().available_zone;
    let status = |zone: &describe_available_resource::AvailableZone| {
        let resources = &zone.available_resources.as_ref().unwrap().available_resource;
        resources[0].supported_resources.as_ref().unwrap().supported_resource[0].status_category.clone()
    };
    assert_eq!((status(&zones[0]).as_str(), status(&zones[1]).as_str()), ("WithoutStock", "WithStock"));
}
