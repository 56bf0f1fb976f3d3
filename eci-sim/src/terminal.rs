//! The page behind `HttpUrl` of `ExecContainerCommand`: a plain terminal in a browser.
//!
//! The form of the cloud's page is not published (eci-openapi.md, section 8), so this one is `ours`: it opens the
//! session of its address, which serves once and for 30 s, as [`crate::session`] says.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use crate::actions::EXEC_PATH;
use crate::exchange::{Exchange, Incoming, http_date};
use crate::page::{self, File};
use crate::sim::EciSim;

const PAGE: File = File { kind: "text/html;charset=utf-8", text: include_str!("terminal/terminal.html") };
const STYLE: File = File { kind: "text/css;charset=utf-8", text: include_str!("terminal/terminal.css") };
const SCRIPT: File =
    File { kind: "text/javascript;charset=utf-8", text: include_str!("terminal/terminal.js") };

impl EciSim {
    /// The page or a file of it, where the request asks for one; a page is given only of a session that may be opened.
    pub(crate) fn terminal(&self, request: &Incoming) -> Option<Exchange> {
        if request.method != "GET" {
            return None;
        }
        let now = self.clock().now();
        let file = match request.path.strip_prefix(EXEC_PATH)? {
            "terminal.css" => STYLE,
            "terminal.js" => SCRIPT,
            "" => {
                let name = request.parameter("param")?;
                self.state().world.sessions.is_open(name, now).then_some(PAGE)?
            }
            _ => return None,
        };
        let mut answer = Response::new(Bytes::from_static(file.text.as_bytes()));
        let headers = answer.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, file.kind),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, page::POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(date) = HeaderValue::try_from(http_date(now)) {
            headers.insert(header::DATE, date);
        }
        Some(Exchange::answering(answer))
    }
}
