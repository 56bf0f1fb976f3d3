//! The tap on the provider's line to the cloud.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use eci_api::query;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use hyper::upgrade::Upgraded;
use provider::eci::{Transport, TransportError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::journal::{CallOutcome, CloudCall, Occurrence};
use super::tap::{Call, Line, Tap};

/// A line to the cloud that is tapped.
pub(crate) struct CloudTap {
    inner: Arc<dyn Transport>,
    tap: Tap,
    life: u32,
    /// The last answer that was read, and what it told: the groups are asked for again and again, and seldom differ.
    last: Mutex<(Bytes, Described)>,
}

/// The beginning of a token of ours, under which the rest of a page is.
const REST: &str = "rest-of-";

type Reply = Result<Response<Bytes>, TransportError>;

struct CloudRequest<'a> {
    line: &'a CloudTap,
    request: Request<Bytes>,
    action: String,
    pairs: query::Pairs,
}

impl CloudTap {
    /// Taps the line of this life of the provider.
    pub(crate) fn new(inner: Arc<dyn Transport>, tap: Tap, life: u32) -> Self {
        Self { inner, tap, life, last: Mutex::default() }
    }

    /// What an answer tells of.
    fn described(&self, body: &Bytes) -> Described {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !says_the_same(&last.0, body) {
            *last = (body.clone(), serde_json::from_slice(body).unwrap_or_default());
        }
        last.1.clone()
    }

    async fn carry(&self, request: Request<Bytes>) -> Reply {
        let header = request.headers().get("x-acs-action").and_then(|value| value.to_str().ok());
        let action = header.unwrap_or_default().to_owned();
        let mut pairs = query::parse_form(request.uri().query().unwrap_or_default().as_bytes());
        pairs.extend(query::parse_form(request.body()));
        let asked = CloudRequest { line: self, request, action, pairs };
        let lost = || Err(TransportError::new("the connection was reset before an answer came"));
        self.tap.carry(self.life, &asked).await.unwrap_or_else(lost)
    }
}

impl Transport for CloudTap {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Reply> {
        Box::pin(self.carry(request))
    }

    fn upgrade(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<(HeaderMap, Upgraded), TransportError>> {
        self.inner.upgrade(request)
    }
}

impl CloudRequest<'_> {
    fn pair(&self, name: &str) -> &str {
        self.pairs.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str())
    }

    /// The call without what differs from one to the next.
    fn read(&self) -> Option<String> {
        self.action.starts_with("Describe").then(|| format!("{}?{}", self.action, query::render(&self.pairs)))
    }

    fn uid(&self) -> String {
        let named = |(name, value): &(String, String)| name.ends_with(".Key") && value == "UID";
        let key = self.pairs.iter().find(|pair| named(pair)).map(|(name, _)| name);
        let value = key.and_then(|name| Some(format!("{}.Value", name.strip_suffix(".Key")?)));
        value.map(|name| self.pair(&name).to_owned()).unwrap_or_default()
    }

    fn refusal(status: u16, code: &str, message: &str) -> Reply {
        let body = json!({ "RequestId": "SWEEP", "HostId": "sweep", "Code": code, "Message": message });
        Ok(answered(status, &body))
    }
}

/// True for two answers that differ in the request's id alone.
fn says_the_same(one: &[u8], other: &[u8]) -> bool {
    match (around_id(one), around_id(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// An answer before and behind the request's id, which stands near its end.
fn around_id(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    const KEY: &[u8] = br#""RequestId":""#;
    let at = answer.windows(KEY.len()).rposition(|word| word == KEY)? + KEY.len();
    let (before, rest) = answer.split_at(at);
    let end = rest.iter().position(|byte| *byte == b'"')?;
    Some((before, rest.get(end..)?))
}

fn answered(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// The part of an answer that the journal tells of; the rest, which is most of it, is passed over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Described {
    code: String,
    container_group_id: Option<String>,
    container_groups: Vec<DescribedGroup>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DescribedGroup {
    container_group_id: String,
    status: String,
}

impl Described {
    /// The groups, each with its state where that is told.
    fn groups(self) -> Vec<String> {
        let listed = self.container_groups.into_iter();
        let listed = listed.map(|group| format!("{} {}", group.container_group_id, group.status));
        self.container_group_id.into_iter().chain(listed).collect()
    }
}

impl Call for CloudRequest<'_> {
    type Reply = Reply;

    fn line(&self) -> Line {
        Line::Cloud
    }

    fn send(&self) -> BoxFuture<'_, Reply> {
        Box::pin(async {
            let token = self.pair("NextToken");
            if token.starts_with(REST)
                && let Some(rest) = self.line.tap.take_remembered(token)
            {
                return Ok(Response::new(rest));
            }
            let reply = self.line.inner.send(self.request.clone()).await;
            if let (Ok(response), Some(read)) = (&reply, self.read())
                && response.status().is_success()
            {
                self.line.tap.remember(read, response.body().clone());
            }
            reply
        })
    }

    fn note(&self, number: u32, life: u32, answer: Option<&Reply>) {
        let (answer, told) = match answer {
            Some(Ok(response)) => {
                let mut told = self.line.described(response.body());
                let code = std::mem::take(&mut told.code);
                (CallOutcome::Status(response.status().as_u16(), code), told.groups())
            }
            Some(Err(_)) | None => (CallOutcome::Nothing, Vec::new()),
        };
        let mut named: Vec<_> = ["ContainerGroupId", "ContainerGroupIds"]
            .map(|name| self.pair(name).to_owned())
            .into_iter()
            .filter(|name| !name.is_empty() && self.action.starts_with("Delete"))
            .collect();
        named.extend(told);
        self.line.tap.journal().write(Occurrence::Cloud(CloudCall {
            number,
            life,
            action: self.action.clone(),
            groups: named,
            uid: self.uid(),
            token: self.pair("ClientToken").to_owned(),
            answer,
        }));
    }

    fn throttled(&self) -> Reply {
        Self::refusal(400, "Throttling.User", "Request was denied due to user flow control.")
    }

    fn server_error(&self) -> Reply {
        Self::refusal(500, "InternalError", "The request processing has failed due to some unknown error.")
    }

    fn expired(&self) -> Option<Reply> {
        let continues = !self.pair("NextToken").is_empty();
        continues
            .then(|| Self::refusal(400, "InvalidParameter.NextToken", "The NextToken is not valid any more."))
    }

    fn cut(&self, answer: Reply) -> Reply {
        answer.map(|response| response.map(|body| body.slice(..body.len() / 2)))
    }

    fn older(&self, by: u32) -> BoxFuture<'_, Option<Reply>> {
        let older = self.read().and_then(|read| self.line.tap.recall(&read, by));
        Box::pin(std::future::ready(older.map(|body| Ok(Response::new(body)))))
    }

    fn shorter(&self, answer: &Reply) -> Option<Reply> {
        let response = answer.as_ref().ok().filter(|response| response.status().is_success())?;
        let mut page: Value = serde_json::from_slice(response.body()).ok()?;
        let last = page["ContainerGroups"].as_array_mut()?.pop()?;
        let token = format!("{REST}{}", self.pairs.len());
        let mut rest = page.clone();
        rest["ContainerGroups"] = json!([last]);
        self.line.tap.take_remembered(&token);
        self.line.tap.remember(token.clone(), Bytes::from(rest.to_string()));
        page["NextToken"] = token.into();
        Some(Ok(answered(200, &page)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_differ_in_their_id_alone_say_the_same() {
        let of = |groups: &str, id: &str| {
            format!("{{\"ContainerGroups\":[{groups}],\"RequestId\":\"{id}\",\"TotalCount\":1}}").into_bytes()
        };
        assert!(says_the_same(&of("{}", "A-1"), &of("{}", "B-2")));
        assert!(!says_the_same(&of("{}", "A-1"), &of("{},{}", "A-1")));
        assert!(!says_the_same(b"", b""));
        assert!(!says_the_same(b"{}", b"{}"));
    }
}
