//! CertificateSigningRequests: what a writer may change, validation and columns.

use std::collections::BTreeSet;

use certificate_authority::CertificateRequest;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::kind::{CORE, Kind, Rules, STATUS, Subresource, WriteRules, status};
use crate::object::field::{list, list_mut, map_mut, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::timestamp;
use crate::table::age::span;
use crate::table::cells::{AGE, Column, NAME, age_of, name_of, or_none, text_column};

/// The API group of signing requests.
pub const GROUP: &str = "certificates.k8s.io";
/// Conditions that are true or not there.
const LASTING: [&str; 3] = ["Approved", "Denied", "Failed"];
/// The shortest life of a certificate that may be asked for, in seconds.
const LIFE_MIN: i64 = 600;
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

const COLUMNS: &[Column] = &[
    NAME,
    AGE,
    text_column("SignerName"),
    text_column("Requestor"),
    text_column("RequestedDuration"),
    text_column("Condition"),
];

/// The row of CertificateSigningRequests.
pub const REQUESTS: Kind = Kind {
    group: GROUP,
    resource: "certificatesigningrequests",
    kind: "CertificateSigningRequest",
    namespaced: false,
    short: &["csr"],
    subresources: &[
        Subresource { name: "approval", body: ("", "", "CertificateSigningRequest"), verbs: STATUS },
        status("CertificateSigningRequest"),
    ],
    selectable: &["spec.signerName"],
    rules: Rules {
        fill: |object, _| {
            map_mut(object, "status");
        },
        check: |object, old, errors| {
            check(object, errors);
            if let Some(old) = old {
                check_conditions(old, object, false, errors);
            }
        },
        columns: COLUMNS,
        row: |object, now| {
            let life = number(object, "/spec/expirationSeconds").map(span).unwrap_or_default();
            vec![
                name_of(object),
                age_of(object, now),
                text(object, "/spec/signerName").into(),
                text(object, "/spec/username").into(),
                or_none(life),
                state(object).into(),
            ]
        },
    },
    writes: WriteRules {
        keep,
        check: |below, old, object, errors| check_conditions(old, object, below == "approval", errors),
    },
    ..CORE
};

/// The request as it is in PEM.
///
/// # Errors
/// [`certificate_authority::RequestError`].
pub fn request(object: &Value) -> Result<CertificateRequest, certificate_authority::RequestError> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text(object, "/spec/request"));
    CertificateRequest::read(&String::from_utf8_lossy(&bytes.unwrap_or_default()))
}

fn state(object: &Value) -> String {
    let has = |kind: &str| list(object, "/status/conditions").iter().any(|c| text(c, "/type") == kind);
    let mut state = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (_, true) => "Approved",
        _ => "Pending",
    }
    .to_owned();
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !text(object, "/status/certificate").is_empty() {
        state.push_str(",Issued");
    }
    state
}

/// What was asked for stays; the approval changes conditions alone, and the status everything but those of the approval.
fn keep(next: &mut Value, old: &Value, subresource: &str, now: Timestamp) {
    next["spec"] = old["spec"].clone();
    let was = list(old, "/status/conditions");
    match subresource {
        "approval" => match old["status"].get("certificate") {
            Some(certificate) => next["status"]["certificate"] = certificate.clone(),
            None => drop(map_mut(next, "status").shift_remove("certificate")),
        },
        "status" => {
            let mut known: Vec<Value> = was.to_vec();
            known.retain(|condition| matches!(text(condition, "/type"), "Approved" | "Denied"));
            for condition in list_mut(map(next), "conditions") {
                if let Some(same) = known.iter().find(|known| known["type"] == condition["type"]) {
                    *condition = same.clone();
                }
            }
        }
        _ => return,
    }
    for condition in list_mut(map(next), "conditions") {
        let same = was.iter().find(|w| w["type"] == condition["type"] && w["status"] == condition["status"]);
        let turned = same.map(|same| same["lastTransitionTime"].clone()).filter(|turned| !turned.is_null());
        for (key, value) in [("lastUpdateTime", None), ("lastTransitionTime", turned)] {
            if condition[key].is_null() {
                condition[key] = value.unwrap_or_else(|| timestamp::seconds(now).into());
            }
        }
    }
    if list(next, "/status/conditions").is_empty() {
        map_mut(next, "status").shift_remove("conditions");
    }
}

fn map(object: &mut Value) -> &mut Value {
    map_mut(object, "status");
    &mut object["status"]
}

fn check(object: &Value, errors: &mut FieldErrors) {
    if let Err(error) = request(object) {
        errors.invalid("spec.request", &object["spec"]["request"], error.to_string());
    }
    let usages = list(object, "/spec/usages");
    if usages.is_empty() {
        errors.required("spec.usages", "");
    }
    let mut seen = BTreeSet::new();
    for (at, usage) in usages.iter().enumerate() {
        let usage = usage.as_str().unwrap_or_default();
        errors.one_of(format!("spec.usages[{at}]"), usage, &USAGES);
        if !seen.insert(usage) {
            errors.duplicate(format!("spec.usages[{at}]"), usage);
        }
    }
    let signer = text(object, "/spec/signerName");
    if signer.is_empty() {
        errors.required("spec.signerName", "");
    } else if signer == "kubernetes.io/legacy-unknown" {
        let why = "the legacy signerName is not allowed via this API version";
        errors.invalid("spec.signerName", signer, why);
    } else if signer.split('/').count() != 2 || signer.split('/').any(str::is_empty) {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        errors.invalid("spec.signerName", signer, why);
    }
    if let Some(life) = number(object, "/spec/expirationSeconds").filter(|life| *life < LIFE_MIN) {
        let why = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.invalid("spec.expirationSeconds", life, why);
    }
}

/// Adds the errors of conditions and certificate; `may_approve` is true for a write of the approval.
fn check_conditions(old: &Value, object: &Value, may_approve: bool, errors: &mut FieldErrors) {
    let field = "status.conditions";
    let conditions = list(object, "/status/conditions");
    let mut seen = BTreeSet::new();
    for (at, condition) in conditions.iter().enumerate() {
        let (kind, state) = (text(condition, "/type"), text(condition, "/status"));
        if kind.is_empty() {
            errors.required(format!("{field}[{at}].type"), "");
        }
        let allowed: &[&str] =
            if LASTING.contains(&kind) { &["True"] } else { &["False", "True", "Unknown"] };
        match state {
            "" => errors.required(format!("{field}[{at}].status"), ""),
            state => errors.one_of(format!("{field}[{at}].status"), state, allowed),
        }
        let other =
            [("Approved", "Denied"), ("Denied", "Approved")].into_iter().find(|(own, _)| *own == kind);
        if other.is_some_and(|(_, other)| seen.contains(other)) {
            errors.invalid(field, kind, "Approved and Denied conditions are mutually exclusive");
        }
        if !seen.insert(kind) {
            errors.duplicate(format!("{field}[{at}].type"), kind);
        }
    }
    let of = |object: &Value, kind: &str| -> Vec<Value> {
        let all = list(object, "/status/conditions").iter();
        all.filter(|condition| text(condition, "/type") == kind).cloned().collect()
    };
    for kind in LASTING {
        let (was, is) = (of(old, kind), of(object, kind));
        let is_approval = kind != "Failed" && !may_approve;
        let what = match is.len().cmp(&was.len()) {
            std::cmp::Ordering::Less => "remove",
            std::cmp::Ordering::Greater if is_approval => "add",
            std::cmp::Ordering::Equal if is_approval && was != is => "modify",
            _ => continue,
        };
        errors.forbidden(field, &format!("updates may not {what} a condition of type {kind:?}"));
    }
    let [was, is] = [old, object].map(|object| text(object, "/status/certificate"));
    if !was.is_empty() && was != is {
        errors.forbidden("status.certificate", "updates may not modify existing certificate content");
    }
}

/// A signing request's condition that is true.
pub fn condition(kind: &str, reason: &str, message: &str, now: Timestamp) -> Value {
    let now = timestamp::seconds(now);
    json!({"type": kind, "status": "True", "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": now})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(old: &Value, new: &Value, may_approve: bool) -> Vec<String> {
        let mut errors = FieldErrors::default();
        check_conditions(old, new, may_approve, &mut errors);
        errors.0.iter().map(ToString::to_string).collect()
    }

    fn with(conditions: &[&str]) -> Value {
        let now = Timestamp::UNIX_EPOCH;
        let conditions: Vec<_> = conditions.iter().map(|kind| condition(kind, "", "", now)).collect();
        json!({"status": {"conditions": conditions}})
    }

    #[test]
    fn only_the_approval_approves_and_nothing_takes_it_back() {
        for (old, new, may_approve, words) in [
            (with(&[]), with(&["Approved"]), true, None),
            (
                with(&[]),
                with(&["Approved"]),
                false,
                Some("updates may not add a condition of type \"Approved\""),
            ),
            (
                with(&["Denied"]),
                with(&[]),
                true,
                Some("updates may not remove a condition of type \"Denied\""),
            ),
            (with(&[]), with(&["Failed"]), false, None),
        ] {
            let wanted: Vec<_> =
                words.map(|words| format!("status.conditions: Forbidden: {words}")).into_iter().collect();
            assert_eq!(messages(&old, &new, may_approve), wanted);
        }
        let both = messages(&with(&[]), &with(&["Approved", "Denied"]), true);
        let words = "status.conditions: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive";
        assert_eq!(both, [words]);
    }

    #[test]
    fn what_was_asked_for_stays_and_a_condition_gets_its_instants() {
        let old = json!({"spec": {"username": "a"}, "status": {}});
        let mut next = json!({"spec": {"username": "b"}, "status": {"certificate": "eA==",
            "conditions": [{"type": "Approved", "status": "True"}]}});
        keep(&mut next, &old, "approval", Timestamp::UNIX_EPOCH);
        assert_eq!(next["spec"], old["spec"]);
        assert_eq!(next["status"].get("certificate"), None);
        assert_eq!(next["status"]["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
    }
}
