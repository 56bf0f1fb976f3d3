//! The texts and files of the control API: its page, its OpenAPI document, its health, and the ledger.

use serde_json::json;

use super::endpoint::{Reply, RouteRequest};
use super::error::ApiError;
use super::routes::ROUTES;
use super::{ControlServer, openapi};
use crate::control::wire::LedgerFilter;
use crate::page;

type RouteResult = Result<Reply, ApiError>;

/// The page for browsers, the list for programs.
pub(super) fn index(_: &ControlServer, request: &RouteRequest<'_>) -> RouteResult {
    if request.incoming.header("accept").is_some_and(|kinds| kinds.contains("text/html")) {
        return Ok(Reply::File(page::INDEX));
    }
    let routes = ROUTES.iter().map(|route| format!("{} {}: {}", route.method, route.path, route.summary));
    Ok(Reply::Json(json!({ "document": "/openapi.json", "routes": routes.collect::<Vec<_>>() })))
}

pub(super) fn style(_: &ControlServer, _: &RouteRequest<'_>) -> RouteResult {
    Ok(Reply::File(page::STYLE))
}

pub(super) fn page_script(_: &ControlServer, _: &RouteRequest<'_>) -> RouteResult {
    Ok(Reply::File(page::SCRIPT))
}

pub(super) fn document(_: &ControlServer, _: &RouteRequest<'_>) -> RouteResult {
    Ok(Reply::Json(openapi::document()))
}

pub(super) fn healthz(_: &ControlServer, _: &RouteRequest<'_>) -> RouteResult {
    Ok(Reply::Text("ok\n".to_owned()))
}

pub(super) fn readyz(server: &ControlServer, _: &RouteRequest<'_>) -> RouteResult {
    server.control.now();
    match server.control.sim().write_error() {
        Some(why) => Err(ApiError::NotReady(why)),
        None => Ok(Reply::Text("ok\n".to_owned())),
    }
}

pub(super) fn ledger(server: &ControlServer, request: &RouteRequest<'_>) -> RouteResult {
    let LedgerFilter { group } = request.query()?;
    let ledger = server.control.ledger();
    let own = ledger.iter().filter(|entry| group.as_deref().is_none_or(|id| *entry.group.id == *id));
    let lines: Vec<_> = own.map(|entry| format!("{entry}\n")).collect();
    Ok(Reply::Text(lines.concat()))
}
