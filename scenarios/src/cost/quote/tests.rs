//! Quotes against the vectors of the fact sheets, and rules that hold for any request.

use proptest::prelude::*;
use serde_json::{Value, json};

use eci_sim::Amount;

use super::*;
use crate::cost::figures;
use eci_sim::catalog::CATALOG;
use eci_sim::money::Currency;
use eci_sim::terms::Category;

/// The prices of a region in yuan at the beginning of 2026.
pub(crate) fn prices(region: &str) -> RegionPrices {
    RegionPrices {
        tariff: Tariff::of(Currency::Cny),
        region: CATALOG.region(region).unwrap(),
        at: "2026-01-01T00:00:00+08:00".parse().unwrap(),
    }
}

/// A pod of one container with these limits and annotations, whose keys are without the usual prefix.
pub(crate) fn pod(limits: Value, annotations: &[(&str, &str)]) -> Pod {
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(key, value)| (format!("k8s.aliyun.com/{key}"), json!(value))).collect();
    serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "shop", "annotations": annotations },
        "spec": { "containers": [{ "name": "web", "image": "a", "resources": { "limits": limits } }] }
    }))
    .unwrap()
}

pub(crate) fn limits(cpu: &str, memory: &str) -> Value {
    json!({ "cpu": cpu, "memory": memory })
}

#[test]
fn a_pod_is_quoted_as_the_fact_sheets_have_it() {
    let none = || json!({});
    for (region, limits, annotations, what, hour) in [
        ("cn-hangzhou", none(), &[][..], "2.0-4.0Gi", "0.441072"),
        ("cn-hangzhou", limits("7", "13Gi"), &[], "8.0-14.0Gi", "1.720152"),
        ("ap-northeast-1", limits("7", "13Gi"), &[], "8.0-16.0Gi", "1.764288"),
        ("cn-hangzhou", limits("250m", "512Mi"), &[], "0.25-0.5Gi", "0.055134"),
        ("cn-hangzhou", limits("64", "512Gi"), &[], "64.0-512.0Gi", "22.588416"),
        ("cn-hangzhou", limits("2", "4Gi"), &[("eci-compute-category", "economy")], "2.0-4.0Gi", "0.282672"),
        (
            "cn-hangzhou",
            limits("500m", "1.9Gi"),
            &[("eci-compute-category", "general")],
            "1.0-2.0Gi",
            "0.220536",
        ),
        ("cn-hangzhou", none(), &[("eci-use-specs", "ecs.c5.large")], "ecs.c5.large", "0.62"),
        ("cn-hangzhou", limits("1", "1Gi"), &[("eci-use-specs", "2-4Gi,4-8Gi")], "2.0-4.0Gi", "0.441072"),
        ("cn-hangzhou", none(), &[("eci-extra-ephemeral-storage", "20Gi")], "2.0-4.0Gi", "0.483552"),
        (
            "cn-hangzhou",
            limits("2", "4Gi"),
            &[("eci-spot-strategy", "SpotAsPriceGo")],
            "ecs.c5.large",
            "0.186",
        ),
    ] {
        let quote = prices(region).quote(&pod(limits, annotations)).unwrap();
        let told = (quote.terms.what(), figures::hour_of(&quote.hour));
        assert_eq!(told, (what.to_owned(), hour.to_owned()), "{region} {annotations:?}");
    }
}

#[test]
fn a_price_that_no_list_has_is_unknown_and_named() {
    let typed = |name: &str| pod(json!({}), &[("eci-use-specs", name)]);
    for (region, pod, item) in [
        ("cn-hangzhou", typed("ecs.gn6i-c4g1.xlarge"), "ecs.gn6i-c4g1.xlarge"),
        ("cn-beijing", typed("ecs.c5.large"), "ecs.c5.large in cn-beijing in CNY"),
    ] {
        let why = prices(region).quote(&pod).unwrap().hour.known().unwrap_err().to_string();
        assert!(why.contains(&format!("no price is known for {item}")), "{why}");
    }
    let early = RegionPrices { at: "2020-01-01T00:00:00+08:00".parse().unwrap(), ..prices("cn-hangzhou") };
    let economy = pod(json!({}), &[("eci-compute-category", "economy")]);
    assert!(early.quote(&economy).unwrap().hour.known().is_err());
}

#[test]
fn what_fits_nothing_is_refused_with_the_reason() {
    for (limits, annotations, told) in [
        (limits("65", "128Gi"), &[][..], "65 vCPU, 128 GiB asked; the largest size sold is 64"),
        (limits("9", "16Gi"), &[("eci-compute-category", "economy")], "in the category economy"),
        (json!({ "nvidia.com/gpu": "64" }), &[], "64"),
        (limits("4", "8Gi"), &[("eci-use-specs", "ecs.c5.large")], "more than ecs.c5.large has"),
        (json!({}), &[("eci-privatepool-id", "eap-1")], "no virtual node runs this pod"),
        (json!({}), &[("eci-use-specs", "large")], "which is not a list of at most five sizes or types"),
    ] {
        let why = prices("cn-hangzhou").quote(&pod(limits, annotations)).unwrap_err().to_string();
        assert!(why.contains(told), "{why}");
    }
}

#[test]
fn a_pod_for_arm_is_billed_by_a_type() {
    let mut arm = pod(limits("2", "4Gi"), &[]);
    let spec = arm.spec.as_mut().unwrap();
    spec.node_selector = Some([(ARCHITECTURE.to_owned(), "arm64".to_owned())].into());
    let quote = prices("cn-hangzhou").quote(&arm).unwrap();
    assert_eq!(quote.terms.what(), "ecs.c8y.large");
}

#[test]
fn nobody_knows_what_a_pod_wastes_that_declares_nothing() {
    let prices = prices("cn-hangzhou");
    let quote = prices.quote(&pod(json!({}), &[])).unwrap();
    assert_eq!((quote.requested, prices.waste(&quote)), (None, None));
    let quote = prices.quote(&pod(limits("7", "13Gi"), &[])).unwrap();
    let waste = prices.waste(&quote).unwrap();
    assert_eq!(figures::size(waste.size), "1 vCPU, 1 GiB");
    assert_eq!(waste.hour.unwrap().to_string(), "0.198468");
}

proptest! {
    #[test]
    fn bought_is_never_less_than_asked_and_waste_and_asked_are_the_price(
        milli in 1u32..64_000, mib in 1u32..524_288, fine in any::<bool>(),
    ) {
        let prices = prices(if fine { "cn-hangzhou" } else { "ap-northeast-1" });
        let quote = prices.quote(&pod(limits(&format!("{milli}m"), &format!("{mib}Mi")), &[])).unwrap();
        let (requested, bought) = (quote.requested.unwrap(), quote.terms.size);
        prop_assert!(bought.vcpu >= requested.vcpu && bought.memory >= requested.memory);
        let basis = || Basis::Size(Category::Default);
        let exact = prices.hour(&InstanceTerms::of(requested, basis())).known().unwrap();
        let waste = prices.waste(&quote).unwrap().hour.unwrap().known().unwrap();
        prop_assert!(waste >= Amount::ZERO);
        let off = (waste + exact).decimal() - quote.hour.known().unwrap().decimal();
        prop_assert!(off.abs() <= rust_decimal::Decimal::new(1, 9), "{off}");
    }

    #[test]
    fn who_asks_for_more_never_gets_fewer_vcpu(
        milli in 1u32..60_000, mib in 1u32..400_000, more in 0u32..4_000, more_mib in 0u32..100_000,
    ) {
        let prices = prices("cn-hangzhou");
        let ask = |milli: u32, mib: u32| pod(limits(&format!("{milli}m"), &format!("{mib}Mi")), &[]);
        let (less, greater) =
            (prices.quote(&ask(milli, mib)).unwrap(), prices.quote(&ask(milli + more, mib + more_mib)).unwrap());
        prop_assert!(less.terms.size.vcpu <= greater.terms.size.vcpu);
    }

    #[test]
    fn who_asks_for_what_was_bought_buys_it_again(milli in 1u32..64_000, mib in 1u32..524_288) {
        let prices = prices("cn-hangzhou");
        let ask = |milli: u32, mib: u32| pod(limits(&format!("{milli}m"), &format!("{mib}Mi")), &[]);
        let once = prices.quote(&ask(milli, mib)).unwrap();
        let size = once.terms.size;
        let twice = prices.quote(&ask(size.vcpu.0, size.memory.0)).unwrap();
        prop_assert_eq!((size, once.hour), (twice.terms.size, twice.hour));
    }
}
