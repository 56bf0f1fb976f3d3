//! The part of an AdmissionReview that the injection looks at; the rest of it is not kept, whatever it holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Pod, PodSpec, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most values that a review may hold: a pod of 100 containers with 100 variables each has half as many. A value
/// of two bytes can take two hundred in memory.
const VALUES_MAX: usize = 100_000;

/// An AdmissionReview.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Review<'a> {
    #[serde(borrow)]
    pub api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub request: Reviewed<'a>,
}

/// The request of an AdmissionReview.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reviewed<'a> {
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    #[serde(borrow)]
    pub namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sub_resource: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Kind<'a>>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    group: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

/// A pod, as far as the injection looks at it.
#[derive(Deserialize)]
struct SlimPod {
    #[serde(default)]
    metadata: SlimMeta,
    spec: Option<SlimSpec>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SlimMeta {
    name: Option<String>,
    namespace: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SlimSpec {
    node_name: Option<String>,
    tolerations: Option<Vec<Toleration>>,
    affinity: Option<Affinity>,
}

/// A body that is no review.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReviewError {
    #[error("it holds more than {VALUES_MAX} values")]
    TooMany,
    #[error("{0}; it should have request.uid")]
    Json(#[from] serde_json::Error),
}

impl<'a> Review<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// [`ReviewError`].
    pub fn read(body: &'a [u8]) -> Result<Self, ReviewError> {
        if values_at_most(body) > VALUES_MAX {
            return Err(ReviewError::TooMany);
        }
        Ok(serde_json::from_slice(body)?)
    }
}

impl Reviewed<'_> {
    /// Returns true when a pod itself is created.
    pub fn creates_a_pod(&self) -> bool {
        let is = |text: &Option<Cow<'_, str>>, wanted: &str| text.as_deref().unwrap_or_default() == wanted;
        let pod = self.kind.as_ref().is_some_and(|kind| is(&kind.kind, "Pod") && is(&kind.group, ""));
        pod && is(&self.operation, "CREATE") && is(&self.sub_resource, "")
    }

    /// The pod, with what the injection looks at.
    ///
    /// # Errors
    /// Where that part of it cannot be read.
    pub fn pod(&self) -> Result<Pod, serde_json::Error> {
        let SlimPod { metadata, spec } = serde_json::from_str(self.object.map_or("null", RawValue::get))?;
        let SlimMeta { name, namespace, labels, annotations, owner_references } = metadata;
        let metadata =
            ObjectMeta { name, namespace, labels, annotations, owner_references, ..ObjectMeta::default() };
        let spec = spec.map(|SlimSpec { node_name, tolerations, affinity }| PodSpec {
            node_name,
            tolerations,
            affinity,
            ..PodSpec::default()
        });
        Ok(Pod { metadata, spec, status: None })
    }
}

/// An upper bound of the number of values in a JSON text, and the number itself where it is one.
fn values_at_most(text: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Injection, PATH, Webhook};
    use super::*;

    #[test]
    fn values_are_counted_outside_of_texts() {
        for (text, count) in [("", 1), ("1", 1), ("[1,2]", 3), (r#"{"a":"[,\"{,","b":[]}"#, 4)] {
            assert_eq!(values_at_most(text.as_bytes()), count, "{text}");
        }
    }

    #[test]
    fn a_review_of_a_million_small_values_is_refused_before_it_is_read() {
        let many = "{},".repeat(1_000_000);
        let body =
            format!(r#"{{"request":{{"uid":"u","object":{{"spec":{{"tolerations":[{many}{{}}]}}}}}}}}"#);
        assert!(matches!(Review::read(body.as_bytes()), Err(ReviewError::TooMany)));
    }

    /// Pieces of which reviews are made that come near to what is meant.
    fn piece() -> impl Strategy<Value = String> {
        let words = vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "null",
            "true",
            "1",
            "-1e999",
            "\\u0000",
            "\\ud800",
            "\"request\":{",
            "\"uid\":\"u\",",
            "\"kind\":{\"kind\":\"Pod\"},",
            "\"operation\":\"CREATE\",",
            "\"object\":{",
            "\"metadata\":{",
            "\"spec\":{",
            "\"labels\":{\"a\":\"b\"}",
            "\"tolerations\":[",
            "\"key\":\"k\"",
            "\"affinity\":{",
            "\"nodeAffinity\":{",
            "\"requiredDuringSchedulingIgnoredDuringExecution\":{",
            "\"nodeSelectorTerms\":[",
            "\"matchExpressions\":[",
            "\"nodeName\":\"n\"",
            "\"containers\":[{}]",
        ];
        prop_oneof![
            12 => prop::sample::select(words).prop_map(str::to_owned),
            1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(|raw| String::from_utf8_lossy(&raw).into_owned()),
        ]
    }

    proptest! {
        #[test]
        fn fuzz_a_review_of_any_text_is_answered(pieces in prop::collection::vec(piece(), 0..40)) {
            let text = pieces.concat();
            let within = |object: &str| {
                format!(
                    r#"{{"request":{{"uid":"u","operation":"CREATE","kind":{{"kind":"Pod"}},"object":{object}}}}}"#
                )
            };
            for body in [text.clone(), within(&text), within(&format!(r#"{{"spec":{{{text}}}}}"#))] {
                let request = http::Request::post(PATH).body(bytes::Bytes::from(body)).unwrap();
                let status = Webhook::new(Injection::default()).call(request).status();
                prop_assert!([200, 400].contains(&status.as_u16()), "{status}");
            }
        }
    }
}
