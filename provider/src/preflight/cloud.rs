//! Checks of key, clock, region, vSwitches and security group: with calls that read, and creations as dry runs.

use eci_api::Number;
use eci_api::actions::create_container_group::{Container, CreateContainerGroup};
use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::actions::describe_regions::DescribeRegions;
use rust_decimal::Decimal;

use super::{Finding, provisional_owner};
use crate::config::Config;
use crate::eci::{Eci, EciError, Meaning};
use crate::pods::poller;

/// Codes of a dry run that would have been carried out (eci-openapi.md 4.3).
const PASSED: [&str; 2] = ["DryRunOperation", "DryRun.Success"];
/// The smallest instance, ¼ vCPU and ½ GiB (specs.md 2.1).
const CPU: Decimal = Decimal::from_parts(25, 0, 0, false, 2);
const MEMORY: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

/// The findings about the cloud.
pub(super) async fn findings(eci: &Eci, config: &Config) -> Vec<Finding> {
    let key = format!("access key {}", eci.access_key_id());
    let regions = match eci.call(&DescribeRegions::default()).await {
        Ok(reply) => reply.regions,
        Err(error) => {
            let why = "the cloud does not take this key's calls";
            return vec![
                Finding::bad(key, error.plain(), remedy(&error)),
                Finding::untried("region, vSwitches, security group", why),
            ];
        }
    };
    let mut findings = vec![Finding::good(key, format!("taken at {}", eci.endpoint())), clock(eci)];
    let region = regions.iter().find(|region| region.region_id == eci.region());
    findings.push(match region {
        Some(_) => Finding::good(format!("region {}", eci.region()), "has ECI"),
        None => {
            let known: Vec<_> = regions.iter().map(|region| region.region_id.as_str()).collect();
            let remedy = format!("set ECI_REGION to one of {}", known.join(", "));
            Finding::bad(format!("region {}", eci.region()), "the cloud does not name it", remedy)
        }
    });
    if let Some((zone, region)) = config.zone.as_deref().zip(region) {
        findings.push(if region.zones.iter().any(|known| known == zone) {
            Finding::good(format!("zone {zone}"), "is one of the region's")
        } else {
            let remedy = format!("set ECI_ZONE to one of {}", region.zones.join(", "));
            Finding::bad(format!("zone {zone}"), "the region does not have it", remedy)
        });
    }
    findings.push(match poller::all(eci, &provisional_owner(config)).await {
        Ok(_) => Finding::good("DescribeContainerGroups", "allowed"),
        Err(error) => Finding::bad("DescribeContainerGroups", error.plain(), remedy(&error)),
    });
    for vswitch in config.vswitch.split(',').map(str::trim).filter(|vswitch| !vswitch.is_empty()) {
        findings.push(creation(eci, config, vswitch).await);
    }
    let why = "a call that is allowed would delete something; its right is `eci:DeleteContainerGroup`";
    findings.push(Finding::untried("DeleteContainerGroup", why));
    findings
}

/// The finding about this machine's clock, to be asked after a call.
fn clock(eci: &Eci) -> Finding {
    match eci.clock_skew() {
        None => Finding::good("this machine's clock", "close enough to the cloud's"),
        Some(skew) => {
            let (seconds, side) =
                (skew.as_secs().abs(), if skew.is_negative() { "ahead of" } else { "behind" });
            let why = format!("{seconds} s {side} the cloud's");
            Finding::bad("this machine's clock", why, "run a time service such as chrony on the nodes")
        }
    }
}

/// A dry run of the smallest instance in `vswitch`.
async fn creation(eci: &Eci, config: &Config, vswitch: &str) -> Finding {
    let of = format!("an instance in vSwitch {vswitch} with security group {}", config.security_group);
    let container = Container {
        name: Some("preflight".to_owned()),
        image: Some("busybox".to_owned()),
        cpu: Some(Number(CPU)),
        memory: Some(Number(MEMORY)),
        ..Container::default()
    };
    let request = CreateContainerGroup {
        region_id: Some(eci.region().to_owned()),
        container_group_name: Some("virtual-node-preflight".to_owned()),
        vswitch_id: Some(vswitch.to_owned()),
        security_group_id: Some(config.security_group.clone()),
        resource_group_id: config.resource_group.clone(),
        container: vec![container],
        dry_run: Some(true),
        ..CreateContainerGroup::default()
    };
    match eci.call(&request).await {
        Err(error) if error.code().is_some_and(|code| PASSED.contains(&code)) => {
            Finding::good(of, "the cloud would make it (dry run)")
        }
        Err(error) => Finding::bad(of, error.plain(), remedy(&error)),
        // An endpoint that does not know dry runs has made one.
        Ok(reply) => {
            let request = DeleteContainerGroup {
                region_id: Some(eci.region().to_owned()),
                container_group_id: Some(reply.container_group_id.clone()),
                ..DeleteContainerGroup::default()
            };
            let id = reply.container_group_id;
            let deleted = match eci.call(&request).await {
                Ok(_) => format!("{id} was made and deleted again"),
                Err(error) => format!("{id} was made, and could not be deleted: {}", error.plain()),
            };
            Finding::bad(
                of,
                format!("the endpoint made one in spite of DryRun: {deleted}"),
                "use an endpoint of ECI",
            )
        }
    }
}

/// What an operator can do about a refusal.
fn remedy(error: &EciError) -> String {
    let action = error.action();
    let said = match error.meaning() {
        None => "see that this machine reaches the endpoint (ECI_ENDPOINT, DNS, NAT gateway, firewall)",
        Some(Meaning::NoAccess) => {
            "set ECI_ACCESS_KEY and ECI_SECRET_KEY to a key that is enabled in the RAM console"
        }
        Some(Meaning::ClockSkew) => "set this machine's clock",
        Some(Meaning::Forbidden) => return format!("allow `eci:{action}` to the key's RAM user"),
        Some(Meaning::Account) => "put the account in order: balance, verification, activation of ECI",
        Some(Meaning::WrongEndpoint) => {
            "set ECI_ENDPOINT to an endpoint of ECI OpenAPI 2018-08-08, or unset it"
        }
        Some(Meaning::NoStock) => "add a vSwitch in another zone to ECI_VSWITCH",
        Some(Meaning::Quota) => {
            "raise the quota in the Quota Center, or choose a vSwitch with free addresses"
        }
        Some(
            Meaning::Throttled | Meaning::DailyLimit | Meaning::Fault | Meaning::Replayed | Meaning::Busy,
        ) => "try again later",
        Some(
            Meaning::NotFound | Meaning::Size | Meaning::TokenUsed | Meaning::Request | Meaning::Unknown,
        ) => {
            "compare ECI_REGION, ECI_VSWITCH and ECI_SECURITY_GROUP with the VPC console: one region, one VPC"
        }
    };
    said.to_owned()
}
