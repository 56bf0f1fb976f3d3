//! Answers of the ECI OpenAPI as JSON or XML, and their entries in the request log.

use bytes::Bytes;
use eci_api::{ErrorBody, xml};
use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;

use super::RequestContext;
use crate::exchange::http_date;
use crate::refusal::Refusal;
use crate::serving::{BoxedReply, Render};
use crate::state::{LOGGED_TEXT_MAX, RequestLogEntry};
use crate::text::{prefix, truncated};

/// Bound of a refusal's text, which may repeat a part of the request, in bytes.
const MESSAGE_MAX: usize = 20 << 10;
const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-acs-request-id");

/// The root element of an XML document.
enum Root {
    Response,
    Error,
}

impl RequestContext {
    /// The call's entry in the request log.
    pub(super) fn log_entry(&self, outcome: &Result<BoxedReply, Refusal>, at: Timestamp) -> RequestLogEntry {
        let (status, code) = match outcome {
            Ok(_) => (200, String::new()),
            Err(refusal) => (refusal.status(), refusal.wire_code()),
        };
        let kept = |text: &str| prefix(text, LOGGED_TEXT_MAX).to_owned();
        RequestLogEntry {
            at,
            request_id: self.request_id.clone(),
            action: kept(&self.action),
            account: kept(&self.account),
            region: kept(&self.region),
            group: kept(&self.group),
            status,
            code: kept(&code),
        }
    }

    pub(super) fn render(&self, outcome: Result<BoxedReply, Refusal>, now: Timestamp) -> Response<Bytes> {
        let (status, body) = match outcome {
            Ok(answer) => match self.body(&*answer, Root::Response) {
                Ok(body) => (200, body),
                Err(error) => self.refuse(&Refusal::by_rule("InternalError", None, Some(error.to_string()))),
            },
            Err(refusal) => self.refuse(&refusal),
        };
        let kind = if self.wants_xml { "text/xml;charset=utf-8" } else { "application/json;charset=utf-8" };
        let mut body = Bytes::from(body);
        body.truncate(self.cut_after.unwrap_or(usize::MAX));
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in [(header::DATE, http_date(now)), (REQUEST_ID, self.request_id.clone())] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn refuse(&self, refusal: &Refusal) -> (u16, Vec<u8>) {
        let code = refusal.wire_code();
        let body = ErrorBody {
            request_id: self.request_id.clone(),
            host_id: self.host.clone(),
            recommend: format!("https://api.aliyun.com/troubleshoot?q={code}&product=Eci"),
            message: truncated(refusal.to_string(), MESSAGE_MAX),
            code,
        };
        (refusal.status(), self.body(&body, Root::Error).unwrap_or_default())
    }

    /// In the format that was asked for; the root of XML is called after the action and what it is.
    fn body(&self, answer: &dyn Render, root: Root) -> serde_json::Result<Vec<u8>> {
        if !self.wants_xml {
            return answer.json();
        }
        let root = match root {
            Root::Response => format!("{}Response", self.action),
            Root::Error => "Error".to_owned(),
        };
        Ok(xml::render(&root, &answer.tree()?).into_bytes())
    }
}
