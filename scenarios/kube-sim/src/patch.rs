//! The four kinds of patch: JSON, merge, strategic merge, apply.

pub mod apply;
mod strategic;

use serde_json::Value;

use crate::kinds::Kind;
use crate::pods::problem::Problems;
use crate::schema;
use crate::status::ApiError;

/// How many operations a JSON patch may have.
const OPERATIONS_MAX: usize = 10_000;

/// A patch as it came.
#[derive(Debug, Clone)]
pub enum Patch {
    /// A list of operations.
    Json(json_patch::Patch),
    /// An object whose nulls delete.
    Merge(Value),
    /// An object whose lists merge by key.
    Strategic(Value),
    /// An object that its manager wants to be so.
    Apply(Value),
}

impl Patch {
    /// Reads a patch by its content type.
    ///
    /// # Errors
    /// 415 for another type, 400 and 413 for what cannot be read.
    pub fn read(content_type: &str, body: &[u8]) -> Result<Self, ApiError> {
        let json = |body: &[u8]| {
            serde_json::from_slice::<Value>(body).map_err(|e| {
                let text = if e.is_eof() { "unexpected end of JSON input".to_owned() } else { e.to_string() };
                ApiError::bad_request(text)
            })
        };
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => {
                let raw = json(body)?;
                if raw.as_array().is_some_and(|operations| operations.len() > OPERATIONS_MAX) {
                    let message =
                        format!("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}");
                    return Err(ApiError::new(413, "RequestEntityTooLarge", message));
                }
                let patch = serde_json::from_value(raw);
                patch.map(Self::Json).map_err(|e| ApiError::bad_request(format!("error decoding patch: {e}")))
            }
            "application/merge-patch+json" => Ok(Self::Merge(json(body)?)),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic(json(body)?)),
            "application/apply-patch+yaml" => crate::decode::yaml(body).map(Self::Apply),
            _ => Err(ApiError::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, \
                 application/apply-patch+yaml",
            )),
        }
    }

    /// Whether a missing object is created by it.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Apply(_))
    }

    /// What becomes of an object; apply is not one of them, since it needs to know its manager.
    ///
    /// # Errors
    /// When the patch does not fit the object.
    pub fn on(&self, kind: &Kind, current: &Value) -> Result<Value, ApiError> {
        let patched = match self {
            Self::Json(patch) => {
                let mut patched = current.clone();
                json_patch::patch(&mut patched, patch).map_err(|_| {
                    ApiError::new(
                        422,
                        "Invalid",
                        "the server rejected our request due to an error in our request",
                    )
                })?;
                patched
            }
            Self::Merge(patch) => {
                let mut patched = current.clone();
                json_patch::merge(&mut patched, patch);
                patched
            }
            Self::Strategic(patch) => {
                let root = schema::of_kind(&kind.api_version(), kind.kind);
                strategic::merge(current.clone(), patch.clone(), root.as_ref())?
            }
            Self::Apply(_) => return Err(ApiError::internal("an apply patch has no manager")),
        };
        let decoded = crate::decode::conform(patched, &kind.api_version(), kind.kind).map_err(|error| {
            let why = error.message.split_once(": ").map_or(error.message.clone(), |(_, why)| why.to_owned());
            let mut problems = Problems::default();
            problems.invalid("patch", "", why);
            ApiError::invalid_as("", "", &problems)
        })?;
        Ok(decoded.object)
    }
}
