//! Fuzzing of patches: any bytes are read and carried out or refused; `PROPTEST_CASES` is the number of tries.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Patch;
use crate::decode;
use crate::kinds;

const TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "a", "namespace": "b", "labels": { "x": "y" }, "finalizers": ["f"] },
        "spec": { "containers": [{ "name": "c", "image": "i", "ports": [{ "containerPort": 1, "protocol": "TCP" }] }] }
    })
}

/// Pieces of patches that are nearly valid.
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
        "0",
        "-1",
        "1e999",
        "{}",
        "[]",
        "\n",
        "- ",
        ": ",
        "&a ",
        "*a",
        "\"op\":",
        "\"add\"",
        "\"copy\"",
        "\"move\"",
        "\"test\"",
        "\"remove\"",
        "\"path\":",
        "\"from\":",
        "\"value\":",
        "\"\"",
        "\"/spec\"",
        "\"/spec/containers/-\"",
        "\"/spec/containers/18446744073709551616\"",
        "\"/metadata/labels/~\"",
        "\"spec\":",
        "\"metadata\":",
        "\"containers\":",
        "\"name\":",
        "\"c\"",
        "\"$patch\":",
        "\"delete\"",
        "\"replace\"",
        "\"$retainKeys\":",
        "\"$setElementOrder/containers\":",
        "\"$deleteFromPrimitiveList/finalizers\":",
        "\"ports\":",
        "\"containerPort\":",
        "\"apiVersion\":\"v1\",",
    ];
    prop_oneof![
        12 => prop::sample::select(words).prop_map(str::to_owned),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(|raw| String::from_utf8_lossy(&raw).into_owned()),
    ]
}

/// JSON of the shapes that patches have.
fn object() -> impl Strategy<Value = Value> {
    let names = vec![
        "spec",
        "metadata",
        "containers",
        "name",
        "labels",
        "finalizers",
        "ports",
        "containerPort",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$setElementOrder/ports",
        "$deleteFromPrimitiveList/finalizers",
        "op",
        "path",
        "from",
        "value",
        "image",
        "env",
        "tolerations",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["c", "delete", "replace", "merge", "add", "copy", "/spec", "", "f"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(names.clone()), inner), 0..5)
                .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn play(kind: &str, body: &[u8]) {
    let pod_kind = kinds::find("", "pods").unwrap();
    if let Ok(patch) = Patch::read(kind, body) {
        let _either_way = patch.apply_to(pod_kind, &pod());
    }
}

proptest! {
    #[test]
    fn fuzz_a_patch_of_any_bytes_is_carried_out_or_refused(
        kind in prop::sample::select(TYPES.to_vec()), body in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        play(kind, &body);
        let _either_way = decode::yaml(&body);
    }

    #[test]
    fn fuzz_a_patch_that_comes_near_is_carried_out_or_refused(
        kind in prop::sample::select(TYPES.to_vec()), pieces in prop::collection::vec(piece(), 0..30)
    ) {
        play(kind, pieces.concat().as_bytes());
    }

    #[test]
    fn fuzz_a_patch_of_any_shape_is_carried_out_or_refused(
        kind in prop::sample::select(TYPES.to_vec()), patch in object()
    ) {
        play(kind, patch.to_string().as_bytes());
        play(kind, json!({ "spec": patch, "metadata": patch }).to_string().as_bytes());
        play(kind, json!([patch]).to_string().as_bytes());
    }
}

#[test]
fn copies_that_double_an_object_are_bounded() {
    let copy = |name| json!({ "op": "copy", "from": "/spec", "path": format!("/spec/x{name}") });
    let copies: Vec<Value> = (0..40).map(copy).collect();
    let patch = Patch::read(TYPES[0], json!(copies).to_string().as_bytes()).unwrap();
    let refused = patch.apply_to(kinds::find("", "pods").unwrap(), &pod()).unwrap_err();
    assert!(refused.message.contains("copies of a JSON patch"), "{}", refused.message);
}
