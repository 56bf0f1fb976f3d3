//! Signing requests: who asks is noted, who approves and signs has to be allowed to, and nobody gets into the administrators'
//! group by a certificate.

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use super::denial::Denial;
use crate::authn::MASTERS;
pub use crate::kinds::certificate_signing_request::GROUP;
use crate::kinds::certificate_signing_request::request;
use crate::object::field::{map_mut, text};

const CLIENT: &str = "kubernetes.io/kube-apiserver-client";

/// Admits a write of a signing request; `may` says whether its writer has this right on the signer of this name.
///
/// # Errors
/// [`Denial::Masters`] for a client's certificate of the administrators' group, [`Denial::Signer`] for an approval or a
/// certificate of somebody who may not give it.
pub fn admit(
    object: &mut Value,
    attributes: &Attributes<'_>,
    may: impl Fn(&str, &str) -> bool,
) -> Result<(), Denial> {
    match (attributes.operation, attributes.subresource) {
        (Operation::Create, "") => ask(object, attributes),
        (Operation::Update, "approval") => check(attributes, "approve", may),
        (Operation::Update, "status") if is_signed(object, attributes) => check(attributes, "sign", may),
        _ => Ok(()),
    }
}

/// Notes in a new request who asks.
fn ask(object: &mut Value, attributes: &Attributes<'_>) -> Result<(), Denial> {
    let spec = map_mut(object, "spec");
    for key in ["username", "uid", "groups", "extra"] {
        spec.shift_remove(key);
        let given = attributes.user.get(key).filter(|value| !value.is_null() && **value != "");
        if let Some(given) = given {
            spec.insert(key.to_owned(), given.clone());
        }
    }
    if text(object, "/spec/signerName") != CLIENT {
        return Ok(());
    }
    let organizations = request(object).map(|request| request.organizations).unwrap_or_default();
    if organizations.iter().any(|organization| organization == MASTERS) {
        return Err(Denial::Masters(CLIENT));
    }
    Ok(())
}

/// True for a write that brings a certificate or a failure.
fn is_signed(object: &Value, attributes: &Attributes<'_>) -> bool {
    let old = attributes.old.unwrap_or(&Value::Null);
    let failed = |object: &Value| crate::object::conditions::find(object, "Failed").is_some();
    text(object, "/status/certificate") != text(old, "/status/certificate") || failed(object) && !failed(old)
}

/// Checks a right on the signer of a request, or on all signers of its domain.
fn check(
    attributes: &Attributes<'_>,
    verb: &'static str,
    may: impl Fn(&str, &str) -> bool,
) -> Result<(), Denial> {
    let signer = attributes.old.map(|old| text(old, "/spec/signerName")).unwrap_or_default();
    let domain = signer.split('/').next().unwrap_or_default();
    if may(verb, signer) || may(verb, &format!("{domain}/*")) {
        return Ok(());
    }
    Err(Denial::Signer { verb, signer: signer.to_owned() })
}
