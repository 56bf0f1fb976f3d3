//! The published and measured signature vectors, signed and verified (`eci-openapi.md`, sections 2 and 3).

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use eci_api::Secret;
use eci_api::signature::{IncomingRequest, Scheme, SignatureProblem, acs3, identify, rpc, verify};
use jiff::Timestamp;
use proptest::prelude::*;

const NOW: &str = "2024-05-06T07:08:09Z";
const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn secret() -> Secret {
    Secret::new("testsecret")
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const BUSINESS: &[(&str, &str)] = &[
    ("RegionId", "cn-hangzhou"),
    ("ContainerGroupName", "nginx-test"),
    ("Container.1.Name", "nginx"),
    ("Container.1.Image", "nginx:1.25"),
    ("Container.1.Command.1", "sh"),
    ("Container.1.Command.2", "-c"),
    ("Container.1.Command.3", "echo a b*~+/="),
    ("Container.1.EnvironmentVar.1.Key", "K"),
    ("Container.1.EnvironmentVar.1.Value", ""),
];

fn rpc_protocol(action: &'static str, format: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("Action", action),
        ("Format", format),
        ("Version", "2018-08-08"),
        ("Timestamp", NOW),
        ("SignatureNonce", NONCE),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("AccessKeyId", "testid"),
    ]
}

fn r1() -> Vec<(String, String)> {
    pairs(&[rpc_protocol("CreateContainerGroup", "json").as_slice(), BUSINESS].concat())
}

fn r2() -> Vec<(String, String)> {
    let more = [
        ("RegionId", "cn-hangzhou"),
        ("Tag.1.Key", "env"),
        ("Tag.1.Value", "测试 1"),
        ("Limit", "20"),
        ("SignatureType", ""),
    ];
    pairs(&[rpc_protocol("DescribeContainerGroups", "JSON").as_slice(), &more].concat())
}

fn r3() -> Vec<(String, String)> {
    let more = [("RegionId", "cn-hangzhou"), ("SignatureType", ""), ("Template", r#"{"a":1}"#)];
    pairs(&[rpc_protocol("CreateContainerGroupFromTemplate", "JSON").as_slice(), &more].concat())
}

#[test]
fn rpc_vectors_sign_as_the_official_clients_do() {
    for (name, method, pairs, signature) in [
        ("R1", "POST", r1(), "z1UqtI9G4Sz9SvwrzM5dCR9F9nU="),
        ("R1-GET", "GET", r1(), "W450gBAS45K/aquN+2cls2B05BU="),
        ("R2", "GET", r2(), "AzW0imTTAgM3wSuqgyBAnvyBiAY="),
        ("R3", "POST", r3(), "jkUM/XCVIEA4xSxOA6RW4xEIjR0="),
    ] {
        assert_eq!(rpc::sign(method, &pairs, &secret()), signature, "{name}");
    }
}

#[test]
fn rpc_vectors_verify_in_the_form_in_which_they_are_delivered() {
    for (name, method, pairs, signature) in [
        ("R1", "POST", r1(), "z1UqtI9G4Sz9SvwrzM5dCR9F9nU="),
        ("R1-GET", "GET", r1(), "W450gBAS45K/aquN+2cls2B05BU="),
        ("R2", "GET", r2(), "AzW0imTTAgM3wSuqgyBAnvyBiAY="),
    ] {
        let mut pairs = pairs;
        pairs.push(("Signature".to_owned(), signature.to_owned()));
        let query = eci_api::query::render(&pairs);
        // core SDKs write a blank as a plus
        let query = query.replace("%20", "+");
        let request = IncomingRequest { method, query: &query, headers: &[], body: b"" };
        let identified = identify(&request).unwrap();
        assert_eq!(identified.scheme, Scheme::Rpc);
        assert_eq!(verify(&request, &identified, &secret(), now()), Ok(()), "{name}");
    }
}

#[test]
fn r3_verifies_with_its_business_parameter_in_a_form_body() {
    let query: Vec<_> = r3().into_iter().filter(|(name, _)| name != "Template").collect();
    let query = eci_api::query::render(&query) + "&Signature=jkUM%2FXCVIEA4xSxOA6RW4xEIjR0%3D";
    let headers = pairs(&[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]);
    let request = IncomingRequest {
        method: "POST",
        query: &query,
        headers: &headers,
        body: b"Template=%7B%22a%22%3A1%7D",
    };
    let identified = identify(&request).unwrap();
    assert_eq!(verify(&request, &identified, &secret(), now()), Ok(()));
    assert!(identified.pairs.contains(&("Template".to_owned(), r#"{"a":1}"#.to_owned())));
}

struct Acs3 {
    name: &'static str,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: &'static [u8],
    canonical_hash: &'static str,
    signature: &'static str,
}

fn acs3_headers(action: &str, body: &[u8], more: &[(&str, &str)]) -> Vec<(String, String)> {
    let hash = acs3::sha256_hex(body);
    let base = [
        ("host", "eci.cn-hangzhou.aliyuncs.com"),
        ("x-acs-action", action),
        ("x-acs-content-sha256", &hash),
        ("x-acs-date", NOW),
        ("x-acs-signature-nonce", NONCE),
        ("x-acs-version", "2018-08-08"),
    ];
    let mut all = pairs(&[base.as_slice(), more].concat());
    all.sort();
    all
}

fn acs3_vectors() -> [Acs3; 3] {
    let agent = "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2";
    let a2 =
        [("accept", "application/json"), ("user-agent", agent), ("x-acs-credentials-provider", "static_ak")];
    let a3 = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-acs-security-token", "ststoken"),
        ("x-acs-accesskey-id", "testid"),
    ];
    let form: &[u8] = b"Template=%7B%22a%22%3A1%7D";
    [
        Acs3 {
            name: "A1",
            query: pairs(BUSINESS),
            headers: acs3_headers("CreateContainerGroup", b"", &[]),
            body: b"",
            canonical_hash: "aebcc3799294b71ab5734157ebfdf9914ac743cbaa65b3a597485b6212d1de11",
            signature: "a1399f2440529636f01139ac380fb2ddcad20c2d46b2cecb72561c466fda0da6",
        },
        Acs3 {
            name: "A2",
            query: pairs(BUSINESS),
            headers: acs3_headers("CreateContainerGroup", b"", &a2),
            body: b"",
            canonical_hash: "582313aeed2d3ff8472c87865b675232d42ad18dba418042c724ec3a097898a2",
            signature: "cb08ad58322a37678939de5b2aa676efe7756b3aac64374e12dabd19703b0b5c",
        },
        Acs3 {
            name: "A3",
            query: pairs(&[("RegionId", "cn-hangzhou")]),
            headers: acs3_headers("CreateContainerGroupFromTemplate", form, &a3),
            body: form,
            canonical_hash: "78b9c97456194f4704fd85ba5c4795340a6a7df64e8c2e1b63239b0556b41e3b",
            signature: "0ed81297e4ce8fc5708a6d9e84b7a58071b6a4aa98aa9f68f67095cc8a251724",
        },
    ]
}

#[test]
fn acs3_vectors_sign_as_the_official_clients_do() {
    for v in acs3_vectors() {
        let signed: Vec<_> = v.headers.iter().map(|(name, _)| name.clone()).collect();
        let payload_hash = acs3::sha256_hex(v.body);
        let request = acs3::Signable {
            method: "POST",
            query: &v.query,
            headers: &v.headers,
            signed: &signed,
            payload_hash: &payload_hash,
        };
        assert_eq!(acs3::sha256_hex(request.canonical().as_bytes()), v.canonical_hash, "{}", v.name);
        assert_eq!(request.sign(&secret()), v.signature, "{}", v.name);
    }
}

#[test]
fn acs3_vectors_verify() {
    for v in acs3_vectors() {
        let names: Vec<_> = v.headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let authorization =
            format!("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={names},Signature={}", v.signature);
        let mut headers = v.headers.clone();
        headers.push(("Authorization".to_owned(), authorization));
        let query = eci_api::query::render(&v.query);
        let request = IncomingRequest { method: "POST", query: &query, headers: &headers, body: v.body };
        let identified = identify(&request).unwrap();
        assert_eq!(identified.scheme, Scheme::Acs3, "{}", v.name);
        assert_eq!(verify(&request, &identified, &secret(), now()), Ok(()), "{}", v.name);
    }
}

#[test]
fn what_our_client_signs_our_server_believes() {
    let query = pairs(BUSINESS);
    let secret = secret();
    let headers = acs3::headers("DescribeRegions", "127.0.0.1:1", &query, ("testid", &secret), now(), NONCE);
    let text = eci_api::query::render(&query);
    let request = IncomingRequest { method: "POST", query: &text, headers: &headers, body: b"" };
    let identified = identify(&request).unwrap();
    assert_eq!((identified.action.as_str(), identified.nonce.as_str()), ("DescribeRegions", NONCE));
    assert_eq!(verify(&request, &identified, &secret, now()), Ok(()));
}

#[test]
fn a_mismatch_tells_the_string_to_sign_after_a_colon() {
    let mut pairs = r1();
    pairs.push(("Signature".to_owned(), "wrong".to_owned()));
    let query = eci_api::query::render(&pairs);
    let request = IncomingRequest { method: "POST", query: &query, headers: &[], body: b"" };
    let problem = verify(&request, &identify(&request).unwrap(), &secret(), now()).unwrap_err();
    let message = problem.to_string();
    assert!(message.contains("server string to sign is:POST&%2F&AccessKeyId%3Dtestid"), "{message}");
}

#[test]
fn a_time_stamp_is_taken_only_near_the_present() {
    let mut pairs = r1();
    pairs.push(("Signature".to_owned(), "z1UqtI9G4Sz9SvwrzM5dCR9F9nU=".to_owned()));
    let query = eci_api::query::render(&pairs);
    let request = IncomingRequest { method: "POST", query: &query, headers: &[], body: b"" };
    let identified = identify(&request).unwrap();
    for (present, wanted) in [
        ("2024-05-06T07:39:09Z", Ok(())),
        ("2024-05-06T07:39:10Z", Err(SignatureProblem::TimestampExpired)),
        ("2024-05-06T06:37:08Z", Err(SignatureProblem::TimestampExpired)),
    ] {
        assert_eq!(verify(&request, &identified, &secret(), present.parse().unwrap()), wanted, "{present}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let request =
        |query| identify(&IncomingRequest { method: "GET", query, headers: &[], body: b"" }).unwrap_err();
    assert_eq!(request(""), SignatureProblem::MissingAccessKeyId);
    assert_eq!(request("AccessKeyId=a&Version=2018-08-08"), SignatureProblem::MissingAction);
    assert_eq!(request("AccessKeyId=a&Version=2014-05-26&Action=X"), SignatureProblem::Version);
}

#[test]
fn a_request_without_a_nonce_is_incomplete() {
    let secret = secret();
    let mut pairs = pairs(BUSINESS);
    rpc::complete(&mut pairs, "DescribeRegions", ("testid", &secret), "POST", now(), "");
    let query = eci_api::query::render(&pairs);
    let request = IncomingRequest { method: "POST", query: &query, headers: &[], body: b"" };
    let problem = verify(&request, &identify(&request).unwrap(), &secret, now()).unwrap_err();
    assert!(matches!(problem, SignatureProblem::Incomplete(_)), "{problem}");
}

#[test]
fn a_body_that_was_changed_on_its_way_is_not_believed() {
    let v = &acs3_vectors()[2];
    let names = v.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let authorization =
        format!("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={names},Signature={}", v.signature);
    let mut headers = v.headers.clone();
    headers.push(("Authorization".to_owned(), authorization));
    let request = IncomingRequest {
        method: "POST",
        query: "RegionId=cn-hangzhou",
        headers: &headers,
        body: b"Template=x",
    };
    assert!(verify(&request, &identify(&request).unwrap(), &secret(), now()).is_err());
}

#[test]
fn the_scheme_is_told_by_the_authorization_header_alone() {
    let mut pairs = r1();
    pairs.push(("Signature".to_owned(), "z1UqtI9G4Sz9SvwrzM5dCR9F9nU=".to_owned()));
    let query = eci_api::query::render(&pairs);
    let headers = acs3_headers("DescribeRegions", b"", &[]);
    let request = IncomingRequest { method: "POST", query: &query, headers: &headers, body: b"" };
    let identified = identify(&request).unwrap();
    assert_eq!((identified.scheme, identified.action.as_str()), (Scheme::Rpc, "CreateContainerGroup"));
    assert_eq!(verify(&request, &identified, &secret(), now()), Ok(()));
}

#[test]
fn a_time_stamp_has_no_fraction() {
    for text in ["2024-05-06T07:08:09.5Z", "2024-05-06 07:08:09Z", "2024-05-06T07:08:09+00", "1714979289", ""]
    {
        let mut pairs: Vec<_> = r1().into_iter().filter(|(name, _)| name != "Timestamp").collect();
        pairs.push(("Timestamp".to_owned(), text.to_owned()));
        pairs.push(("Signature".to_owned(), rpc::sign("GET", &pairs, &secret())));
        let query = eci_api::query::render(&pairs);
        let request = IncomingRequest { method: "GET", query: &query, headers: &[], body: b"" };
        let problem = verify(&request, &identify(&request).unwrap(), &secret(), now()).unwrap_err();
        assert_eq!(problem, SignatureProblem::TimestampFormat, "{text}");
    }
}

#[test]
fn a_secret_is_not_printed() {
    assert!(!format!("{:?}", Secret::new("abcdef")).contains("abcdef"));
}

proptest! {
    #[test]
    fn no_request_makes_the_verifier_panic(
        method in "[A-Za-z]{0,6}",
        query in ".{0,200}",
        authorization in "(ACS3-HMAC-SHA256 )?[ -~]{0,120}",
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let headers = vec![
            ("Authorization".to_owned(), authorization),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let request = IncomingRequest { method: &method, query: &query, headers: &headers, body: &body };
        if let Ok(identified) = identify(&request) {
            prop_assert!(verify(&request, &identified, &secret(), now()).is_err());
        }
    }
}

/// The problem of a POST with this query and these headers, as far as it is one of those before the signature.
fn refused(query: &str, headers: &[(String, String)], body: &[u8]) -> SignatureProblem {
    let request = IncomingRequest { method: "POST", query, headers, body };
    let identified = match identify(&request) {
        Ok(identified) => identified,
        Err(problem) => return problem,
    };
    verify(&request, &identified, &secret(), now()).unwrap_err()
}

#[test]
fn kinds_of_signatures_that_are_not_the_clouds_are_refused_by_name() {
    for (name, other) in
        [("SignatureMethod", "HMAC-SHA256"), ("SignatureVersion", "2.0"), ("SignatureType", "BEARERTOKEN")]
    {
        let mut pairs: Vec<_> = r1().into_iter().filter(|(own, _)| own != name).collect();
        pairs.push((name.to_owned(), other.to_owned()));
        pairs.push(("Signature".to_owned(), rpc::sign("POST", &pairs, &secret())));
        let problem = refused(&eci_api::query::render(&pairs), &[], b"");
        assert!(
            matches!(problem, SignatureProblem::Method { parameter, .. } if parameter == name),
            "{problem}"
        );
    }
    for algorithm in ["ACS3-HMAC-SM3", "ACS3-RSA-SHA256", "ACS3-HMAC-SHA256x"] {
        let headers =
            pairs(&[("Authorization", &format!("{algorithm} Credential=a,SignedHeaders=b,Signature=c"))]);
        assert!(matches!(
            refused("", &headers, b""),
            SignatureProblem::Method { parameter: "Authorization", .. }
        ));
    }
}

#[test]
fn an_unsigned_content_type_adds_no_parameters() {
    let secret = secret();
    let mut headers = acs3::headers("DescribeRegions", "h", &[], ("testid", &secret), now(), NONCE);
    headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    let request = IncomingRequest { method: "POST", query: "", headers: &headers, body: b"" };
    let identified = identify(&request).unwrap();
    assert_eq!(verify(&request, &identified, &secret, now()), Ok(()));
    let request = IncomingRequest { body: b"RegionId=cn-beijing", ..request };
    assert_eq!(identify(&request).unwrap().pairs, [], "whoever signed did not say that the body is a form");
}

#[test]
fn what_nobody_means_is_refused_before_it_is_read() {
    let long = "x".repeat(4 << 20);
    let version = "Version=2018-08-08";
    for (query, parameter) in [
        (format!("{version}&AccessKeyId=testid&Action={long}"), "Action"),
        (format!("{version}&AccessKeyId=testid&Action=a&SignatureNonce={long}"), "SignatureNonce"),
        (format!("{version}&AccessKeyId={long}&Action=a"), "AccessKeyId"),
    ] {
        let problem = refused(&query, &[], b"");
        assert!(matches!(problem, SignatureProblem::TooLong { parameter: own, .. } if own == parameter));
        assert!(problem.to_string().len() < 200);
    }
    let form = pairs(&[("content-type", "application/x-www-form-urlencoded")]);
    let many = "&".repeat(20_001);
    assert_eq!(refused(&many, &[], b""), SignatureProblem::TooMany { count: 20_001 });
    assert_eq!(refused("", &form, many.as_bytes()), SignatureProblem::TooMany { count: 20_001 });
}

#[test]
fn of_a_long_text_to_sign_the_beginning_is_told() {
    let mut pairs = r1();
    pairs.push(("Content".to_owned(), "x".repeat(1 << 20)));
    pairs.push(("Signature".to_owned(), "wrong".to_owned()));
    let message = refused(&eci_api::query::render(&pairs), &[], b"").to_string();
    assert!(message.len() < 17 << 10 && message.contains("POST&%2F&AccessKeyId"), "{}", message.len());
}
