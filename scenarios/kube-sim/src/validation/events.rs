//! Validation of events: loose in the core group, strict in `events.k8s.io`.

use serde_json::Value;

use crate::object::field::{is_set, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};

const REASON_LENGTH_MAX: usize = 128;
const NOTE_BYTES_MAX: usize = 1024;

/// Adds the errors of an event in the core's form.
pub fn core(event: &Value, errors: &mut FieldErrors) {
    place(event, "involvedObject", errors);
}

fn place(event: &Value, field: &str, errors: &mut FieldErrors) {
    let (own, about) = (text(event, "/metadata/namespace"), text(event, "/involvedObject/namespace"));
    if own != about && !(about.is_empty() && own == "default") {
        errors.invalid(format!("{field}.namespace"), about, "does not match event.namespace");
    }
}

/// Adds the errors of an event that came in the form of `events.k8s.io`; `event` is in the core's, as stored.
pub fn newer(event: &Value, errors: &mut FieldErrors) {
    place(event, "regarding", errors);
    if !is_set(event, "/eventTime") {
        errors.required("eventTime", "");
    }
    for (field, path) in
        [("reportingController", "/reportingComponent"), ("reportingInstance", "/reportingInstance")]
    {
        let value = text(event, path);
        if value.is_empty() {
            errors.required(field, "");
        } else if value.len() > REASON_LENGTH_MAX {
            errors.push(field, FieldErrorKind::TooLong(REASON_LENGTH_MAX));
        }
    }
    for field in ["action", "reason"] {
        let value = text(event, &format!("/{field}"));
        if value.is_empty() {
            errors.required(field, "");
        } else if value.len() > REASON_LENGTH_MAX {
            errors.push(field, FieldErrorKind::TooLong(REASON_LENGTH_MAX));
        }
    }
    match text(event, "/type") {
        "Normal" | "Warning" => {}
        other => errors.one_of("type", other, &["Normal", "Warning"]),
    }
    if text(event, "/message").len() > NOTE_BYTES_MAX {
        errors.push("note", FieldErrorKind::TooLong(NOTE_BYTES_MAX));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(check: impl Fn(&Value, &mut FieldErrors), event: &Value) -> Vec<String> {
        let mut errors = FieldErrors::default();
        check(event, &mut errors);
        errors.0.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn the_newer_group_asks_for_more() {
        let event = json!({"metadata": {"namespace": "a"}, "involvedObject": {"namespace": "a"}});
        assert!(fields(core, &event).is_empty());
        let wanted = ["eventTime", "reportingController", "reportingInstance", "action", "reason", "type"];
        assert_eq!(fields(newer, &event), wanted);
    }

    #[test]
    fn an_event_lies_where_its_object_does() {
        for (own, about, fits) in
            [("a", "a", true), ("default", "", true), ("a", "", false), ("a", "b", false)]
        {
            let event = json!({"metadata": {"namespace": own}, "involvedObject": {"namespace": about}});
            assert_eq!(fields(core, &event).is_empty(), fits, "{own} {about}");
        }
    }
}
