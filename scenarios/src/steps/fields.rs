//! The fields that a step's `has` names: each is one that objects of the kind have, else a `null` would always be met.

use eci_sim::text::did_you_mean;
use kube_sim::fields;
use serde_json::{Map, Value};

use crate::scenario::error::CaseError;

/// Checks the names in `has`; the fields of a kind that is not known here are not checked.
pub(super) fn check(api_version: &str, kind: &str, has: &Map<String, Value>) -> Result<(), CaseError> {
    let Some(unknown) = fields::unknown(api_version, kind, &Value::Object(has.clone())) else {
        return Ok(());
    };
    let holder = match unknown.holder.as_str() {
        "" => kind.to_owned(),
        place => format!("{place} of {kind}"),
    };
    let near = did_you_mean(&unknown.name, unknown.known);
    Err(CaseError::NoSuchField { holder, name: unknown.name, near })
}
