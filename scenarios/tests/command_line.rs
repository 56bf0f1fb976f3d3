//! The command line as a person types it: cases of one's own, slips, seeds, and what a failed run says at its end.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, in a folder and without the environment of the test.
fn scenarios(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with a case, a manifest beside it that the case applies, and a case that fails.
fn own_cases() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    write("web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\n");
    write(
        "applied.yaml",
        "scenario: what stands beside a case is applied\ncites: ours\nsteps:\n  - apply: { file: web.yaml }\n",
    );
    std::fs::create_dir(folder.path().join("failing")).unwrap();
    write(
        "failing/wrong.yaml",
        "scenario: a pod without a node runs\ncites: ours\nsteps:\n  - run: { pod: web, image: nginx }\n  - expect: { pod: wbe, is: Running }\n",
    );
    folder
}

#[test]
fn a_word_that_is_nearly_a_command_is_answered_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    for (typed, meant) in [("upp", "up"), ("lsit", "list"), ("shcema", "schema")] {
        let output = scenarios(folder.path(), &[typed]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        let wanted = format!("there is no command and no case `{typed}`; did you mean `");
        assert!(said.contains(&wanted) && said.contains(&format!(" {meant}`?")), "{said}");
    }
}

#[test]
fn cases_of_one_s_own_are_played_from_their_folder_and_by_their_file() {
    let folder = own_cases();
    for typed in ["applied.yaml", "./*plied.yaml"] {
        let output = scenarios(folder.path(), &["run", typed]);
        let said = text(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}{}", text(&output.stderr));
    }
    let output = scenarios(folder.path(), &["run", "."]);
    assert!(text(&output.stdout).contains("1 failed, 1 passed"), "{output:?}");
}

#[test]
fn a_failed_run_ends_with_its_place_and_a_line_that_plays_it_again() {
    let folder = own_cases();
    let output = scenarios(folder.path(), &["run", "failing"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no pod default/wbe; did you mean `default/web`?"), "{said}");
    let end = said.split_once("\nnext:  ").unwrap().1;
    assert!(end.starts_with("failing/wrong.yaml:5\n"), "{end}");
    assert!(end.contains(" run failing/wrong.yaml --seed quiet-otter-17\n"), "{end}");
}

#[test]
fn a_seed_is_any_text_and_is_printed_in_three_words() {
    let folder = own_cases();
    let seeds = |typed: &str| {
        let output = scenarios(folder.path(), &["run", "applied.yaml", "--seed", typed]);
        let said = text(&output.stdout);
        let seed = said.lines().next().unwrap().rsplit_once("seed ").unwrap().1.to_owned();
        assert_eq!(seed.split('-').count(), 3, "{said}");
        seed
    };
    assert_eq!(seeds("Quiet Otter 17"), "quiet-otter-17");
    assert_eq!(seeds("monday"), seeds(&seeds("monday")));
    assert_ne!(seeds("41"), seeds("42"));
}

#[test]
fn the_bills_of_all_cases_stand_in_one_file_and_add_up_to_what_was_billed() {
    let folder = tempfile::tempdir().unwrap();
    let cases = ["billing/two-pods", "billing/spot"];
    for (file, column) in [("bill.csv", "PretaxAmount"), ("bill.focus.csv", "BilledCost")] {
        let output = scenarios(folder.path(), &["run", cases[0], cases[1], "--bill", file]);
        let said = text(&output.stdout);
        assert!(
            output.status.success() && said.contains("1.417326 billed"),
            "{said}{}",
            text(&output.stderr)
        );
        let mut reader = csv::Reader::from_path(folder.path().join(file)).unwrap();
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        let amounts = rows.iter().map(|row| row[column].parse::<rust_decimal::Decimal>().unwrap());
        let total = amounts.sum::<rust_decimal::Decimal>().normalize().to_string();
        assert!(said.contains(&format!("{total} billed")), "{total}: {said}");
        let of: BTreeSet<&str> = rows.iter().map(|row| row["x_Case"].as_str()).collect();
        assert_eq!(of, cases.into(), "{file}");
        assert!(rows.iter().all(|row| row["x_Leaked"] == "false"), "{rows:?}");
    }
}

#[test]
fn a_form_of_a_bill_that_does_not_exist_is_refused_before_anything_is_played() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, wanted) in [
        (
            vec!["--bill", "bill.xls"],
            "`bill.xls` says no form of a bill; it should end in .csv, .json or .focus.csv",
        ),
        (vec!["--bill", "b", "--bill-format", "focsu"], "did you mean `focus`?"),
    ] {
        let output = scenarios(folder.path(), &[&["run", "billing/spot"], arguments.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(wanted), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}
