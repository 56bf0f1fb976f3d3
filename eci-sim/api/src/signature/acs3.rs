//! ACS3-HMAC-SHA256: the signature stands in the `Authorization` header.

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Secret;
use crate::action::VERSION;
use crate::query::{encode, render};

/// The name of the algorithm, with which the `Authorization` header begins.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// A request as the signature sees it.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// The verb.
    pub method: &'a str,
    /// The decoded query.
    pub query: &'a [(String, String)],
    /// Names in lower case, with their values.
    pub headers: &'a [(String, String)],
    /// The names of the headers that are signed, as they stand in `SignedHeaders`.
    pub signed: &'a [String],
    /// Lower hex SHA-256 of the body.
    pub payload_hash: &'a str,
}

impl Signable<'_> {
    /// The text whose hash is signed.
    pub fn canonical(&self) -> String {
        let mut query = self.query.to_vec();
        query.sort();
        let mut signed: Vec<_> = self.signed.iter().map(|name| name.to_ascii_lowercase()).collect();
        signed.sort();
        let headers: String = signed.iter().map(|name| format!("{name}:{}\n", self.values(name))).collect();
        let method = self.method.to_ascii_uppercase();
        format!("{method}\n/\n{}\n{headers}\n{}\n{}", render(&query), signed.join(";"), self.payload_hash)
    }

    fn values(&self, name: &str) -> String {
        let same = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let mut values: Vec<_> = same.map(|(_, value)| value.trim()).collect();
        values.sort_unstable();
        values.join(",")
    }

    /// The algorithm and the hash of the canonical text.
    pub fn string_to_sign(&self) -> String {
        format!("{ALGORITHM}\n{}", sha256_hex(self.canonical().as_bytes()))
    }

    /// The signature under `secret`, in lower hex.
    pub fn sign(&self, secret: &Secret) -> String {
        sign_text(&self.string_to_sign(), secret)
    }
}

pub(super) fn sign_text(text: &str, secret: &Secret) -> String {
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of every length"),
    };
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// All headers that a call needs, `Authorization` among them, for an empty body.
pub fn headers(
    action: &str,
    host: &str,
    query: &[(String, String)],
    (key_id, secret): (&str, &Secret),
    now: Timestamp,
    nonce: &str,
) -> Vec<(String, String)> {
    let payload_hash = sha256_hex(b"");
    let mut headers: Vec<(String, String)> = [
        ("host", host),
        ("x-acs-action", action),
        ("x-acs-content-sha256", &payload_hash),
        ("x-acs-date", &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("x-acs-signature-nonce", nonce),
        ("x-acs-version", VERSION),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let signed: Vec<_> = headers.iter().map(|(name, _)| name.clone()).collect();
    let request =
        Signable { method: "POST", query, headers: &headers, signed: &signed, payload_hash: &payload_hash };
    let signature = request.sign(secret);
    let names = signed.join(";");
    let credential = encode(key_id);
    let value = format!("{ALGORITHM} Credential={credential},SignedHeaders={names},Signature={signature}");
    headers.push(("authorization".to_owned(), value));
    headers
}

/// What an `Authorization` header of this scheme says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The access key's id.
    pub credential: String,
    /// The names of the signed headers.
    pub signed: Vec<String>,
    /// The signature, in lower hex.
    pub signature: String,
}

impl Authorization {
    /// Reads the header; `None` when one of its three parts is missing or the algorithm is another.
    pub fn parse(header: &str) -> Option<Self> {
        let parts = header.trim().strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            let found =
                parts.split(',').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name);
            found.map(|(_, value)| value.trim().to_owned())
        };
        let signed = part("SignedHeaders")?.split(';').map(str::to_owned).collect();
        Some(Self { credential: part("Credential")?, signed, signature: part("Signature")? })
    }
}

/// Lower hex SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
