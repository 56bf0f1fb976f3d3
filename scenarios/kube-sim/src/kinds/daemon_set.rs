//! DaemonSets: defaults, validation and columns.

use serde_json::Value;

use super::kind::{CORE, COUNTED, Kind, Rules, status};
use crate::object::field::{annotation, default_to, is_set, map_mut, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::pods::defaults::fill_spec;
use crate::table::cells::{
    AGE, NAME, age_of, containers, count, labels, name_of, number_column, selector, text_column, wide,
};
use crate::validation::workloads::{immutable, not_negative, selects_template, template};

/// The row of DaemonSets.
pub const DAEMON_SETS: Kind = Kind {
    group: "apps",
    resource: "daemonsets",
    kind: "DaemonSet",
    short: &["ds"],
    categories: &["all"],
    subresources: &[status("DaemonSet")],
    traits: COUNTED,
    rules: Rules {
        fill,
        check,
        columns: &[
            NAME,
            number_column("Desired"),
            number_column("Current"),
            number_column("Ready"),
            number_column("Up-to-date"),
            number_column("Available"),
            text_column("Node Selector"),
            AGE,
            wide("Containers"),
            wide("Images"),
            wide("Selector"),
        ],
        row: |object, now| {
            let mut cells = vec![name_of(object)];
            cells.extend(SHOWN.map(|counter| count(object, &format!("/status/{counter}")).into()));
            cells.push(labels(object, "/spec/template/spec/nodeSelector"));
            cells.push(age_of(object, now));
            cells.extend(containers(object, "/spec/template/spec"));
            cells.push(selector(object, "/spec/selector"));
            cells
        },
    },
    ..CORE
};

/// Annotation that counts the versions of the template.
pub const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const SHOWN: [&str; 5] = [
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
];
const SHOWN_WITH_ZERO: [&str; 4] =
    ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"];

fn fill(object: &mut Value, old: Option<&Value>) {
    map_mut(object, "spec");
    let spec = &mut object["spec"];
    map_mut(spec, "updateStrategy");
    default_to(&mut spec["updateStrategy"], "type", "RollingUpdate");
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        map_mut(&mut spec["updateStrategy"], "rollingUpdate");
        let rolling = &mut spec["updateStrategy"]["rollingUpdate"];
        default_to(rolling, "maxUnavailable", 1);
        default_to(rolling, "maxSurge", 0);
    }
    default_to(spec, "revisionHistoryLimit", 10);
    map_mut(spec, "template");
    map_mut(&mut spec["template"], "spec");
    fill_spec(&mut spec["template"]["spec"]);
    let generation = match old {
        None => 1,
        Some(old) => {
            let known = annotation(old, TEMPLATE_GENERATION).and_then(|text| text.parse().ok()).unwrap_or(1);
            known + i64::from(old["spec"]["template"] != object["spec"]["template"])
        }
    };
    let annotations = map_mut(&mut object["metadata"], "annotations");
    annotations.insert(TEMPLATE_GENERATION.to_owned(), generation.to_string().into());
    map_mut(object, "status");
    for counter in SHOWN_WITH_ZERO {
        default_to(&mut object["status"], counter, 0);
    }
}

fn check(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    selects_template(object, "daemonset", errors);
    template(&object["spec"]["template"]["spec"], "spec.template.spec", "DaemonSet", errors);
    not_negative(object, &["minReadySeconds", "revisionHistoryLimit"], errors);
    strategy(&object["spec"]["updateStrategy"], errors);
    if let Some(old) = old {
        immutable(old, object, &["selector"], errors);
    }
}

fn strategy(strategy: &Value, errors: &mut FieldErrors) {
    let field = "spec.updateStrategy";
    match text(strategy, "/type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let rolling = format!("{field}.rollingUpdate");
            let (unavailable, surge) =
                (&strategy["rollingUpdate"]["maxUnavailable"], &strategy["rollingUpdate"]["maxSurge"]);
            for (name, value) in [("maxUnavailable", unavailable), ("maxSurge", surge)] {
                share(value, format!("{rolling}.{name}"), errors);
            }
            match (is_some(unavailable), is_some(surge)) {
                (true, true) => {
                    let why = "may not be set when maxUnavailable is non-zero";
                    errors.invalid(format!("{rolling}.maxSurge"), surge, why);
                }
                (false, false) => {
                    errors.required(format!("{rolling}.maxUnavailable"), "cannot be 0 when maxSurge is 0");
                }
                _ => {}
            }
        }
        _ => {
            let supported = ["RollingUpdate", "OnDelete"].map(str::to_owned).to_vec();
            errors.push(field, FieldErrorKind::Unsupported(strategy.to_string(), supported));
        }
    }
}

/// True unless the number or the share is zero.
fn is_some(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim_end_matches('%').parse::<i64>() != Ok(0),
        value => value.as_i64().unwrap_or(0) != 0,
    }
}

/// A number that is not negative, or a share of at most 100 %.
fn share(value: &Value, field: String, errors: &mut FieldErrors) {
    match value {
        Value::String(text) => {
            let percent = text.strip_suffix('%').and_then(|number| number.parse::<u32>().ok());
            match percent {
                None => errors.invalid(
                    field,
                    text.as_str(),
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex \
                     used for validation is '[0-9]+%')",
                ),
                Some(percent) if percent > 100 => errors.invalid(field, text.as_str(), "must not be greater than 100%"),
                Some(_) => {}
            }
        }
        value if is_set(value, "") => {
            if let Some(number) = value.as_i64().filter(|number| *number < 0) {
                errors.invalid(field, number, "must be greater than or equal to 0");
            }
        }
        _ => {}
    }
}
