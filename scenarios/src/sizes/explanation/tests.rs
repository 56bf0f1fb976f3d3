//! Explanations: what is summed, why a size is bought, and what a sidecar costs.

use serde_json::{Value, json};

use super::*;
use crate::cost::manifests::parse;
use crate::cost::quote::tests::prices;
use crate::cost::workload::{Content, of};
use crate::sizes::sum::Counts;
use crate::sizes::text;

fn explained(spec: Value, annotations: Value, regions: &[&str]) -> Explanation {
    let document = json!({
        "kind": "Pod",
        "metadata": { "name": "web", "namespace": "shop", "annotations": annotations },
        "spec": spec
    });
    let documents = parse("web.yaml", &document.to_string()).unwrap();
    let Some(Content::Workloads(workloads)) = of(&documents[0]).unwrap().into_iter().next() else { panic!() };
    let by_region: Vec<_> = regions.iter().map(|region| prices(region)).collect();
    Explanation::of(&workloads[0], &by_region, &Sidecar::default()).unwrap().unwrap()
}

fn container(name: &str, limits: Value) -> Value {
    json!({ "name": name, "image": "a", "resources": { "limits": limits } })
}

fn limits(cpu: &str, memory: &str) -> Value {
    json!({ "cpu": cpu, "memory": memory })
}

#[test]
fn every_container_is_told_with_the_way_in_which_it_counts() {
    let mut ignored = container("mesh", limits("2", "1Gi"));
    ignored["env"] = json!([{ "name": "__ECI_RESOURCE_IGNORE__", "value": "TRUE" }]);
    let mut sidecar = container("log", limits("100m", "128Mi"));
    sidecar["restartPolicy"] = json!("Always");
    let spec = json!({
        "initContainers": [container("migrate", limits("1", "16Gi")), container("wait", limits("100m", "64Mi")), sidecar],
        "containers": [
            container("web", limits("2", "4Gi")),
            { "name": "asks", "image": "a", "resources": { "requests": limits("500m", "1Gi") } },
            ignored
        ]
    });
    let explanation = explained(spec, json!({}), &["cn-hangzhou"]);
    let told: Vec<_> =
        explanation.sum.containers.iter().map(|line| (line.name.as_str(), line.counts)).collect();
    assert_eq!(
        told,
        [
            ("migrate", Counts::Larger),
            ("wait", Counts::Smaller),
            ("log", Counts::Added),
            ("web", Counts::Added),
            ("asks", Counts::Added),
            ("mesh", Counts::Ignored),
        ]
    );
    assert_eq!(explanation.requested.unwrap().spec(), "2.6-16Gi");
    let text = text::explanation(&explanation);
    assert!(text.contains("  asks              0.5       1  request\n"), "{text}");
}

#[test]
fn the_reason_for_a_size_is_told() {
    let pod = |cpu: &str, memory: &str| json!({ "containers": [container("web", limits(cpu, memory))] });
    let nothing = || json!({ "containers": [container("web", json!({}))] });
    for (spec, annotations, region, what, why) in [
        (pod("2", "4Gi"), json!({}), "cn-hangzhou", "2-4Gi", "sold as it is asked for"),
        (pod("7", "13Gi"), json!({}), "cn-hangzhou", "8-14Gi", "7-13Gi is not sold; the fewest vCPU"),
        (pod("7", "13Gi"), json!({}), "ap-northeast-1", "8-16Gi", "(8-14Gi in cn-hangzhou)"),
        (
            nothing(),
            json!({}),
            "cn-hangzhou",
            "2-4Gi",
            "nothing is declared; the cloud takes 2 vCPU, 4 GiB then",
        ),
        (
            nothing(),
            json!({ "k8s.aliyun.com/eci-use-specs": "ecs.c5.large" }),
            "cn-hangzhou",
            "ecs.c5.large",
            "the ECS type that the annotation names",
        ),
        (
            nothing(),
            json!({ "k8s.aliyun.com/eci-spot-strategy": "SpotAsPriceGo" }),
            "cn-hangzhou",
            "ecs.c5.large",
            "the spot market",
        ),
    ] {
        let explanation = explained(spec, annotations, &[region]);
        let told = &explanation.regions[0];
        assert_eq!(told.what, what);
        assert!(told.why.contains(why), "{}", told.why);
    }
}

#[test]
fn a_sidecar_may_cost_a_step_nothing_or_the_whole_size() {
    let pod = |cpu: &str, memory: &str| json!({ "containers": [container("web", limits(cpu, memory))] });
    for (spec, what, more) in [
        // It steps over to the next size.
        (pod("2", "4Gi"), "4-6Gi", Some("0.396936")),
        // It fits in what is bought already.
        (pod("1.9", "3.8Gi"), "2-4Gi", Some("0")),
        // Nothing else is declared, so it alone counts.
        (json!({ "containers": [container("web", json!({}))] }), "0.25-0.5Gi", Some("-0.385938")),
        // The pod is too large with it.
        (pod("64", "512Gi"), "", None),
    ] {
        let cost = explained(spec, json!({}), &["cn-hangzhou"]).sidecar;
        assert_eq!(cost.what.unwrap_or_default(), what);
        assert_eq!(cost.more.map(|more| more.normalize().to_string()).as_deref(), more);
        assert_eq!(cost.more_when_ignored, Some(Decimal::ZERO));
    }
    for wrong in ["", "100m", "much,128Mi", "100m,-1Mi"] {
        let why = wrong.parse::<Sidecar>().unwrap_err().to_string();
        assert!(why.ends_with("write its CPU and memory, as `100m,128Mi`"), "{why}");
    }
}

#[test]
fn the_text_is_narrow_and_has_each_region_s_prices() {
    let spec = json!({ "containers": [container("web", limits("7", "13Gi"))] });
    let explanation = explained(spec, json!({}), &["cn-hangzhou", "ap-northeast-1"]);
    let text = text::explanation(&explanation);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    for says in [
        "Pod shop/web · 1 pod · CNY · web.yaml:1\n",
        "bought in cn-hangzhou: 8-14Gi\n",
        "1 vCPU, 1 GiB of it are not asked for: ¥ 0.198468 an hour\n",
        "bought in ap-northeast-1: 8-16Gi\n",
        "a sidecar of 100m,128Mi put into it costs\n",
    ] {
        assert!(text.contains(says), "{says}\n{text}");
    }
}
