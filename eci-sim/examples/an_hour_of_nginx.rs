//! The bill of one hour of one container group, line by line, without any Kubernetes.
//!
//! `cargo run -p eci-sim --example an_hour_of_nginx`; `cargo test` runs it too.

use std::error::Error;
use std::time::Duration;

use determinism::Clock;
use eci_api::actions::create_container_group::Container;
use eci_api::actions::{CreateContainerGroup, DeleteContainerGroup};
use eci_sim::EciSim;

fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock::still("2026-01-05T01:30:00Z".parse()?);
    let sim = EciSim::builder().clock(clock).seed("quiet-otter-17".parse()?).build();
    let request = CreateContainerGroup {
        container_group_name: Some("web".into()),
        cpu: Some("0.5".parse()?),
        memory: Some("1".parse()?),
        container: vec![Container {
            name: Some("nginx".into()),
            image: Some("nginx".into()),
            ..Container::default()
        }],
        ..CreateContainerGroup::default()
    };
    let container_group_id = sim.act(&request)?.container_group_id;
    sim.control().clock().advance(Duration::from_secs(3600))?;
    sim.act(&DeleteContainerGroup {
        container_group_id: Some(container_group_id),
        ..DeleteContainerGroup::default()
    })?;

    let bill = sim.control().bill();
    for line in &bill.lines {
        println!("{line}");
    }
    println!("in all ¥ {}", bill.total);
    // From Pending on, and cut at the full hour.
    assert_eq!(bill.lines.len(), 2);
    let seconds: u64 = bill.lines.iter().map(|line| line.seconds).sum();
    assert!((3500..=3600).contains(&seconds), "{seconds} s are billed");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_hour_across_a_full_one_is_two_lines() -> Result<(), Box<dyn std::error::Error>> {
        super::main()
    }
}
