//! Requests to the cloud, written and signed.

use bytes::Bytes;
use eci_api::signature::acs3;
use eci_api::{Action, VERSION, query};
use http::Request;
use jiff::Timestamp;

use super::{Credentials, Eci, EciError, Key};

/// The longest request line that is sent; what is longer travels in the body. Signatures cover both.
const QUERY_LIMIT: usize = 8 * 1024;
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

impl Eci {
    /// The signed request for `action`, with a nonce of its own, dated by the cloud's clock as far as that is known.
    pub(super) fn request<A: Action>(&self, action: &A) -> Result<Request<Bytes>, EciError> {
        let pairs = query::to_pairs(action)
            .map_err(|error| EciError::Garbled { action: A::NAME, why: error.to_string() })?;
        let rendered = query::render(&pairs);
        let (drawn, skew) = {
            let mut shared = self.shared();
            (shared.chance.uuid(), shared.skew)
        };
        let now = self.0.clock.now();
        let now = now.saturating_add(skew).unwrap_or(now);
        // Mixed with the time, since a provider that is started again may draw from the same seed.
        let nonce = format!("{:032x}", drawn.as_u128() ^ now.as_nanosecond().unsigned_abs());
        if rendered.len() <= QUERY_LIMIT {
            self.signed::<A>(&pairs, &rendered, "", &nonce, now)
        } else {
            self.signed::<A>(&[], "", &rendered, &nonce, now)
        }
        .map_err(|error| EciError::Garbled { action: A::NAME, why: error.to_string() })
    }

    fn signed<A: Action>(
        &self,
        pairs: &[(String, String)],
        query: &str,
        body: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Request<Bytes>, http::Error> {
        let host = self.0.endpoint.authority();
        let Key { credentials: Credentials { access_key_id, secret }, security_token, .. } =
            &self.shared().key.clone();
        let payload_hash = acs3::sha256_hex(body.as_bytes());
        let mut headers: Vec<(String, String)> = vec![
            ("host".into(), host.into()),
            ("x-acs-action".into(), A::NAME.into()),
            ("x-acs-content-sha256".into(), payload_hash.clone()),
            ("x-acs-date".into(), now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("x-acs-signature-nonce".into(), nonce.into()),
            ("x-acs-version".into(), VERSION.into()),
        ];
        if let Some(token) = security_token {
            headers.push(("x-acs-accesskey-id".into(), access_key_id.clone()));
            headers.push(("x-acs-security-token".into(), token.reveal().to_owned()));
            headers.sort();
        }
        if !body.is_empty() {
            headers.insert(0, ("content-type".into(), FORM.into()));
        }
        let signed: Vec<String> = headers.iter().map(|(name, _)| name.clone()).collect();
        let signable = acs3::Signable {
            method: "POST",
            query: pairs,
            headers: &headers,
            signed: &signed,
            payload_hash: &payload_hash,
        };
        let authorization = format!(
            "{} Credential={},SignedHeaders={},Signature={}",
            acs3::ALGORITHM,
            query::encode(access_key_id),
            signed.join(";"),
            signable.sign(secret)
        );
        let mut request = Request::post(self.0.endpoint.uri(query));
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        request
            .header("accept", "application/json")
            .header("authorization", authorization)
            .body(Bytes::copy_from_slice(body.as_bytes()))
    }
}
