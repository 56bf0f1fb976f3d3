//! `/openapi`: the description of the API, in the version, format and state that the client asks for.

use jiff::SignedDuration;

use super::call::Call;
use super::response::ApiResponse;
use crate::openapi::{self, Document, Format};

/// `/openapi/v2`; 406 without a text for a client that takes neither JSON nor the published protobuf.
pub fn whole(call: &Call) -> ApiResponse {
    let Some(format) = Format::of_v2(&call.accept) else { return ApiResponse::bare(406).varying() };
    encoded(call, format, openapi::v2(format)).varying()
}

/// `/openapi/v3`: the addresses of the documents.
pub fn index(call: &Call) -> ApiResponse {
    encoded(call, Format::Json, openapi::index())
}

/// `/openapi/v3/<path>`: the document of a group and version.
///
/// With the hash of what the document is now, the answer may be kept for ever; with another one, it leads to this one.
///
/// A group that is not served has an empty 404.
pub fn of_group(call: &Call, path: &str) -> ApiResponse {
    let Some(document) = openapi::v3(path) else { return ApiResponse::bare(404).varying() };
    let Some(format) = Format::of_v3(&call.accept) else { return ApiResponse::bare(406).varying() };
    let hash = call.option("hash");
    if !hash.is_empty() && hash != document.tag {
        let now = openapi::address(path, &document.tag);
        return ApiResponse::bare(301).typed("application/json").headed("location", now).varying();
    }
    let answer = encoded(call, format, document).varying();
    if hash.is_empty() {
        return answer;
    }
    let end = call
        .sim
        .clock()
        .now()
        .saturating_add(SignedDuration::from_hours(365 * 24))
        .unwrap_or(jiff::Timestamp::MAX);
    let end = end.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.headed("cache-control", "public, immutable").headed("expires", end)
}

fn encoded(call: &Call, format: Format, document: Document) -> ApiResponse {
    ApiResponse::encoded(format.content_type(), document.body, &document.tag, &call.if_none_match)
}
