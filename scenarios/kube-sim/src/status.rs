//! Errors of the API, rendered as the real server's `Status`.

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::object::field_error::FieldErrors;

/// A request that was turned down.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, as in `NotFound`; may be empty.
    pub reason: &'static str,
    /// Sentence for a person.
    pub message: String,
    /// The `details` of the Status: the object, the causes, the seconds to wait; a JSON object, or null for none.
    pub details: Value,
}

impl ApiError {
    /// Anything that has no constructor of its own.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    /// The object is not there.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", kind.qualified());
        Self { details: kind.details(name), ..Self::new(404, "NotFound", message) }
    }

    /// The path leads nowhere within a known group.
    pub fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// An object of this name is there already.
    pub fn already_exists(kind: &Kind, name: &str, is_terminating: bool) -> Self {
        let prefix = if is_terminating { "object is being deleted: " } else { "" };
        let message = format!("{prefix}{} {name:?} already exists", kind.qualified());
        Self { details: kind.details(name), ..Self::new(409, "AlreadyExists", message) }
    }

    /// The object has changed since it was read.
    pub fn stale(kind: &Kind, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// The operation does not go with what is stored.
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.qualified());
        Self { details: kind.details(name), ..Self::new(409, "Conflict", message) }
    }

    /// A precondition of a deletion does not hold.
    pub fn precondition(kind: &Kind, name: &str, what: &str, wanted: &str, have: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: the {what} in the precondition ({wanted}) does not match the \
             {what} in record ({have}). The object might have been deleted and then recreated",
            kind.kind
        );
        let details = json!({"name": name, "kind": kind.kind});
        Self { details, ..Self::new(409, "Conflict", message) }
    }

    /// The body, the query or the path cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The verb is not for this path.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// Fields cannot be as they are.
    pub fn invalid(kind: &Kind, name: &str, errors: &FieldErrors) -> Self {
        let qualified = if kind.group.is_empty() {
            kind.kind.to_owned()
        } else {
            format!("{}.{}", kind.kind, kind.group)
        };
        let mut error = Self::invalid_as(&qualified, name, errors);
        error.details["kind"] = kind.kind.into();
        if !kind.group.is_empty() {
            error.details["group"] = kind.group.into();
        }
        error
    }

    /// Fields of something that is no stored kind cannot be as they are, as of `ListOptions.meta.k8s.io`.
    pub fn invalid_as(qualified: &str, name: &str, errors: &FieldErrors) -> Self {
        let texts: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        let list = if texts.len() == 1 { texts[0].clone() } else { format!("[{}]", texts.join(", ")) };
        let causes: Vec<_> = errors
            .0
            .iter()
            .map(|p| json!({"reason": p.kind.reason(), "message": p.kind.to_string(), "field": p.field}))
            .collect();
        let (kind, group) = qualified.split_once('.').unwrap_or((qualified, ""));
        let details = json!({"name": name, "group": group, "kind": kind, "causes": causes});
        Self { details, ..Self::new(422, "Invalid", format!("{qualified} {name:?} is invalid: {list}")) }
    }

    /// Admission or a rule forbids it.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let about = if name.is_empty() { kind.qualified() } else { format!("{} {name:?}", kind.qualified()) };
        let message = format!("{about} is forbidden: {why}");
        let mut details = kind.details(name);
        if name.is_empty()
            && let Some(members) = details.as_object_mut()
        {
            members.shift_remove("name");
        }
        Self { details, ..Self::new(403, "Forbidden", message) }
    }

    /// A watch or a page begins before what is remembered.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// Something went wrong on the way.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        let details = json!({"causes": [{"message": why.to_string()}]});
        Self { details, ..Self::new(500, "InternalError", format!("Internal error occurred: {why}")) }
    }

    /// The object on the wire.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        let mut details = self.details.clone();
        if let Some(members) = details.as_object_mut() {
            members.retain(|_, value| value != "");
        }
        // What has no reason, or is wrong with the request itself, has no details, and not empty ones.
        let bare = matches!(self.reason, "" | "BadRequest") && details == json!({});
        if !bare && !details.is_null() {
            status["details"] = details;
        }
        status["code"] = self.code.into();
        status
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
