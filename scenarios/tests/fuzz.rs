//! Whatever text stands in a case's file, it is read or refused with its place; `PROPTEST_CASES` says how often that is
//! tried.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use scenarios::scenario::Scenario;

const CASE: &str = include_str!("../cases/scheduling/by-namespace-label.yaml");

/// Pieces of which cases are made that come near to what is meant.
fn piece() -> impl Strategy<Value = String> {
    let words = vec![
        "scenario: ",
        "cites: ",
        "steps:\n",
        "  - ",
        "\n",
        "    ",
        ": ",
        "run",
        "apply",
        "advance",
        "expect",
        "inject",
        "kubectl",
        "script",
        "delete",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!str ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "#",
        "---\n",
        "10s",
        "1h",
        "-1s",
        "99999999999999999999d",
        "1e400",
        "true",
        "null",
        "~",
        "<<: *a",
        "? ",
        "\t",
        "\u{0}",
        "é",
        "name: web",
        "image: nginx",
        "namespace: x",
        "¥ 0.1",
        "status: Running",
        "within: 5m",
    ];
    prop_oneof![
        12 => prop::sample::select(words).prop_map(str::to_owned),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(|raw| String::from_utf8_lossy(&raw).into_owned()),
    ]
}

proptest! {
    #[test]
    fn fuzz_a_case_of_any_text_is_read_or_refused(text in prop::collection::vec(piece(), 0..40)) {
        let _either_way = Scenario::read("fuzz", &text.concat());
        let _either_way = Scenario::read("fuzz", &format!("scenario: a\ncites: b\nsteps:\n  - {}", text.concat()));
    }

    #[test]
    fn fuzz_a_case_with_a_flaw_is_read_or_refused_with_its_place(
        (at, length, flaw) in (0..CASE.len(), 0_usize..20, piece())
    ) {
        let (from, to) = (CASE.floor_char_boundary(at), CASE.floor_char_boundary(at + length));
        let text = [&CASE[..from], &flaw, &CASE[to..]].concat();
        if let Err(mistake) = Scenario::read("fuzz", &text) {
            prop_assert!(mistake.to_string().contains("fuzz"), "{mistake}");
        }
    }
}
