//! Validation of a container's probes and hooks.

use serde_json::Value;

use super::containers::in_port_range;
use crate::object::field::{is_set, list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;

/// Adds the errors of all probes and hooks of a container.
pub fn check(container: &Value, at: &str, init: bool, errors: &mut FieldErrors) {
    let sidecar = text(container, "/restartPolicy") == "Always";
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if !is_set(container, &format!("/{kind}")) {
            continue;
        }
        let field = format!("{at}.{kind}");
        if init && !sidecar {
            errors.forbidden(field, "may not be set for init containers without restartPolicy=Always");
            continue;
        }
        probe(&container[kind], &field, errors);
        let successes = number(&container[kind], "/successThreshold").unwrap_or(1);
        if kind != "readinessProbe" && successes != 1 {
            errors.invalid(format!("{field}.successThreshold"), successes, "must be 1");
        }
    }
    for hook in ["postStart", "preStop"] {
        if !is_set(container, &format!("/lifecycle/{hook}")) {
            continue;
        }
        if init && !sidecar {
            let why = "may not be set for init containers without restartPolicy=Always";
            errors.forbidden(format!("{at}.lifecycle"), why);
            break;
        }
        handler(&container["lifecycle"][hook], &format!("{at}.lifecycle.{hook}"), errors);
    }
}

fn probe(probe: &Value, at: &str, errors: &mut FieldErrors) {
    handler(probe, at, errors);
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        if let Some(value) = number(probe, &format!("/{key}")).filter(|v| *v < 0) {
            errors.invalid(format!("{at}.{key}"), value, "must be greater than or equal to 0");
        }
    }
    if let Some(seconds) = number(probe, "/terminationGracePeriodSeconds").filter(|s| *s <= 0) {
        errors.invalid(format!("{at}.terminationGracePeriodSeconds"), seconds, "must be greater than 0");
    }
}

fn handler(probe: &Value, at: &str, errors: &mut FieldErrors) {
    let kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
    let given: Vec<_> = kinds.into_iter().filter(|k| is_set(probe, &format!("/{k}"))).collect();
    if given.is_empty() {
        return errors.required(at, "must specify a handler type");
    }
    for (position, kind) in given.into_iter().enumerate() {
        let (field, own) = (format!("{at}.{kind}"), &probe[kind]);
        if position > 0 {
            errors.forbidden(field, "may not specify more than 1 handler type");
            continue;
        }
        match kind {
            "exec" if list(own, "/command").is_empty() => errors.required(format!("{field}.command"), ""),
            "httpGet" => {
                if text(own, "/path").is_empty() {
                    errors.required(format!("{field}.path"), "");
                }
                port(own, &field, errors);
                errors.one_of(format!("{field}.scheme"), text(own, "/scheme"), &["HTTP", "HTTPS"]);
            }
            "tcpSocket" | "grpc" => port(own, &field, errors),
            _ => {}
        }
    }
}

fn port(handler: &Value, at: &str, errors: &mut FieldErrors) {
    let field = format!("{at}.port");
    match handler.get("port") {
        Some(Value::String(name)) => errors.rule(field, name, names::port),
        port => in_port_range(port.and_then(Value::as_i64).unwrap_or(0), field, errors),
    }
}
