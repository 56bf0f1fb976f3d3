//! Validation of a container's probes and hooks.

use serde_json::Value;

use super::containers::in_port_range;
use crate::object::field::{is_set, list, number, text};
use crate::object::names;
use crate::object::field_error::Problems;

/// Adds the errors of all probes and hooks of a container.
pub fn check(container: &Value, at: &str, init: bool, problems: &mut Problems) {
    let sidecar = text(container, "/restartPolicy") == "Always";
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if !is_set(container, &format!("/{kind}")) {
            continue;
        }
        let field = format!("{at}.{kind}");
        if init && !sidecar {
            problems.forbidden(field, "may not be set for init containers without restartPolicy=Always");
            continue;
        }
        probe(&container[kind], &field, problems);
        let successes = number(&container[kind], "/successThreshold").unwrap_or(1);
        if kind != "readinessProbe" && successes != 1 {
            problems.invalid(format!("{field}.successThreshold"), successes, "must be 1");
        }
    }
    for hook in ["postStart", "preStop"] {
        if !is_set(container, &format!("/lifecycle/{hook}")) {
            continue;
        }
        if init && !sidecar {
            let why = "may not be set for init containers without restartPolicy=Always";
            problems.forbidden(format!("{at}.lifecycle"), why);
            break;
        }
        handler(&container["lifecycle"][hook], &format!("{at}.lifecycle.{hook}"), problems);
    }
}

fn probe(probe: &Value, at: &str, problems: &mut Problems) {
    handler(probe, at, problems);
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        if let Some(value) = number(probe, &format!("/{key}")).filter(|v| *v < 0) {
            problems.invalid(format!("{at}.{key}"), value, "must be greater than or equal to 0");
        }
    }
    if let Some(seconds) = number(probe, "/terminationGracePeriodSeconds").filter(|s| *s <= 0) {
        problems.invalid(format!("{at}.terminationGracePeriodSeconds"), seconds, "must be greater than 0");
    }
}

fn handler(probe: &Value, at: &str, problems: &mut Problems) {
    let kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
    let given: Vec<_> = kinds.into_iter().filter(|k| is_set(probe, &format!("/{k}"))).collect();
    if given.is_empty() {
        return problems.required(at, "must specify a handler type");
    }
    for (position, kind) in given.into_iter().enumerate() {
        let (field, own) = (format!("{at}.{kind}"), &probe[kind]);
        if position > 0 {
            problems.forbidden(field, "may not specify more than 1 handler type");
            continue;
        }
        match kind {
            "exec" if list(own, "/command").is_empty() => problems.required(format!("{field}.command"), ""),
            "httpGet" => {
                if text(own, "/path").is_empty() {
                    problems.required(format!("{field}.path"), "");
                }
                port(own, &field, problems);
                problems.one_of(format!("{field}.scheme"), text(own, "/scheme"), &["HTTP", "HTTPS"]);
            }
            "tcpSocket" | "grpc" => port(own, &field, problems),
            _ => {}
        }
    }
}

fn port(handler: &Value, at: &str, problems: &mut Problems) {
    let field = format!("{at}.port");
    match handler.get("port") {
        Some(Value::String(name)) => problems.rule(field, name, names::port),
        port => in_port_range(port.and_then(Value::as_i64).unwrap_or(0), field, problems),
    }
}
