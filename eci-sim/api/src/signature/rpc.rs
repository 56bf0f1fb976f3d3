//! RPC 1.0 (HMAC-SHA1): the signature is one more parameter.

use base64::Engine as _;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha1::Sha1;

use super::Secret;
use crate::action::VERSION;
use crate::query::{Pairs, encode, render_each};

/// String to sign: method, path, and all parameters but `Signature`, sorted by name.
pub fn string_to_sign(method: &str, pairs: &[(String, String)]) -> String {
    string_of(method, pairs.iter())
}

pub(super) fn string_of<'a>(method: &str, pairs: impl Iterator<Item = &'a (String, String)>) -> String {
    let mut sorted: Vec<_> = pairs.filter(|(name, _)| name != "Signature").collect();
    sorted.sort();
    format!("{}&%2F&{}", method.to_ascii_uppercase(), encode(&render_each(sorted.into_iter())))
}

/// The signature of `pairs` under `secret`.
pub fn sign(method: &str, pairs: &[(String, String)], secret: &Secret) -> String {
    sign_text(&string_to_sign(method, pairs), secret)
}

pub(super) fn sign_text(text: &str, secret: &Secret) -> String {
    let key = format!("{}&", secret.expose());
    let mut mac = match Hmac::<Sha1>::new_from_slice(key.as_bytes()) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of every length"),
    };
    mac.update(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// Adds the parameters of the protocol and the signature to the business parameters of a call.
pub fn complete(
    pairs: &mut Pairs,
    action: &str,
    (key_id, secret): (&str, &Secret),
    method: &str,
    now: Timestamp,
    nonce: &str,
) {
    for (name, value) in [
        ("Action", action),
        ("Version", VERSION),
        ("Format", "JSON"),
        ("AccessKeyId", key_id),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", nonce),
        ("Timestamp", &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    ] {
        pairs.push((name.to_owned(), value.to_owned()));
    }
    pairs.push(("Signature".to_owned(), sign(method, pairs, secret)));
}
