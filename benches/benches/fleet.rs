//! Memory of a fleet of 1,000,000 groups, and the time for an hour of its life and its bill.
//!
//! Another number of groups can be given: `cargo bench -p eci-sim --bench fleet -- 100000`.

mod groups;

use std::time::Duration;

use determinism::{Clock, Stopwatch};
use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::actions::describe_container_groups::DescribeContainerGroups;
use eci_sim::EciSim;
use eci_sim::quota::Quota;

use groups::group;

const GROUPS: usize = 1_000_000;
/// Number of groups as a test.
const FEW: usize = 1_000;
/// A vSwitch has room for some 65,000 groups.
const A_VSWITCH: usize = 50_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    let groups = asked.unwrap_or(if is_test { FEW } else { GROUPS });
    let clock = Clock::still("2026-01-05T01:00:00Z".parse()?);
    let sim = EciSim::builder().clock(clock.clone()).build();
    sim.control().set_quota(Quota { vcpu: u64::MAX, ..Quota::default() });
    let before = resident("VmRSS")?;
    let watch = Stopwatch::start();
    let mut last = String::new();
    for n in 0..groups {
        last = create(&sim, n)?;
    }
    tell("created", &watch, resident("VmRSS")? - before, groups)?;
    let watch = Stopwatch::start();
    clock.advance(Duration::from_secs(3600))?;
    sim.control().now();
    tell("its first hour", &watch, resident("VmRSS")? - before, groups)?;
    let watch = Stopwatch::start();
    let total = sim.control().bill().total;
    tell(&format!("its bill ({total})"), &watch, resident("VmRSS")? - before, groups)?;
    let one = DescribeContainerGroups {
        container_group_ids: Some(format!("[\"{last}\"]")),
        ..DescribeContainerGroups::default()
    };
    let status = sim.act(&one)?.container_groups.first().map(|group| group.status.clone());
    println!("the last one is {}", status.unwrap_or_default());
    println!("at most {} MiB resident", resident("VmHWM")? / 1024);
    Ok(())
}

fn create(sim: &EciSim, n: usize) -> Result<String> {
    let request = CreateContainerGroup { vswitch_id: Some(format!("vsw-{}", n / A_VSWITCH)), ..group(n) };
    Ok(sim.act(&request)?.container_group_id)
}

fn tell(what: &str, watch: &Stopwatch, kibibytes: u64, groups: usize) -> Result<()> {
    let each = kibibytes * 1024 / u64::try_from(groups)?;
    let (took, all) = (watch.elapsed().as_secs_f64(), kibibytes / 1024);
    println!("{groups} groups, {what}: {took:.2} s, {all} MiB, {each} bytes a group");
    Ok(())
}

/// Memory of this process in KiB, as the kernel counts it.
fn resident(which: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    Ok(line.ok_or("no such line")?.trim().trim_end_matches(" kB").parse()?)
}
