//! Tests of what annotations put into the request, and of what is said about the others.

use serde_json::json;

use super::*;

fn applied(key: &str, value: &str) -> Result<Request, RequestError> {
    let pod: Pod =
        serde_json::from_value(json!({ "metadata": { "annotations": { full(key): value } } })).unwrap();
    let mut request = Request::default();
    apply(&pod, &mut request).map(|()| request)
}

#[test]
fn a_value_that_cannot_be_used_is_told_what_would_be_right() {
    for (key, value, right) in [
        ("eci-max-pending-minute", "5", "10 to 1440"),
        ("eci-spot-strategy", "cheap", "SpotAsPriceGo"),
        ("eci-with-eip", "yes", "\"true\""),
        ("eip-bandwidth", ",10", "Mbps"),
        ("eci-core-pattern", "|cat", "absolute path"),
        ("eci-custom-tags", "a:b,c:d,e:f,g:h", "three"),
        ("eci-custom-tags", "aliyun-x:b", "for itself"),
        ("eci-compute-category", "econmy", "economy and general"),
        ("eci-spot-price-limit", "0.0001", "three decimals"),
        ("eci-fixed-ip", "yes", "\"true\""),
        ("kubernetes.io/ingress-bandwidth", "fast", "40M"),
    ] {
        let told = applied(key, value).unwrap_err().to_string();
        assert!(told.contains(key) && told.contains(value) && told.contains(right), "{told}");
    }
}

#[test]
fn a_word_of_the_documentation_counts_in_any_case_of_its_letters() {
    for (key, written, sent) in [
        ("eci-schedule-strategy", "vSwitchOrdered", "VSwitchOrdered"),
        ("eci-schedule-strategy", "vswitchrandom", "VSwitchRandom"),
        ("eci-spot-strategy", "spotAsPriceGo", "SpotAsPriceGo"),
        ("eip-isp", "bgp_pro", "BGP_PRO"),
        ("eci-fixed-ip", "True", "true"),
        ("eci-compute-category", "General,ECONOMY", "economy"),
    ] {
        let request = applied(key, written).unwrap();
        let request = [
            request.schedule_strategy,
            request.spot_strategy,
            request.eip_isp,
            request.fixed_ip,
            request.compute_category.last().cloned(),
        ];
        assert_eq!(request.into_iter().flatten().collect::<Vec<_>>(), [sent], "{key}: {written}");
    }
}

#[test]
fn each_row_has_a_key_of_its_own() {
    let keys: std::collections::BTreeSet<_> = all().map(|(key, ..)| key).collect();
    assert_eq!(keys.len(), all().count());
}

/// What is said about one annotation: left out, and refused.
fn inspected(key: &str, value: &str) -> (Vec<String>, Vec<String>) {
    let pod = json!({ "metadata": { "annotations": { key: value } } });
    let found = inspect(&serde_json::from_value(pod).unwrap()).unwrap();
    (found.left_out, found.refused)
}

#[test]
fn every_annotation_of_the_facts_has_a_row() {
    let facts = include_str!(concat!("../../../../docs/facts/virtual-node", ".md"));
    let chapter = facts.split("## 4. Pod annotations read").nth(1).unwrap();
    let chapter = chapter.split("## 6.").next().unwrap();
    let cells = chapter.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let mut checked = 0;
    for quote in cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let key = quote.split(':').next().unwrap();
        let outside = ["ProviderCreate", "kubernetes.io/pod-stream-port"];
        if outside.contains(&key) {
            continue;
        }
        // the rows for data caches and EIPs name the ends of their keys alone
        let key = if key.starts_with('-') { format!("eci-data-cache{key}") } else { key.to_owned() };
        let key = if key == "bandwith" { "eip-common-bandwith-package-id".to_owned() } else { key };
        assert!(all().any(|(known, ..)| *known == key), "{key} has no row");
        checked += 1;
    }
    assert!(checked > 80, "{checked} annotations");
}

#[test]
fn an_unknown_key_is_told_of_with_the_nearest_known_one() {
    for (key, nearest) in [
        ("k8s.aliyun.com/eci-use-spec", Some("k8s.aliyun.com/eci-use-specs")),
        ("k8s.aliyun.com/eci-spot-stratgy", Some("k8s.aliyun.com/eci-spot-strategy")),
        ("k8s.aliyun.com/with-eip", Some("k8s.aliyun.com/eci-with-eip")),
        ("eip-bandwidth", Some("k8s.aliyun.com/eip-bandwidth")),
        ("k8s.aliyun.com/something-else-altogether", None),
    ] {
        let (left_out, refused) = inspected(key, "1");
        assert!(refused.is_empty(), "{refused:?}");
        let said = &left_out[0];
        assert!(said.starts_with(&format!("annotation {key} is left out")), "{said}");
        match nearest {
            Some(nearest) => assert!(said.ends_with(&format!("is {nearest} meant?")), "{said}"),
            None => assert!(!said.contains("meant"), "{said}"),
        }
    }
}

#[test]
fn a_key_that_is_not_meant_for_virtual_nodes_is_nobody_s_business() {
    for key in
        ["example.com/eci-x", "kubectl.kubernetes.io/restartedAt", "k8s.aliyun.com/eci-instance-id", "eci"]
    {
        assert_eq!(inspected(key, "1"), (vec![], vec![]), "{key}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name_unless_it_is_switched_off() {
    let (_, refused) = inspected("k8s.aliyun.com/eci-privatepool-id", "eap-1");
    assert!(refused[0].contains("k8s.aliyun.com/eci-privatepool-id"), "{refused:?}");
    assert_eq!(inspected("k8s.aliyun.com/eci-eviction-enable", "false"), (vec![], vec![]));
    assert_eq!(inspected("k8s.aliyun.com/eci-eviction-enable", "true").0.len(), 1);
}

#[test]
fn a_word_that_no_fail_strategy_has_is_no_fail_back() {
    let pod = json!({ "metadata": { "annotations": { full("eci-fail-strategy"): "fail-fsat" } } });
    let message = inspect(&serde_json::from_value(pod).unwrap()).unwrap_err().to_string();
    assert!(message.ends_with("which is not fail-back or fail-over or fail-fast"), "{message}");
}

#[test]
fn roles_belong_to_the_registries_in_their_order_or_to_all_of_them() {
    let of = |roles: &str| {
        let annotations = json!({ full("acr-instance-ids"): "cri-1,cri-2", full("acr-user-arns"): roles });
        let pod = serde_json::from_value(json!({ "metadata": { "annotations": annotations } })).unwrap();
        let mut request = Request::default();
        apply(&pod, &mut request).map(|()| {
            request.acr_registry_info.into_iter().map(|one| one.arn_user.unwrap()).collect::<Vec<_>>()
        })
    };
    assert_eq!(of("a,b").unwrap(), ["a", "b"]);
    assert_eq!(of("a").unwrap(), ["a", "a"]);
    assert!(of("a,b,c").is_err());
}

#[test]
fn rows_reach_their_parameter() {
    assert_eq!(applied("eci-auto-imc", "true").unwrap().auto_match_image_cache, Some(true));
    assert_eq!(applied("eci-enable-ipv6", "true").unwrap().ipv6_address_count, Some(1));
    assert_eq!(applied("kubernetes.io/egress-bandwidth", "40M").unwrap().egress_bandwidth, Some(40_000_000));
    assert_eq!(applied("eci-extra-ephemeral-storage", "20Gi").unwrap().ephemeral_storage, Some(20));
    let hosts = applied("eci-custom-hosts", r#"[{"host":"a","ip":"10.0.0.1"}]"#).unwrap().host_aliase;
    assert_eq!(hosts[0].ip.as_deref(), Some("10.0.0.1"));
    let registry = applied("acr-instance-ids", "cn-beijing:cri-1,cri-2").unwrap().acr_registry_info;
    assert_eq!(registry[0].region_id.as_deref(), Some("cn-beijing"));
    assert_eq!(registry[1].instance_id.as_deref(), Some("cri-2"));
}
