//! The signers of this cluster: which requests each takes, and the certificates that they make.

use std::collections::BTreeSet;
use std::time::SystemTime;

use base64::Engine as _;
use certificate_authority::{CertificateRequest, KeyPurpose};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::with_condition;
use crate::kinds::certificate_signing_request::{condition, request};
use crate::object::field::{list, map_mut, number, text};
use crate::sim::KubeSim;

/// The signer of clients.
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
/// The signer of kubelets as clients.
pub const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
/// The signer of kubelets as servers.
const KUBELET_SERVING: &str = "kubernetes.io/kubelet-serving";

/// The life of a certificate unless a shorter one is asked for.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// The time by which a certificate is good earlier than it is made, for clocks that are slow.
const BACKDATE: SignedDuration = SignedDuration::from_mins(5);
/// The life from which on the end is backdated, too.
const LONG: SignedDuration = SignedDuration::from_hours(8);

/// What a signer does not take, in the words of the real one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Kubelets are of one group.
    #[error("subject organization is not system:nodes")]
    Organization,
    /// Kubelets are called after their nodes.
    #[error("subject common name does not begin with system:node:")]
    CommonName,
    /// A server is reached by some name.
    #[error("DNS or IP subjectAltName is required")]
    NoName,
    /// Names of this kind have no place in such a certificate.
    #[error("{0} subjectAltNames are not allowed")]
    Names(&'static str),
    /// A kubelet's certificate is for these usages and no others.
    #[error("usages did not match [{0}]")]
    Usages(String),
    /// A client's certificate is not for this.
    #[error("invalid usage for client certificate: {0}")]
    Usage(String),
    /// A client's certificate is for clients.
    #[error("missing required usage for client certificate: client auth")]
    NoClientAuth,
    /// More than this simulator puts into a certificate.
    #[error("a subject with more than one organization is not signed by this simulator")]
    Organizations,
}

/// The request with its certificate, or with what is wrong with it; `None` for a signer that is not of this cluster.
pub fn sign(sim: &KubeSim, asked: &Value, now: Timestamp) -> Option<Value> {
    let signer = text(asked, "/spec/signerName");
    if ![CLIENT, KUBELET_CLIENT, KUBELET_SERVING].contains(&signer) {
        return None;
    }
    let usages = list(asked, "/spec/usages");
    let read = request(asked).ok()?;
    if let Err(error) = check(signer, &read, usages) {
        let failed = condition("Failed", "SignerValidationFailure", &error.to_string(), now);
        return Some(with_condition(asked, failed));
    }
    let purposes = usages.iter().filter_map(|usage| purpose(usage.as_str().unwrap_or_default()));
    let purposes: Vec<KeyPurpose> = purposes.collect();
    let (from, to) = validity(number(asked, "/spec/expirationSeconds"), now);
    let validity = SystemTime::from(from)..SystemTime::from(to);
    // Without entropy there is no certificate, now or later.
    let certificate = sim.authority().ok()?.sign_request(&read, &purposes, validity).ok()?;
    let mut next = asked.clone();
    let encoded = base64::engine::general_purpose::STANDARD.encode(certificate);
    map_mut(&mut next, "status").insert("certificate".to_owned(), encoded.into());
    Some(next)
}

/// Checks that a signer takes a request.
///
/// # Errors
/// [`SignerError`].
pub fn check(signer: &str, asked: &CertificateRequest, usages: &[Value]) -> Result<(), SignerError> {
    let usages: BTreeSet<&str> = usages.iter().filter_map(Value::as_str).collect();
    match signer {
        KUBELET_CLIENT => {
            nodes(asked)?;
            for (names, told) in [
                (asked.dns_names, "DNS"),
                (asked.email_addresses, "Email"),
                (asked.ip_addresses, "IP"),
                (asked.uris, "URI"),
            ] {
                if names > 0 {
                    return Err(SignerError::Names(told));
                }
            }
            node(asked)?;
            exactly(&usages, "client auth")
        }
        KUBELET_SERVING => {
            nodes(asked)?;
            if asked.dns_names + asked.ip_addresses == 0 {
                return Err(SignerError::NoName);
            }
            for (names, told) in [(asked.email_addresses, "Email"), (asked.uris, "URI")] {
                if names > 0 {
                    return Err(SignerError::Names(told));
                }
            }
            exactly(&usages, "server auth")?;
            node(asked)
        }
        _ => client(asked, &usages),
    }
}

fn client(asked: &CertificateRequest, usages: &BTreeSet<&str>) -> Result<(), SignerError> {
    let known = ["client auth", "digital signature", "key encipherment"];
    if let Some(other) = usages.iter().find(|usage| !known.contains(usage)) {
        return Err(SignerError::Usage((*other).to_owned()));
    }
    if !usages.contains("client auth") {
        return Err(SignerError::NoClientAuth);
    }
    if asked.organizations.len() > 1 { Err(SignerError::Organizations) } else { Ok(()) }
}

fn nodes(asked: &CertificateRequest) -> Result<(), SignerError> {
    if asked.organizations == ["system:nodes"] { Ok(()) } else { Err(SignerError::Organization) }
}

fn node(asked: &CertificateRequest) -> Result<(), SignerError> {
    if asked.common_name.starts_with("system:node:") { Ok(()) } else { Err(SignerError::CommonName) }
}

/// A kubelet's usages: a signature and what it is for, and with some keys encipherment.
fn exactly(usages: &BTreeSet<&str>, role: &str) -> Result<(), SignerError> {
    let mut wanted = BTreeSet::from(["digital signature", "key encipherment", role]);
    let told = if role == "client auth" {
        "client auth digital signature key encipherment"
    } else {
        "digital signature key encipherment server auth"
    };
    if *usages == wanted {
        return Ok(());
    }
    wanted.remove("key encipherment");
    if *usages == wanted { Ok(()) } else { Err(SignerError::Usages(told.to_owned())) }
}

fn purpose(usage: &str) -> Option<KeyPurpose> {
    Some(match usage {
        "digital signature" => KeyPurpose::DigitalSignature,
        "key encipherment" => KeyPurpose::KeyEncipherment,
        "client auth" => KeyPurpose::ClientAuth,
        "server auth" => KeyPurpose::ServerAuth,
        _ => return None,
    })
}

/// The instants from which on a certificate is good, and up to which; `asked` is the life that is asked for, in seconds.
fn validity(asked: Option<i64>, now: Timestamp) -> (Timestamp, Timestamp) {
    let life = asked.map_or(LIFE, |seconds| SignedDuration::from_secs(seconds).min(LIFE));
    let from = now.saturating_sub(BACKDATE).unwrap_or(now);
    let to = if life < LONG { life } else { life - BACKDATE };
    (from, now.saturating_add(to).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_lives_as_long_as_was_asked_for_and_a_year_at_most() {
        let now: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        for (asked, from, to) in [
            (None, "2026-01-05T00:55:00Z", "2027-01-05T00:55:00Z"),
            (Some(600), "2026-01-05T00:55:00Z", "2026-01-05T01:10:00Z"),
            (Some(86_400), "2026-01-05T00:55:00Z", "2026-01-06T00:55:00Z"),
            (Some(i64::MAX), "2026-01-05T00:55:00Z", "2027-01-05T00:55:00Z"),
        ] {
            assert_eq!(validity(asked, now), (from.parse().unwrap(), to.parse().unwrap()), "{asked:?}");
        }
    }
}
