//! Validation of deployments, replica sets and jobs.

use serde_json::Value;

use crate::label_selector::selects;
use crate::object::field::{number, text};
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

/// Adds the errors of a job.
pub fn job(object: &Value, errors: &mut FieldErrors) {
    let counts =
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"];
    not_negative(object, &counts, errors);
    pods::spec_of(&object["spec"]["template"]["spec"], "spec.template.spec", errors);
    let policy = text(object, "/spec/template/spec/restartPolicy");
    let field = "spec.template.spec.restartPolicy";
    match policy {
        "OnFailure" | "Never" => {}
        "Always" => errors.required(field, "valid values: \"OnFailure\", \"Never\""),
        other => errors.one_of(field, other, &["OnFailure", "Never"]),
    }
}

fn not_negative(object: &Value, fields: &[&str], errors: &mut FieldErrors) {
    for field in fields {
        if let Some(count) = number(object, &format!("/spec/{field}")).filter(|count| *count < 0) {
            let why = "must be greater than or equal to 0";
            errors.invalid(format!("spec.{field}"), count, why);
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
