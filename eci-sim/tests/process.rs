//! The simulator as a process of its own: it says where it answers, and ends when it is told to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A simulator as a process, and what it printed first.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
        .args(["--listen", "127.0.0.1:0", "--access-key-id", "local", "--access-key-secret", "secret"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

#[test]
fn both_signals_end_it_well() {
    for signal in ["-TERM", "-INT"] {
        let (mut child, line) = start(&[]);
        assert!(line.starts_with("ECI      http://127.0.0.1:"), "{line}");
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{signal}: {status}");
    }
}

#[test]
fn a_door_that_others_can_reach_wants_a_token() {
    let output = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
        .args(["--listen", "127.0.0.1:0", "--access-key-id", "local", "--access-key-secret", "secret"])
        .args(["--control", "0.0.0.0:0"])
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && says.contains("--control-token"), "{says}");
}
