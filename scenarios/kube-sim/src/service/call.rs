//! A request to the API, read as far as every verb needs it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

use super::options;
use crate::authn::User;
use crate::kinds::Kind;
use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::sim::KubeSim;
use crate::status::ApiError;

/// Most bytes in the name of a field manager.
const MANAGER_LENGTH_MAX: usize = 128;

/// A request, read as far as every verb needs it.
pub struct Call {
    pub sim: KubeSim,
    pub user: User,
    pub method: Method,
    /// Path and query as they were sent.
    pub uri: Uri,
    /// All headers as they were sent.
    pub headers: HeaderMap,
    pub query: Vec<(String, String)>,
    pub accept: String,
    pub content_type: String,
    pub user_agent: String,
    pub if_none_match: String,
    pub body: Bytes,
}

impl Call {
    /// The value of a query parameter; empty when it is not there.
    pub fn option(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub fn options(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// True for a query parameter that is there and neither `0` nor `false`.
    pub fn flag(&self, name: &str) -> bool {
        self.query.iter().find(|(key, _)| key == name).is_some_and(|(_, value)| options::truth(value))
    }

    /// The whole number in a query parameter; `None` when it is not there.
    ///
    /// # Errors
    /// 400 for a value that is no number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let given = self.query.iter().find(|(key, _)| key == name);
        given.map(|(_, value)| options::whole_number(value)).transpose()
    }

    /// True for a dry run; checks all options of a write on the way.
    ///
    /// # Errors
    /// 422 for an option that cannot be as it is.
    pub fn dry_run(&self, kind: &str) -> Result<bool, ApiError> {
        let kind = if self.method == Method::PATCH { "PatchOptions" } else { kind };
        let mut errors = FieldErrors::default();
        let dry_run = options::dry_run(&self.options("dryRun"), &mut errors);
        let manager = self.option("fieldManager");
        if manager.len() > MANAGER_LENGTH_MAX {
            errors.push("fieldManager", FieldErrorKind::TooLong(MANAGER_LENGTH_MAX));
        }
        if manager.chars().any(char::is_control) {
            errors.invalid("fieldManager", manager, "should only contain printable characters");
        }
        errors.one_of("fieldValidation", self.option("fieldValidation"), &["", "Ignore", "Strict", "Warn"]);
        match errors.0.is_empty() {
            true => Ok(dry_run),
            false => Err(ApiError::invalid_as(&format!("{kind}.meta.k8s.io"), "", &errors)),
        }
    }

    /// The writer's name in `managedFields`: `fieldManager`, or the first part of the user agent.
    pub fn field_manager(&self) -> &str {
        match self.option("fieldManager") {
            "" => self.user_agent.split('/').next().unwrap_or_default(),
            given => given,
        }
    }
}

/// The stored object; 404 when there is none.
pub fn stored(call: &Call, kind: &Kind, namespace: &str, name: &str) -> Result<Arc<Value>, ApiError> {
    call.sim.store().get(kind.storage(), namespace, name).ok_or_else(|| ApiError::not_found(kind, name))
}
