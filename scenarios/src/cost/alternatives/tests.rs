//! Other ways to buy a request, and requests nearby.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cost::figures;
use crate::cost::quote::tests::{limits, pod, prices};

#[test]
fn the_same_request_is_priced_in_all_ways_that_it_is_sold() {
    let prices = prices("cn-hangzhou");
    let ways = |limits, annotations: &[(&str, &str)]| {
        let quote = prices.quote(&pod(limits, annotations)).unwrap();
        Way::ALL.map(|way| match prices.alternative(&quote, way) {
            Alternative::Sold { terms, hour } => {
                format!("{} {}", figures::spec(terms.size), figures::hour_of(&hour))
            }
            Alternative::NotSold(_) => "not sold".to_owned(),
        })
    };
    assert_eq!(
        ways(limits("2", "4Gi"), &[]),
        ["2-4Gi 0.441072", "2-4Gi 0.282672", "2-4Gi 0.441072", "2-4Gi 0.186"]
    );
    // Economy ends at 8 vCPU; the spot market begins at 2, and has no price for most types.
    assert_eq!(ways(limits("9", "18Gi"), &[])[1], "not sold");
    assert_eq!(ways(limits("500m", "1Gi"), &[])[2..], ["1-2Gi 0.220536", "2-2Gi unknown"]);
    // What was bought in another way is compared all the same.
    let economy = [("eci-compute-category", "economy")];
    assert_eq!(ways(limits("2", "4Gi"), &economy)[..2], ["2-4Gi 0.441072", "2-4Gi 0.282672"]);
    assert_eq!(ways(json!({}), &[("eci-use-specs", "ecs.c5.large")])[0], "2-4Gi 0.441072");
}

#[test]
fn a_request_nearby_that_costs_less_is_found() {
    let prices = prices("cn-hangzhou");
    let nearby = |cpu: &str, memory: &str| {
        let quote = prices.quote(&pod(limits(cpu, memory), &[])).unwrap();
        let one = |one: Nearby| {
            format!(
                "{} → {} {}",
                figures::spec(one.requested),
                figures::spec(one.bought),
                figures::hour(one.hour.decimal())
            )
        };
        prices.nearby(&quote).into_iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(
        nearby("7", "13Gi"),
        ["7-12Gi → 8-12Gi 1.676016", "6-13Gi → 6-14Gi 1.367352", "6-12Gi → 6-12Gi 1.323216"]
    );
    // More vCPU for less money (specs.md 3.4).
    assert_eq!(nearby("10", "56Gi").first().unwrap(), "16-64Gi → 16-64Gi 4.234752");
    assert_eq!(nearby("250m", "512Mi"), Vec::<String>::new());
}

#[test]
fn what_has_no_price_by_vcpu_and_memory_has_nothing_nearby() {
    let prices = prices("cn-hangzhou");
    for annotations in [&[("eci-use-specs", "ecs.c5.large")], &[("eci-spot-strategy", "SpotAsPriceGo")]] {
        let quote = prices.quote(&pod(json!({}), annotations)).unwrap();
        assert_eq!(prices.nearby(&quote), []);
    }
}

proptest! {
    #[test]
    fn whatever_is_nearby_is_bought_at_its_price_for_less_and_gives_up_a_quarter_at_most(
        milli in 250u32..64_000, mib in 512u32..524_288,
    ) {
        let prices = prices("cn-hangzhou");
        let ask = |milli: u32, mib: u32| pod(limits(&format!("{milli}m"), &format!("{mib}Mi")), &[]);
        let quote = prices.quote(&ask(milli, mib)).unwrap();
        let (requested, mut price) = (quote.requested.unwrap(), quote.hour.known().unwrap());
        let nearby = prices.nearby(&quote);
        prop_assert!(nearby.len() <= NEARBY_MAX);
        for one in nearby {
            prop_assert!(one.hour < price);
            price = one.hour;
            let again = prices.quote(&ask(one.requested.vcpu.0, one.requested.memory.0)).unwrap();
            prop_assert_eq!((again.terms.size, again.hour.known().unwrap()), (one.bought, one.hour));
            prop_assert!(u64::from(one.requested.vcpu.0) * 1000 >= u64::from(requested.vcpu.0) * NEARBY_KEEPS);
            prop_assert!(u64::from(one.requested.memory.0) * 1000 >= u64::from(requested.memory.0) * NEARBY_KEEPS);
        }
    }
}
