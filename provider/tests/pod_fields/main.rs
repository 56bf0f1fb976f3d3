//! What becomes of each field and annotation of a pod: every row of the table is tried, and the page for people is the table.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod annotations;
mod examples;
mod manifest;
mod page;

use std::collections::BTreeSet;

use eci_api::actions::create_container_group::CreateContainerGroup;
use k8s_openapi::api::core::v1::Pod;
use provider::Config;
use provider::pods::fields::{self, Handling, Row};
use provider::pods::identity::Owner;
use provider::pods::provenance::TokenBasis;
use provider::pods::request::{self, Scope};
use provider::pods::sources::{ClaimSource, Sources};
use serde_json::{Value, json};

/// A request as JSON and the warnings, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    request: Value,
    warnings: String,
    refusal: String,
}

/// What the provider makes of a pod with this spec.
fn outcome(spec: &Value) -> Outcome {
    let pod = json!({ "metadata": { "name": "p", "namespace": "vk", "uid": "u" }, "spec": spec });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let scope = Scope {
        config: Config::new("vsw-1", "sg-1"),
        region: "cn-hangzhou".into(),
        owner: Owner { cluster: "c".into(), cluster_uid: None, node: "virtual-kubelet".into() },
    };
    match request::for_pod(&pod, &sources(), &scope, &TokenBasis::First) {
        Ok(made) => Outcome {
            request: json(&made.request),
            warnings: made.remarks.into_iter().map(|remark| remark.message).collect::<Vec<_>>().join("\n"),
            refusal: String::new(),
        },
        Err(error) => Outcome { request: Value::Null, warnings: String::new(), refusal: error.to_string() },
    }
}

fn json(request: &CreateContainerGroup) -> Value {
    serde_json::to_value(request).unwrap()
}

/// The objects that examples refer to.
fn sources() -> Sources {
    let object = |data: Value| json!({ "data": data });
    let docker = r#"{"registry.example.com":{"username":"me","password":"hush"}}"#;
    let docker = k8s_openapi::ByteString(docker.as_bytes().to_vec());
    let settings = serde_json::from_value(object(json!({ "a": "A", "b": "B" }))).unwrap();
    Sources {
        config_maps: [("settings".to_owned(), settings)].into(),
        secrets: [
            ("keys".to_owned(), serde_json::from_value(object(json!({ "a": "QQ==", "b": "Qg==" }))).unwrap()),
            ("oss".to_owned(), serde_json::from_value(object(json!({ "akId": "QQ==" }))).unwrap()),
            ("registry".to_owned(), serde_json::from_value(object(json!({ ".dockercfg": docker }))).unwrap()),
        ]
        .into(),
        claims: ["data", "p-v"].map(|name| (name.to_owned(), disk())).into(),
        ..Sources::default()
    }
}

/// A claim of the examples' pod, bound to a disk.
fn disk() -> ClaimSource {
    let claim = json!({
        "metadata": { "uid": "c", "ownerReferences": [{ "apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u" }] },
        "status": { "phase": "Bound" }
    });
    let volume = json!({ "spec": {
        "claimRef": { "uid": "c" },
        "csi": { "driver": "diskplugin.csi.alibabacloud.com", "volumeHandle": "d-1" }
    } });
    ClaimSource {
        claim: serde_json::from_value(claim).unwrap(),
        volume: serde_json::from_value(volume).unwrap(),
        secret: None,
    }
}

/// Says where an outcome with an example differs from what its row says; `before` is the outcome without it.
fn fault(row: &Row, before: &Outcome, after: &Outcome) -> Option<&'static str> {
    let field = row.name.rsplit('.').next().unwrap();
    let names = |text: &str| text.contains(field) && text.contains(row.words);
    match row.handling {
        Handling::Sent if !after.refusal.is_empty() => Some("there is no request"),
        Handling::Sent if after.request == before.request => Some("the request is the same without it"),
        Handling::Elsewhere | Handling::NoEffect if after != before => Some("it makes a difference"),
        Handling::LeftOut if !names(&after.warnings) => Some("no warning names it"),
        Handling::LeftOut if before.warnings == after.warnings => Some("it is warned of without it, too"),
        Handling::Refused if !names(&after.refusal) => Some("no refusal names it"),
        Handling::Refused if before == after => Some("it is refused without it, too"),
        _ => None,
    }
}

#[test]
fn every_field_becomes_what_its_row_says() {
    let rows = fields::rows();
    assert!(rows.len() > 200, "{} rows: the rule would check little", rows.len());
    let mut faults = Vec::new();
    for row in &rows {
        let Some((value, context)) = examples::of(row) else {
            faults.push(format!("{}{}: no example", row.name, row.when));
            continue;
        };
        let with = manifest::with(&row.name, value, context);
        let without = manifest::without(&row.name, &with);
        if let Some(fault) = fault(row, &outcome(&without), &outcome(&with)) {
            let after = outcome(&with);
            faults
                .push(format!("{}{} ({}): {fault}\n  {with}\n  {after:?}", row.name, row.when, row.handling));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_example_has_its_row() {
    let rows: BTreeSet<_> = fields::rows().into_iter().map(|row| row.name).collect();
    let stray: Vec<_> = examples::names().filter(|name| !rows.contains(*name)).collect();
    assert!(stray.is_empty(), "{stray:?}");
}

#[test]
fn a_plain_pod_gets_no_warning_for_what_the_api_server_fills_in() {
    let outcome = outcome(&manifest::as_the_api_server_has_it());
    assert_eq!((outcome.warnings.as_str(), outcome.refusal.as_str()), ("", ""));
}
