//! A temporary key by `AssumeRoleWithOIDC` (eci-openapi.md, section 12): the cluster's token proves who asks, nothing is signed.

use bytes::Bytes;
use eci_api::query;
use eci_api::signature::acs3::sha256_hex;
use http::Request;
use serde::Deserialize;

use super::{KeyError, KeyReader, OidcRole, TemporaryKey};
use crate::eci::credentials::Key;
use crate::eci::signing::FORM;

const VERSION: &str = "2015-04-01";
const ACTION: &str = "AssumeRoleWithOIDC";
/// The name of the session, as RAM's log of actions shows it.
const SESSION: &str = "virtual-node";
const REMEDY: &str = "see that the role trusts the cluster's OIDC provider, and this service account";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    credentials: TemporaryKey,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
}

impl KeyReader {
    pub(super) async fn of_oidc(&self, role: &OidcRole) -> Result<Key, KeyError> {
        let path = &role.token_file;
        let token =
            std::fs::read_to_string(path).map_err(|why| KeyError::Unreadable { path: path.clone(), why })?;
        let now = self.clock.now();
        let nonce =
            sha256_hex(format!("{}/{}/{}", role.role_arn, now.as_nanosecond(), token.len()).as_bytes());
        let timestamp = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let pairs = [
            ("Action", ACTION),
            ("Format", "JSON"),
            ("OIDCProviderArn", role.provider_arn.as_str()),
            ("OIDCToken", token.trim()),
            ("RoleArn", role.role_arn.as_str()),
            ("RoleSessionName", SESSION),
            ("SignatureNonce", &nonce[..32]),
            ("Timestamp", timestamp.as_str()),
            ("Version", VERSION),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        // in the body, since addresses are written into logs on the way
        let request = Request::post(role.endpoint.uri(""))
            .header("content-type", FORM)
            .header("accept", "application/json")
            .body(Bytes::from(query::render(&pairs)));
        let endpoint = || role.endpoint.to_string();
        let request = request
            .map_err(|_| KeyError::Garbled { endpoint: endpoint(), why: "its address cannot be used" })?;
        let (status, body) = self.ask(&role.endpoint, request).await?;
        if !status.is_success() {
            let code = serde_json::from_slice::<Refusal>(&body).unwrap_or_default().code;
            return Err(KeyError::Refused {
                endpoint: endpoint(),
                status: status.as_u16(),
                code,
                remedy: REMEDY,
            });
        }
        let reply: Reply = serde_json::from_slice(&body)
            .map_err(|_| KeyError::Garbled { endpoint: endpoint(), why: "it has no Credentials" })?;
        Ok(reply.credentials.into())
    }
}
