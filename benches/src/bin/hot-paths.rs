//! `hot-paths`: counts the instructions of the hot paths under valgrind, and compares them with the committed table.
//!
//! Instructions are the same on a busy machine, so a path that became slower by more than [`TOLERANCE_PERCENT`] is found by
//! a check. A table of higher numbers is written by `--write`, in a commit of its own that says why.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use benches::question::{COUNTED, Question};
use clap::Parser;

/// The allocator of the programs, since what is measured here allocates much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The committed table.
const TABLE: &str = "benches/instructions.csv";
/// The heading of the table.
const HEADING: &str = "question,instructions";
/// The share by which a path may cost more than the table says: hash tables are seeded anew in each process.
const TOLERANCE_PERCENT: u64 = 3;
/// The asks of the two runs whose difference is counted, so that preparation is not.
const FEW: usize = 50;
const MANY: usize = 250;

/// Counts the instructions of the hot paths, and compares them with `benches/instructions.csv`.
#[derive(Debug, Parser)]
struct Arguments {
    /// Writes the table instead of comparing with it.
    #[arg(long)]
    write: bool,
    /// Asks one question so often, and counts nothing.
    #[arg(long, num_args = 2, value_names = ["QUESTION", "TIMES"], hide = true)]
    ask: Option<Vec<String>>,
}

fn main() -> Result<ExitCode> {
    let Arguments { write, ask } = Arguments::parse();
    if let Some([name, times]) = ask.as_deref() {
        let question = COUNTED.iter().find(|question| question.name == name);
        ask_often(question.with_context(|| format!("there is no question `{name}`"))?, times.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let table = Path::new(TABLE);
    let counted: Vec<_> = COUNTED.iter().map(|one| Ok((one.name, count(one)?))).collect::<Result<_>>()?;
    if write {
        let mut text = format!("{HEADING}\n");
        for (name, instructions) in &counted {
            writeln!(text, "{name},{instructions}")?;
        }
        fs::write(table, text).with_context(|| format!("cannot write {TABLE}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let known = read(&fs::read_to_string(table).with_context(|| format!("cannot read {TABLE}"))?)?;
    println!("{:<22} {:>12} {:>12} {:>8}", "hot path", "instructions", "in the table", "change");
    let mut slower = Vec::new();
    for (name, instructions) in &counted {
        let Some((_, before)) = known.iter().find(|(known, _)| known == name) else {
            bail!("{TABLE} has no `{name}`; write it with --write");
        };
        println!("{name:<22} {instructions:>12} {before:>12} {:>8}", change(*before, *instructions));
        if is_slower(*before, *instructions) {
            slower.push(*name);
        }
    }
    if slower.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "slower by more than {TOLERANCE_PERCENT} %: {}; mend it, or write the table anew with --write and say why",
        slower.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

/// Instructions of one ask: the difference of two runs, shared among the asks that one has more.
fn count(question: &Question) -> Result<u64> {
    let (few, many) = (run(question, FEW)?, run(question, MANY)?);
    ensure!(many > few, "{}: more asks took fewer instructions", question.name);
    Ok((many - few) / (MANY - FEW) as u64)
}

/// Instructions of a whole run.
fn run(question: &Question, times: usize) -> Result<u64> {
    let own = std::env::current_exe()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(own);
    let output = valgrind.args(["--ask", question.name, &times.to_string()]).output();
    let said = output.context("valgrind does not start; it is a package of that name")?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.with_context(|| format!("{}: {said}", question.name))?;
    Ok(number.trim().parse()?)
}

fn ask_often(question: &Question, times: usize) -> Result<()> {
    // as many are prepared in both runs
    let mut ask = (question.prepare)(MANY)?;
    (0..times).try_for_each(|_| ask())
}

/// Rows of the table.
fn read(text: &str) -> Result<Vec<(String, u64)>> {
    let mut lines = text.lines();
    ensure!(lines.next() == Some(HEADING), "the first line of {TABLE} should be `{HEADING}`");
    let row = |(at, line): (usize, &str)| {
        let row =
            line.split_once(',').and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
        row.with_context(|| format!("{TABLE}:{}: `{line}` should be a question and a number", at + 2))
    };
    lines.enumerate().map(row).collect()
}

fn is_slower(before: u64, now: u64) -> bool {
    now * 100 > before * (100 + TOLERANCE_PERCENT)
}

/// The change in per cent with one decimal.
fn change(before: u64, now: u64) -> String {
    let permille = (i128::from(now) - i128::from(before)) * 1000 / i128::from(before.max(1));
    let sign = if permille < 0 { "-" } else { "+" };
    format!("{sign}{}.{} %", permille.abs() / 10, permille.abs() % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_per_cent_more_are_borne_and_no_more() {
        assert!(!is_slower(1_000, 1_030));
        assert!(is_slower(1_000, 1_031));
        assert!(!is_slower(1_000, 500));
    }

    #[test]
    fn a_row_that_is_none_is_told_with_its_line() {
        let wrong = read("question,instructions\ndecision,many\n").expect_err("no number").to_string();
        assert_eq!(wrong, "benches/instructions.csv:2: `decision,many` should be a question and a number");
    }

    #[test]
    fn every_counted_question_can_be_asked() -> Result<()> {
        for question in &COUNTED {
            let mut ask = (question.prepare)(2).with_context(|| question.name)?;
            ask().and_then(|()| ask()).with_context(|| question.name)?;
        }
        Ok(())
    }

    #[test]
    fn the_table_has_a_row_for_each_question() -> Result<()> {
        let known = read(include_str!("../../instructions.csv"))?;
        let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, COUNTED.map(|question| question.name));
        Ok(())
    }
}
