//! What becomes of each annotation: an example for each row of their table.

use eci_api::actions::create_container_group::{CreateContainerGroup, EmptyDirVolume, Volume};
use k8s_openapi::api::core::v1::Pod;
use provider::pods::annotations;
use provider::pods::fields::{Findings, Handling};
use provider::pods::specs::{Attempt, SpecList};
use serde_json::{Value, json};

/// Values of annotations that only some values can have; of the others any word does.
const EXAMPLES: &[(&str, &str)] = &[
    ("eci-instance-type", "ecs.c6.large"),
    ("eci-use-specs", "2-4Gi,ecs.c6.large"),
    ("eci-instance-family", "ecs.c6,ecs.g6"),
    ("eci-instance-generation", "6,5"),
    ("eci-gpu-type", "P4"),
    ("eci-spot-fallback", "true"),
    ("eci-compute-category", "economy"),
    ("eci-cpu-option-core", "2"),
    ("eci-cpu-option-ht", "1"),
    ("eci-spot-strategy", "SpotAsPriceGo"),
    ("eci-spot-price-limit", "0.5"),
    ("eci-spot-duration", "0"),
    ("eci-schedule-strategy", "VSwitchOrdered"),
    ("eci-fail-strategy", "fail-over"),
    ("eci-reschedule-enable", "true"),
    ("pod-fail-on-create-err", "true"),
    ("eci-max-pending-minute", "60"),
    ("eci-custom-tags", "team:web"),
    ("eci-image-cache", "true"),
    ("eci-auto-imc", "true"),
    ("eci-data-cache-provisionedIops", "100"),
    ("eci-data-cache-burstingEnabled", "true"),
    ("eci-with-eip", "true"),
    ("eip-bandwidth", "10"),
    ("eip-isp", "BGP"),
    ("eci-ipv6-count", "1"),
    ("eci-enable-ipv6", "true"),
    ("eci-ipv6-bandwidth-enable", "true"),
    ("eci-private-ip-address", "10.0.0.1"),
    ("eci-fixed-ip", "true"),
    ("eci-fixed-ip-retain-hour", "1"),
    ("kubernetes.io/ingress-bandwidth", "40M"),
    ("kubernetes.io/egress-bandwidth", "40M"),
    ("eci-custom-dnsconfig", r#"{"nameservers":["1.1.1.1"]}"#),
    ("eci-custom-hosts", r#"[{"host":"a","ip":"10.0.0.1"}]"#),
    ("eci-extra-ephemeral-storage", "20Gi"),
    ("eci-set-diskvolume", "cache:ext4:500Gi"),
    ("eci-core-pattern", "/core"),
    ("eci-sls-enable", "false"),
    ("eci-host-sysctls", r#"[{"name":"kernel.msgmax","value":"65536"}]"#),
];

/// A request with these annotations alone, and what is said about them.
fn outcome(annotations: Value) -> (Value, Findings) {
    let pod: Pod = serde_json::from_value(json!({ "metadata": { "annotations": annotations } })).unwrap();
    let cache = Volume {
        name: Some("cache".to_owned()),
        empty_dir_volume: Some(EmptyDirVolume::default()),
        ..Volume::default()
    };
    let mut request = CreateContainerGroup { volume: vec![cache], ..CreateContainerGroup::default() };
    annotations::apply(&pod, &mut request).unwrap();
    SpecList::of(&pod, "").unwrap().apply(Attempt::default(), &mut request);
    (super::json(&request), annotations::inspect(&pod).unwrap())
}

#[test]
fn every_annotation_becomes_what_its_row_says() {
    for row in annotations::rows() {
        let short = row.name.trim_start_matches(annotations::PREFIX);
        let value = EXAMPLES.iter().find(|(key, _)| *key == short).map_or("x", |(_, value)| value);
        let registries = json!({ "k8s.aliyun.com/acr-instance-ids": "cri-1" });
        let before = if short.ends_with("-arns") { registries } else { json!({}) };
        let mut after = before.clone();
        after[&row.name] = json!(value);
        let (plain, _) = outcome(before);
        let (request, findings) = outcome(after);
        let is_sent = request != plain;
        let names = |sentences: &[String]| {
            sentences.iter().any(|text| text.contains(&row.name) && text.contains(row.words))
        };
        let holds = match row.handling {
            Handling::Sent => is_sent && findings.refused.is_empty(),
            Handling::LeftOut => names(&findings.left_out),
            Handling::Refused => names(&findings.refused),
            Handling::NoEffect | Handling::Elsewhere => !is_sent && findings == Findings::default(),
        };
        assert!(holds, "{row:?} with {value}: {findings:?}");
    }
}
