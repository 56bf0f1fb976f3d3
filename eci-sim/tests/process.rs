//! The simulator as a process of its own: it says where it answers, and ends when it is told to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

/// A simulator as a process, and the first `lines` that it printed.
fn start(arguments: &[&str], lines: usize) -> (Child, Vec<String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
        .args(["--listen", "127.0.0.1:0", "--access-key-id", "local", "--access-key-secret", "secret"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.as_mut().unwrap()).lines().take(lines);
    let said = said.map(Result::unwrap).collect();
    (child, said)
}

#[test]
fn both_signals_end_it_well() {
    for signal in ["-TERM", "-INT"] {
        let (mut child, said) = start(&[], 1);
        assert!(said[0].starts_with("ECI      http://127.0.0.1:"), "{said:?}");
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{signal}: {status}");
    }
}

#[test]
fn a_control_api_that_others_can_reach_wants_a_token() {
    let output = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
        .args(["--listen", "127.0.0.1:0", "--access-key-id", "local", "--access-key-secret", "secret"])
        .args(["--control", "0.0.0.0:0"])
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && says.contains("--control-token"), "{says}");
}

#[test]
fn time_begins_when_it_is_told_to_and_is_told_where_others_follow() {
    let arguments = ["--clock", "127.0.0.1:0", "--time", "paused", "--start-time", "2025-01-06T01:30:00Z"];
    let (mut child, said) = start(&arguments, 2);
    let address = said[1].split_whitespace().nth(1).unwrap().trim_start_matches("http://").to_owned();
    let mut socket = std::net::TcpStream::connect(&address).unwrap();
    write!(socket, "GET /clock HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        said.contains("\"now\": \"2025-01-06T01:30:00Z\"") && said.contains("\"followers\": []"),
        "{said}"
    );
}

/// What the control API of a simulator with these arguments lists as faults.
fn faults(arguments: &[&str]) -> String {
    let (mut child, said) = start(&[&["--control", "127.0.0.1:0"], arguments].concat(), 2);
    let address = said[1].split_whitespace().nth(1).unwrap().trim_start_matches("http://").to_owned();
    let mut socket = std::net::TcpStream::connect(&address).unwrap();
    write!(socket, "GET /faults HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    said
}

#[test]
fn faults_of_a_file_and_of_flags_are_laid_once_however_often_a_kept_world_begins() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("faults.yaml");
    std::fs::write(&file, "- action: DescribeRegions\n  verdict: drop-after\n").unwrap();
    let data = dir.path().join("data");
    let arguments = [
        "--fault-file",
        file.to_str().unwrap(),
        "--fault",
        "Create* refuse Throttling.User times=2",
        "--data",
        data.to_str().unwrap(),
    ];
    for begin in 1..=2 {
        let listed = faults(&arguments);
        for part in ["DescribeRegions", "drop-after", "Create*", "Throttling.User"] {
            assert_eq!(listed.matches(part).count(), 1, "{part}, begin {begin}: {listed}");
        }
    }
}

#[test]
fn a_fault_that_is_none_ends_the_start_with_what_would_be_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_eci-sim")).args(["--fault", "* explode"]).output().unwrap();
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && says.contains("drop-before"), "{says}");
}

/// What a simulator with these arguments and variables ends its start with.
fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
        .args(["--listen", "127.0.0.1:0", "--access-key-id", "local", "--access-key-secret", "secret"])
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?} {variables:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn prices_and_a_currency_that_cannot_be_end_the_start_with_file_and_row() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.csv");
    std::fs::write(&file, "item,currency,amount,per_seconds,from\nstorage,CNY,-1,1,2026-01-01T00:00:00Z\n")
        .unwrap();
    let file = file.to_str().unwrap();
    for (arguments, variables, word) in [
        (&["--price-file", file][..], &[][..], "mine.csv, row 2: the amount -1 is negative"),
        (&[], &[("ECI_SIM_PRICE_FILE", file)], "mine.csv, row 2: the amount -1 is negative"),
        (&["--price-file", "nowhere.csv"], &[], "the prices of nowhere.csv cannot be read"),
        (&["--currency", "EUR"], &[], "`EUR` is no currency of a price list; it should be CNY or USD"),
        (&[], &[("ECI_SIM_CURRENCY", "eur")], "`eur` is no currency of a price list"),
    ] {
        let said = refusal(arguments, variables);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn a_world_goes_on_with_the_currency_and_the_prices_that_it_began_with() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let file = dir.path().join("mine.csv");
    std::fs::write(&file, "item,currency,amount,per_seconds,from\nstorage,CNY,1,1,2026-01-01T00:00:00Z\n")
        .unwrap();
    let (mut child, _) = start(&["--data", data], 1);
    child.kill().unwrap();
    child.wait().unwrap();
    for (arguments, word) in [
        (["--currency", "USD"], "was begun with the currency CNY, not USD"),
        (["--price-file", file.to_str().unwrap()], "was begun with the prices compiled in, not "),
    ] {
        let said = refusal(&[&["--data", data], &arguments[..]].concat(), &[]);
        assert!(said.contains(word), "{said}");
    }
}
