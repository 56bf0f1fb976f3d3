//! Tests of the catalog: its tables read whole, and the size that fits is the smallest in the stated order.

use proptest::prelude::*;

use super::*;

const DEFAULT: Pool<'_> = Pool::Categories(&[Category::Default]);

fn size(vcpu: &str, memory: &str) -> Size {
    Size {
        vcpu: MilliVcpu::from_vcpu(vcpu.parse().unwrap()).unwrap(),
        memory: Mebibytes::from_gib(memory.parse().unwrap()).unwrap(),
    }
}

fn hangzhou() -> &'static Region {
    CATALOG.region("cn-hangzhou").unwrap()
}

#[test]
fn the_tables_read_whole() {
    assert_eq!(CATALOG.pairs.len(), 106);
    assert_eq!(CATALOG.types.len(), 40);
    assert_eq!(CATALOG.regions.len(), 35);
}

#[test]
fn a_broken_row_of_a_table_is_named_with_its_number_and_the_reason() {
    let sizes = include_str!("../../data/sizes.csv");
    let regions = include_str!("../../data/regions.csv");
    for (from, to, why) in [
        (
            "0.25-0.5Gi,pair,0.25,0.5,everywhere",
            "0.25-0.5Gi,pair,0.25,0.5,everywhre",
            "row 2: `everywhre` is no sold_in",
        ),
        ("0.25-0.5Gi,pair,", "0.25-0.5Gi,pear,", "row 2: `pear` is no kind; it should be pair or type"),
        ("0.25-1Gi,pair,0.25,1", "0.25-1Gi,pair,0.25,one", "row 3: the memory_gib `one` should be a decimal"),
        ("ecs.c5.large,type,2", "ecs.c6.large,type,2", "`ecs.c6.large` is in the table twice"),
        ("0,ARM64", "0,ARM", "the architecture `ARM` should be AMD64 or ARM64"),
    ] {
        let broken = sizes.replacen(from, to, 1);
        assert_ne!(broken, sizes, "{from}");
        let error = Catalog::read(&broken, regions).unwrap_err().to_string();
        assert!(error.starts_with("sizes.csv, row ") && error.contains(why), "{error}");
    }
    let broken = regions.replacen(",eye,yes,", ",eye,maybe,", 1);
    let error = Catalog::read(sizes, &broken).unwrap_err().to_string();
    assert!(error.starts_with("regions.csv, row 2: `maybe` is no fine_sizes"), "{error}");
}

#[test]
fn no_two_regions_share_the_beginning_of_their_ids() {
    let prefixes: std::collections::BTreeSet<_> = CATALOG.regions().map(|r| &r.id_prefix).collect();
    assert_eq!(prefixes.len(), CATALOG.regions().count());
}

#[test]
fn the_smallest_size_that_fits_is_found() {
    use Category::{Default, Economy, General};
    // Vector R3 prints 8-16Gi for `general`, against the table of the page it stands on; the table is followed.
    for (id, region, categories, vcpu, memory, wanted) in [
        ("R1", "cn-hangzhou", &[Default][..], "7", "13", Some("8.0-14.0Gi")),
        ("R2", "eu-central-1", &[Default], "7", "13", Some("8.0-16.0Gi")),
        ("R3", "cn-hangzhou", &[General], "7", "13", Some("8.0-14.0Gi")),
        ("R4", "cn-hangzhou", &[Default], "2", "3", Some("2.0-4.0Gi")),
        ("R4", "eu-central-1", &[Default], "2", "3", Some("2.0-4.0Gi")),
        ("R5", "cn-hangzhou", &[Default], "4.25", "8.5", Some("6.0-10.0Gi")),
        ("R6", "cn-hangzhou", &[Default], "4", "8", Some("4.0-8.0Gi")),
        ("R7", "cn-hangzhou", &[Default], "3", "6", Some("4.0-6.0Gi")),
        ("R8", "cn-hangzhou", &[Default], "2", "4", Some("2.0-4.0Gi")),
        ("R9", "eu-central-1", &[Default], "0", "0", Some("2.0-4.0Gi")),
        ("R10", "cn-hangzhou", &[Economy], "0.5", "1.9", Some("0.5-2.0Gi")),
        ("R11", "cn-hangzhou", &[General], "0.5", "1.9", Some("1.0-2.0Gi")),
        ("R12", "cn-hangzhou", &[Economy], "9", "16", None),
        ("R13", "cn-hangzhou", &[Default], "65", "128", None),
        ("R14", "cn-hangzhou", &[Default], "64", "513", None),
        ("3.6", "cn-hangzhou", &[General, Economy], "0.5", "1.9", Some("0.5-2.0Gi")),
        ("3.6", "cn-hangzhou", &[General, Economy], "9", "16", Some("12.0-24.0Gi")),
    ] {
        let region = CATALOG.region(region).unwrap();
        let found = CATALOG.fit(region, size(vcpu, memory), Pool::Categories(categories));
        assert_eq!(found.ok().map(|s| s.to_string()), wanted.map(str::to_owned), "{id}");
    }
}

#[test]
fn what_is_too_large_is_told_the_largest() {
    let error = CATALOG.fit(hangzhou(), size("66", "128"), DEFAULT).unwrap_err().to_string();
    assert!(error.contains("66 vCPU, 128 GiB") && error.contains("64.0-512.0Gi"), "{error}");
}

#[test]
fn a_spot_instance_starts_at_two_vcpu() {
    assert_eq!(CATALOG.fit(hangzhou(), size("1", "2"), Pool::Spot), Ok(size("2", "2")));
}

#[test]
fn an_arm_machine_is_the_smallest_type_that_fits_and_2_vcpu_4_gib_where_nothing_is_asked() {
    for (vcpu, memory, name) in
        [("0", "0", Some("ecs.c8y.large")), ("1", "5", Some("ecs.g8y.large")), ("3", "4", None)]
    {
        let found = CATALOG.fit_arm(size(vcpu, memory));
        assert_eq!(found.ok().map(|kind| kind.name.as_str()), name, "{vcpu} {memory}");
    }
}

/// The pools in which sizes are looked for.
fn pool() -> impl Strategy<Value = Pool<'static>> {
    use Category::{Default, Economy, General};
    prop::sample::select(vec![
        DEFAULT,
        Pool::Categories(&[Economy]),
        Pool::Categories(&[General]),
        Pool::Categories(&[General, Economy]),
        Pool::Categories(&[Default, Economy]),
        Pool::Spot,
    ])
}

proptest! {
    #[test]
    fn the_size_that_fits_is_enough_and_no_smaller_one_is(
        vcpu in 1u32..65_000, memory in 1u32..530_000, pool in pool(),
        region in prop::sample::select(vec!["cn-hangzhou", "eu-central-1"]),
    ) {
        let region = CATALOG.region(region).unwrap();
        let asked = Size { vcpu: MilliVcpu(vcpu), memory: Mebibytes(memory) };
        let fits = |size: &Size| size.vcpu >= asked.vcpu && size.memory >= asked.memory;
        let least = CATALOG.pairs(region, pool).map(|pair| pair.size).filter(fits).min();
        let found = CATALOG.fit(region, asked, pool).ok();
        prop_assert_eq!(found, least, "fewest vCPU first, then least memory");
        if let Some(found) = found {
            prop_assert_eq!(CATALOG.fit(region, found, pool), Ok(found), "what is sold fits itself");
        }
    }

    #[test]
    fn whoever_asks_for_more_gets_no_less(
        vcpu in 1u32..64_000, memory in 1u32..524_288, more in (0u32..8_000, 0u32..65_536), pool in pool(),
    ) {
        let asked = |vcpu, memory| Size { vcpu: MilliVcpu(vcpu), memory: Mebibytes(memory) };
        let less = CATALOG.fit(hangzhou(), asked(vcpu, memory), pool);
        let more = CATALOG.fit(hangzhou(), asked(vcpu + more.0, memory + more.1), pool);
        if let Ok(more) = more {
            prop_assert!(less.is_ok_and(|less| less <= more));
        }
    }
}
