//! ACS3-HMAC-SHA256: the signature stands in the `Authorization` header.

use std::borrow::Cow;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Secret;
use crate::action::VERSION;
use crate::query::{encode, render_each};

/// Name of the algorithm, with which the `Authorization` header begins.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Capacity in bytes that is enough for most canonical requests.
const USUAL_LENGTH: usize = 512;

/// A request as the signature covers it.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// HTTP method, in any case of its letters.
    pub method: &'a str,
    /// Decoded query: names and values.
    pub query: &'a [(String, String)],
    /// Headers: names in lower case, with their values.
    pub headers: &'a [(String, String)],
    /// Names of the signed headers, as in `SignedHeaders`.
    pub signed: &'a [String],
    /// SHA-256 of the body, in lower hex.
    pub payload_hash: &'a str,
}

impl Signable<'_> {
    /// Canonical request, whose hash is signed.
    pub fn canonical(&self) -> String {
        self.canonical_of(self.query.iter().collect())
    }

    /// As [`Self::canonical`], with a query that is not in one slice.
    pub(super) fn canonical_of(&self, mut query: Vec<&(String, String)>) -> String {
        query.sort();
        let mut signed: Vec<_> = self.signed.iter().map(|name| lower(name)).collect();
        signed.sort();
        let mut text = String::with_capacity(USUAL_LENGTH);
        text.push_str(&self.method.to_ascii_uppercase());
        text.push_str("\n/\n");
        text.push_str(&render_each(query.into_iter()));
        text.push('\n');
        for name in &signed {
            text.push_str(name);
            text.push(':');
            self.push_values(&mut text, name);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&signed.join(";"));
        text.push('\n');
        text.push_str(self.payload_hash);
        text
    }

    /// Appends the value of a header; all values in order, joined by commas, where it came several times.
    fn push_values(&self, text: &mut String, name: &str) {
        let mut same = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let first = same.next().map(|(_, value)| value.trim()).unwrap_or_default();
        let mut others: Vec<_> = same.map(|(_, value)| value.trim()).collect();
        if others.is_empty() {
            return text.push_str(first);
        }
        others.push(first);
        others.sort_unstable();
        text.push_str(&others.join(","));
    }

    /// String to sign: the algorithm and the hash of the canonical request.
    pub fn string_to_sign(&self) -> String {
        string_to_sign(&self.canonical())
    }

    /// The signature under `secret`, in lower hex.
    pub fn sign(&self, secret: &Secret) -> String {
        sign_text(&self.string_to_sign(), secret)
    }
}

pub(super) fn string_to_sign(canonical: &str) -> String {
    [ALGORITHM, "\n", &sha256_hex(canonical.as_bytes())].concat()
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
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

/// Headers of a call with an empty body, `Authorization` among them.
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

/// Content of an `Authorization` header of this scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Id of the access key.
    pub credential: String,
    /// Names of the signed headers.
    pub signed: Vec<String>,
    /// Signature, in lower hex.
    pub signature: String,
}

impl Authorization {
    /// Reads the header; `None` when one of its three parts is missing or the algorithm is another.
    pub fn parse(header: &str) -> Option<Self> {
        let parts = header.trim().strip_prefix(ALGORITHM)?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for (name, value) in parts.split(',').filter_map(|part| part.trim().split_once('=')) {
            let part = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                _ => continue,
            };
            // The first part of a name counts.
            part.get_or_insert(value.trim());
        }
        Some(Self {
            credential: credential?.to_owned(),
            signed: signed?.split(';').map(str::to_owned).collect(),
            signature: signature?.to_owned(),
        })
    }
}

/// SHA-256 in lower hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}
