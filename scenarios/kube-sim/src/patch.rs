//! The four kinds of patch: JSON, merge, strategic merge, apply.

pub mod apply;
mod go;
mod strategic;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::decode::Decoded;
use crate::kinds::Kind;
use crate::object::field_error::FieldErrors;
use crate::status::ApiError;
use crate::{decode, schema};

/// Most operations of a JSON patch.
const OPERATIONS_MAX: usize = 10_000;
/// Most bytes that the copies of a JSON patch take together, as in Kubernetes' API server.
const COPIED_MAX: usize = 3 << 20;

/// A patch as received.
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

/// Carries out a JSON patch; what its copies take together is bounded, since each can double an object.
fn apply_operations(current: &Value, patch: &json_patch::Patch) -> Result<Value, ApiError> {
    let text = "the server rejected our request due to an error in our request";
    let misfit = || ApiError::new(422, "Invalid", text);
    let (mut patched, mut copied) = (current.clone(), 0);
    for operation in &patch.0 {
        if let json_patch::PatchOperation::Copy(copy) = operation {
            let from = patched.pointer(copy.from.as_str()).ok_or_else(misfit)?;
            copied += from.to_string().len();
            if copied > COPIED_MAX {
                let message = format!("the copies of a JSON patch take {COPIED_MAX} bytes together at most");
                return Err(ApiError::new(413, "RequestEntityTooLarge", message));
            }
        }
        json_patch::patch(&mut patched, std::slice::from_ref(operation)).map_err(|_| misfit())?;
    }
    Ok(patched)
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
            "application/apply-patch+yaml" => decode::yaml(body).map(Self::Apply),
            _ => Err(ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")),
        }
    }

    /// True for a patch that creates a missing object.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Apply(_))
    }

    /// The patched object, and the findings of strict validation. An apply patch is refused: it needs its manager, see
    /// [`apply::apply`].
    ///
    /// # Errors
    /// When the patch does not fit the object.
    pub fn apply_to(&self, kind: &Kind, current: &Value) -> Result<Decoded, ApiError> {
        let patched = match self {
            Self::Json(patch) => apply_operations(current, patch)?,
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
        decode::conform(patched, &kind.api_version(), kind.kind).map_err(|error| {
            let why = error.message.split_once(": ").map_or(error.message.as_str(), |(_, why)| why);
            self.misfit(current, why)
        })
    }

    /// The refusal of a patch whose outcome cannot be.
    pub fn misfit(&self, current: &Value, why: &str) -> ApiError {
        let shown = match self {
            Self::Merge(patch) => patch.to_string(),
            Self::Strategic(patch) => go::text(patch),
            _ => current.to_string(),
        };
        let mut errors = FieldErrors::default();
        errors.invalid("patch", shown.as_str(), why);
        ApiError::invalid_as("", "", &errors)
    }

    /// Applies a request's `fieldValidation` to the findings of strict validation, and returns the warnings.
    ///
    /// # Errors
    /// 422 when it is strict and there is anything; else the warnings.
    pub fn check_unknown_fields(
        &self,
        current: &Value,
        unknown: Vec<String>,
        validation: &str,
    ) -> Result<Vec<String>, ApiError> {
        match validation {
            "Strict" if !unknown.is_empty() => {
                Err(self.misfit(current, &format!("strict decoding error: {}", unknown.join(", "))))
            }
            "Strict" | "Ignore" => Ok(Vec::new()),
            _ => Ok(unknown),
        }
    }
}
