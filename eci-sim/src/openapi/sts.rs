//! The two unsigned ways to a temporary key: `AssumeRoleWithOIDC` of STS 2015-04-01, and the metadata service of a machine with
//! a RAM role (eci-openapi.md, section 12). Both are there for the role that the simulator is given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use eci_api::query::parse_form;
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::RequestContext;
use crate::exchange::{BODY_MAX, Exchange, Incoming};
use crate::refusal::Refusal;
use crate::serving::BoxedReply;
use crate::sim::EciSim;
use crate::temporary_keys::TemporaryKey;
use crate::text::prefix;

const VERSION: &str = "2015-04-01";
const ACTION: &str = "AssumeRoleWithOIDC";
/// Seconds of a session: at least, at most (the role's own limit where nothing else is set), and where none are asked for.
const SESSION_SECONDS: std::ops::RangeInclusive<i64> = 900..=3600;
/// Letters of an OIDC token.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 4..=20_000;
/// Paths of the metadata service.
const METADATA: &str = "/latest/meta-data/ram/security-credentials/";
const METADATA_TOKEN: &str = "/latest/api/token";
/// Life of a machine's key, and the time before its end from which on there is another.
const MACHINE_KEY: SignedDuration = SignedDuration::from_hours(6);
const MACHINE_OVERLAP: SignedDuration = SignedDuration::from_mins(30);

impl EciSim {
    /// The answer of STS, where a request is for it and there is a role.
    pub(super) fn token_service(&self, request: &Incoming) -> Option<Exchange> {
        self.ram_role()?;
        if request.header("authorization").is_some() {
            return None; // it is signed
        }
        let mut pairs = parse_form(request.query.as_bytes());
        if request.body.len() <= BODY_MAX {
            pairs.extend(parse_form(&request.body));
        }
        if find(&pairs, "Version") != VERSION || find(&pairs, "Action") != ACTION {
            return None;
        }
        let now = self.client_time().unwrap_or_else(|| self.clock().now());
        let mut context = RequestContext { action: ACTION.to_owned(), ..RequestContext::default() };
        context.host = prefix(request.header("host").unwrap_or_default(), super::HOST_SHOWN_MAX).to_owned();
        let outcome = self.assume_role(&pairs, now);
        let mut state = self.state();
        context.request_id = state.next_request_id();
        let outcome: Result<BoxedReply, Refusal> = outcome.map(|mut reply| {
            reply["RequestId"] = context.request_id.clone().into();
            Box::new(reply) as BoxedReply
        });
        state.log_request(context.log_entry(&outcome, now));
        drop(state);
        Some(Exchange::answering(context.render(outcome, now)))
    }

    fn assume_role(&self, pairs: &[(String, String)], now: Timestamp) -> Result<Value, Refusal> {
        for name in ["RoleArn", "OIDCProviderArn", "OIDCToken", "RoleSessionName"] {
            if find(pairs, name).is_empty() {
                return Err(Refusal::missing(name));
            }
        }
        let (role, token) = (find(pairs, "RoleArn"), find(pairs, "OIDCToken"));
        let account = self.ram_role().and_then(|own| {
            let (account, name) = role.strip_prefix("acs:ram::")?.split_once(":role/")?;
            (name == own && **self.account() == *account).then(|| account.to_owned())
        });
        let account = account.ok_or_else(|| {
            let message = format!("The role not exists: {}.", prefix(role, 100));
            Refusal::by_rule("EntityNotExist.Role", Some(404), Some(message))
        })?;
        if !TOKEN_LENGTH.contains(&token.len()) {
            return Err(Refusal::invalid("OIDCToken", "it should have 4 to 20000 characters"));
        }
        if expiry(token).is_some_and(|end| end <= now) {
            let message = "The OIDC token has expired.".to_owned();
            return Err(Refusal::by_rule("AuthenticationFail.OIDCToken.Expired", Some(400), Some(message)));
        }
        let asked = find(pairs, "DurationSeconds");
        let seconds = if asked.is_empty() { Some(*SESSION_SECONDS.end()) } else { asked.parse().ok() };
        let seconds = seconds.filter(|seconds| SESSION_SECONDS.contains(seconds));
        let seconds =
            seconds.ok_or_else(|| Refusal::invalid("DurationSeconds", "it should be 900 to 3600"))?;
        let key = self.temporary_keys().issue(&account, now + SignedDuration::from_secs(seconds));
        let TemporaryKey { access_key_id, secret, token, expires } = key;
        Ok(json!({
            "AssumedRoleUser": { "Arn": format!("{role}/{}", find(pairs, "RoleSessionName")), "AssumedRoleId": access_key_id },
            "Credentials": {
                "AccessKeyId": access_key_id,
                "AccessKeySecret": secret.0,
                "SecurityToken": token.0,
                "Expiration": in_seconds(expires),
            },
        }))
    }

    /// The answer of a machine's metadata service, where a request is for it and the machine has a role.
    pub(super) fn metadata_service(&self, request: &Incoming) -> Option<Exchange> {
        let role = self.ram_role()?;
        if request.path == METADATA_TOKEN && request.method == "PUT" {
            return Some(text(StatusCode::OK, "a-token-that-nobody-checks".to_owned()));
        }
        let asked = request.path.strip_prefix(METADATA).or_else(|| {
            request.path.strip_prefix(METADATA.trim_end_matches('/')).filter(|rest| rest.is_empty())
        })?;
        Some(match asked {
            _ if request.method != "GET" => text(StatusCode::METHOD_NOT_ALLOWED, String::new()),
            "" => text(StatusCode::OK, role.to_owned()),
            name if name == role => text(StatusCode::OK, self.machine_key().to_string()),
            _ => text(StatusCode::NOT_FOUND, "404 - Not Found".to_owned()),
        })
    }

    fn machine_key(&self) -> Value {
        let now = self.client_time().unwrap_or_else(|| self.clock().now());
        let turn = (MACHINE_KEY - MACHINE_OVERLAP).as_secs();
        let began = now.as_second().div_euclid(turn).saturating_mul(turn);
        let began = Timestamp::from_second(began).unwrap_or(now);
        let key = self.temporary_keys().issue(self.account(), began + MACHINE_KEY);
        json!({
            "Code": "Success",
            "AccessKeyId": key.access_key_id,
            "AccessKeySecret": key.secret.0,
            "SecurityToken": key.token.0,
            "Expiration": in_seconds(key.expires),
            "LastUpdated": in_seconds(began),
        })
    }
}

fn in_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The end of an OIDC token's life, where it is a JWT that tells it.
fn expiry(token: &str) -> Option<Timestamp> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(claims["exp"].as_i64()?).ok()
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn text(status: StatusCode, body: String) -> Exchange {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    Exchange::answering(response)
}
