//! Get, list, watch.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures::StreamExt;
use serde_json::Value;

use super::answer::Answer;
use super::target::Target;
use super::{Call, stored};
use crate::pods::problem::Problems;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::Snapshot;
use crate::table::View;
use crate::watching::{self, Watch};

/// One object.
pub fn get(call: &Call, target: &Target) -> Result<Answer, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?;
    let object = stored(call, target.kind, &target.namespace, &target.name)?;
    Ok(Answer::json(view.at(call.sim.clock().now()).one(target.kind, &object, true)))
}

/// All objects that are meant.
pub fn list(call: &Call, target: &Target) -> Result<Answer, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?.at(call.sim.clock().now());
    let selector = selector(call, target)?;
    check_list_version(call)?;
    let limit: usize = call.option("limit").parse().unwrap_or(0);
    let limit = if call.option("resourceVersion") == "0" { 0 } else { limit };
    let snapshot = match call.option("continue") {
        "" => {
            let (all, revision) = call.sim.store().list(target.kind.shelf(), target.scope());
            Snapshot { rest: all.into_iter().filter(|object| selector.matches(object)).collect(), revision }
        }
        token => continued(call, token)?,
    };
    let Snapshot { rest: mut objects, revision } = snapshot;
    let mut next = None;
    if limit > 0 && objects.len() > limit {
        let rest: Vec<Arc<Value>> = objects.split_off(limit);
        let remaining = rest.len();
        let number = call.sim.store().keep(Snapshot { rest, revision });
        let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{{\"page\":{number}}}"));
        next = Some((token, selector.is_empty().then_some(remaining)));
    }
    Ok(Answer::json(view.list(target.kind, &objects, revision, next)))
}

fn continued(call: &Call, token: &str) -> Result<Snapshot, ApiError> {
    if !matches!(call.option("resourceVersion"), "" | "0") {
        return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
    }
    let garbage = || {
        ApiError::bad_request("invalid continue token: continue key is not valid: it is not of this server")
    };
    let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).map_err(|_| garbage())?;
    let token: Value = serde_json::from_slice(&raw).map_err(|_| garbage())?;
    let number = token["page"].as_u64().ok_or_else(garbage)?;
    call.sim.store().kept(number).ok_or_else(|| {
        ApiError::expired(
            "The provided continue parameter is too old to display a consistent list result. You must start a new list without \
             the continue parameter.",
        )
    })
}

fn selector(call: &Call, target: &Target) -> Result<Selector, ApiError> {
    let mut fields = call.option("fieldSelector").to_owned();
    if target.watch && !target.name.is_empty() {
        fields = format!("metadata.name={}", target.name);
    }
    Selector::parse(target.kind, call.option("labelSelector"), &fields)
}

fn list_options(field: &str, why: &str) -> ApiError {
    let mut problems = Problems::default();
    problems.forbidden(field, why);
    ApiError::invalid_as("ListOptions.meta.k8s.io", "", &problems)
}

fn check_list_version(call: &Call) -> Result<(), ApiError> {
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
    if version.is_empty() {
        return Ok(());
    }
    let wanted: u64 =
        version.parse().map_err(|_| ApiError::bad_request(format!("invalid resource version: {version}")))?;
    let current = call.sim.store().revision();
    if wanted <= current {
        return Ok(());
    }
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let causes = serde_json::json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1});
    Err(ApiError { details: causes, ..ApiError::new(504, "Timeout", message) })
}

/// What happens to the objects that are meant.
pub fn watch(call: &Call, target: &Target) -> Result<Answer, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?.at(call.sim.clock().now());
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
    let timeout = match call.option("timeoutSeconds").parse::<u64>() {
        Ok(seconds) if seconds > 0 => seconds,
        _ => call.sim.draw(|chance| chance.between(1800, 3600)),
    };
    let watch = Watch {
        kind: target.kind,
        namespace: target.scope().map(str::to_owned),
        selector: selector(call, target)?,
        after,
        bookmarks: call.flag("allowWatchBookmarks"),
        initial_events,
        timeout: Duration::from_secs(timeout),
        view,
    };
    Ok(Answer::lines(watching::stream(call.sim.store(), watch).boxed()))
}
