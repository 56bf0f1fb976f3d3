//! The terms that a group gets: sums before they are rounded, types, categories, Arm, GPUs, updates, and what each refusal is
//! called.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{START_TIME, container, create, group, look, sim, status, wait, wait_until};
use determinism::Clock;
use eci_api::actions::create_container_group::{Container, EnvironmentVar, InitContainer};
use eci_api::actions::update_container_group;
use eci_api::actions::{
    CreateContainerGroup, DescribeContainerGroupPrice, UpdateContainerGroup, UpdateContainerGroupReply,
};
use eci_sim::market::Quote;
use eci_sim::{Currency, EciSim, Refusal};

/// A container that asks for so much.
fn asking(name: &str, cpu: &str, memory: &str) -> Container {
    let number = |text: &str| Some(text.parse().unwrap());
    Container { cpu: number(cpu), memory: number(memory), ..container(name, "nginx", &[]) }
}

fn web() -> CreateContainerGroup {
    group("web", vec![container("web", "nginx", &[])])
}

fn typed(names: &str) -> CreateContainerGroup {
    CreateContainerGroup { instance_type: Some(names.into()), ..web() }
}

/// The size that a group of these containers gets, as vCPU and GiB.
fn size(request: &CreateContainerGroup) -> (String, String) {
    let sim = sim();
    let id = create(&sim, request);
    let group = look(&sim, &id).unwrap();
    (group.cpu.to_string(), group.memory.to_string())
}

fn resize(sim: &EciSim, id: &str, vcpu: u32, gib: u32) -> Result<UpdateContainerGroupReply, Refusal> {
    let (cpu, memory) = (Some(vcpu.into()), Some(gib.into()));
    sim.act(&UpdateContainerGroup { container_group_id: Some(id.into()), cpu, memory, ..Default::default() })
}

#[test]
fn containers_are_added_as_they_ask_and_the_sum_is_rounded_once() {
    for (asked, size_bought) in [
        (&[("1", "4.7"), ("1", "9.3")][..], ("2", "14")),
        (&[("0.3333333", "1"), ("0.3333333", "0.5"), ("0.3333334", "0.5")], ("1", "2")),
        (&[("0.33333334", "1"), ("0.33333334", "0.5"), ("0.33333334", "0.5")], ("1", "2")),
        (&[("0.1", "0.1"), ("0.1", "0.2"), ("0.05", "0.2")], ("0.25", "0.5")),
        (&[("1", "2"), ("1", "2.001")], ("2", "6")),
    ] {
        let containers =
            asked.iter().enumerate().map(|(n, (cpu, memory))| asking(&format!("c{n}"), cpu, memory));
        let bought = size(&group("web", containers.collect()));
        assert_eq!((bought.0.as_str(), bought.1.as_str()), size_bought, "{asked:?}");
    }
}

#[test]
fn an_ignored_init_container_does_not_count_and_another_does() {
    let init = |value: &str| InitContainer {
        name: Some("init".into()),
        image: Some("busybox".into()),
        cpu: Some(8.into()),
        memory: Some(16.into()),
        environment_var: vec![EnvironmentVar {
            key: Some("__ECI_RESOURCE_IGNORE__".into()),
            value: Some(value.into()),
            field_ref: None,
        }],
        ..InitContainer::default()
    };
    for (value, vcpu) in [("TRUE", "2"), ("true", "2"), ("FALSE", "8")] {
        let request = CreateContainerGroup {
            init_container: vec![init(value)],
            ..group("web", vec![asking("web", "2", "4")])
        };
        assert_eq!(size(&request).0, vcpu, "{value}");
    }
}

#[test]
fn of_several_categories_the_cheapest_fit_is_bought_where_it_is_sold() {
    for (categories, cpu, memory, bought) in [
        (&["general", "economy"][..], "0.5", "1.9", ("economy", "0.5", "2")),
        (&["general"], "0.5", "1.9", ("general", "1", "2")),
        (&["general", "economy"], "1", "2", ("general", "1", "2")),
        (&["economy", "general"], "1", "2", ("economy", "1", "2")),
        (&["economy", "general"], "9", "16", ("general", "12", "24")),
    ] {
        let sim = sim();
        let compute_category = categories.iter().map(|name| (*name).to_owned()).collect();
        let request = group("web", vec![asking("web", cpu, memory)]);
        let id = create(&sim, &CreateContainerGroup { compute_category, ..request });
        let group = look(&sim, &id).unwrap();
        let (cpu, memory) = (group.cpu.to_string(), group.memory.to_string());
        assert_eq!((group.compute_category.as_str(), &*cpu, &*memory), bought, "{categories:?}");
    }
}

#[test]
fn an_arm_machine_is_a_type_whatever_is_declared() {
    let arm = |cpu: Option<u32>, memory: Option<u32>| CreateContainerGroup {
        cpu_architecture: Some("ARM64".into()),
        cpu: cpu.map(Into::into),
        memory: memory.map(Into::into),
        ..web()
    };
    for (request, name) in [(arm(None, None), "ecs.c8y.large"), (arm(Some(2), Some(8)), "ecs.g8y.large")] {
        let sim = sim();
        let id = create(&sim, &request);
        assert_eq!(look(&sim, &id).unwrap().instance_type, name);
        wait(&sim, 600);
        let said = sim.control().cost().to_string();
        assert!(said.starts_with(&format!("no price is known for {name}")), "{said}");
    }
    for (request, code) in [
        (arm(Some(64), Some(128)), "InvalidParameter.CPU.Memory"),
        (
            CreateContainerGroup { compute_category: vec!["economy".into()], ..arm(None, None) },
            "FeatureBasedConstraintConflict",
        ),
    ] {
        assert_eq!(sim().act(&request).unwrap_err().wire_code(), code);
    }
}

#[test]
fn a_list_of_types_is_bounded_of_one_kind_and_tried_in_its_order() {
    for (names, code, word) in [
        (
            "ecs.c5.large,ecs.c6.large,ecs.sn1ne.large,ecs.c6.xlarge,ecs.g5.large,ecs.r5.large",
            "InvalidParameter",
            "6 types; 5 at most",
        ),
        ("ecs.c5.large,ecs.gn6i-c4g1.xlarge", "InvalidParameter", "are of two kinds"),
        ("ecs.c8y.large,ecs.c6.large", "InvalidParameter", "are of two kinds"),
        ("ecs.c5.large,ecs.c55.large", "InvalidInstanceTypeForEciBuy", "ecs.c55.large"),
    ] {
        let refusal = sim().act(&typed(names)).unwrap_err();
        assert_eq!(refusal.wire_code(), code, "{names}");
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
    let larger = CreateContainerGroup {
        container: vec![asking("web", "4", "8")],
        ..typed("ecs.c5.large,ecs.c6.xlarge,ecs.c5.xlarge")
    };
    let sim = sim();
    let id = create(&sim, &larger);
    assert_eq!(look(&sim, &id).unwrap().instance_type, "ecs.c6.xlarge", "the first that holds them");
}

#[test]
fn no_container_asks_for_more_gpus_than_its_type_has() {
    let with = |gpus: i32, names: &str| {
        let container = Container { gpu: Some(gpus), ..container("train", "busybox", &[]) };
        let instance_type = Some(names.to_owned()).filter(|names| !names.is_empty());
        CreateContainerGroup { instance_type, ..group("train", vec![container]) }
    };
    create(&sim(), &with(2, "ecs.gn5i-c16g1.8xlarge"));
    let second = sim();
    let id = create(&second, &with(2, "ecs.gn5i-c2g1.large,ecs.gn5i-c16g1.8xlarge"));
    assert_eq!(look(&second, &id).unwrap().instance_type, "ecs.gn5i-c16g1.8xlarge");
    for (request, word) in [
        (with(3, "ecs.gn5i-c16g1.8xlarge"), "3 GPUs asked; ecs.gn5i-c16g1.8xlarge has 2"),
        (with(1, "ecs.c5.large"), "1 GPUs asked; ecs.c5.large has 0"),
        (with(1, ""), "name a type that has as many in InstanceType"),
    ] {
        let refusal = sim().act(&request).unwrap_err();
        assert_eq!(refusal.wire_code(), "InvalidParameter");
        assert!(refusal.to_string().contains("Container.1.Gpu"), "{refusal}");
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

#[test]
fn a_spot_limit_has_three_decimals_at_most() {
    let limit = |text: &str| CreateContainerGroup {
        spot_strategy: Some("SpotWithPriceLimit".into()),
        spot_price_limit: Some(text.parse().unwrap()),
        ..web()
    };
    create(&sim(), &limit("0.1870"));
    let refusal = sim().act(&limit("0.1875")).unwrap_err();
    assert_eq!(refusal.wire_code(), "InvalidParameter");
    assert!(refusal.to_string().contains("SpotPriceLimit") && refusal.to_string().contains("3 decimals"));
}

#[test]
fn the_price_operation_has_its_own_code_for_what_cannot_be_bought() {
    let priced = DescribeContainerGroupPrice::default;
    for (request, code, word) in [
        (
            DescribeContainerGroupPrice { cpu: Some(65.into()), memory: Some(128.into()), ..priced() },
            "InvalidParam.CpuOrMemorySpec",
            "64.0-512.0Gi",
        ),
        (
            DescribeContainerGroupPrice { instance_type: Some("ecs.c55.large".into()), ..priced() },
            "InvalidParam.CpuOrMemorySpec",
            "ecs.c55.large",
        ),
        (
            DescribeContainerGroupPrice {
                cpu: Some(64.into()),
                memory: Some(513.into()),
                spot_strategy: Some("SpotAsPriceGo".into()),
                ..priced()
            },
            "InvalidSpotCpuMemorySpec",
            "64.0-512.0Gi",
        ),
        (
            DescribeContainerGroupPrice { instance_type: Some("ecs.gn6i-c4g1.xlarge".into()), ..priced() },
            "NotSimulated",
            "no price is known for ecs.gn6i-c4g1.xlarge in cn-hangzhou in CNY",
        ),
    ] {
        let refusal = sim().act(&request).unwrap_err();
        assert_eq!(refusal.wire_code(), code, "{refusal}");
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

#[test]
fn a_price_is_told_in_the_currency_of_the_account_and_that_of_a_type_where_it_is_sold_for_it() {
    let clock = || Clock::still(START_TIME.parse().unwrap());
    let dollars = EciSim::builder().clock(clock()).currency(Currency::Usd).build();
    let beijing = EciSim::builder().clock(clock()).region("cn-beijing").build();
    let of_type = |name: &str| DescribeContainerGroupPrice {
        instance_type: Some(name.into()),
        ..DescribeContainerGroupPrice::default()
    };
    let price = dollars.act(&of_type("ecs.c6.large")).unwrap().price_info.unwrap().price.unwrap();
    assert_eq!((price.currency.as_str(), price.trade_price.to_string()), ("USD", "0.0000166667".to_owned()));
    for (sim, name) in [(&dollars, "ecs.c5.large"), (&beijing, "ecs.c5.large")] {
        let said = sim.act(&of_type(name)).unwrap_err().to_string();
        assert!(said.contains("no price is known for ecs.c5.large in cn-"), "{said}");
    }
}

#[test]
fn another_size_ends_the_type_of_the_old_one() {
    let sim = sim();
    let id = create(&sim, &typed("ecs.c5.large"));
    wait_until(&sim, &id, "Running");
    resize(&sim, &id, 64, 512).unwrap();
    wait(&sim, 2 * 3600);
    let group = look(&sim, &id).unwrap();
    assert_eq!((group.instance_type.as_str(), group.cpu.to_string().as_str()), ("", "64"));
    let hour = sim.control().bill().lines.into_iter().find(|line| line.seconds == 3600).unwrap();
    assert_eq!(hour.amount.to_string(), "22.588416", "B25, and not the 0.62 of the type");
}

#[test]
fn another_size_of_a_spot_instance_has_the_market_price_of_its_own_type() {
    let sim = sim();
    let spot = CreateContainerGroup { spot_strategy: Some("SpotAsPriceGo".into()), ..web() };
    let id = create(&sim, &spot);
    wait_until(&sim, &id, "Running");
    resize(&sim, &id, 64, 512).unwrap();
    let ledger: Vec<_> = sim.control().ledger().iter().map(ToString::to_string).collect();
    let changed = ledger.iter().find(|line| line.contains("changed")).unwrap();
    assert!(changed.ends_with("64.0-512.0Gi ecs.r5.16xlarge spot at 12.1608 an hour"), "{changed}");
}

#[test]
fn a_size_that_is_never_sold_as_spot_and_a_price_above_the_limit_are_refused() {
    let sim = sim();
    let from = START_TIME.parse().unwrap();
    let hourly = "0.5".parse().unwrap();
    sim.control().quote(Quote {
        what: "ecs.c5.xlarge".into(),
        zone: "*".into(),
        currency: None,
        from,
        hourly,
    });
    let limited = CreateContainerGroup {
        spot_strategy: Some("SpotWithPriceLimit".into()),
        spot_price_limit: Some("0.2".parse().unwrap()),
        ..web()
    };
    let id = create(&sim, &limited);
    wait_until(&sim, &id, "Running");
    for (vcpu, gib, code) in [(64, 513, "InvalidSpotCpuMemorySpec"), (4, 8, "Spot.NotMatched")] {
        assert_eq!(resize(&sim, &id, vcpu, gib).unwrap_err().wire_code(), code);
        assert_eq!(status(&sim, &id), "Running", "what is refused changes nothing");
    }
    assert_eq!(resize(&sim, &id, 2, 4).unwrap_err().wire_code(), "NoNeedUpdate");
}

#[test]
fn a_gpu_group_has_no_size_besides_its_type() {
    let sim = sim();
    let train = Container { gpu: Some(1), ..container("train", "nginx", &[]) };
    let request = CreateContainerGroup { container: vec![train], ..typed("ecs.gn6i-c4g1.xlarge") };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    let refusal = resize(&sim, &id, 8, 16).unwrap_err();
    assert!(refusal.to_string().contains("GPUs, which ecs.gn6i-c4g1.xlarge has"), "{refusal}");
}

#[test]
fn a_spot_instance_whose_price_is_not_known_runs_and_one_with_a_limit_is_refused() {
    let clock = Clock::still(START_TIME.parse().unwrap());
    let sim = EciSim::builder().clock(clock).region("cn-beijing").build();
    let spot = |strategy: &str| CreateContainerGroup {
        spot_strategy: Some(strategy.into()),
        spot_price_limit: Some("0.2".parse().unwrap()),
        ..web()
    };
    let refusal = sim.act(&spot("SpotWithPriceLimit")).unwrap_err();
    assert!(refusal.to_string().contains("no price is known for ecs.c5.large in cn-beijing-a"), "{refusal}");
    let id = create(&sim, &spot("SpotAsPriceGo"));
    wait_until(&sim, &id, "Running");
    let said = sim.control().cost().to_string();
    assert!(said.contains("ecs.c5.large as a spot instance"), "{said}");
}

#[test]
fn an_update_asks_for_no_more_gpus_than_the_type_has() {
    let sim = sim();
    let train = Container { gpu: Some(1), ..container("train", "nginx", &[]) };
    let instance_type = Some("ecs.gn6i-c4g1.xlarge".into());
    let with_gpu = create(&sim, &CreateContainerGroup { instance_type, ..group("train", vec![train]) });
    let without = create(&sim, &web());
    wait(&sim, 60);
    for (id, name, asked, wanted) in [
        (&with_gpu, "train", 2, Some("2 GPUs asked; ecs.gn6i-c4g1.xlarge has 1")),
        (&with_gpu, "train", 1, None),
        (&without, "web", 1, Some("1 GPUs asked; 2.0-4.0Gi has 0")),
    ] {
        let container = update_container_group::Container {
            name: Some(name.into()),
            image: Some("nginx:1.27".into()),
            gpu: Some(asked),
            ..Default::default()
        };
        let update = UpdateContainerGroup {
            container_group_id: Some(id.clone()),
            container: vec![container],
            ..Default::default()
        };
        let said = sim.act(&update).err().map(|refusal| refusal.to_string());
        match wanted {
            Some(wanted) => {
                let said = said.unwrap();
                assert!(said.contains(wanted) && said.contains("Container.1.Gpu"), "{said}");
            }
            None => assert_eq!(said, None, "{asked}"),
        }
        wait(&sim, 60);
    }
}
