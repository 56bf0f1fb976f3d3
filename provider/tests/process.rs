//! The provider as a process: what it says when it is not told enough, or wrongly.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

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

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn each_missing_parameter_is_named_in_a_sentence_and_the_process_fails() {
    let output = provider(&[], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = output_text(&output);
    assert_eq!(said.lines().count(), 4, "{said}");
    for (name, _) in ENOUGH {
        assert!(said.lines().any(|line| line.starts_with(&format!("{name} is missing: "))), "{said}");
    }
}

#[test]
fn without_a_cluster_one_sentence_says_what_to_do() {
    let output = provider(&ENOUGH, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = output_text(&output);
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
    let said = output_text(&output);
    assert!(said.starts_with("ECI_SECRET_KEY is missing") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_file_that_is_not_there_and_an_endpoint_that_is_none_are_named() {
    let output = provider(&ENOUGH, &["--config", "/nowhere/settings"]);
    assert!(
        output_text(&output).starts_with("/nowhere/settings cannot be read: "),
        "{}",
        output_text(&output)
    );
    let output = provider(&ENOUGH, &["--endpoint", "eci"]);
    assert!(
        output_text(&output).contains("there is no cluster"),
        "a bare host is an endpoint: {}",
        output_text(&output)
    );
    let output = provider(&ENOUGH, &["--endpoint", "ftp://eci"]);
    assert!(output_text(&output).contains("`ftp://eci` is not an endpoint"), "{}", output_text(&output));
}

/// A kubeconfig of a server at this address, which need not be there.
fn kubeconfig_of(server: &str) -> std::path::PathBuf {
    let name = server.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let path = std::env::temp_dir().join(format!("provider-{}-{name}", std::process::id()));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: x\n\
         clusters: [{{name: x, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: x, context: {{cluster: x, user: x}}}}]\nusers: [{{name: x, user: {{token: x}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_chooses_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let kubeconfig = kubeconfig_of("https://127.0.0.1:1");
    let with_cluster = [&ENOUGH[..], &[("KUBECONFIG", kubeconfig.to_str().unwrap())]].concat();
    for (arguments, flag) in [
        (&["--listen", &*taken][..], "--listen,"),
        (&["--listen", "127.0.0.1:0", "--webhook-listen", &taken], "--webhook-listen,"),
    ] {
        let output = provider(&with_cluster, arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = output_text(&output);
        assert!(said.starts_with(&format!("{taken} cannot be listened at: ")), "{said}");
        assert!(said.contains(&format!("Choose another with {flag}")) && said.lines().count() == 1, "{said}");
    }
    std::fs::remove_file(kubeconfig).unwrap();
}

#[test]
fn a_cluster_that_does_not_answer_is_named_and_waited_for() {
    let kubeconfig = kubeconfig_of("https://127.0.0.1:2");
    let mut child = Command::new(env!("CARGO_BIN_EXE_provider"))
        .env_clear()
        .envs(ENOUGH)
        .env("KUBECONFIG", &kubeconfig)
        .args(["--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.map_while(Result::ok).find(|line| line.contains("does not answer"));
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(kubeconfig).unwrap();
    let told = told.unwrap();
    assert!(told.contains("the API server at 127.0.0.1:2 does not answer: "), "{told}");
    assert!(!told.contains('\x1b'), "colours are for terminals: {told:?}");
    assert!(told.contains("refused") && told.contains("asked again until it does"), "{told}");
}
