//! Allow-lists and limits: tables of what is refused and in which words, and the rules that hold for every policy.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn policy(document: Value) -> Policy {
    Policy::parse(&document.to_string()).unwrap()
}

fn own() -> Config {
    let mut config = Config::new("vsw-1,vsw-2", "sg-1");
    config.resource_group = Some("rg-own".to_owned());
    config
}

fn asking(field: &str, value: Value) -> CreateContainerGroup {
    serde_json::from_value(json!({ field: value })).unwrap()
}

#[test]
fn an_allow_list_admits_its_own_entries_and_the_nodes_usual_ones() {
    let strict = json!({
        "default": { "securityGroups": [], "vSwitches": [], "eips": [], "resourceGroups": [], "automaticEips": false },
        "namespaces": { "web": {
            "ramRoles": ["reader"], "securityGroups": ["sg-web"], "eips": ["*"], "automaticEips": true,
            "vSwitches": ["vsw-9"], "resourceGroups": ["rg-web"]
        } }
    });
    for (document, namespace, field, value, path) in [
        // nothing said: only RAM roles are closed
        (json!({}), "web", "RamRoleName", json!("reader"), Some("default.ramRoles")),
        (json!({}), "web", "SecurityGroupId", json!("sg-other"), None),
        (json!({}), "web", "EipInstanceId", json!("eip-1"), None),
        (json!({}), "web", "AutoCreateEip", json!("true"), None),
        (strict.clone(), "web", "RamRoleName", json!("reader"), None),
        (strict.clone(), "web", "RamRoleName", json!("admin"), Some("namespaces.web.ramRoles")),
        (strict.clone(), "other", "RamRoleName", json!("reader"), Some("default.ramRoles")),
        (strict.clone(), "other", "SecurityGroupId", json!("sg-web"), Some("default.securityGroups")),
        (strict.clone(), "other", "SecurityGroupId", json!("sg-1"), None),
        (strict.clone(), "web", "SecurityGroupId", json!("sg-1,sg-web"), None),
        (
            strict.clone(),
            "web",
            "SecurityGroupId",
            json!("sg-web,sg-x"),
            Some("namespaces.web.securityGroups"),
        ),
        (strict.clone(), "other", "VSwitchId", json!("vsw-2,vsw-1"), None),
        (strict.clone(), "web", "VSwitchId", json!("vsw-1, vsw-9"), None),
        (strict.clone(), "web", "VSwitchId", json!("vsw-3"), Some("namespaces.web.vSwitches")),
        (strict.clone(), "web", "EipInstanceId", json!("eip-7"), None),
        (strict.clone(), "other", "EipInstanceId", json!("eip-7"), Some("default.eips")),
        (strict.clone(), "web", "AutoCreateEip", json!("true"), None),
        (strict.clone(), "other", "AutoCreateEip", json!("true"), Some("default.automaticEips")),
        (strict.clone(), "other", "AutoCreateEip", json!("false"), None),
        (strict.clone(), "other", "ResourceGroupId", json!("rg-own"), None),
        (strict, "other", "ResourceGroupId", json!("rg-web"), Some("default.resourceGroups")),
    ] {
        let request =
            asking(field, if field == "AutoCreateEip" { json!(value == "true") } else { value.clone() });
        let refused = policy(document).allows(namespace, &request, &own()).err();
        let at = refused.as_ref().map(|error| match error {
            PolicyError::Forbidden { path, .. } => path.as_str(),
            other => panic!("{other}"),
        });
        assert_eq!(at, path, "{field} {value} in {namespace}");
        assert!(refused.is_none_or(|error| error.is_final()));
    }
}

#[test]
fn a_refusal_names_the_annotation_the_list_and_what_it_allows() {
    let said = policy(json!({ "namespaces": { "web": { "ramRoles": ["reader", "writer"] } } }))
        .allows("web", &asking("RamRoleName", json!("admin")), &own())
        .unwrap_err();
    assert_eq!(
        said.to_string(),
        "annotation k8s.aliyun.com/eci-ram-role-name asks for RAM role `admin`, which pods of namespace `web` may not \
         use: namespaces.web.ramRoles of the provider's policy allows reader, writer"
    );
}

const PRICES: &str =
    r#"{ "vcpuHour": "0.1764", "gibHour": 0.022068, "instanceTypeHour": { "ecs.c6.large": "0.39" } }"#;

fn limited(limits: Value, node: Value) -> Policy {
    let prices: Value = serde_json::from_str(PRICES).unwrap();
    policy(json!({ "prices": prices, "namespaces": { "web": { "limits": limits } }, "node": node }))
}

#[test]
fn a_limit_counts_the_namespace_or_the_node_and_says_where_it_is_set() {
    let small = || json!({ "Cpu": "2", "Memory": "4" });
    let typed = |types: &str| json!({ "InstanceType": types });
    let web = "namespaces.web.limits";
    for (limits, node, running, requested, refused) in [
        (json!({}), json!({}), 1000, small(), None),
        (json!({ "instances": 2 }), json!({}), 1, small(), None),
        (json!({ "instances": 2 }), json!({}), 2, small(), Some(("2 instances", "instances", "1"))),
        (json!({ "instances": 0 }), json!({}), 0, small(), Some(("0 instances", "instances", "1"))),
        (json!({}), json!({ "vcpu": "4.5" }), 2, small(), Some(("4.5 vCPU", "vcpu", "2"))),
        (json!({ "gpu": 0 }), json!({ "gpu": 0 }), 3, small(), None),
        (json!({ "gpu": 1 }), json!({}), 0, typed("ecs.gn5i-c16g1.8xlarge"), Some(("1 GPU", "gpu", "2"))),
        // 2 × 0.1764 + 4 × 0.022068 = 0.441072 an hour
        (json!({ "yuanPerHour": "0.882144" }), json!({}), 1, small(), None),
        (
            json!({ "yuanPerHour": "0.882143" }),
            json!({}),
            1,
            small(),
            Some(("0.882143 ¥/h", "yuanPerHour", "0.441072")),
        ),
        (json!({ "yuanPerHour": "1" }), json!({}), 0, typed("ecs.c6.large"), None),
    ] {
        let policy = limited(limits.clone(), node.clone());
        let mut usage = Usage::default();
        let running_one = policy.purchase(&serde_json::from_value(small()).unwrap());
        (0..running).for_each(|_| usage.add("web", &running_one));
        let purchase = policy.purchase(&serde_json::from_value(requested).unwrap());
        let by_node = node.as_object().is_some_and(|node| node.contains_key("vcpu"));
        let wanted = refused.map(|(limit, name, requested)| {
            let (scope, path) = if by_node { ("the node", "node") } else { ("namespace `web`", web) };
            format!(
                "{scope} may have {limit} at once ({path}.{name} of the provider's policy), and this pod's {requested} do \
                 not fit beside what runs"
            )
        });
        let said = policy.fits("web", &purchase, &usage).err();
        assert!(said.as_ref().is_none_or(|said| !said.is_final()), "{said:?}");
        assert_eq!(said.map(|error| error.to_string()), wanted, "{limits} {node} {running}");
        let elsewhere = policy.fits("other", &purchase, &usage).is_ok();
        assert_eq!(elsewhere, !by_node, "{limits} {node}");
    }
}

#[test]
fn what_a_limit_counts_and_nobody_knows_is_refused_for_good() {
    let policy = limited(json!({ "yuanPerHour": "1" }), json!({}));
    let types = "ecs.c6.large,ecs.c7.large";
    let purchase = policy.purchase(&asking("InstanceType", json!(types)));
    let said = policy.fits("web", &purchase, &Usage::default()).unwrap_err();
    assert!(said.is_final());
    assert_eq!(
        said.to_string(),
        format!(
            "namespaces.web.limits.yuanPerHour of the provider's policy is a limit, and the ¥/h of instance type \
             `{types}` are not known; ask for CPU and memory instead, or have the operator add it to the policy"
        )
    );
    assert_eq!(policy.fits("other", &purchase, &Usage::default()), Ok(()));
}

#[test]
fn a_default_limit_holds_for_each_namespace_by_itself() {
    let policy = policy(json!({ "default": { "limits": { "instances": 1 } } }));
    let one = policy.purchase(&CreateContainerGroup::default());
    let mut usage = Usage::default();
    usage.add("a", &one);
    assert!(policy.fits("a", &one, &usage).is_err());
    assert_eq!(policy.fits("b", &one, &usage), Ok(()));
    let waits = policy.fits("a", &one, &usage).unwrap_err();
    assert!(!waits.is_final());
}

#[test]
fn a_group_that_runs_counts_as_the_cloud_describes_it() {
    let group: eci_api::group::ContainerGroup =
        serde_json::from_value(json!({ "Cpu": 64.0, "Memory": 256.0, "InstanceType": "ecs.g8y.16xlarge" }))
            .unwrap();
    let purchase = limited(json!({}), json!({})).purchase_of_group(&group);
    assert_eq!((purchase.vcpu, purchase.gpu), (Some(Decimal::from(64)), Some(0)));
}

#[test]
fn a_document_that_is_wrong_is_refused_before_any_pod_meets_it() {
    for (document, named) in [
        ("", "the policy cannot be read"),
        ("[]", "the policy cannot be read"),
        (r#"{"defaults":{}}"#, "unknown field `defaults`"),
        (r#"{"namespaces":{"web":{"ramRole":[]}}}"#, "unknown field `ramRole`"),
        (r#"{"node":{"instances":-1}}"#, "-1"),
        (r#"{"node":{"vcpu":"-0.5"}}"#, "node.vcpu is -0.5"),
        (r#"{"prices":{"gpuHour":-1}}"#, "prices.gpuHour is -1"),
        (r#"{"node":{"yuanPerHour":"10"}}"#, "node.yuanPerHour, and no prices.vcpuHour"),
        (
            r#"{"prices":{"vcpuHour":"1"},"namespaces":{"a":{"limits":{"yuanPerHour":1}}}}"#,
            "namespaces.a.limits.yuanPerHour, and no prices",
        ),
    ] {
        let said = Policy::parse(document).unwrap_err().to_string();
        assert!(said.contains(named), "{document}: {said}");
    }
}

proptest! {
    /// However pods come and go, admitting only what fits never lets what runs exceed the limits.
    #[test]
    fn what_was_admitted_one_by_one_never_exceeds_a_limit(
        instances in 0u32..6,
        quarters in 0u32..60,
        pods in prop::collection::vec((prop::sample::select(vec!["a", "b"]), 1u32..20, any::<bool>()), 0..60),
    ) {
        let vcpu = Decimal::new(i64::from(quarters) * 25, 2);
        let policy = policy(json!({
            "default": { "limits": { "instances": instances } }, "node": { "vcpu": vcpu.to_string() }
        }));
        let mut running: Vec<(&str, Purchase)> = Vec::new();
        for (namespace, quarters, ends) in pods {
            if ends && !running.is_empty() {
                running.remove(0);
            }
            let cpu = Decimal::new(i64::from(quarters) * 25, 2);
            let request = CreateContainerGroup { cpu: Some(cpu.into()), ..CreateContainerGroup::default() };
            let purchase = policy.purchase(&request);
            let mut usage = Usage::default();
            running.iter().for_each(|(namespace, purchase)| usage.add(namespace, purchase));
            if policy.fits(namespace, &purchase, &usage).is_ok() {
                running.push((namespace, purchase));
            }
            for name in ["a", "b"] {
                let count = running.iter().filter(|(namespace, _)| *namespace == name).count();
                prop_assert!(count <= instances as usize);
            }
            let together: Decimal = running.iter().filter_map(|(_, purchase)| purchase.vcpu).sum();
            prop_assert!(together <= vcpu);
        }
    }

    /// No text is a panic, and whatever is read can be asked about any pod.
    #[test]
    fn any_document_is_a_policy_or_a_sentence(text in "\\PC{0,80}") {
        if let Err(error) = Policy::parse(&text) {
            prop_assert!(error.to_string().contains("the policy"));
        }
    }
}
