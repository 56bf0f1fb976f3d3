//! Writes `eci-sim/PARAMETERS.md` from the table of the local ECI's support for each parameter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

const TABLE: &str = "eci-sim/data/parameters.csv";
const OUTPUT: &str = "eci-sim/PARAMETERS.md";
const HEAD: &str = "# What the local ECI does with each parameter

Written by `cargo ci generate` from `data/parameters.csv`; `cargo test -p eci-sim --test parameters` checks that the table says
the truth.

- **effect**: it changes what happens.
- **echoed**: it is kept, and comes back where the cloud gives it back.
- **accepted**: it is checked as published, and changes nothing that a client could see here.
- **refused**: it is answered with an error that names it.

Where an effect can be seen in an answer too, the last column says where. A parameter that is not in the table is ignored, as the
cloud does.
";

#[derive(Debug, Deserialize)]
struct Row {
    action: String,
    parameter: String,
    handling: String,
    seen: String,
    note: String,
}

/// Writes the file, or with `check` fails when it differs from what would be written.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let text = std::fs::read_to_string(root.join(TABLE)).with_context(|| format!("cannot read {TABLE}"))?;
    let wanted = page(&text).with_context(|| format!("{TABLE} cannot be read"))?;
    if !check {
        return std::fs::write(root.join(OUTPUT), wanted).with_context(|| format!("cannot write {OUTPUT}"));
    }
    if std::fs::read_to_string(root.join(OUTPUT)).ok().as_deref() != Some(&wanted) {
        bail!("{OUTPUT} is not what {TABLE} gives; run `cargo ci generate`");
    }
    Ok(())
}

fn page(table: &str) -> Result<String> {
    let mut actions: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in csv::Reader::from_reader(table.as_bytes()).deserialize() {
        let row: Row = row?;
        *counts.entry(row.handling.clone()).or_default() += 1;
        actions.entry(row.action.clone()).or_default().push(row);
    }
    let mut page = HEAD.to_owned();
    let all: usize = counts.values().sum();
    let counted: Vec<_> = counts.iter().map(|(handling, count)| format!("{count} {handling}")).collect();
    writeln!(page, "\n{} actions, {all} parameters: {}.", actions.len(), counted.join(", "))?;
    for (action, rows) in actions {
        writeln!(page, "\n## {action}\n\n| parameter | handling | what | seen |\n|---|---|---|---|")?;
        for Row { parameter, handling, seen, note, .. } in rows {
            let seen = if seen.is_empty() { String::new() } else { format!("`{}`", seen.replace(':', " ")) };
            writeln!(page, "| `{parameter}` | {handling} | {note} | {seen} |")?;
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_current() {
        run(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), true).unwrap();
    }
}
