//! The check before an installation: what it finds good, and the remedies it names.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use eci_sim::Rule;
use provider::Config;
use provider::preflight::{Findings, Outcome, Preflight};

async fn findings(bed: &TestBed, secret: &str, config: &Config) -> Findings {
    Preflight { client: bed.kube.clone(), eci: bed.eci(secret), config }.run().await
}

/// The reason and the remedy of the one finding that is bad.
fn bad(findings: &Findings) -> (String, String) {
    let bad = findings.0.iter().filter_map(|finding| match &finding.outcome {
        Outcome::Bad { why, remedy } => Some((why.clone(), remedy.clone())),
        Outcome::Good(_) | Outcome::Untried(_) => None,
    });
    let bad: Vec<_> = bad.collect();
    let [one] = &*bad else { panic!("{findings}") };
    one.clone()
}

#[tokio::test(start_paused = true)]
async fn good_settings_pass_and_nothing_is_made() {
    let bed = TestBed::without_provider().await;
    let findings = findings(&bed, "local-secret", &Config::new("vsw-1,vsw-2", "sg-1")).await;
    assert_eq!(findings.verdict(), Ok(()), "{findings}");
    let said = findings.to_string();
    assert!(said.contains("✓ access key local: taken at"), "{said}");
    assert!(said.contains("✓ an instance in vSwitch vsw-2 with security group sg-1"), "{said}");
    assert!(bed.groups().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_told_with_where_to_put_the_right_one_and_never_printed() {
    let bed = TestBed::without_provider().await;
    let findings = findings(&bed, "a-wrong-secret", &Config::new("vsw-1", "sg-1")).await;
    let (why, remedy) = bad(&findings);
    assert!(why.contains("SignatureDoesNotMatch"), "{why}");
    assert!(remedy.contains("ECI_SECRET_KEY"), "{remedy}");
    assert!(!findings.to_string().contains("a-wrong-secret"), "{findings}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_of_the_key_is_named_as_ram_names_it() {
    let bed = TestBed::without_provider().await;
    bed.control().add_fault(Rule::refuse("NoPermission").on("CreateContainerGroup"));
    let (_, remedy) = bad(&findings(&bed, "local-secret", &Config::new("vsw-1", "sg-1")).await);
    assert!(remedy.contains("`eci:CreateContainerGroup`"), "{remedy}");
}

#[tokio::test(start_paused = true)]
async fn a_zone_of_another_region_is_told_with_the_region_s_own() {
    let bed = TestBed::without_provider().await;
    let config = Config { zone: Some("cn-beijing-a".to_owned()), ..Config::new("vsw-1", "sg-1") };
    let (why, remedy) = bad(&findings(&bed, "local-secret", &config).await);
    assert!(why.contains("does not have it"), "{why}");
    assert!(remedy.contains("cn-hangzhou-"), "{remedy}");
}
