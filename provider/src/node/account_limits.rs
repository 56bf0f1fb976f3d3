//! The account's quota and the region's stock, asked for again and again while the node runs.

use std::time::Duration;

use eci_api::actions::describe_available_resource::{
    DescribeAvailableResource, DescribeAvailableResourceReply, DestinationResource,
};
use eci_api::actions::list_usage::ListUsage;

use super::facts::NodeFacts;
use crate::config::AccountLimits;
use crate::eci::Eci;

/// The pause between two questions: a quota is changed by people, and stock is a hint.
const PERIOD: Duration = Duration::from_secs(600);
/// The pause after a question that was not answered.
const RETRY: Duration = Duration::from_secs(60);
/// The mark in the names of families with GPUs (specs.md 5.3).
const GPU_FAMILY: &str = "gn";

/// Keeps the facts up to date for ever. What is not answered stays as it was.
pub async fn keep(eci: &Eci, facts: &NodeFacts) {
    loop {
        let known = facts.account_limits();
        let (vcpu, has_gpus) = (vcpu(eci).await, has_gpus(eci).await);
        let pause = if vcpu.is_some() && has_gpus.is_some() { PERIOD } else { RETRY };
        facts.set_account_limits(AccountLimits {
            vcpu: vcpu.or(known.vcpu),
            has_gpus: has_gpus.or(known.has_gpus),
        });
        tokio::time::sleep(pause).await;
    }
}

/// The account's vCPU in the region; `None` where the cloud does not tell.
async fn vcpu(eci: &Eci) -> Option<rust_decimal::Decimal> {
    let question = ListUsage { region_id: Some(eci.region().to_owned()) };
    match eci.call(&question).await {
        Ok(reply) => {
            reply.attributes.get("MaxCpu").map(|most| most.0).filter(|most| !most.is_sign_negative())
        }
        Err(error) => {
            tracing::info!(%error, "the account's quota is not known; the node offers what it offered");
            None
        }
    }
}

/// Whether a zone of the region has a GPU family in stock; `None` where the cloud does not tell.
async fn has_gpus(eci: &Eci) -> Option<bool> {
    let destination_resource =
        DestinationResource { category: Some("InstanceTypeFamily".to_owned()), ..Default::default() };
    let question = DescribeAvailableResource {
        region_id: Some(eci.region().to_owned()),
        destination_resource: Some(destination_resource),
        ..DescribeAvailableResource::default()
    };
    match eci.call(&question).await {
        Ok(reply) => Some(has_family(&reply)),
        Err(error) => {
            tracing::info!(%error, "the region's stock is not known; the node offers what it offered");
            None
        }
    }
}

fn has_family(reply: &DescribeAvailableResourceReply) -> bool {
    let zones = reply.available_zones.iter().flat_map(|zones| &zones.available_zone);
    let resources = zones.flat_map(|zone| &zone.available_resources).flat_map(|all| &all.available_resource);
    let families = resources.flat_map(|one| &one.supported_resources).flat_map(|all| &all.supported_resource);
    families.into_iter().any(|family| {
        // `ClosedWithStock` has some that are not sold any more
        family.value.contains(GPU_FAMILY) && family.status_category == "WithStock"
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gpu_family_that_is_in_stock_anywhere_counts() {
        for (family, status, counts) in [
            ("ecs.gn6i", "WithStock", true),
            ("ecs.gn6i", "WithoutStock", false),
            ("ecs.gn6i", "ClosedWithStock", false),
            ("ecs.c6", "WithStock", false),
        ] {
            let supported = json!({ "SupportedResource": [{ "Value": family, "StatusCategory": status }] });
            let resource = json!({ "AvailableResource": [{ "SupportedResources": supported }] });
            let zone = json!({ "ZoneId": "z", "AvailableResources": resource });
            let reply = json!({ "AvailableZones": { "AvailableZone": [zone] } });
            assert_eq!(has_family(&serde_json::from_value(reply).unwrap()), counts, "{family} {status}");
        }
    }
}
