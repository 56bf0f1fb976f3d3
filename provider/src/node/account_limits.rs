//! The account's quota and the region's stock, asked for again and again while the node runs.

use std::time::Duration;

use eci_api::actions::describe_available_resource::{
    DescribeAvailableResource, DescribeAvailableResourceReply, DestinationResource,
};
use eci_api::actions::list_usage::ListUsage;
use rust_decimal::Decimal;

use super::facts::NodeFacts;
use crate::config::AccountLimits;
use crate::eci::{Eci, EciError};

/// The pause between two questions: a quota is changed by people, and stock is a hint.
const PERIOD: Duration = Duration::from_secs(600);
/// The pause after a question to which there was no answer at all.
const RETRY: Duration = Duration::from_secs(60);
/// The mark in the names of families with GPUs (specs.md 5.3).
const GPU_FAMILY: &str = "gn";

/// Keeps the facts up to date for ever. What is not answered stays as it was.
pub async fn keep(eci: &Eci, facts: &NodeFacts) {
    loop {
        let known = facts.account_limits();
        let (vcpu, has_gpus) = (vcpu(eci).await, has_gpus(eci).await);
        // a refusal, as of a key without the right, stays one until somebody changes that
        let is_unanswered = |error: Option<&EciError>| error.is_some_and(|error| error.meaning().is_none());
        let is_late = is_unanswered(vcpu.as_ref().err()) || is_unanswered(has_gpus.as_ref().err());
        facts.set_account_limits(AccountLimits {
            vcpu: known_or(vcpu, known.vcpu),
            has_gpus: known_or(has_gpus.map(Some), known.has_gpus),
        });
        tokio::time::sleep(if is_late { RETRY } else { PERIOD }).await;
    }
}

/// The answer, or what was known where there is none.
fn known_or<T>(answer: Result<Option<T>, EciError>, known: Option<T>) -> Option<T> {
    match answer {
        Ok(answer) => answer.or(known),
        Err(error) => {
            tracing::info!(%error, "quota or stock is not known; the node offers what it offered");
            known
        }
    }
}

/// The account's vCPU in the region; `None` where the answer does not have it.
async fn vcpu(eci: &Eci) -> Result<Option<Decimal>, EciError> {
    let reply = eci.call(&ListUsage { region_id: Some(eci.region().to_owned()) }).await?;
    Ok(reply.attributes.get("MaxCpu").map(|most| most.0).filter(|most| !most.is_sign_negative()))
}

/// Whether a zone of the region has a GPU family in stock.
async fn has_gpus(eci: &Eci) -> Result<bool, EciError> {
    let destination_resource =
        DestinationResource { category: Some("InstanceTypeFamily".to_owned()), ..Default::default() };
    let question = DescribeAvailableResource {
        region_id: Some(eci.region().to_owned()),
        destination_resource: Some(destination_resource),
        ..DescribeAvailableResource::default()
    };
    Ok(has_family(&eci.call(&question).await?))
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
