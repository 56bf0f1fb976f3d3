//! The fields that a write may change: those of the object, of its status, or of its finalizers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::target::Target;
use crate::managed_fields::stored::KEY;
use crate::object::field::{list, list_mut, number, text};
use crate::pods::resize;

/// Metadata that a write to `/status` may change beside the status.
const WITH_STATUS: [&str; 8] =
    ["labels", "annotations", "finalizers", KEY, "uid", "name", "namespace", "resourceVersion"];

/// Keeps of `next` only the fields that the request's path may change.
pub fn within(target: &Target, old: &Value, next: Value, now: Timestamp) -> Value {
    let mut kept = changeable(target, old, next);
    (target.kind.writes.keep)(&mut kept, old, &target.subresource, now);
    kept
}

fn changeable(target: &Target, old: &Value, next: Value) -> Value {
    let has_status = target.kind.subresources.iter().any(|below| below.name == "status");
    match target.subresource.as_str() {
        "status" | "approval" => status(target, old, &next),
        "finalize" => finalize(old, &next),
        "resize" => resize::within(old, &next),
        _ => {
            let mut kept = next;
            if has_status {
                match old.get("status") {
                    Some(status) => kept["status"] = status.clone(),
                    None => {
                        kept.as_object_mut().and_then(|members| members.shift_remove("status"));
                    }
                }
            }
            match (target.kind.group, target.kind.resource) {
                ("", "namespaces") => kept["spec"]["finalizers"] = old["spec"]["finalizers"].clone(),
                ("", "services") => allocated(old, &mut kept),
                _ => {}
            }
            kept
        }
    }
}

fn status(target: &Target, old: &Value, next: &Value) -> Value {
    let mut kept = old.clone();
    kept["status"] = next.get("status").cloned().unwrap_or_else(|| json!({}));
    for key in WITH_STATUS {
        match next["metadata"].get(key) {
            Some(value) => kept["metadata"][key] = value.clone(),
            None => {
                kept["metadata"].as_object_mut().and_then(|metadata| metadata.shift_remove(key));
            }
        }
    }
    if target.kind.resource == "pods" && text(&kept, "/status/qosClass").is_empty() {
        kept["status"]["qosClass"] = old["status"]["qosClass"].clone();
    }
    kept
}

fn finalize(old: &Value, next: &Value) -> Value {
    let mut kept = old.clone();
    kept["spec"]["finalizers"] = next.pointer("/spec/finalizers").cloned().unwrap_or_else(|| json!([]));
    for key in ["uid", "resourceVersion"] {
        if let Some(given) = next["metadata"].get(key) {
            kept["metadata"][key] = given.clone();
        }
    }
    kept
}

/// Keeps the addresses and node ports of a service that an update leaves out.
fn allocated(old: &Value, next: &mut Value) {
    if text(next, "/spec/type") == "ExternalName" {
        return;
    }
    if text(next, "/spec/clusterIP").is_empty() && text(old, "/spec/type") != "ExternalName" {
        for key in ["clusterIP", "clusterIPs"] {
            next["spec"][key] = old["spec"][key].clone();
        }
    }
    if !matches!(text(next, "/spec/type"), "NodePort" | "LoadBalancer") {
        return;
    }
    let known = list(old, "/spec/ports");
    for port in list_mut(&mut next["spec"], "ports") {
        let same =
            |other: &&Value| other["port"] == port["port"] && text(other, "/protocol") == text_or_tcp(port);
        let before = known.iter().find(same).and_then(|other| number(other, "/nodePort"));
        if let Some(before) = before.filter(|_| number(port, "/nodePort").unwrap_or(0) == 0) {
            port["nodePort"] = before.into();
        }
    }
}

fn text_or_tcp(port: &Value) -> &str {
    match text(port, "/protocol") {
        "" => "TCP",
        given => given,
    }
}
