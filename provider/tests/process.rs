//! The provider as a process: what it says when it is not told enough, or wrongly.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::process::{Command, Output};

const ENOUGH: [(&str, &str); 4] = [
    ("ECI_VSWITCH", "vsw-1"),
    ("ECI_SECURITY_GROUP", "sg-1"),
    ("ECI_ACCESS_KEY", "id"),
    ("ECI_SECRET_KEY", "hush-hush"),
];

fn provider(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_provider"))
        .env_clear()
        .env("KUBECONFIG", "/nowhere/kubeconfig")
        .envs(environment.iter().copied())
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn each_missing_parameter_is_named_in_a_sentence_and_the_process_fails() {
    let output = provider(&[], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert_eq!(said.lines().count(), 4, "{said}");
    for (name, _) in ENOUGH {
        assert!(said.lines().any(|line| line.starts_with(&format!("{name} is missing: "))), "{said}");
    }
}

#[test]
fn without_a_cluster_one_sentence_says_what_to_do() {
    let output = provider(&ENOUGH, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("there is no cluster") && said.contains("KUBECONFIG"), "{said}");
    assert!(!said.contains("hush-hush"));
}

#[test]
fn settings_are_read_from_a_folder_as_from_a_mounted_secret() {
    let folder = std::env::temp_dir().join(format!("provider-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, value) in &ENOUGH[..3] {
        std::fs::write(folder.join(name), format!("{value}\n")).unwrap();
    }
    let output = provider(&[], &["--config", folder.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    let said = said(&output);
    assert!(said.starts_with("ECI_SECRET_KEY is missing") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_file_that_is_not_there_and_an_endpoint_that_is_none_are_named() {
    let output = provider(&ENOUGH, &["--config", "/nowhere/settings"]);
    assert!(said(&output).starts_with("/nowhere/settings cannot be read: "), "{}", said(&output));
    let output = provider(&ENOUGH, &["--endpoint", "eci"]);
    assert!(said(&output).contains("there is no cluster"), "a bare host is an endpoint: {}", said(&output));
    let output = provider(&ENOUGH, &["--endpoint", "ftp://eci"]);
    assert!(said(&output).contains("`ftp://eci` is not an endpoint"), "{}", said(&output));
}
