//! The table of the control API's routes: its endpoints of JSON, and its texts and files.

use super::endpoint::{Handle, Reply, RouteRequest, handle};
use super::error::ApiError;
use super::{ControlServer, documents};
use crate::control::endpoints::{self, Endpoint, InputKind, SchemaOf, schema_of};
use crate::control::wire::{Done, LedgerFilter, Routes};

/// One operation of the control API.
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// `operationId` in the document.
    pub operation_id: &'static str,
    pub summary: &'static str,
    /// Needs no token.
    pub open: bool,
    /// Open to followers of the clock, also where nothing else is served.
    pub for_followers: bool,
    pub query: Option<SchemaOf>,
    pub body: Option<SchemaOf>,
    pub response: ResponseSchema,
    pub handler: Handler,
}

type Handler = fn(&ControlServer, &RouteRequest<'_>) -> Result<Reply, ApiError>;

/// The content of a route's answer.
#[derive(Clone, Copy)]
pub(super) enum ResponseSchema {
    Json(SchemaOf),
    Text,
    Css,
    Script,
}

impl Route {
    /// The route of an endpoint.
    const fn of<E: Handle>() -> Self {
        let input: SchemaOf = schema_of::<<E as Endpoint>::Input>;
        let (query, body) = match E::INPUT {
            InputKind::None => (None, None),
            InputKind::Query => (Some(input), None),
            InputKind::Body | InputKind::OptionalBody => (None, Some(input)),
        };
        Self {
            method: E::METHOD,
            path: E::PATH,
            operation_id: E::OPERATION_ID,
            summary: E::SUMMARY,
            open: false,
            for_followers: false,
            query,
            body,
            response: ResponseSchema::Json(schema_of::<<E as Endpoint>::Reply>),
            handler: handle::<E>,
        }
    }

    /// A document that is read.
    const fn document(
        path: &'static str,
        operation_id: &'static str,
        summary: &'static str,
        response: ResponseSchema,
        handler: Handler,
    ) -> Self {
        Self {
            method: "GET",
            path,
            operation_id,
            summary,
            open: false,
            for_followers: false,
            query: None,
            body: None,
            response,
            handler,
        }
    }

    const fn query_of(self, query: SchemaOf) -> Self {
        Self { query: Some(query), ..self }
    }

    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    const fn for_followers(self) -> Self {
        Self { for_followers: true, ..self }
    }

    /// The values of the placeholders in this route's path; `None` when `path` is not of this route.
    pub(super) fn path_parameters<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        let mut path_parameters = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(path_parameters),
                (Some(holder), Some(name)) if holder.starts_with('{') && !name.is_empty() => {
                    path_parameters.push(name)
                }
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return None,
            }
        }
    }
}

/// All routes.
pub(super) const ROUTES: &[Route] = &[
    Route::document(
        "/",
        "getFront",
        "The page for browsers, the list of routes for programs.",
        ResponseSchema::Json(schema_of::<Routes>),
        documents::index,
    )
    .open(),
    Route::document(
        "/page/style.css",
        "getStyle",
        "Style sheet of the page.",
        ResponseSchema::Css,
        documents::style,
    )
    .open(),
    Route::document(
        "/page/page.js",
        "getScript",
        "Script of the page.",
        ResponseSchema::Script,
        documents::page_script,
    )
    .open(),
    Route::document(
        "/openapi.json",
        "getDocument",
        "This document.",
        ResponseSchema::Json(schema_of::<Done>),
        documents::document,
    )
    .open(),
    Route::document(
        "/healthz",
        "isAlive",
        "`ok` while the process answers.",
        ResponseSchema::Text,
        documents::healthz,
    )
    .open(),
    Route::document(
        "/readyz",
        "isReady",
        "`ok` once calls are served.",
        ResponseSchema::Text,
        documents::readyz,
    )
    .open(),
    Route::of::<endpoints::GetTime>().for_followers(),
    Route::of::<endpoints::SetRate>(),
    Route::of::<endpoints::AdvanceClock>(),
    Route::of::<endpoints::Follow>().for_followers(),
    Route::of::<endpoints::Leave>().for_followers(),
    Route::of::<endpoints::ListGroups>(),
    Route::document(
        "/ledger",
        "getLedger",
        "The ledger, one line an entry.",
        ResponseSchema::Text,
        documents::ledger,
    )
    .query_of(schema_of::<LedgerFilter>),
    Route::of::<endpoints::GetBill>(),
    Route::of::<endpoints::GetCost>(),
    Route::of::<endpoints::ListFaults>(),
    Route::of::<endpoints::AddFault>(),
    Route::of::<endpoints::ClearFaults>(),
    Route::of::<endpoints::RemoveFault>(),
    Route::of::<endpoints::AddScript>(),
    Route::of::<endpoints::ClearScripts>(),
    Route::of::<endpoints::ListAssumed>(),
    Route::of::<endpoints::GetStock>(),
    Route::of::<endpoints::SetStock>(),
    Route::of::<endpoints::ListPrices>(),
    Route::of::<endpoints::SetPrice>(),
    Route::of::<endpoints::ClearPrices>(),
    Route::of::<endpoints::GetAccount>(),
    Route::of::<endpoints::SetAccount>(),
    Route::of::<endpoints::GetTerms>(),
    Route::of::<endpoints::SetTerms>(),
    Route::of::<endpoints::ReclaimGroup>(),
    Route::of::<endpoints::CrashContainer>(),
    Route::of::<endpoints::GetQuota>(),
    Route::of::<endpoints::SetQuota>(),
    Route::of::<endpoints::GetLatency>(),
    Route::of::<endpoints::SetLatency>(),
    Route::of::<endpoints::GetThrottling>(),
    Route::of::<endpoints::SetThrottling>(),
    Route::of::<endpoints::SearchRequests>(),
    Route::of::<endpoints::Reset>(),
    Route::of::<endpoints::ListSnapshots>(),
    Route::of::<endpoints::SaveSnapshot>(),
    Route::of::<endpoints::LoadSnapshot>(),
    Route::of::<endpoints::ForkSnapshot>(),
    Route::of::<endpoints::DropSnapshot>(),
];
