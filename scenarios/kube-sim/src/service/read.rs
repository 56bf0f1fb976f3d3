//! Reads: get, list and watch.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures::StreamExt;
use serde_json::{Value, json};

use super::call::{Call, stored};
use super::response::ApiResponse;
use super::target::Target;
use crate::object::field::{name, namespace};
use crate::object::field_error::FieldErrors;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::Snapshot;
use crate::table::View;
use crate::watch::{self, WatchRequest};

/// Longest wait of a read for a version that is still to come.
const VERSION_TIMEOUT: Duration = Duration::from_secs(3);

/// `GET` of one object.
pub async fn get(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?.at(call.sim.clock().now());
    wait_for_version(call, call.option("resourceVersion")).await?;
    let object = stored(call, target.kind, &target.namespace, &target.name)?;
    if !view.is_the_same_for_all() {
        return Ok(ApiResponse::written(view.text(target.kind, &object, true)));
    }
    let text = || (view.text(target.kind, &object, true) + "\n").into();
    Ok(ApiResponse::line(call.sim.store().text_of(target.kind, &object, text)))
}

/// `GET` of all objects that the selectors match, in pages if asked.
pub async fn list(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?.at(call.sim.clock().now());
    let selector = selector(call, target)?;
    check_list_options(call)?;
    let version = call.option("resourceVersion");
    let limit = call.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
    let limit = if version == "0" && call.option("resourceVersionMatch") != "Exact" { 0 } else { limit };
    let snapshot = match call.option("continue") {
        "" => {
            wait_for_version(call, version).await?;
            let (all, revision) = whole_list(call, target)?;
            Snapshot { rest: all.into_iter().filter(|object| selector.matches(object)).collect(), revision }
        }
        token => match continued(call, target, &selector, token)? {
            Continued::Page(snapshot) => snapshot,
            Continued::Expired(fresh) => return Ok(expired_continue(&fresh)),
        },
    };
    let Snapshot { rest: mut objects, revision } = snapshot;
    let mut next = None;
    if limit > 0 && objects.len() > limit {
        let rest: Vec<Arc<Value>> = objects.split_off(limit);
        let remaining = rest.len();
        let from = rest.first().map(|object| (namespace(object).to_owned(), name(object).to_owned()));
        let page = call.sim.store().save_snapshot(Snapshot { rest, revision });
        let token = ContinueToken { page: Some(page), from: from.unwrap_or_default() };
        next = Some((token.write(), selector.is_empty().then_some(remaining)));
    }
    Ok(ApiResponse::written(view.list(target.kind, &objects, revision, next)))
}

/// The list before anything is selected, and its revision.
fn whole_list(call: &Call, target: &Target) -> Result<(Vec<Arc<Value>>, u64), ApiError> {
    let (store, resource) = (call.sim.store(), target.kind.storage());
    if call.option("resourceVersionMatch") != "Exact" {
        return Ok(store.list(resource, target.scope()));
    }
    let revision = read_version(call.option("resourceVersion"))?;
    let objects = store.list_at(resource, target.scope(), revision).map_err(|_| {
        ApiError::expired(format!("The resourceVersion for the provided list is too old: {revision}"))
    })?;
    Ok((objects, revision))
}

/// A continue token: the page of a saved list, and the first object of the rest should the list have been dropped.
struct ContinueToken {
    page: Option<u64>,
    from: (String, String),
}

impl ContinueToken {
    fn write(&self) -> String {
        let text = json!({"v": "meta.k8s.io/v1", "page": self.page, "from": self.from}).to_string();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    fn read(text: &str) -> Option<Self> {
        let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        let token: Value = serde_json::from_slice(&raw).ok()?;
        let from = serde_json::from_value(token["from"].clone()).ok()?;
        Some(Self { page: token["page"].as_u64(), from })
    }
}

/// The result of looking up a continue token.
enum Continued {
    Page(Snapshot),
    /// The saved list was dropped; this token leads to the rest as it is now.
    Expired(ContinueToken),
}

fn expired_continue(fresh: &ContinueToken) -> ApiResponse {
    let error = ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
         the continue parameter, or use the continue token in this response to retrieve the remainder of the results. \
         Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
         deleted between the time the first chunk was returned and now may show up in the list.",
    );
    let mut status = error.to_status();
    status["metadata"]["continue"] = fresh.write().into();
    ApiResponse::refusal(error.code, status)
}

/// The next page of a list: of the same revision while that is remembered.
fn continued(call: &Call, target: &Target, selector: &Selector, token: &str) -> Result<Continued, ApiError> {
    if !matches!(call.option("resourceVersion"), "" | "0") {
        return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
    }
    let Some(token) = ContinueToken::read(token) else {
        let message = "invalid continue token: continue key is not valid: it is not of this server";
        return Err(ApiError::bad_request(message));
    };
    let store = call.sim.store();
    let Some(page) = token.page else {
        let (all, revision) = store.list(target.kind.storage(), target.scope());
        let comes = |object: &Value| {
            (namespace(object), name(object)) >= (token.from.0.as_str(), token.from.1.as_str())
        };
        let rest = all.into_iter().filter(|object| comes(object) && selector.matches(object)).collect();
        return Ok(Continued::Page(Snapshot { rest, revision }));
    };
    Ok(match store.saved_snapshot(page) {
        Some(snapshot) => Continued::Page(snapshot),
        None => Continued::Expired(ContinueToken { page: None, from: token.from }),
    })
}

/// The selectors of a list or a watch.
///
/// # Errors
/// 400 for one that does not read.
pub fn selector(call: &Call, target: &Target) -> Result<Selector, ApiError> {
    let mut fields = call.option("fieldSelector").to_owned();
    if target.watch && !target.name.is_empty() {
        fields = format!("metadata.name={}", target.name);
    }
    Selector::parse(target.kind, call.option("labelSelector"), &fields)
}

fn list_options(field: &str, why: &str) -> ApiError {
    let mut errors = FieldErrors::default();
    errors.forbidden(field, why);
    ApiError::invalid_as("ListOptions.meta.k8s.io", "", &errors)
}

/// Checks the numbers among the options of a list or a watch.
fn check_numbers(call: &Call) -> Result<(), ApiError> {
    call.number("limit").and(call.number("timeoutSeconds")).map(drop)
}

/// Checks the options of a list, or of a deletion of a collection.
///
/// # Errors
/// 400 for a number that is none, 422 for options that cannot be as they are.
pub fn check_list_options(call: &Call) -> Result<(), ApiError> {
    check_numbers(call)?;
    let (version, matching) = (call.option("resourceVersion"), call.option("resourceVersionMatch"));
    if call.flag("sendInitialEvents") {
        return Err(list_options("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if !matching.is_empty() && version.is_empty() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        return Err(list_options("resourceVersionMatch", why));
    }
    if matching == "Exact" && version == "0" {
        let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
        return Err(list_options("resourceVersionMatch", why));
    }
    let mut errors = FieldErrors::default();
    errors.one_of("resourceVersionMatch", matching, &["", "Exact", "NotOlderThan"]);
    match errors.0.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid_as("ListOptions.meta.k8s.io", "", &errors)),
    }
}

fn read_version(version: &str) -> Result<u64, ApiError> {
    version.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "invalid resource version {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
        ))
    })
}

/// Waits until the store has come to a version, but not for ever.
async fn wait_for_version(call: &Call, version: &str) -> Result<(), ApiError> {
    if version.is_empty() {
        return Ok(());
    }
    let wanted = read_version(version)?;
    let store = call.sim.store();
    if wanted <= store.revision() {
        return Ok(());
    }
    let mut written = store.written();
    let reached = async {
        while written.see() < wanted {
            written.changed().await;
        }
    };
    if tokio::time::timeout(VERSION_TIMEOUT, reached).await.is_ok() {
        return Ok(());
    }
    let current = store.revision();
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let details = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1});
    Err(ApiError { details, ..ApiError::new(504, "Timeout", message) })
}

/// `GET` with `watch`: the changes of the objects that the selectors match.
pub fn watch(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?;
    check_numbers(call)?;
    let initial_events = call.flag("sendInitialEvents");
    if initial_events && call.option("resourceVersionMatch") != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(list_options("resourceVersionMatch", why));
    }
    let after = match call.option("resourceVersion") {
        "" | "0" => None,
        version => Some(version.parse().map_err(|_| {
            let message =
                format!("Internal error occurred: strconv.ParseUint: parsing {version:?}: invalid syntax");
            ApiError::new(500, "InternalError", message)
        })?),
    };
    let timeout = match call.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok()) {
        Some(seconds) if seconds > 0 => seconds,
        _ => call.sim.draw_for_reader(|chance| chance.between(1800, 3600)),
    };
    let watch = WatchRequest {
        kind: target.kind,
        namespace: target.scope().map(str::to_owned),
        selector: selector(call, target)?,
        after,
        bookmarks: call.flag("allowWatchBookmarks"),
        initial_events,
        timeout: Duration::from_secs(timeout),
        view,
        clock: call.sim.clock().clone(),
    };
    Ok(ApiResponse::lines(watch::stream(call.sim.store(), watch).boxed()))
}
