//! Validation of nodes and of their leases.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::object::field::{entries, list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;

/// Adds the errors of a node.
pub fn check(node: &Value, is_new: bool, errors: &mut FieldErrors) {
    taints(node, errors);
    for cidr in list(node, "/spec/podCIDRs").iter().filter_map(Value::as_str) {
        if !is_cidr(cidr) {
            errors.invalid("spec.podCIDRs", cidr, "must be a valid CIDR value");
        }
    }
    // Capacity without allocatable becomes allocatable, too, so its errors stand twice.
    let places: &[&str] = if is_new { &["capacity", "allocatable"] } else { &["capacity"] };
    for place in places {
        for (resource, amount) in entries(node, &format!("/status/{place}")) {
            let amount = amount.as_str().unwrap_or_default();
            if amount.starts_with('-') {
                let field = format!("status.{place}.{resource}");
                errors.invalid(field, amount, "must be greater than or equal to 0");
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (at, address) in list(node, "/status/addresses").iter().enumerate() {
        let (kind, place) = (text(address, "/type"), text(address, "/address"));
        if !seen.insert((kind, place)) {
            let shown = json!({"Type": kind, "Address": place});
            errors.duplicate(format!("status.addresses[{at}]"), &shown);
        }
    }
}

fn taints(node: &Value, errors: &mut FieldErrors) {
    let mut seen = BTreeSet::new();
    for (at, taint) in list(node, "/spec/taints").iter().enumerate() {
        let field = format!("metadata.taints[{at}]");
        let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
        errors.rule(format!("{field}.key"), key, names::qualified);
        errors.rule(format!("{field}.value"), value, names::label_value);
        match effect {
            "" => errors.required(format!("{field}.effect"), ""),
            effect => {
                let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
                errors.one_of(format!("{field}.effect"), effect, &known);
            }
        }
        if !seen.insert((key, effect)) {
            let shown =
                json!({"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint["timeAdded"]})
                    .to_string();
            let why = format!("{shown}: taints must be unique by key and effect pair");
            errors.push(field, crate::object::field_error::FieldErrorKind::Duplicate(why));
        }
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

/// Adds the errors of a node's changes.
pub fn changed(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let (before, after) = (text(old, "/spec/providerID"), text(new, "/spec/providerID"));
    if !before.is_empty() && before != after {
        let why = "node updates may not change providerID except from \"\" to valid";
        errors.forbidden("spec.providerID", why);
    }
}

/// Adds the errors of a lease.
pub fn lease(lease: &Value, errors: &mut FieldErrors) {
    if let Some(seconds) = number(lease, "/spec/leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
    }
    if let Some(times) = number(lease, "/spec/leaseTransitions").filter(|times| *times < 0) {
        errors.invalid("spec.leaseTransitions", times, "must be greater than or equal to 0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(node: &Value) -> Vec<String> {
        let mut errors = FieldErrors::default();
        check(node, true, &mut errors);
        errors.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_taint_is_told_under_metadata_as_the_real_server_tells_it() {
        for (taints, wanted) in [
            (json!([{"key": "a"}]), "metadata.taints[0].effect: Required value"),
            (json!([{"key": "a", "effect": "No"}]), "metadata.taints[0].effect: Unsupported value: \"No\""),
            (
                json!([{"key": "a", "value": "b c", "effect": "NoExecute"}]),
                "metadata.taints[0].value: Invalid value",
            ),
            (
                json!([{"key": "a", "effect": "NoExecute"}, {"key": "a", "effect": "NoExecute"}]),
                "metadata.taints[1]: Duplicate value: {\"Key\":\"a\"",
            ),
        ] {
            let said = messages(&json!({"spec": {"taints": taints}}));
            assert!(said.len() == 1 && said[0].starts_with(wanted), "{said:?} is not {wanted}");
        }
    }

    #[test]
    fn an_address_that_stands_twice_is_told() {
        let address = json!({"type": "InternalIP", "address": "10.0.0.1"});
        let said = messages(&json!({"status": {"addresses": [address, address]}}));
        assert!(
            said[0].starts_with("status.addresses[1]: Duplicate value: {\"Type\":\"InternalIP\""),
            "{said:?}"
        );
    }
}
