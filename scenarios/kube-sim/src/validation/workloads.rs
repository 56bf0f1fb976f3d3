//! Validation of deployments, replica sets and jobs.

use serde_json::Value;

use crate::label_selector::{is_empty, selects};
use crate::object::field::{is_set, list, number, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::pods::validate as pods;

/// Adds the errors of a deployment or a replica set.
pub fn replicated(object: &Value, errors: &mut FieldErrors) {
    not_negative(object, &["replicas", "minReadySeconds", "revisionHistoryLimit"], errors);
    let selector = object.pointer("/spec/selector").filter(|selector| !selector.is_null());
    if selector.is_none() {
        errors.required("spec.selector", "");
    } else if !selects(selector, &object["spec"]["template"]) {
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        errors.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        );
    }
    pods::spec_of(&object["spec"]["template"]["spec"], "spec.template.spec", errors);
    let policy = text(object, "/spec/template/spec/restartPolicy");
    errors.one_of("spec.template.spec.restartPolicy", policy, &["Always"]);
}

/// Adds an error for a selector that takes nothing, everything, or not what the template is labelled with; `kind` as the
/// error names it.
pub fn selects_template(object: &Value, kind: &str, errors: &mut FieldErrors) {
    let selector = object.pointer("/spec/selector").filter(|selector| !selector.is_null());
    let Some(selector) = selector else { return errors.required("spec.selector", "") };
    if is_empty(selector) {
        errors.invalid("spec.selector", selector, format!("empty selector is invalid for {kind}"));
    } else if !selects(Some(selector), &object["spec"]["template"]) {
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        let why = "`selector` does not match template `labels`";
        errors.invalid("spec.template.metadata.labels", labels, why);
    }
}

/// Adds the errors of the pods of a workload that serves; `kind` as the error names it.
pub fn template(spec: &Value, field: &str, kind: &str, errors: &mut FieldErrors) {
    pods::spec_of(spec, field, errors);
    errors.one_of(format!("{field}.restartPolicy"), text(spec, "/restartPolicy"), &["Always"]);
    if is_set(spec, "/activeDeadlineSeconds") {
        let why = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.forbidden(format!("{field}.activeDeadlineSeconds"), &why);
    }
}

/// Adds the errors of a job's specification that stands at `at` (`spec`, or `spec.jobTemplate.spec` in a CronJob).
pub fn job(spec: &Value, at: &str, errors: &mut FieldErrors) {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    not_negative_at(spec, at, &counts, errors);
    indexed(spec, at, errors);
    let field = format!("{at}.template.spec");
    pods::spec_of(&spec["template"]["spec"], &field, errors);
    let field = format!("{field}.restartPolicy");
    match text(spec, "/template/spec/restartPolicy") {
        "OnFailure" | "Never" => {}
        "Always" => errors.required(field, "valid values: \"OnFailure\", \"Never\""),
        other => errors.one_of(field, other, &["OnFailure", "Never"]),
    }
}

/// Adds the errors of what only an Indexed Job has, and of the replacement of pods.
fn indexed(spec: &Value, at: &str, errors: &mut FieldErrors) {
    let (limit, most) = (number(spec, "/backoffLimitPerIndex"), number(spec, "/maxFailedIndexes"));
    let completions = number(spec, "/completions");
    if most.is_some() && limit.is_none() {
        errors.required(format!("{at}.backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    let is_indexed = text(spec, "/completionMode") == "Indexed";
    if is_indexed && completions.is_none() {
        errors.required(format!("{at}.completions"), "when completion mode is Indexed");
    }
    if let (true, Some(most), Some(all)) = (is_indexed, most, completions)
        && most > all
    {
        errors.invalid(format!("{at}.maxFailedIndexes"), most, "must be less than or equal to completions");
    }
    let needs_indexes = "requires indexed completion mode";
    for (field, value) in [("backoffLimitPerIndex", limit), ("maxFailedIndexes", most)] {
        if let Some(value) = value.filter(|_| !is_indexed) {
            errors.invalid(format!("{at}.{field}"), value, needs_indexes);
        }
    }
    if is_set(spec, "/successPolicy") {
        match is_indexed {
            true => success_policy(spec, at, completions.unwrap_or(0), errors),
            false => {
                let shown = FieldErrorKind::Invalid(go_success_policy(spec), needs_indexes.to_owned());
                errors.push(format!("{at}.successPolicy"), shown);
            }
        }
    }
    let replacement = text(spec, "/podReplacementPolicy");
    let with_failures = is_set(spec, "/podFailurePolicy");
    let known: &[&str] = if with_failures { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    if !replacement.is_empty() {
        errors.one_of(format!("{at}.podReplacementPolicy"), replacement, known);
    }
}

/// The policy as Go's internal type shows it.
fn go_success_policy(spec: &Value) -> String {
    let rules = list(spec, "/successPolicy/rules").iter();
    let rules = rules.map(|rule| {
        format!(
            "{{\"SucceededIndexes\":{},\"SucceededCount\":{}}}",
            rule["succeededIndexes"], rule["succeededCount"]
        )
    });
    format!("{{\"Rules\":[{}]}}", rules.collect::<Vec<_>>().join(","))
}

fn success_policy(spec: &Value, at: &str, completions: i64, errors: &mut FieldErrors) {
    let path = format!("{at}.successPolicy.rules");
    let rules = list(spec, "/successPolicy/rules");
    if rules.is_empty() {
        errors.required(
            path.as_str(),
            "at least one rules must be specified when the successPolicy is specified",
        );
    }
    for (at, rule) in rules.iter().enumerate() {
        let (count, path) = (number(rule, "/succeededCount"), format!("{path}[{at}]"));
        if count.is_none() && !is_set(rule, "/succeededIndexes") {
            let why = "at least one of succeededCount or succeededIndexes must be specified";
            errors.required(path.clone(), why);
        }
        if let Some(count) = count.filter(|count| *count > completions) {
            let why =
                format!("must be less than or equal to {completions} (the number of specified completions)");
            errors.invalid(format!("{path}.succeededCount"), count, why);
        }
    }
}

/// Adds an error for each of `fields` of the specification that is negative.
pub fn not_negative(object: &Value, fields: &[&str], errors: &mut FieldErrors) {
    not_negative_at(&object["spec"], "spec", fields, errors);
}

fn not_negative_at(spec: &Value, at: &str, fields: &[&str], errors: &mut FieldErrors) {
    for field in fields {
        if let Some(count) = number(spec, &format!("/{field}")).filter(|count| *count < 0) {
            let why = "must be greater than or equal to 0";
            errors.invalid(format!("{at}.{field}"), count, why);
        }
    }
}

/// Adds an error for each of `fields` of the specification that changed.
pub fn immutable(old: &Value, new: &Value, fields: &[&str], errors: &mut FieldErrors) {
    for field in fields.iter().filter(|field| old["spec"][**field] != new["spec"][**field]) {
        let shown = new["spec"][*field].to_string();
        errors.push(format!("spec.{field}"), FieldErrorKind::Invalid(shown, "field is immutable".to_owned()));
    }
}
