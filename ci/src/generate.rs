//! Writes the Rust types of every ECI operation from the published parameter table, or checks that they are current.

mod shapes;
mod structs;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use shapes::{reply_shape, request_shape};
use structs::{Homes, Side, Types};
use words::snake;

const TABLE: &str = "eci-sim/api/data/actions.json";
const OUTPUT: &str = "eci-sim/api/src/actions";

/// Writes the files, or with `check` fails when one of them differs from what would be written.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let text = std::fs::read_to_string(root.join(TABLE)).with_context(|| format!("cannot read {TABLE}"))?;
    let table: Value = serde_json::from_str(&text).with_context(|| format!("{TABLE} is not JSON"))?;
    let actions = table["actions"].as_object().context("the table has no `actions`")?;
    let mut files = BTreeMap::new();
    let mut types = Vec::new();
    for (name, action) in actions {
        types.push((name, action, types_of(name, action)?));
    }
    // An operation with many structs is the home of those that others have too.
    types.sort_by_key(|(_, _, types)| std::cmp::Reverse(types.done.len()));
    let mut homes = Homes::default();
    for (name, action, mut types) in types {
        let elsewhere = homes.settle(&snake(name), &mut types);
        files.insert(format!("{}.rs", snake(name)), action_file(name, action, &types, &elsewhere)?);
    }
    files.insert("mod.rs".to_owned(), index_file(actions.keys()));
    for (name, source) in files {
        let path = root.join(OUTPUT).join(&name);
        let wanted = rustfmt(root, &source).with_context(|| format!("cannot format {name}"))?;
        if !check {
            std::fs::create_dir_all(root.join(OUTPUT))?;
            std::fs::write(&path, wanted)?;
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&wanted) {
            bail!("{OUTPUT}/{name} is not what {TABLE} gives; run `cargo ci generate`");
        }
    }
    Ok(())
}

fn types_of(name: &str, action: &Value) -> Result<Types> {
    let request = request_shape(action["request"].as_array().context("no `request`")?)?;
    let reply = reply_shape(&action["response"])?;
    let mut types = Types::default();
    types.add("", &format!("{name}Reply"), &reply, Side::Reply);
    types.add("Request", name, &request, Side::Request);
    Ok(types)
}

/// Source of an operation's file, with the structs that other modules have taken from there.
fn action_file(
    name: &str,
    action: &Value,
    types: &Types,
    elsewhere: &BTreeMap<String, Vec<String>>,
) -> Result<String> {
    let status = action["status"].as_str().unwrap_or("current");
    let mut out = format!("//! `{name}`: its request and its reply ({status}).\n\n");
    out.push_str(
        "use std::collections::BTreeMap;\nuse std::fmt;\n\nuse serde::{Deserialize, Serialize};\n\n",
    );
    out.push_str("use crate::action::Action;\nuse crate::number::Number;\nWIRE\n");
    for (module, structs) in elsewhere {
        writeln!(out, "pub use super::{module}::{{{}}};\n", structs.join(", "))?;
    }
    writeln!(
        out,
        "impl Action for {name} {{ const NAME: &'static str = \"{name}\"; type Reply = {name}Reply; }}"
    )?;
    for written in types.done.iter().rev() {
        out.push_str(&written.source);
    }
    let wire = [("HIDDEN", "&HIDDEN"), ("null_default", "= \"null_default\"")];
    let wire: Vec<_> = wire.iter().filter(|(_, word)| out.contains(word)).map(|(name, _)| *name).collect();
    let wire =
        if wire.is_empty() { String::new() } else { format!("use crate::wire::{{{}}};\n", wire.join(", ")) };
    out = out.replacen("WIRE\n", &format!("{wire}\n"), 1);
    for (import, word) in [
        ("use std::collections::BTreeMap;\n", "BTreeMap<"),
        ("use std::fmt;\n", "fmt::Debug"),
        ("use crate::number::Number;\n", "<Number>"),
    ] {
        let used = out.contains(word)
            || (word == "<Number>" && (out.contains(": Number,") || out.contains(", Number>")));
        if !used {
            out = out.replace(import, "");
        }
    }
    Ok(out)
}

fn index_file<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.collect();
    let mut out = String::from(
        "//! One file an operation, written from `data/actions.json` by `cargo ci generate`.\n\n",
    );
    for name in &names {
        let _ = writeln!(out, "pub mod {};", snake(name));
    }
    for name in &names {
        let _ = writeln!(out, "pub use {}::{{{name}, {name}Reply}};", snake(name));
    }
    out.push_str("\n/// Applies a macro to the list of all operations' request types.\n#[macro_export]\n");
    let list: Vec<_> = names.iter().map(|n| format!("$crate::actions::{n}")).collect();
    let _ = writeln!(
        out,
        "macro_rules! every_action {{ ($apply:ident) => {{ $apply! {{ {} }} }} }}",
        list.join(", ")
    );
    out
}

fn rustfmt(root: &Path, source: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt is not installed; `rustup component add rustfmt`")?;
    child.stdin.take().context("rustfmt has no input")?.write_all(source.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "rustfmt refused the source");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_current() {
        run(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), true).unwrap();
    }
}
