//! The tap on the provider's line to Kubernetes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use kube_sim::{BodyError, KubeBody, KubeService, KubeSim};
use serde_json::{Value, json};
use tower_service::Service;

use super::journal::{CallOutcome, KubeCall, Occurrence};
use super::tap::{Call, Line, Tap};
use super::watch_tap;

/// Kubernetes, tapped, for one life of the provider.
#[derive(Clone)]
pub(crate) struct KubeTap {
    sim: KubeSim,
    inner: KubeService,
    tap: Tap,
    life: u32,
}

struct KubeRequest<'a> {
    line: &'a KubeTap,
    parts: Parts,
    body: Bytes,
}

/// An answer whose body is there, or a watch.
enum KubeResponse {
    Whole(Response<Bytes>),
    Watch(Response<KubeBody>),
}

impl KubeTap {
    /// Taps the line of this life of the provider.
    pub(crate) fn new(sim: KubeSim, tap: Tap, life: u32) -> Self {
        Self { inner: sim.service(), sim, tap, life }
    }

    async fn carry(self, parts: Parts, body: Bytes) -> Result<Response<KubeBody>, BodyError> {
        let asked = KubeRequest { line: &self, parts, body };
        match self.tap.carry(self.life, &asked).await {
            Some(KubeResponse::Whole(response)) => {
                Ok(response.map(|body| Full::new(body).map_err(Into::into).boxed_unsync()))
            }
            Some(KubeResponse::Watch(response)) => {
                Ok(response.map(|body| watch_tap::tapped(self.tap.clone(), self.life, body)))
            }
            None => Err("the connection was reset before an answer came".into()),
        }
    }
}

impl<B> Service<Request<B>> for KubeTap
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    type Response = Response<KubeBody>;
    type Error = BodyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BodyError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let line = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::<BodyError>::into)?.to_bytes();
            line.carry(parts, body).await
        })
    }
}

impl KubeRequest<'_> {
    fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.parts.uri.query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    fn watches(&self) -> bool {
        matches!(self.query("watch"), Some("true" | "1"))
    }

    fn reads(&self) -> bool {
        self.parts.method == Method::GET && !self.watches()
    }

    /// True of a read of all objects of a kind, and not of one by its name.
    fn lists(&self) -> bool {
        self.reads()
            && matches!(self.parts.uri.path().rsplit('/').next(), Some("pods" | "services" | "nodes"))
    }

    /// Keeps the token of a TokenRequest's answer as a secret.
    fn keep_token(&self, answer: &Bytes) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        if let Some(token) = answer["status"]["token"].as_str() {
            self.line.tap.journal().keep_secret(token.to_owned());
        }
    }

    fn request(&self, uri: &Uri) -> Request<Full<Bytes>> {
        let mut parts = self.parts.clone();
        parts.uri = uri.clone();
        Request::from_parts(parts, Full::new(self.body.clone()))
    }

    async fn ask(&self, uri: &Uri) -> KubeResponse {
        let response = self.line.inner.answer(self.request(uri)).await;
        if self.watches() && response.status().is_success() {
            return KubeResponse::Watch(response);
        }
        let (parts, body) = response.into_parts();
        // Nothing can go wrong with a body that stands in memory.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        KubeResponse::Whole(Response::from_parts(parts, body))
    }

    fn refusal(&self, code: StatusCode, reason: &str, message: &str) -> KubeResponse {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code.as_u16()
        });
        let mut response = Response::new(Bytes::from(status.to_string()));
        *response.status_mut() = code;
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        KubeResponse::Whole(response)
    }
}

impl Call for KubeRequest<'_> {
    type Reply = KubeResponse;

    fn line(&self) -> Line {
        Line::Kube
    }

    fn send(&self) -> BoxFuture<'_, KubeResponse> {
        Box::pin(async {
            let got = self.ask(&self.parts.uri).await;
            if let KubeResponse::Whole(response) = &got
                && self.reads()
                && response.status().is_success()
            {
                self.line.tap.remember(self.parts.uri.to_string(), response.body().clone());
            }
            got
        })
    }

    fn note(&self, number: u32, life: u32, answer: Option<&KubeResponse>) {
        if let Some(KubeResponse::Whole(response)) = answer
            && self.parts.uri.path().ends_with("/token")
        {
            self.keep_token(response.body());
        }
        let answer = match answer {
            Some(KubeResponse::Whole(response)) => {
                CallOutcome::Status(response.status().as_u16(), String::new())
            }
            Some(KubeResponse::Watch(response)) => {
                CallOutcome::Status(response.status().as_u16(), String::new())
            }
            None => CallOutcome::Nothing,
        };
        let verb = if self.watches() { "WATCH" } else { self.parts.method.as_str() };
        self.line.tap.journal().write(Occurrence::Kube(KubeCall {
            number,
            life,
            verb: verb.to_owned(),
            path: self.parts.uri.path().to_owned(),
            body: self.body.clone(),
            answer,
        }));
    }

    fn throttled(&self) -> KubeResponse {
        let message = "the server has received too many requests and has asked us to try again later";
        self.refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
    }

    fn server_error(&self) -> KubeResponse {
        let message = "Internal error occurred: etcdserver: request timed out";
        self.refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    fn expired(&self) -> Option<KubeResponse> {
        let message = "too old resource version";
        (self.lists() || self.watches()).then(|| self.refusal(StatusCode::GONE, "Expired", message))
    }

    fn cut(&self, answer: KubeResponse) -> KubeResponse {
        match answer {
            KubeResponse::Whole(response) => {
                KubeResponse::Whole(response.map(|body| body.slice(..body.len() / 2)))
            }
            KubeResponse::Watch(response) => KubeResponse::Watch(response.map(|_| watch_tap::broken())),
        }
    }

    fn older(&self, by: u32) -> BoxFuture<'_, Option<KubeResponse>> {
        Box::pin(async move {
            if !self.reads() {
                return None;
            }
            if !self.lists() {
                let body = self.line.tap.recall(&self.parts.uri.to_string(), by)?;
                return Some(KubeResponse::Whole(Response::new(body)));
            }
            let revision = self.line.sim.store().revision().saturating_sub(u64::from(by)).max(1);
            let query = self.parts.uri.query().unwrap_or_default();
            let others = query.split('&').filter(|pair| !pair.starts_with("resourceVersion"));
            let mut query: Vec<_> = others.filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
            query.push(format!("resourceVersion={revision}&resourceVersionMatch=Exact"));
            let uri = format!("{}?{}", self.parts.uri.path(), query.join("&")).parse::<Uri>().ok()?;
            Some(self.ask(&uri).await)
        })
    }

    fn shorter(&self, _: &KubeResponse) -> Option<KubeResponse> {
        None
    }
}
