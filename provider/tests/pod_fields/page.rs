//! The page of the tables, `docs/pods.md`, which is written from them.

use std::fmt::Write as _;
use std::path::Path;

use provider::pods::annotations;
use provider::pods::fields::{self, Row};

const HEAD: &str = "\
# What becomes of a pod

Written from the tables in `provider/src/pods/fields` and `provider/src/pods/annotations` by `UPDATE=1 cargo test -p provider`,
never by hand. What the provider does comes from the same tables, and a field that a newer version of the Kubernetes API brings does not
compile before it stands in one.

| becomes | means |
|---|---|
| sent | it is part of the request that makes the instance, as the parameter that the row names |
| acts elsewhere | it is obeyed in the cluster or at the node, and the instance need not know |
| no effect | it changes nothing, and nobody misses what it asks for |
| left out, with a warning | the pod runs without it, and one event a pod, `UnsupportedFieldIgnored`, names all such |
| refused | the pod has failed with the reason `UnexpectedAdmissionError`, and its message names all such |

A security promise that cannot be kept is refused, but for those that each pod of the profile `restricted` has to make
([why](decisions/promises-of-the-restricted-profile.md)).

Each row is tried by an example in `provider/tests/pod_fields`; where a case shows it too, the row names it. Fields that are newer than
the API of Kubernetes 1.34 are not seen at all.
";

/// A row of a table in Markdown; the name without what the heading says.
fn line(row: &Row, prefix: &str) -> String {
    let name = row.name.trim_start_matches(prefix);
    let case = row.case.map(|case| format!("[{case}](../scenarios/cases/{case}.yaml)")).unwrap_or_default();
    format!("| `{name}`{} | {} | {} | {case} |\n", row.when, row.handling, row.words)
}

fn section(text: &mut String, heading: &str, prefix: &str, rows: &[&Row]) {
    write!(text, "\n## {heading}\n\n| | becomes | as, or why | shown |\n|---|---|---|---|\n").unwrap();
    rows.iter().for_each(|row| text.push_str(&line(row, prefix)));
}

/// The whole page.
fn page() -> String {
    let mut text = HEAD.to_owned();
    let rows = fields::rows();
    let parts = [
        ("The pod", ""),
        ("Containers", "containers[]."),
        ("Init containers, beside that", "initContainers[]."),
        ("Volumes", "volumes[]."),
    ];
    for (heading, prefix) in parts {
        let is_here = |row: &&Row| match prefix {
            "" => !parts.iter().any(|(_, other)| !other.is_empty() && row.name.starts_with(other)),
            prefix => row.name.starts_with(prefix),
        };
        section(&mut text, heading, prefix, &rows.iter().filter(is_here).collect::<Vec<_>>());
    }
    let rows = annotations::rows();
    section(&mut text, "Annotations", "", &rows.iter().collect::<Vec<_>>());
    text.push_str(
        "\nA key that begins with `k8s.aliyun.com/`, `eci-` or `eip-` and stands in no row is told of in the same warning, with the \
         nearest known one\n([pods/unknown-annotation](../scenarios/cases/pods/unknown-annotation.yaml)).\n",
    );
    text
}

#[test]
fn the_page_is_what_the_tables_say() {
    let wanted = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pods.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let seen = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(seen == wanted, "docs/pods.md has drifted; `UPDATE=1 cargo test -p provider` writes it");
}

#[test]
fn every_case_that_a_row_names_is_there() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/cases");
    for row in fields::rows().into_iter().chain(annotations::rows()) {
        let Some(case) = row.case else { continue };
        assert!(cases.join(format!("{case}.yaml")).is_file(), "{}: there is no case {case}", row.name);
    }
}
