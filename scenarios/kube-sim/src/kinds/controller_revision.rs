//! ControllerRevisions: validation and columns.

use serde_json::Value;

use super::kind::{CORE, Kind, NO_RULES, Rules};
use crate::object::field::{controller, number, text};
use crate::object::field_error::FieldErrors;
use crate::table::cells::{AGE, NAME, age_of, count, name_of, text_column};

/// The row of ControllerRevisions.
pub const CONTROLLER_REVISIONS: Kind = Kind {
    group: "apps",
    resource: "controllerrevisions",
    kind: "ControllerRevision",
    rules: Rules {
        check,
        columns: &[NAME, text_column("Controller"), text_column("Revision"), AGE],
        row: |object, now| {
            let owner = controller(object).map_or("<none>".to_owned(), shown);
            vec![name_of(object), owner.into(), count(object, "/revision").into(), age_of(object, now)]
        },
        ..NO_RULES
    },
    ..CORE
};

/// The owner as `statefulset.apps/web`.
fn shown(owner: &Value) -> String {
    let kind = text(owner, "/kind").to_ascii_lowercase();
    let group = text(owner, "/apiVersion").rsplit_once('/').map(|(group, _)| format!(".{group}"));
    format!("{kind}{}/{}", group.unwrap_or_default(), text(owner, "/name"))
}

fn check(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    if object["data"].is_null() {
        errors.required("data", "data is mandatory");
    }
    if let Some(revision) = number(object, "/revision").filter(|revision| *revision < 0) {
        errors.invalid("revision", revision, "must be greater than or equal to 0");
    }
    if old.is_some_and(|old| old["data"] != object["data"]) {
        errors.invalid("data", &object["data"], "field is immutable");
    }
}
