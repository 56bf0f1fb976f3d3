//! The command line as a person types it: cases of one's own, slips, seeds, and what a failed run says at its end.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
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

#[test]
fn a_load_that_cannot_be_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.json"), "{}").unwrap();
    for (arguments, told) in [
        (&["--rate", "fast"][..], "`fast` should be a number of pods a second"),
        (
            &["--fail-if", "p99(running)>soon"],
            "`soon` in `p99(running)>soon` is no limit; it should be a time",
        ),
        (&["--fail-if", "p42(running)>1s"], "`p42(running)` is no figure of a load"),
        (&["--ramp", "10s"], "--ramp rises to a rate"),
        (&["--churn", "5"], "--churn deletes and recreates during the steady state"),
        (&["--pods", "0"], "--pods should be 1 or more"),
        (&["--latency", "fast"], "`none`, `published`, or a factor"),
        (&["--capacity", "pods=many"], "is not a resource and its quantity"),
        (&["--compare", "old.json"], "old.json holds no report of `load`"),
        (&["--compare", "none.json"], "cannot read none.json"),
        (&["--print-job"], "--print-job needs --job-image"),
        (&["--cpu", "none", "--time", "stepped"], "`none` is no quantity for --cpu"),
        (
            &["--capacity", "pods=9", "--pods", "10", "--time", "stepped"],
            "the cluster has no room: 10 pods ask for 10 pods",
        ),
    ] {
        let output = scenarios(folder.path(), &[&["load"], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}

#[test]
fn a_load_writes_its_report_as_json_and_as_a_page_and_is_compared_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let load = |more: &[&str]| {
        let arguments = ["load", "--pods", "4", "--time", "stepped", "--latency", "none"];
        scenarios(folder.path(), &[&arguments[..], more].concat())
    };
    let first = load(&["--json", "a.json", "--html", "a.html", "--fail-if", "p99(running)>1h"]);
    assert!(first.status.success(), "{first:?}");
    assert!(text(&first.stdout).contains("4 bare pods as fast as it goes"), "{first:?}");
    assert!(std::fs::read_to_string(folder.path().join("a.html")).unwrap().contains("<svg"));
    let second = load(&["--json", "b.json", "--compare", "a.json", "--fail-if", "writes>0"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(
        text(&second.stdout).contains("compared with a.json")
            && text(&second.stderr).contains("`writes>0`: it was")
    );
    let merged = scenarios(folder.path(), &["merge", "a.json", "b.json", "--json", "both.json"]);
    assert!(merged.status.success() && text(&merged.stdout).contains("8 bare pods"), "{merged:?}");
}

#[test]
fn ctrl_c_ends_a_load_with_a_report_of_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
    command.args(["load", "--pods", "3000", "--rate", "5", "--json", "r.json"]).current_dir(folder.path());
    let mut child = command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(progress.next().unwrap().unwrap().contains("creating"));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("The run was interrupted"), "{output:?}");
    let report = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["ended"]["as"], "interrupted");
    assert!(report["counts"]["requested"].as_u64().unwrap() < 3000);
}

#[test]
fn shards_of_a_run_play_each_case_once_and_their_reports_merge() {
    let folder = own_cases();
    std::fs::write(
        folder.path().join("other.yaml"),
        "scenario: nothing is there\ncites: ours\nsteps:\n  - advance: 1s\n",
    )
    .unwrap();
    for index in ["0", "1"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
        let file = format!("{index}.json");
        command.args(["run", "applied.yaml", "other.yaml", "--report", "json", "--output", &file]);
        command.current_dir(folder.path()).env_clear().stdin(Stdio::null());
        let output =
            command.env("JOB_COMPLETION_INDEX", index).env("JOB_COMPLETION_COUNT", "2").output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let merged = scenarios(folder.path(), &["merge", "0.json", "1.json"]);
    let document: serde_json::Value = serde_json::from_slice(&merged.stdout).unwrap();
    assert_eq!(document["cases"].as_array().unwrap().len(), 2, "{document}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenarios"));
    command.args(["load"]).env_clear().env("JOB_COMPLETION_INDEX", "0");
    let said = text(&command.output().unwrap().stderr);
    assert!(said.contains("JOB_COMPLETION_COUNT is not"), "{said}");
}

#[test]
fn the_job_that_is_printed_runs_the_same_load_in_shards() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["load", "--pods", "40", "--print-job", "--job-image", "own:1", "--shards=8"];
    let said = text(&scenarios(folder.path(), &arguments).stdout);
    for part in ["completions: 8", r#"image: "own:1""#, r#"args: ["load", "--pods", "40", "--json", "-"]"#] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[test]
fn a_trace_is_replayed_with_its_bill_and_a_broken_row_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    write("t.csv", "arrival,duration,cpu,memory\n0,60,1.5,3\n30,600,2,4\n");
    write("broken.csv", "arrival,duration,cpu,memory\n0,60,1,2\n5,-1,1,2\n");
    let output = scenarios(folder.path(), &["replay", "t.csv", "--bill", "bill.csv"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    for part in ["t.csv · 2 pods", "2 ran to their end, 0 failed", "vCPU h", "of which waste ¥"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(std::fs::read_to_string(folder.path().join("bill.csv")).unwrap().lines().count() > 2);
    let output = scenarios(folder.path(), &["replay", "broken.csv"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("broken.csv, row 3: `-1` in column `duration` should be a time, more than 0"),
        "{said}"
    );
}

#[test]
fn runs_of_a_sweep_that_branch_off_tell_what_they_tell_from_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let swept = ["sweep", "lifecycle/deletion-while-pending", "--runs", "12", "--twice"];
    let output = scenarios(folder.path(), &swept);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("13 runs of 1 cases, 0 violations; without effect 0"), "{said}");
}

#[test]
fn a_playground_ends_with_its_command_and_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let script = "test -f \"$KUBECONFIG\" && echo \"cloud at $ECI_ENDPOINT\" && exit 7";
    let output = scenarios(folder.path(), &["up", "--", "/bin/sh", "-c", script]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{said}{}", text(&output.stderr));
    assert!(said.starts_with("cloud at http://127.0.0.1:") && said.lines().count() == 1, "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_playground_with_a_folder_goes_on_where_it_ended() {
    let folder = own_cases();
    let uid = |arguments: &[&str]| {
        let up = [&["up", "--data", "kept"], arguments, &["--", "/bin/sh", "-c", "exit 0"]].concat();
        let output = scenarios(folder.path(), &up);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let kept = std::fs::read_to_string(folder.path().join("kept/cluster.jsonl")).unwrap();
        let objects =
            kept.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let maps: Vec<_> = objects
            .filter(|line| line["resource"] == "configmaps" && line["object"]["metadata"]["name"] == "web")
            .map(|line| line["object"]["metadata"]["uid"].clone())
            .collect();
        assert_eq!(maps.len(), 1, "{kept}");
        maps[0].clone()
    };
    assert_eq!(uid(&["--apply", "web.yaml"]), uid(&[]));
}

#[test]
fn a_playground_is_not_left_behind_by_a_command_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let output = scenarios(folder.path(), &["up", "--", "./none"]);
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot run `./none`"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_playground_begins_with_the_manifests_that_are_given() {
    let folder = own_cases();
    let up = |file: &str| scenarios(folder.path(), &["up", "--apply", file, "--", "/bin/sh", "-c", "exit 0"]);
    let output = up("web.yaml");
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("applied configmap web"), "{said}");
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: { name: room }\n";
    std::fs::write(folder.path().join("quota.yaml"), quota).unwrap();
    let output = up("quota.yaml");
    let said = text(&output.stderr);
    let wanted = "no matches for kind \"ResourceQuota\" in version \"v1\"";
    assert!(!output.status.success() && said.contains(wanted), "{said}");
}
