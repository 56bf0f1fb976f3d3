//! Tests of the order in which a pod's specs are tried.

use serde_json::{Value, json};

use super::*;

fn list_of(annotations: Value, resources: Value) -> Result<SpecList, RequestError> {
    let all = annotations.as_object().unwrap();
    let all: serde_json::Map<_, _> =
        all.iter().map(|(key, value)| (format!("{}{key}", annotations::PREFIX), value.clone())).collect();
    let pod = json!({ "metadata": { "annotations": all },
        "spec": { "containers": [{ "name": "c", "resources": { "limits": resources } }] } });
    SpecList::of(&serde_json::from_value(pod).unwrap(), "vsw-1")
}

/// The names of the attempts, each refused in this way.
fn tried(list: &SpecList, refusal: SpecRefusal) -> Vec<String> {
    let mut attempt = Some(Attempt::default());
    let mut names = Vec::new();
    while let Some(at) = attempt {
        names.push(list.name(at));
        attempt = list.next(at, refusal);
    }
    names
}

#[test]
fn specs_are_tried_in_their_order_and_neighbouring_types_at_once() {
    let list =
        list_of(json!({ "eci-use-specs": "2-4Gi, ecs.c6.large,ECS.c5.large ,4-8Gi" }), json!({})).unwrap();
    let types = "ecs.c6.large or ecs.c5.large";
    assert_eq!(tried(&list, SpecRefusal::OutOfStock), ["2-4Gi", types, "4-8Gi"]);
    assert_eq!(tried(&list, SpecRefusal::NotSold), ["2-4Gi", types, "ecs.c6.large", "ecs.c5.large", "4-8Gi"]);
    assert_eq!(tried(&list, SpecRefusal::VSwitch), ["2-4Gi"]);
    assert_eq!(list.names(), "2-4Gi, ecs.c6.large or ecs.c5.large, 4-8Gi");
}

#[test]
fn an_entry_that_is_none_is_left_out_and_the_others_stay() {
    let list = list_of(json!({ "eci-use-specs": "2c4g,0-4Gi,4-8Gi" }), json!({})).unwrap();
    assert_eq!(list.names(), "4-8Gi");
    assert_eq!(list.left_out.len(), 2);
    assert!(
        list.left_out[0].starts_with("entry `2c4g` of annotation k8s.aliyun.com/eci-use-specs is left out")
    );
    for value in ["2c4g", "1-2Gi,1-2Gi,1-2Gi,1-2Gi,1-2Gi,1-2Gi", ","] {
        let told = list_of(json!({ "eci-use-specs": value }), json!({})).unwrap_err().to_string();
        assert!(told.contains("at most five") && told.contains("2-4Gi"), "{told}");
    }
}

#[test]
fn each_vswitch_is_tried_alone_when_one_of_several_is_the_trouble() {
    let list =
        list_of(json!({ "eci-use-specs": "2-4Gi,4-8Gi", "eci-vswitch": "vsw-1,vsw-2" }), json!({})).unwrap();
    assert_eq!(tried(&list, SpecRefusal::VSwitch), ["2-4Gi", "2-4Gi in vsw-1", "2-4Gi in vsw-2"]);
    let alone = list.next(Attempt::default(), SpecRefusal::VSwitch).unwrap();
    let second = list.next(alone, SpecRefusal::OutOfStock).unwrap();
    assert_eq!(list.name(second), "2-4Gi in vsw-2");
    assert_eq!(list.next(second, SpecRefusal::OutOfStock).map(|at| list.name(at)).as_deref(), Some("4-8Gi"));
    let mut request =
        CreateContainerGroup { schedule_strategy: Some("VSwitchRandom".into()), ..Default::default() };
    list.apply(second, &mut request);
    assert_eq!((request.vswitch_id.as_deref(), request.schedule_strategy), (Some("vsw-2"), None));
}

#[test]
fn a_spot_instance_that_is_not_to_be_had_is_given_up_behind_the_whole_list() {
    let spot = json!({ "eci-use-specs": "2-4Gi,4-8Gi", "eci-spot-strategy": "SpotAsPriceGo", "eci-spot-fallback": "true" });
    let list = list_of(spot, json!({})).unwrap();
    let all = tried(&list, SpecRefusal::OutOfStock);
    assert_eq!(all, ["2-4Gi", "4-8Gi", "2-4Gi at full price", "4-8Gi at full price"]);
    let mut request =
        CreateContainerGroup { spot_strategy: Some("SpotAsPriceGo".into()), ..Default::default() };
    list.apply(Attempt { spec: 1, vswitch: 0 }, &mut request);
    assert!(request.spot_strategy.is_some());
    list.apply(Attempt { spec: 2, vswitch: 0 }, &mut request);
    assert_eq!(request.spot_strategy, None);
}

#[test]
fn a_type_takes_the_place_of_size_and_category() {
    let list = list_of(json!({ "eci-use-specs": "ecs.c6.large,2-4Gi" }), json!({ "cpu": "1" })).unwrap();
    let declared = CreateContainerGroup {
        cpu: Some(Number(Decimal::ONE)),
        compute_category: vec!["economy".into()],
        ..Default::default()
    };
    let mut request = declared.clone();
    list.apply(Attempt::default(), &mut request);
    assert_eq!((request.instance_type.as_deref(), request.cpu), (Some("ecs.c6.large"), None));
    assert!(request.compute_category.is_empty());
    let mut request = declared;
    list.apply(Attempt { spec: 1, vswitch: 0 }, &mut request);
    assert_eq!((request.instance_type, request.cpu), (None, Some(Number(Decimal::TWO))));
    assert_eq!(request.compute_category, ["economy"]);
}

#[test]
fn a_pod_that_asks_for_gpus_and_names_no_type_is_given_those_that_hold_it() {
    let gpu = |annotations, gpus| {
        let resources = json!({ "nvidia.com/gpu": gpus, "cpu": "8", "memory": "16Gi" });
        list_of(annotations, resources).map(|list| list.names())
    };
    let names = gpu(json!({}), "1").unwrap();
    assert!(
        names.starts_with("ecs.gn7i-c8g1.2xlarge or ecs.gn6i-c8g1.2xlarge or ecs.gn5i-c8g1.2xlarge"),
        "{names}"
    );
    assert_eq!(gpu(json!({ "eci-gpu-type": "p4" }), "2").unwrap(), "ecs.gn5i-c16g1.8xlarge");
    assert_eq!(
        gpu(json!({ "eci-use-specs": "2-4Gi,ecs.gn6v-c8g1.2xlarge" }), "1").unwrap(),
        "ecs.gn6v-c8g1.2xlarge"
    );
    let told = gpu(json!({}), "9").unwrap_err().to_string();
    assert!(told.contains("9 of nvidia.com/gpu") && told.contains("eci-use-specs"), "{told}");
    let told = gpu(json!({ "eci-gpu-type": "H9" }), "1").unwrap_err().to_string();
    assert!(told.contains("P4, T4 or A10"), "{told}");
}

#[test]
fn families_and_generations_turn_sizes_into_types_and_leave_types_alone() {
    let list = list_of(
        json!({ "eci-use-specs": "2-4Gi,ecs.g7.large", "eci-instance-family": "ecs.c6,ecs.x9" }),
        json!({}),
    );
    let list = list.unwrap();
    assert_eq!(list.names(), "ecs.c6.large or ecs.g7.large");
    assert!(list.left_out[0].contains("`ecs.x9`"), "{:?}", list.left_out);
    let told =
        list_of(json!({ "eci-instance-generation": "6", "eci-compute-category": "economy" }), json!({}));
    let told = told.unwrap_err().to_string();
    assert!(told.contains("eci-compute-category") && told.contains("eci-instance-generation"), "{told}");
}

#[test]
fn the_spec_of_a_group_is_found_by_what_the_cloud_says_of_it() {
    let group = |cpu: i64, memory: i64, kind: &str, spot: &str| ContainerGroup {
        cpu: Number(Decimal::from(cpu)),
        memory: Number(Decimal::from(memory)),
        instance_type: kind.into(),
        spot_strategy: spot.into(),
        ..ContainerGroup::default()
    };
    let list =
        list_of(json!({ "eci-use-specs": "2-4Gi,ecs.c6.large,ecs.c5.large,4-8Gi" }), json!({})).unwrap();
    let name = |group: &ContainerGroup| list.name_of(group);
    assert_eq!(name(&group(4, 8, "", "NoSpot")).as_deref(), Some("4-8Gi"));
    assert_eq!(name(&group(0, 0, "ecs.c5.large", "")).as_deref(), Some("ecs.c6.large or ecs.c5.large"));
    assert_eq!(name(&group(8, 16, "", "")), None, "somebody updated it");
    let spot = json!({ "eci-spot-strategy": "SpotAsPriceGo", "eci-spot-fallback": "true" });
    let list = list_of(spot, json!({})).unwrap();
    let name = |spot: &str| list.name_of(&group(2, 4, "", spot));
    assert_eq!(name("SpotAsPriceGo").as_deref(), Some("2-4Gi"));
    assert_eq!(name("NoSpot").as_deref(), Some("2-4Gi at full price"));
    let list = list_of(json!({ "eci-vswitch": "vsw-1,vsw-2" }), json!({})).unwrap();
    let second = ContainerGroup { vswitch_id: "vsw-2".into(), ..group(2, 4, "", "") };
    assert_eq!(list.name_of(&second).as_deref(), Some("2-4Gi in vsw-2"));
    assert_eq!(list_of(json!({}), json!({})).unwrap().name_of(&second), None, "there is nothing to choose");
}
