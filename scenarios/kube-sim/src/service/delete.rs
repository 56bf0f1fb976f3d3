//! Deletion: at once, gracefully, or when the last finalizer is gone.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::admit::Admission;
use super::call::{Call, stored};
use super::options;
use super::read;
use super::response::ApiResponse;
use super::target::Target;
use crate::admission::attributes::Operation;
use crate::decode;
use crate::kinds::Kind;
use crate::managed_fields::shown;
use crate::meta;
use crate::object::field::{at, is_terminating, list, name, number, text, uid};
use crate::object::field_error::{FieldError, FieldErrorKind, FieldErrors};
use crate::object::{finalizers, timestamp};
use crate::pods::deletion::{self, Deletion};
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::{Store, StoreError};

/// The options of a deletion.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Grace period of a pod in seconds; `None` for the pod's own.
    pub grace: Option<i64>,
    /// `Foreground`, `Background`, `Orphan`; empty for the kind's own way.
    pub propagation: String,
    /// The uid the object has to have.
    pub uid: Option<String>,
    /// The resource version the object has to have.
    pub version: Option<String>,
    /// True when the deletion is a dry run.
    pub dry_run: bool,
}

impl Options {
    /// Reads the options from the body, or from the query when there is none.
    fn read(call: &Call) -> Result<Self, ApiError> {
        let mut errors = FieldErrors::default();
        let options = match call.body.is_empty() {
            true => Self::of_query(call, &mut errors)?,
            false => Self::of_body(call, &mut errors)?,
        };
        if !matches!(options.propagation.as_str(), "" | "Foreground" | "Background" | "Orphan") {
            let supported = ["Foreground", "Background", "Orphan", "nil"].map(str::to_owned).to_vec();
            let shown = format!("{:?}", options.propagation);
            // The real server looks at the policy before the dry run.
            let error = FieldErrorKind::Unsupported(shown, supported);
            errors.0.insert(0, FieldError { field: "propagationPolicy".to_owned(), kind: error });
        }
        match errors.0.is_empty() {
            true => Ok(options),
            false => Err(ApiError::invalid_as("DeleteOptions.meta.k8s.io", "", &errors)),
        }
    }

    fn of_query(call: &Call, errors: &mut FieldErrors) -> Result<Self, ApiError> {
        let propagation = match call.flag("orphanDependents") {
            true => "Orphan",
            false => call.option("propagationPolicy"),
        };
        Ok(Self {
            grace: call.number("gracePeriodSeconds")?,
            propagation: propagation.to_owned(),
            dry_run: options::dry_run(&call.options("dryRun"), errors),
            ..Self::default()
        })
    }

    fn of_body(call: &Call, errors: &mut FieldErrors) -> Result<Self, ApiError> {
        let body = decode::raw(&call.content_type, &call.body)?;
        let body = decode::conform(body, "v1", "DeleteOptions").map_err(unreadable)?.object;
        let owned = |path| at(&body, path).and_then(Value::as_str).map(str::to_owned);
        let dry_run: Vec<_> = list(&body, "/dryRun").iter().filter_map(Value::as_str).collect();
        Ok(Self {
            grace: number(&body, "/gracePeriodSeconds"),
            propagation: text(&body, "/propagationPolicy").to_owned(),
            uid: owned("/preconditions/uid"),
            version: owned("/preconditions/resourceVersion"),
            dry_run: options::dry_run(&dry_run, errors),
        })
    }
}

/// The real server says of options that cannot be read only what its reader said.
fn unreadable(error: ApiError) -> ApiError {
    let said = error.message.rsplit("DeleteOptions: ").next().unwrap_or_default();
    ApiError::new(500, "", said.replace("Go struct field ", "Go struct field DeleteOptions."))
}

/// The outcome of a deletion.
pub enum Outcome {
    /// The object is still stored and is being deleted.
    Terminating(Arc<Value>),
    /// The object is gone; this is its last version.
    Gone(Arc<Value>),
}

/// `DELETE` of one object.
pub async fn one(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let kind = target.kind;
    let options = Options::read(call)?;
    let object = stored(call, kind, &target.namespace, &target.name)?;
    let admission = Admission::new(call, target, Operation::Delete, Some(&object), options.dry_run);
    admission.check_namespace(&target.name)?;
    admission.validate(&mut Value::Null, &mut Vec::new()).await?;
    let outcome =
        delete(call.sim.store(), kind, &target.namespace, &target.name, &options, call.sim.clock().now())?;
    Ok(match outcome {
        Outcome::Terminating(object) => ApiResponse::json(shown::object(&object)),
        Outcome::Gone(object) if is_returned(kind) => ApiResponse::json(shown::object(&object)),
        Outcome::Gone(object) => {
            let mut details = kind.details(&target.name);
            details["uid"] = uid(&object).into();
            ApiResponse::json(
                json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
            )
        }
    })
}

/// True for a kind of which a deletion returns the last version, and not a `Status`.
fn is_returned(kind: &Kind) -> bool {
    let kinds = ["persistentvolumeclaims", "pods", "serviceaccounts", "services"];
    kind.group.is_empty() && kinds.contains(&kind.resource)
}

/// `DELETE` of all objects that the selectors match.
pub async fn collection(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let kind = target.kind;
    if !kind.verbs().contains(&"deletecollection") {
        return Err(ApiError::method_not_allowed());
    }
    read::check_list_options(call)?;
    let options = Options::read(call)?;
    let selector = Selector::parse(kind, call.option("labelSelector"), call.option("fieldSelector"))?;
    let (objects, revision) = call.sim.store().list(kind.storage(), target.scope());
    let mut deleted = Vec::new();
    for object in objects.iter().filter(|object| selector.matches(object)) {
        let namespace = text(object, "/metadata/namespace");
        match delete(call.sim.store(), kind, namespace, name(object), &options, call.sim.clock().now()) {
            Ok(Outcome::Terminating(object) | Outcome::Gone(object)) => deleted.push((*object).clone()),
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let kinds = format!("{}List", kind.kind);
    let metadata = json!({"resourceVersion": revision.to_string()});
    Ok(ApiResponse::json(
        json!({"kind": kinds, "apiVersion": kind.api_version(), "metadata": metadata, "items": deleted}),
    ))
}

/// Deletes an object by the rules of its kind; used by requests and controllers alike.
///
/// # Errors
/// 404 when there is no such object, 409 when a precondition does not hold or eight attempts lose against other writes.
pub fn delete(
    store: &Store,
    kind: &Kind,
    namespace: &str,
    known: &str,
    options: &Options,
    now: Timestamp,
) -> Result<Outcome, ApiError> {
    for _ in 0..8 {
        let object =
            store.get(kind.storage(), namespace, known).ok_or_else(|| ApiError::not_found(kind, known))?;
        check_preconditions(kind, &object, options)?;
        let writes = Writes { store, kind, dry_run: options.dry_run };
        match attempt(writes, &object, options, now) {
            Ok(outcome) => return Ok(outcome),
            Err(StoreError::NotFound) => return Err(ApiError::not_found(kind, known)),
            Err(_) => {}
        }
    }
    Err(ApiError::stale(kind, known))
}

fn check_preconditions(kind: &Kind, object: &Value, options: &Options) -> Result<(), ApiError> {
    let version = text(object, "/metadata/resourceVersion");
    for (what, wanted, have) in
        [("UID", &options.uid, uid(object)), ("ResourceVersion", &options.version, version)]
    {
        if let Some(wanted) = wanted
            && wanted != have
        {
            return Err(ApiError::precondition(kind, name(object), what, wanted, have));
        }
    }
    Ok(())
}

/// The writes of a deletion; those of a dry run go nowhere.
#[derive(Clone, Copy)]
struct Writes<'a> {
    store: &'a Store,
    kind: &'a Kind,
    dry_run: bool,
}

impl Writes<'_> {
    fn replace(&self, object: &Arc<Value>, next: Value) -> Result<Arc<Value>, StoreError> {
        match self.dry_run {
            true => Ok(Arc::new(next)),
            false => self.store.replace(self.kind.storage(), object, next),
        }
    }

    fn remove(&self, object: &Arc<Value>) -> Result<Arc<Value>, StoreError> {
        match self.dry_run {
            true => Ok(Arc::clone(object)),
            false => self.store.remove(self.kind.storage(), object),
        }
    }
}

fn attempt(
    writes: Writes<'_>,
    object: &Arc<Value>,
    options: &Options,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let kind = writes.kind;
    let mut next = (**object).clone();
    hold(&mut next, &options.propagation);
    let held = !list(&next, "/metadata/finalizers").is_empty();
    let is_pod = kind.group.is_empty() && kind.resource == "pods";
    let is_namespace = kind.group.is_empty() && kind.resource == "namespaces";
    let decided = if is_pod { deletion::decide(object, options.grace, now) } else { Deletion::Immediate };
    match decided {
        Deletion::AlreadyTerminating => return Ok(Outcome::Terminating(object.clone())),
        Deletion::Graceful { by, seconds } => mark(kind, &mut next, by, seconds),
        Deletion::Immediate if is_namespace => {
            mark(kind, &mut next, now, 0);
            next["status"]["phase"] = "Terminating".into();
        }
        Deletion::Immediate if held => {
            if is_terminating(object) && next == **object {
                return Ok(Outcome::Terminating(object.clone()));
            }
            mark(kind, &mut next, now, 0);
        }
        Deletion::Immediate => {
            if is_pod {
                mark(kind, &mut next, now, 0);
                let marked = writes.replace(object, next)?;
                return writes.remove(&marked).map(Outcome::Gone);
            }
            return writes.remove(object).map(Outcome::Gone);
        }
    }
    writes.replace(object, next).map(Outcome::Terminating)
}

/// Adds the finalizer that lets the garbage collector treat dependents first.
fn hold(object: &mut Value, propagation: &str) {
    let finalizer = match propagation {
        "Foreground" => finalizers::FOREGROUND,
        "Orphan" => finalizers::ORPHAN,
        _ => return,
    };
    let held = crate::object::field::list_mut(&mut object["metadata"], "finalizers");
    if !held.iter().any(|f| f == finalizer) {
        held.push(finalizer.into());
    }
}

fn mark(kind: &Kind, object: &mut Value, by: Timestamp, seconds: i64) {
    let first = !is_terminating(object);
    if first || seconds > 0 || object["metadata"]["deletionGracePeriodSeconds"] != seconds {
        object["metadata"]["deletionTimestamp"] = timestamp::seconds(by).into();
        object["metadata"]["deletionGracePeriodSeconds"] = seconds.into();
    }
    if first && kind.traits.generation {
        meta::count_generation(object);
    }
}
