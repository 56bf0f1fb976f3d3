//! The requirements of a node, each with what shows it: nothing is named that is not there, and
//! the page for people is written from the rows.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;

const ROWS: &str = include_str!("rows.yaml");
const FACTS: &str = concat!("docs/facts/kubelet", "-contract.md");
const PAGE: &str = "docs/requirements.md";
const HEAD: &str = concat!(
    "\
# What a node must do, and what shows that it does

Written from `provider/tests/requirements/rows.yaml` by `UPDATE=1 cargo test -p provider requirements::`, never by hand; the same
test fails where a row names a test, a case or a check that is not there. The requirements themselves stand in
[the contract](facts/kubelet",
    "-contract.md), with their sources.
"
);

/// One requirement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    asks: String,
    #[serde(default)]
    shown: Vec<String>,
    /// What of it is not so, and why.
    partly: Option<String>,
    /// Why there is nothing to show.
    not_ours: Option<String>,
}

impl Row {
    fn state(&self) -> &'static str {
        match (&self.partly, &self.not_ours) {
            (None, None) => "yes",
            (Some(_), None) => "partly",
            _ => "not ours",
        }
    }
}

fn rows() -> Vec<Row> {
    serde_saphyr::from_str(ROWS).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

/// The numbers and headings of the contract, in its order.
enum Line {
    Section(String),
    Requirement(String),
}

fn contract() -> Vec<Line> {
    let facts = read(FACTS).unwrap();
    let line = |line: &str| {
        let numbered = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        if let Some(heading) = line.strip_prefix("## ").filter(|text| numbered(text)) {
            return Some(Line::Section(heading.to_owned()));
        }
        let (id, _) = line.strip_prefix("**R")?.split_once("**")?;
        numbered(id).then(|| Line::Requirement(format!("R{id}")))
    };
    facts.lines().filter_map(line).collect()
}

/// What a reference leads to: words for it, and the file in which it stands.
struct Target {
    words: String,
    file: String,
    /// What the file has to contain.
    contains: Option<String>,
}

fn target(reference: &str) -> Target {
    if let Some(case) = reference.strip_prefix("case ") {
        let file = format!("scenarios/cases/{case}.yaml");
        return Target { words: format!("case {case}"), file, contains: None };
    }
    if let Some(check) = reference.strip_prefix("check ") {
        let (file, contains) = ("ci/src/checks.rs".to_owned(), Some(format!("name: \"{check}\"")));
        return Target { words: format!("check “{check}”"), file, contains };
    }
    let (file, test) = reference.split_once("::").unwrap();
    let words = test.replace('_', " ").replace(" s ", "'s ");
    Target { words, file: format!("provider/{file}.rs"), contains: Some(format!("fn {test}(")) }
}

fn page(rows: &[Row]) -> String {
    let count = |state| rows.iter().filter(|row| row.state() == state).count();
    let mut text = HEAD.to_owned();
    let (yes, partly, not_ours) = (count("yes"), count("partly"), count("not ours"));
    write!(
        text,
        "\nOf {} requirements {yes} are kept, {partly} partly, and {not_ours} are not a node's.\n",
        rows.len()
    )
    .unwrap();
    for line in contract() {
        match line {
            Line::Section(heading) => {
                write!(text, "\n## {heading}\n\n| | asks | kept | shown by |\n|---|---|---|---|\n").unwrap();
            }
            Line::Requirement(id) => {
                let row = rows.iter().find(|row| row.id == id).unwrap();
                let link = |target: Target| format!("[{}](../{})", target.words, target.file);
                let shown: Vec<_> = row.shown.iter().map(|reference| link(target(reference))).collect();
                let why = row.partly.iter().chain(&row.not_ours).map(|why| format!(": {why}"));
                let (state, why) = (row.state(), why.collect::<String>());
                writeln!(text, "| {id} | {} | {state}{why} | {} |", row.asks, shown.join("; ")).unwrap();
            }
        }
    }
    text
}

#[test]
fn each_requirement_has_one_row_in_the_order_of_the_contract() {
    let ids: Vec<_> = rows().into_iter().map(|row| row.id).collect();
    let wanted: Vec<_> = contract()
        .into_iter()
        .filter_map(|line| match line {
            Line::Requirement(id) => Some(id),
            Line::Section(_) => None,
        })
        .collect();
    assert!(wanted.len() > 100, "{} requirements: the rule would check little", wanted.len());
    assert_eq!(ids, wanted);
}

#[test]
fn what_a_row_names_is_there() {
    let (mut count, mut missing) = (0, Vec::new());
    for row in rows() {
        for reference in &row.shown {
            count += 1;
            let Target { file, contains, .. } = target(reference);
            let is_there = read(&file).is_some_and(|text| contains.is_none_or(|part| text.contains(&part)));
            missing.extend((!is_there).then(|| format!("{}: {reference}", row.id)));
        }
    }
    assert!(count > 150, "{count} references: the rule would check little");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn what_is_not_kept_whole_says_why_and_all_else_is_shown() {
    for row in rows() {
        let (has_reason, is_shown) = (row.partly.is_some() || row.not_ours.is_some(), !row.shown.is_empty());
        assert!(has_reason || is_shown, "{} is shown by nothing, and does not say why", row.id);
        assert!(row.not_ours.is_none() || !is_shown && row.partly.is_none(), "{} cannot be both", row.id);
    }
}

#[test]
fn the_page_is_what_the_rows_say() {
    let wanted = page(&rows());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(PAGE), &wanted).unwrap();
    }
    let command = "UPDATE=1 cargo test -p provider requirements::";
    assert!(read(PAGE).unwrap_or_default() == wanted, "{PAGE} has drifted; `{command}` writes it");
}
