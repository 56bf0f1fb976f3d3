//! Messages where there is no cluster to play on; and no process outlives the one that started it.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

fn scenarios() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// The error text of a run that cannot be made.
fn error_text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A kubeconfig for an API server at `server`.
fn kubeconfig(folder: &Path, server: &str) -> std::path::PathBuf {
    let path = folder.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": { "server": server } }],
        "users": [{ "name": "u", "user": {} }]
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

#[test]
fn without_programs_the_way_to_a_control_plane_is_told() {
    let text = error_text(scenarios().args(["run", "--cluster", "control-plane", "networking"]));
    assert!(text.contains("no control plane on this machine"), "{text}");
    assert!(text.contains("cargo ci control-plane") && text.contains("KUBEBUILDER_ASSETS"), "{text}");
}

#[test]
fn a_kubeconfig_that_points_nowhere_is_told_with_what_to_do() {
    let run = ["run", "--cluster", "kubeconfig", "networking"];
    let text = error_text(scenarios().args(run).env("KUBECONFIG", "/nowhere/kubeconfig"));
    assert!(text.contains("/nowhere/kubeconfig") && text.contains("Point KUBECONFIG at"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago, and that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let path = kubeconfig(folder.path(), &format!("http://{free}"));
    let text = error_text(scenarios().args(run).env("KUBECONFIG", &path));
    assert!(text.contains(&format!("does not answer at http://{free}")), "{text}");
    assert!(text.contains("choose another with --context"), "{text}");
}

#[test]
fn a_context_that_is_not_there_is_told_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(folder.path(), "http://127.0.0.1:9");
    let run = ["run", "--cluster", "kubeconfig", "--context", "there", "networking"];
    let text = error_text(scenarios().args(run).env("KUBECONFIG", &path));
    assert!(text.contains("no context `there`; it has `here`"), "{text}");
}

#[test]
fn a_context_that_is_not_kinds_is_told_how_to_come_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(folder.path(), "http://127.0.0.1:9");
    let text =
        error_text(scenarios().args(["run", "--cluster", "kind", "networking"]).env("KUBECONFIG", &path));
    assert!(text.contains("`here` is not one of kind's") && text.contains("cargo ci kind up"), "{text}");
}

#[test]
fn a_cluster_elsewhere_is_not_touched_when_nobody_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    // An address that belongs to nobody, RFC 5737.
    let path = kubeconfig(folder.path(), "https://192.0.2.1:6443");
    let run = ["run", "--cluster", "kubeconfig", "networking"];
    let text = error_text(scenarios().args(run).env("KUBECONFIG", &path));
    assert!(text.contains("which is not on this machine") && text.contains("say --yes"), "{text}");
}

#[test]
fn a_provider_ends_when_nobody_holds_its_time_any_more() {
    let folder = tempfile::tempdir().unwrap();
    // A listener that takes connections and says nothing, so that the provider waits for it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = kubeconfig(folder.path(), &format!("http://{}", silent.local_addr().unwrap()));
    let mut provider = scenarios()
        .args([
            "provider",
            "--now",
            "2020-01-06T01:30:00Z",
            "--seed",
            "quiet-otter-17",
            "--address",
            "127.0.0.1",
        ])
        .env("KUBECONFIG", &path)
        .envs([("ECI_VSWITCH", "vsw-1"), ("ECI_SECURITY_GROUP", "sg-1")])
        .envs([("ECI_ACCESS_KEY", "id"), ("ECI_SECRET_KEY", "hush"), ("ECI_ENDPOINT", "http://127.0.0.1:9")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let held = provider.stdin.take();
    let _open = silent.accept().unwrap();
    assert_eq!(provider.try_wait().unwrap(), None);
    drop(held);
    assert!(provider.wait().unwrap().success());
}
