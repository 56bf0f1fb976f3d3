//! From a request to an endpoint's input, and from its reply to an answer.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ControlServer;
use super::error::ApiError;
use crate::control::endpoints::{Endpoint, InputKind};
use crate::exchange::Incoming;
use crate::page::File;

/// The body of an answer.
pub(super) enum Reply {
    Json(Value),
    Text(String),
    File(File),
}

/// A request, and the values of the placeholders in its route's path.
pub(super) struct RouteRequest<'a> {
    pub incoming: &'a Incoming,
    pub path_parameters: Vec<&'a str>,
}

/// An endpoint that the server serves.
pub(super) trait Handle: Endpoint {
    /// Carries a call out, and returns its reply.
    fn handle(
        server: &ControlServer,
        request: &RouteRequest<'_>,
        input: Self::Input,
    ) -> Result<Self::Reply, ApiError>;
}

/// Serves one call of an endpoint.
pub(super) fn handle<E: Handle>(
    server: &ControlServer,
    request: &RouteRequest<'_>,
) -> Result<Reply, ApiError> {
    let body = &request.incoming.body;
    let input = match E::INPUT {
        InputKind::Query => request.query()?,
        InputKind::Body => serde_json::from_slice(body)?,
        InputKind::OptionalBody if !body.is_empty() => serde_json::from_slice(body)?,
        InputKind::OptionalBody | InputKind::None => serde_json::from_value(json!({}))?,
    };
    Ok(Reply::Json(serde_json::to_value(E::handle(server, request, input)?)?))
}

impl RouteRequest<'_> {
    /// The query's parameters; `limit` and `status` are read as numbers, and `spot` as true or false.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let pairs = eci_api::query::parse_form(self.incoming.query.as_bytes());
        let value = |name: &str, text: String| match (name, text.parse::<u64>()) {
            ("limit" | "status", Ok(number)) => json!(number),
            ("spot", _) if matches!(text.as_str(), "true" | "false") => json!(text == "true"),
            _ => json!(text),
        };
        let fields = pairs.into_iter().filter(|(_, text)| !text.is_empty());
        let fields = fields.map(|(name, text)| (name.clone(), value(&name, text)));
        let object = Value::Object(fields.collect());
        serde_json::from_value(object).map_err(|why| ApiError::Query(why.to_string()))
    }

    /// The value of the path's placeholder.
    pub(super) fn name(&self) -> &str {
        self.path_parameters.first().copied().unwrap_or_default()
    }
}
