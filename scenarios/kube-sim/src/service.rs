//! The API as a service: authentication and dispatch of requests.

mod admit;
mod authorize;
mod call;
mod connect;
pub(crate) mod controller_writes;
pub(crate) mod delete;
mod descriptions;
mod measures;
mod nodes;
mod options;
mod pods;
mod proxy;
mod read;
mod response;
mod scope;
mod streams;
mod target;
mod write;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::authn::User;
use crate::body::KubeBody;
use crate::sim::KubeSim;
use crate::status::ApiError;
use crate::table::{self, View};
use crate::{discovery, reviews};
use call::{Call, stored};
use response::ApiResponse;
use target::{Route, Target};

/// Most bytes of a body that is read.
const BODY_MAX: usize = 3 * 1024 * 1024;

/// The API as a service, for one caller.
#[derive(Clone)]
pub struct KubeService {
    sim: KubeSim,
    user: Option<User>,
}

impl KubeSim {
    /// The API, for requests that are already known to come from a cluster administrator.
    pub fn service(&self) -> KubeService {
        KubeService::new(self.clone(), User::admin())
    }
}

impl KubeService {
    /// The API for this user.
    pub fn new(sim: KubeSim, user: User) -> Self {
        Self { sim, user: Some(user) }
    }

    /// The API for a caller known by its certificate; without one, each request's bearer token decides.
    pub fn for_caller(sim: KubeSim, certified: Option<User>) -> Self {
        Self { sim, user: certified }
    }

    /// Responds to one request; errors become `Status` documents.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<KubeBody>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<crate::body::BodyError>,
    {
        let now = self.sim.clock().now();
        let (parts, body) = request.into_parts();
        let accept = header(&parts.headers, "accept");
        let answered = match self.read(parts, body).await {
            Ok(call) => dispatch_boxed(call).await,
            Err(error) => Err(error),
        };
        let answer = answered.unwrap_or_else(|error| ApiResponse::error(&error));
        let audit = self.sim.draw_for_reader(determinism::Chance::uuid);
        let mut response = answer.render(&accept, now);
        if let Ok(audit) = http::HeaderValue::from_str(&audit.to_string()) {
            response.headers_mut().insert("audit-id", audit);
        }
        response
    }

    async fn read<B>(&self, parts: http::request::Parts, body: B) -> Result<Call, ApiError>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<crate::body::BodyError>,
    {
        let user = self.caller(&parts.headers)?;
        let body = Limited::new(body, BODY_MAX).collect().await.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                let message = format!("Request entity too large: limit is {BODY_MAX}");
                return ApiError::new(413, "RequestEntityTooLarge", message);
            }
            ApiError::bad_request(format!("unable to read the body: {error}"))
        })?;
        Ok(Call {
            sim: self.sim.clone(),
            user,
            query: target::query(parts.uri.query().unwrap_or_default()),
            accept: header(&parts.headers, "accept"),
            content_type: header(&parts.headers, "content-type"),
            user_agent: header(&parts.headers, "user-agent"),
            if_none_match: header(&parts.headers, "if-none-match"),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }

    fn caller(&self, headers: &http::HeaderMap) -> Result<User, ApiError> {
        let user = match &self.user {
            Some(user) => user.clone(),
            None => self.bearer(headers)?,
        };
        authorize::impersonated(&self.sim, user, headers)
    }

    fn bearer(&self, headers: &http::HeaderMap) -> Result<User, ApiError> {
        let authorization = header(headers, "authorization");
        let Some(token) = authorization.strip_prefix("Bearer ") else { return Ok(User::anonymous()) };
        let token = reviews::bearer(&self.sim, token.trim());
        token.map(|token| token.user).ok_or_else(|| ApiError::new(401, "Unauthorized", "Unauthorized"))
    }
}

fn header(headers: &http::HeaderMap, name: &str) -> String {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut all = values.next().unwrap_or_default().to_owned();
    for value in values {
        all.push(',');
        all.push_str(value);
    }
    all
}

impl<B> tower_service::Service<Request<B>> for KubeService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<crate::body::BodyError>,
{
    type Response = Response<KubeBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

const ENDPOINTS_DEPRECATED: &str =
    "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

/// [`dispatch`], boxed where nothing is generic, so that the verbs are compiled once and not for each caller's body.
fn dispatch_boxed(call: Call) -> BoxFuture<'static, Result<ApiResponse, ApiError>> {
    dispatch(call).boxed()
}

async fn dispatch(call: Call) -> Result<ApiResponse, ApiError> {
    let path = call.uri.path();
    let route = target::parse_path(path)?;
    authorize::check(&call, path, &route)?;
    if !matches!(route, Route::Resource(_)) && !matches!(call.method, Method::GET | Method::HEAD) {
        return Err(ApiError::method_not_allowed());
    }
    if matches!(route, Route::Groups { .. } | Route::Group(_) | Route::Resources { .. })
        && !table::takes_objects(&call.accept)
    {
        return Err(table::not_acceptable(&call.accept, ""));
    }
    match route {
        Route::Health { probe } => {
            Ok(ApiResponse::text(&health(&probe, call.query.iter().any(|(key, _)| key == "verbose"))))
        }
        Route::Version => Ok(ApiResponse::json(discovery::version())),
        Route::Root => Ok(ApiResponse::json(discovery::paths())),
        Route::Groups { core } => Ok(groups(&call, core)),
        Route::Group(group) => found(discovery::group(&group)),
        Route::Resources { group, version } => found(discovery::resource_list(&group, &version)),
        Route::OpenApiV2 => Ok(descriptions::whole(&call)),
        Route::OpenApiIndex => Ok(descriptions::index(&call)),
        Route::OpenApi { path } => Ok(descriptions::of_group(&call, &path)),
        Route::Resource(target) => {
            let deprecated = (target.kind.group, target.kind.resource) == ("", "endpoints");
            let answer = resource(&call, &target).await?;
            Ok(if deprecated { answer.warned_also(ENDPOINTS_DEPRECATED) } else { answer })
        }
    }
}

fn found(document: Option<Value>) -> Result<ApiResponse, ApiError> {
    document.map(ApiResponse::json).ok_or_else(target::nothing_here)
}

fn health(probe: &str, verbose: bool) -> String {
    if verbose { format!("[+]ping ok\n{probe} check passed\n") } else { "ok".to_owned() }
}

fn groups(call: &Call, core: bool) -> ApiResponse {
    for version in ["v2", "v2beta1"] {
        let wanted = |part: &str| {
            let words: Vec<&str> = part.split(';').map(str::trim).collect();
            words.contains(&"g=apidiscovery.k8s.io") && words.contains(&format!("v={version}").as_str())
        };
        if call.accept.split(',').any(wanted) {
            let content_type =
                format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
            let document = discovery::aggregated(core, version);
            return ApiResponse::json(document).typed(&content_type).tagged(&call.if_none_match);
        }
    }
    let document = if core { discovery::core_versions("127.0.0.1") } else { discovery::group_list() };
    ApiResponse::json(document).varying()
}

async fn resource(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    // Before anything is written: what cannot be answered is not done.
    if !matches!(target.subresource.as_str(), "log" | "proxy") && View::read(&call.accept, "").is_err() {
        let is_list = call.method == Method::GET && target.name.is_empty();
        return Err(table::not_acceptable(&call.accept, if is_list { table::WATCHED } else { "" }));
    }
    if target.kind.traits.computed {
        return review(call, target);
    }
    if target.kind.traits.measured {
        return measures::read(call, target).await;
    }
    if !target.subresource.is_empty() {
        return below(call, target).await;
    }
    match (&call.method, target.name.is_empty()) {
        (&Method::GET | &Method::HEAD, true) if call.flag("watch") || target.watch => {
            read::watch(call, target)
        }
        (&Method::GET | &Method::HEAD, true) => read::list(call, target).await,
        (&Method::GET | &Method::HEAD, false) if target.watch => read::watch(call, target),
        (&Method::GET | &Method::HEAD, false) => read::get(call, target).await,
        (&Method::POST, true) => write::create(call, target).await,
        (&Method::PUT, false) => write::update(call, target).await,
        (&Method::PATCH, false) => write::patch(call, target).await,
        (&Method::DELETE, true) => delete::collection(call, target).await,
        (&Method::DELETE, false) => delete::one(call, target).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn review(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    if call.method != Method::POST || !target.name.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let kind = target.kind;
    call.dry_run("CreateOptions")?; // a review stores nothing anyway
    let body = crate::decode::object(&call.content_type, &call.body, &kind.api_version(), kind.kind)?;
    Ok(ApiResponse::json(reviews::answer(&call.sim, kind, &call.user, body.object)).created())
}

/// Dispatches a request for a subresource.
async fn below(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let known = target.kind.subresources.iter().find(|below| below.name == target.subresource);
    let Some(known) = known else { return Err(unserved(target)) };
    match (known.name, &call.method) {
        ("approval" | "status" | "resize", &Method::GET) => read::get(call, target).await,
        ("approval" | "status" | "finalize" | "resize", &Method::PUT) => write::update(call, target).await,
        ("approval" | "status" | "resize", &Method::PATCH) => write::patch(call, target).await,
        ("scale", &Method::GET | &Method::PUT | &Method::PATCH) => write::scale(call, target).await,
        ("token", &Method::POST) => token(call, target),
        ("binding", &Method::POST) => pods::bind(call, target).await,
        ("eviction", &Method::POST) => pods::evict(call, target).await,
        ("log", &Method::GET) => pods::log(call, target).await,
        ("exec" | "attach" | "portforward", &Method::GET | &Method::POST) => {
            streams::open(call, target).await
        }
        ("proxy", _) => proxy::forward(call, target).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// The error for a subresource that is not served; of one that a client would ask for, in words that name it.
fn unserved(target: &Target) -> ApiError {
    match (target.kind.resource, target.subresource.as_str()) {
        ("pods", "ephemeralcontainers") => {
            let why = "ephemeral containers are not supported: the containers of a pod here are those that it was created \
                       with; `kubectl exec` runs a command in one of them";
            ApiError::forbidden(target.kind, &target.name, why)
        }
        _ => ApiError::no_such_resource(),
    }
}

fn token(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    call.dry_run("CreateOptions")?; // as with the real server, a dry run answers with a token all the same
    let account = stored(call, target.kind, &target.namespace, &target.name)?;
    let request =
        crate::decode::object(&call.content_type, &call.body, "authentication.k8s.io/v1", "TokenRequest")?;
    Ok(ApiResponse::json(reviews::token(&call.sim, &account, request.object)?).created())
}
