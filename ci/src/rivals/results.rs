//! The page of results, written whole each time, with the figures beside it as JSON.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::command::output_of;

/// The page, below the root.
const PAGE: &str = "benches/RESULTS.md";
/// The figures behind it.
const FIGURES: &str = "benches/results.json";

/// One question, and the figures of each program.
#[derive(Debug, Serialize)]
pub struct Question {
    /// The question in words.
    pub title: String,
    /// The command that asks one program.
    pub command: String,
    /// The unit of the figures.
    pub unit: String,
    /// The figures of each program, ours first.
    pub measured: Vec<Measured>,
    /// Differences between the two sides that a reader has to know of.
    pub differences: Vec<String>,
}

/// The figures of one program.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Name and version of the program.
    pub program: String,
    /// One figure a turn, in the order of the turns.
    pub figures: Vec<u64>,
}

impl Measured {
    fn sorted(&self) -> Vec<u64> {
        let mut figures = self.figures.clone();
        figures.sort_unstable();
        figures
    }

    /// The median of the turns; 0 of none.
    fn median(&self) -> u64 {
        let figures = self.sorted();
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    }
}

/// Writes the page and the figures.
pub fn write(root: &Path, questions: &[Question]) -> Result<()> {
    let figures = serde_json::to_string_pretty(questions)? + "\n";
    fs::write(root.join(FIGURES), figures).with_context(|| format!("cannot write {FIGURES}"))?;
    let page = page(questions, &machine()?)?;
    fs::write(root.join(PAGE), &page).with_context(|| format!("cannot write {PAGE}"))?;
    println!("{page}");
    Ok(())
}

fn page(questions: &[Question], machine: &str) -> Result<String> {
    let mut page = format!(
        "# Beside the rivals\n\nWritten by `cargo ci rivals`, which installs the others by name and asks all of them turn by turn. \
         A ratio belongs to one\nrun; absolute figures belong to the machine: {machine}. The figures of each turn: `results.json`.\n"
    );
    for question in questions {
        let ours = question.measured.first().map_or(0, Measured::median);
        write!(page, "\n## {}\n\n```sh\n{}\n```\n\n", question.title, question.command)?;
        writeln!(
            page,
            "| program | {}, median | from | to | ours to it |\n|---|---|---|---|---|",
            question.unit
        )?;
        for measured in &question.measured {
            let (figures, median) = (measured.sorted(), measured.median());
            let (from, to) =
                (figures.first().copied().unwrap_or_default(), figures.last().copied().unwrap_or_default());
            writeln!(page, "| {} | {median} | {from} | {to} | {} |", measured.program, ratio(ours, median))?;
        }
        page.push_str("\nWhat differs between the two sides:\n\n");
        for difference in &question.differences {
            writeln!(page, "- {difference}")?;
        }
    }
    Ok(page)
}

/// A ratio with one decimal.
fn ratio(ours: u64, theirs: u64) -> String {
    let tenths = ours * 10 / theirs.max(1);
    format!("{}.{} ×", tenths / 10, tenths % 10)
}

/// The processor, its cores and the memory.
fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("cannot read what processor this is")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unnamed processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism()?;
    let kernel = output_of(Command::new("uname").arg("-sr"))?;
    Ok(format!("{model}, {cores} cores, {}", kernel.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_the_median_the_spread_and_how_many_times_ours_is() -> Result<()> {
        let measured =
            |program: &str, figures: &[u64]| Measured { program: program.into(), figures: figures.into() };
        let question = Question {
            title: "How many?".into(),
            command: "ask".into(),
            unit: "calls/s".into(),
            measured: vec![measured("ours 1", &[300, 100, 200]), measured("theirs 2", &[50, 80, 60])],
            differences: vec!["none".into()],
        };
        let page = page(&[question], "a machine")?;
        assert!(page.contains("| ours 1 | 200 | 100 | 300 | 1.0 × |"), "{page}");
        assert!(page.contains("| theirs 2 | 60 | 50 | 80 | 3.3 × |"), "{page}");
        Ok(())
    }
}
