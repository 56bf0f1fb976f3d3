//! Answers of the cloud, read: replies, refusals, and pages of whoever else answered on the way.

use std::time::Duration;

use bytes::Bytes;
use eci_api::{Action, ErrorBody};
use http::{HeaderMap, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::error::EciError;
use super::meaning::Meaning;

/// The cloud's own header for the wait that it asks for, in milliseconds.
const RETRY_AFTER_MS: &str = "x-acs-retry-after";

/// Reads the answer to a call of `A` that came at `now` by this machine's clock.
pub(super) fn read<A: Action>(response: &Response<Bytes>, now: Timestamp) -> Result<A::Reply, EciError> {
    let (status, headers, body) = (response.status(), response.headers(), response.body());
    let garbled = |why: String| EciError::Garbled { action: A::NAME, why };
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|error| garbled(not_json(headers, &error.to_string())));
    }
    if let Ok(told) = serde_json::from_slice::<ErrorBody>(body)
        && !told.code.is_empty()
    {
        let expired = Meaning::of(&told.code, status.as_u16()) == Meaning::ClockSkew;
        return Err(EciError::Refused {
            action: A::NAME,
            code: told.code,
            status: status.as_u16(),
            message: told.message,
            request_id: told.request_id.into(),
            retry_after: retry_after(headers),
            clock_skew: expired.then(|| Some(date(headers)?.duration_since(now))).flatten(),
        });
    }
    // A proxy or a load balancer on the way answered, not the service.
    match status {
        StatusCode::TOO_MANY_REQUESTS => Err(EciError::Refused {
            action: A::NAME,
            code: "429".to_owned(),
            status: 429,
            message: "Too many requests.".to_owned(),
            request_id: Box::default(),
            retry_after: retry_after(headers),
            clock_skew: None,
        }),
        _ if status.is_server_error() => {
            Err(EciError::unreachable(A::NAME, format!("HTTP status {} without a code", status.as_u16())))
        }
        _ if status.is_redirection() => Err(garbled(format!(
            "HTTP status {} to {}; an ECI endpoint does not redirect, so ECI_ENDPOINT is not one",
            status.as_u16(),
            target(headers)
        ))),
        _ => Err(garbled(format!("HTTP status {} without a code", status.as_u16()))),
    }
}

/// The wait that the answer asks for.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(wait) = text(RETRY_AFTER_MS).and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(wait));
    }
    let wished = text(header::RETRY_AFTER.as_str())?;
    if let Ok(seconds) = wished.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = http_date(wished)?.duration_since(date(headers)?);
    (!wait.is_negative()).then(|| wait.unsigned_abs())
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(header::DATE)?.to_str().ok()?)
}

/// Of RFC 9110's three forms, the only one that is still written: `Mon, 05 Jan 2026 01:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp())
}

/// An answer that is no JSON, with the kind of page that it is.
fn not_json(headers: &HeaderMap, why: &str) -> String {
    match headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(kind) if !kind.contains("json") => {
            format!("it is {kind:.64}, not JSON; something on the way answered instead ({why})")
        }
        _ => why.to_owned(),
    }
}

/// The place to which an answer redirects, without what may be secret in it.
fn target(headers: &HeaderMap) -> String {
    let uri = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()?.parse::<http::Uri>().ok());
    match uri {
        Some(uri) => match (uri.scheme_str(), uri.authority()) {
            (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
            _ => "another path".to_owned(),
        },
        None => "nowhere".to_owned(),
    }
}

/// The skew that is worth correcting signatures for; the cloud tolerates minutes.
pub(super) fn is_worth_correcting(skew: SignedDuration) -> bool {
    skew.unsigned_abs() >= Duration::from_secs(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_wait_that_is_asked_for_comes_in_three_forms() {
        let now = ("date", "Mon, 05 Jan 2026 01:00:00 GMT");
        for (pairs, wait) in [
            (vec![("x-acs-retry-after", "1500")], Some(1500)),
            (vec![("x-acs-retry-after", "1500"), ("retry-after", "7")], Some(1500)),
            (vec![("retry-after", "7")], Some(7000)),
            (vec![now, ("retry-after", "Mon, 05 Jan 2026 01:00:20 GMT")], Some(20_000)),
            (vec![now, ("retry-after", "Mon, 05 Jan 2026 00:59:00 GMT")], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ] {
            let read = retry_after(&headers(&pairs)).map(|wait| wait.as_millis());
            assert_eq!(read, wait, "{pairs:?}");
        }
    }

    #[test]
    fn a_redirect_names_its_host_and_nothing_that_may_be_secret() {
        let told = target(&headers(&[("location", "https://login.example/path?token=s3cret")]));
        assert_eq!(told, "https://login.example");
    }
}
