//! Caches, virtual nodes and tasks: what has an id and is no container group.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use crate::support::{container, create, group, look, sim, wait};
use eci_api::actions::{
    CommitContainer, CopyDataCache, CreateContainerGroup, CreateDataCache, CreateImageCache,
    CreateInstanceOpsTask, CreateVirtualNode, DeleteDataCache, DeleteImageCache, DeleteVirtualNode,
    DescribeCommitContainerTask, DescribeDataCaches, DescribeImageCaches, DescribeInstanceOpsRecords,
    DescribeVirtualNodes, UpdateDataCache, UpdateImageCache, UpdateVirtualNode, commit_container,
    create_data_cache,
};
use eci_sim::EciSim;

fn image_caches(sim: &EciSim) -> Vec<(String, String, String)> {
    let caches = sim.act(&DescribeImageCaches::default()).unwrap().image_caches;
    caches.into_iter().map(|cache| (cache.image_cache_name, cache.status, cache.progress)).collect()
}

fn image_cache(sim: &EciSim) -> String {
    let request = CreateImageCache {
        image_cache_name: Some("web".into()),
        image: vec!["nginx:1.25".into()],
        ..CreateImageCache::default()
    };
    sim.act(&request).unwrap().image_cache_id
}

fn state(name: &str, status: &str, progress: &str) -> Vec<(String, String, String)> {
    vec![(name.into(), status.into(), progress.into())]
}

#[test]
fn an_image_cache_is_prepared_created_and_ready() {
    let sim = sim();
    let id = image_cache(&sim);
    assert!(id.starts_with("imc-bp1"));
    assert_eq!(image_caches(&sim), state("web", "Preparing", "0%"));
    wait(&sim, 60);
    assert_eq!(image_caches(&sim), state("web", "Creating", "50%"));
    let update = UpdateImageCache {
        image_cache_id: Some(id.clone()),
        image: vec!["redis".into()],
        ..Default::default()
    };
    assert_eq!(sim.act(&update).unwrap_err().wire_code(), "ImageCache.IncorrectStatus");
    wait(&sim, 60);
    assert_eq!(image_caches(&sim), state("web", "Ready", "100%"));
    sim.act(&update).unwrap();
    assert_eq!(image_caches(&sim), state("web", "Updating", "0%"));
    sim.act(&DeleteImageCache { image_cache_id: Some(id), ..Default::default() }).unwrap();
    assert_eq!(image_caches(&sim), []);
}

#[test]
fn a_group_with_a_cache_of_its_image_pulls_nothing() {
    let sim = sim();
    let id = image_cache(&sim);
    let web = CreateContainerGroup {
        image_snapshot_id: Some(id),
        ..group("web", vec![container("web", "nginx:1.25", &[])])
    };
    assert_eq!(sim.act(&web).unwrap_err().wire_code(), "ImageCache.IncorrectStatus", "it is not ready yet");
    wait(&sim, 120);
    let group = create(&sim, &web);
    wait(&sim, 60);
    let reasons: Vec<_> = look(&sim, &group).unwrap().events.into_iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["UserInstanceTypeSpec", "SuccessfulHitImageCache", "Pulled", "Created", "Started"]);
}

#[test]
fn a_cache_is_made_for_the_first_group_and_used_by_the_next() {
    let sim = sim();
    let web = CreateContainerGroup {
        auto_match_image_cache: Some(true),
        ..group("web", vec![container("web", "nginx:1.25", &[])])
    };
    let reasons = |id: &str| -> Vec<String> {
        look(&sim, id).unwrap().events.into_iter().map(|event| event.reason).collect()
    };
    let first = create(&sim, &web);
    wait(&sim, 180);
    let second = create(&sim, &web);
    wait(&sim, 60);
    assert_eq!(reasons(&first)[1..3], ["ImageCacheMissed", "ImageCacheAutoCreated"]);
    assert_eq!(reasons(&second)[1], "SuccessfulHitImageCache");
    assert_eq!(image_caches(&sim)[0].0, format!("auto-create-for-{first}"));
}

#[test]
fn a_data_cache_is_loaded_copied_updated_and_deleted() {
    let sim = sim();
    let source = create_data_cache::DataSource {
        type_: Some("URL".into()),
        options: BTreeMap::from([("repoId".into(), "model".into())]),
    };
    let request =
        CreateDataCache { path: Some("/data".into()), data_source: Some(source), ..Default::default() };
    let id = sim.act(&request).unwrap().data_cache_id;
    assert_eq!(sim.act(&request).unwrap_err().wire_code(), "InvalidParameter", "the path is taken");
    let see = |region: &str| {
        let request = DescribeDataCaches { region_id: Some(region.into()), ..Default::default() };
        let caches = sim.act(&request).unwrap().data_caches;
        caches.into_iter().map(|cache| (cache.path, cache.status)).collect::<Vec<_>>()
    };
    let copy = CopyDataCache {
        data_cache_id: Some(id.clone()),
        destination_region_id: Some("cn-beijing".into()),
        ..Default::default()
    };
    assert_eq!(see("cn-hangzhou"), [("/data".to_owned(), "Loading".to_owned())]);
    assert_eq!(sim.act(&copy).unwrap_err().wire_code(), "IncorrectStatus");
    wait(&sim, 300);
    assert_eq!(see("cn-hangzhou"), [("/data".to_owned(), "Available".to_owned())]);
    sim.act(&copy).unwrap();
    assert_eq!(see("cn-beijing").len(), 1);
    let update = UpdateDataCache { data_cache_id: Some(id.clone()), size: Some(40), ..Default::default() };
    sim.act(&update).unwrap();
    assert_eq!(see("cn-hangzhou"), [("/data".to_owned(), "Updating".to_owned())]);
    sim.act(&DeleteDataCache { path: Some("/data".into()), ..Default::default() }).unwrap();
    assert_eq!(see("cn-hangzhou"), []);
}

#[test]
fn a_virtual_node_is_ready_after_a_while() {
    let sim = sim();
    let request = CreateVirtualNode {
        virtual_node_name: Some("node-1".into()),
        security_group_id: Some("sg-1".into()),
        vswitch_id: Some("vsw-1".into()),
        ..Default::default()
    };
    let virtual_node_id = Some(sim.act(&request).unwrap().virtual_node_id);
    let see = || {
        let nodes = sim.act(&DescribeVirtualNodes::default()).unwrap().virtual_nodes;
        nodes.into_iter().map(|node| (node.virtual_node_name, node.status)).collect::<Vec<_>>()
    };
    assert_eq!(see(), [("node-1".to_owned(), "Pending".to_owned())]);
    wait(&sim, 30);
    let update = UpdateVirtualNode {
        virtual_node_id: virtual_node_id.clone(),
        virtual_node_name: Some("node-2".into()),
        ..Default::default()
    };
    sim.act(&update).unwrap();
    assert_eq!(see(), [("node-2".to_owned(), "Ready".to_owned())]);
    sim.act(&DeleteVirtualNode { virtual_node_id, ..Default::default() }).unwrap();
    assert_eq!(see(), []);
}

#[test]
fn an_image_is_committed_phase_by_phase() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    let image = commit_container::Image {
        repository: Some("registry.example/web".into()),
        tag: Some("1".into()),
        ..Default::default()
    };
    let request = CommitContainer {
        container_group_id: Some(id),
        container_name: Some("web".into()),
        image: Some(image),
        ..Default::default()
    };
    assert_eq!(sim.act(&request).unwrap_err().wire_code(), "IncorrectStatus", "it is not running yet");
    wait(&sim, 60);
    sim.act(&request).unwrap();
    let see = || {
        let task = sim.act(&DescribeCommitContainerTask::default()).unwrap().commit_tasks.remove(0);
        (task.task_status, task.task_progress, task.commit_phase_infos.len())
    };
    wait(&sim, 30);
    assert_eq!(see(), ("Running".to_owned(), "50%".to_owned(), 3));
    wait(&sim, 30);
    assert_eq!(see(), ("Succeeded".to_owned(), "100%".to_owned(), 6));
}

#[test]
fn an_operator_s_task_is_recorded() {
    let sim = sim();
    let container_group_id = Some(create(&sim, &group("web", vec![container("web", "nginx", &[])])));
    let task = |value: &str| CreateInstanceOpsTask {
        container_group_id: container_group_id.clone(),
        ops_type: Some("coredump".into()),
        ops_value: Some(value.into()),
        ..Default::default()
    };
    assert_eq!(sim.act(&task("maybe")).unwrap_err().wire_code(), "InvalidParameter");
    sim.act(&task("enable")).unwrap();
    wait(&sim, 10);
    let request = DescribeInstanceOpsRecords {
        container_group_id,
        ops_type: Some("coredump".into()),
        ..Default::default()
    };
    let records = sim.act(&request).unwrap().records;
    assert_eq!(records.iter().map(|record| record.ops_status.as_str()).collect::<Vec<_>>(), ["Success"]);
}

/// What stands on the bill under an id: seconds, and each part's name and amount.
fn billed(sim: &EciSim, id: &str) -> Vec<(u64, String)> {
    let lines = sim.control().bill().lines.into_iter().filter(|line| *line.group_id == *id);
    let parts = |line: &eci_sim::BillLine| {
        let parts: Vec<_> = line.parts.iter().map(|part| format!("{} {}", part.item, part.amount)).collect();
        parts.join(", ")
    };
    lines.map(|line| (line.seconds, parts(&line))).collect()
}

#[test]
fn an_image_cache_costs_an_instance_and_a_disk_while_it_is_built_and_then_its_snapshot() {
    let sim = sim();
    let request = CreateImageCache {
        image_cache_name: Some("web".into()),
        image: vec!["nginx:1.25".into(), "redis".into()],
        image_cache_size: Some(40),
        ..CreateImageCache::default()
    };
    let id = sim.act(&request).unwrap().image_cache_id;
    wait(&sim, 120 + 3 * 86_400);
    let lines = billed(&sim, &id);
    assert_eq!(
        lines,
        [
            (120, "cpu 0.01176, mem 0.002942, disk 0.0028".to_owned()),
            (3 * 86_400, "snapshot 0.024".to_owned())
        ]
    );
    sim.act(&DeleteImageCache { image_cache_id: Some(id.clone()), ..Default::default() }).unwrap();
    wait(&sim, 86_400);
    assert_eq!(billed(&sim, &id), lines, "what is gone costs nothing");
}

#[test]
fn a_cache_that_is_kept_for_a_day_costs_for_a_day() {
    let sim = sim();
    let request = CreateDataCache {
        path: Some("/data".into()),
        data_source: Some(create_data_cache::DataSource { type_: Some("URL".into()), ..Default::default() }),
        retention_days: Some(1),
        ..CreateDataCache::default()
    };
    let id = sim.act(&request).unwrap().data_cache_id;
    wait(&sim, 10 * 86_400);
    let seconds: Vec<_> = billed(&sim, &id).into_iter().map(|(seconds, _)| seconds).collect();
    assert_eq!(seconds, [300, 86_400 - 300]);
}

#[test]
fn a_group_that_uses_a_cache_pays_for_its_disk_unless_the_cloud_made_the_cache_by_itself() {
    let sim = sim();
    let cache = image_cache(&sim);
    wait(&sim, 120);
    let with = |request: CreateContainerGroup| {
        let id = create(&sim, &request);
        wait(&sim, 3600);
        billed(&sim, &id).iter().any(|(_, parts)| parts.contains("disk"))
    };
    let web = || group("web", vec![container("web", "redis", &[])]);
    assert!(with(CreateContainerGroup { image_snapshot_id: Some(cache), ..web() }));
    assert!(!with(CreateContainerGroup { auto_match_image_cache: Some(true), ..web() }), "it makes one");
    assert!(!with(CreateContainerGroup { auto_match_image_cache: Some(true), ..web() }), "it uses that");
}

#[test]
fn a_virtual_node_costs_from_when_it_is_ready() {
    let sim = sim();
    let request = CreateVirtualNode {
        security_group_id: Some("sg-1".into()),
        vswitch_id: Some("vsw-1".into()),
        ..CreateVirtualNode::default()
    };
    let id = sim.act(&request).unwrap().virtual_node_id;
    wait(&sim, 30 + 7200);
    let lines = billed(&sim, &id);
    assert_eq!(lines.iter().map(|(seconds, _)| *seconds).collect::<Vec<_>>(), [3570, 3600, 30]);
    assert_eq!(lines[1].1, "cpu 0.3528, mem 0.176544", "B18");
}
