//! Whatever bytes come, the decoder, both signatures' parsers and the server neither panic nor take much memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{START_TIME, sim};
use bytes::Bytes;
use eci_api::Action;
use eci_api::query::{Pairs, from_pairs, parse_form, render, to_pairs};
use eci_api::signature::{IncomingRequest, Secret, identify, rpc, verify};
use eci_api::validate;
use eci_sim::Incoming;
use proptest::prelude::*;

/// What a request may answer; 500 would be a fault of ours.
const STATUSES: [u16; 8] = [200, 400, 403, 404, 405, 408, 413, 501];

/// Pieces of which names, values and headers are made that come near to what is meant.
fn piece() -> impl Strategy<Value = String> {
    let words = vec![
        "Container",
        "InitContainer",
        "Volume",
        "Tag",
        "Name",
        "Image",
        "Key",
        "Value",
        "Port",
        "Cpu",
        "Memory",
        "RegionId",
        "ContainerGroupId",
        "ContainerGroupIds",
        "Template",
        "Command",
        "DataSource",
        "Options",
        "ConfigFileVolume",
        "ConfigFileToPath",
        "Content",
        "NextToken",
        "Limit",
        "ResourceId",
        "1",
        "2",
        "0",
        "99999999999999999999",
        "-1",
        "N",
        ".",
        "..",
        "#3#",
        "#99#",
        "%",
        "%0",
        "%zz",
        "%F0%9F",
        "&",
        "=",
        "+",
        ",",
        ";",
        "{",
        "}",
        "[\"",
        "\"]",
        "{\"a\":[1,{\"b\":null}]}",
        "\u{0}",
        "é",
        "🦀",
        "true",
        "1e400",
        "NaN",
        " ",
        "ACS3-HMAC-SHA256",
        "Credential=",
        "SignedHeaders=",
        "Signature=",
        "host",
        "x-acs-action",
        "Action",
        "Version",
        "2018-08-08",
        "AccessKeyId",
        "SignatureNonce",
        "Timestamp",
        "2026-01-01T09:00:00Z",
        "HMAC-SHA1",
    ];
    prop_oneof![
        8 => prop::sample::select(words).prop_map(str::to_owned),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(|raw| String::from_utf8_lossy(&raw).into_owned()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// A parameter's name that is published for the action, or nearly.
fn pairs_for(action: &'static str) -> impl Strategy<Value = Pairs> {
    let names: Vec<&'static str> = validate::parameters(action).iter().map(|p| p.name.as_str()).collect();
    let indexes = prop::sample::select(vec!["1", "2", "7", "0", "4294967296", "x"]);
    let name = prop_oneof![
        5 => (prop::sample::select(names), indexes).prop_map(|(name, index)| name.replace('N', index)),
        1 => text(),
    ];
    prop::collection::vec((name, text()), 0..12)
}

fn action() -> impl Strategy<Value = &'static str> {
    prop::sample::select(validate::actions().collect::<Vec<_>>())
}

fn size(pairs: &[(String, String)]) -> usize {
    pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum()
}

/// Reads as the request of one action; what was read is not larger than what came, but for a share of names.
fn read<A: Action>(pairs: &Pairs) -> Result<(), TestCaseError> {
    if let Ok(request) = from_pairs::<A>(pairs) {
        let written = to_pairs(&request).unwrap();
        let (came, read) = (size(pairs), size(&written));
        prop_assert!(read <= 64 * (came + 1), "{}: {came} bytes became {read}: {written:?}", A::NAME);
    }
    Ok(())
}

macro_rules! read_as_each {
    ($($action:path),*) => {
        fn read_as_each(pairs: &Pairs) -> Result<(), TestCaseError> {
            $(read::<$action>(pairs)?;)*
            Ok(())
        }
    };
}
eci_api::every_action!(read_as_each);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fuzz_a_form_of_any_bytes_is_read_as_any_action(raw in prop::collection::vec(any::<u8>(), 0..400)) {
        let pairs = parse_form(&raw);
        prop_assert!(pairs.len() <= raw.len() && size(&pairs) <= 3 * raw.len() + 2 * pairs.len());
        read_as_each(&pairs)?;
    }

    #[test]
    fn fuzz_a_form_that_comes_near_is_read_as_any_action(text in text(), action in action()) {
        let pairs = parse_form(text.as_bytes());
        read_as_each(&pairs)?;
        let problems = validate::check(action, &pairs);
        prop_assert!(problems.len() <= pairs.len() * 20 + validate::parameters(action).len());
        validate::unknown(action, &pairs);
    }

    #[test]
    fn fuzz_signatures_of_any_bytes_are_parsed(
        (method, query, body) in (text(), text(), prop::collection::vec(any::<u8>(), 0..100)),
        headers in prop::collection::vec((prop::sample::select(vec!["authorization", "x-acs-date", "host", "content-type", "x-acs-signature-nonce"]), text()), 0..6),
    ) {
        let headers: Vec<(String, String)> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for authorization in ["", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;;x,Signature=zz"] {
            let mut headers = headers.clone();
            if !authorization.is_empty() {
                headers.push(("authorization".to_owned(), authorization.to_owned()));
                headers.push(("x-acs-action".to_owned(), "DescribeRegions".to_owned()));
            }
            let request = IncomingRequest { method: &method, query: &query, headers: &headers, body: &body };
            if let Ok(identified) = identify(&request) {
                prop_assert!(size(&identified.pairs) <= 3 * (query.len() + body.len()) + 2 * identified.pairs.len());
                let known = verify(&request, &identified, &Secret::new("s"), START_TIME.parse().unwrap());
                prop_assert!(known.is_err(), "nobody guesses a signature");
            }
        }
    }

    #[test]
    fn fuzz_a_request_of_any_bytes_is_answered(
        (method, path, query) in (prop::sample::select(vec!["GET", "POST", "PUT", ""]), text(), text()),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let incoming = Incoming {
            method: method.to_owned(),
            path,
            query,
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: Bytes::from(body),
        };
        let answer = sim().exchange(incoming).answer.unwrap();
        prop_assert!(STATUSES.contains(&answer.status().as_u16()) && answer.status() != 200, "{answer:?}");
    }

    #[test]
    fn fuzz_a_signed_request_of_any_parameters_is_answered_and_never_with_a_fault_of_ours(
        (action, mut pairs) in action().prop_flat_map(|action| (Just(action), pairs_for(action))),
    ) {
        let (simulator, secret) = (sim(), Secret::new("local-secret"));
        rpc::complete(&mut pairs, action, ("local", &secret), "POST", START_TIME.parse().unwrap(), "nonce");
        let incoming = Incoming { method: "POST".into(), path: "/".into(), query: render(&pairs), ..Incoming::default() };
        let answer = simulator.exchange(incoming).answer.unwrap();
        prop_assert!(STATUSES.contains(&answer.status().as_u16()), "{action}: {answer:?}");
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        let named = answer.status() == 200 || body["Message"].as_str().is_some_and(|text| text.len() > 10);
        prop_assert!(named, "{body}");
    }
}

#[test]
fn names_of_many_parts_and_structures_of_many_levels_are_no_burden() {
    let deep = format!("{}=x", "A.".repeat(200_000));
    let nested = format!("DataSource={}1{}", "[".repeat(50_000), "]".repeat(50_000));
    for text in [deep, nested, "Container.4294967295.Name=x".to_owned(), "&".repeat(1_000_000)] {
        let pairs = parse_form(text.as_bytes());
        let _either_way = from_pairs::<eci_api::actions::CreateContainerGroup>(&pairs);
        let _either_way = from_pairs::<eci_api::actions::CreateDataCache>(&pairs);
        assert!(validate::check("CreateDataCache", &pairs).len() < 10);
    }
}
