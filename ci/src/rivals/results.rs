//! The page of results, written whole each time from the figures beside it, of which those of a question asked anew are new.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::command::output_of;

/// The page, below the root.
const PAGE: &str = "benches/RESULTS.md";
/// The figures behind it.
const FIGURES: &str = "benches/results.json";

/// One question, and the figures of each program.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// The question in words.
    pub title: String,
    /// The command that asks one program.
    pub command: String,
    /// Processor, cores and kernel of the run.
    pub machine: String,
    /// The figures, by unit.
    pub tables: Vec<Table>,
    /// What else was counted in the same run.
    pub ledger: Vec<Entry>,
    /// Differences between the two sides that a reader has to know of.
    pub differences: Vec<String>,
}

/// Figures of one unit, larger being better.
#[derive(Debug, Serialize, Deserialize)]
pub struct Table {
    /// The unit of the figures.
    pub unit: String,
    /// The figures of each program, ours first.
    pub measured: Vec<Measured>,
}

/// The figures of one program.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Name and version of the program.
    pub program: String,
    /// One figure a turn, in the order of the turns.
    pub figures: Vec<u64>,
}

/// A line of a ledger: a figure a turn of each program, in the order of the tables; empty where a program has none.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// What was counted, with its unit.
    pub item: String,
    /// The figures.
    pub figures: Vec<Vec<u64>>,
}

impl Measured {
    fn sorted(&self) -> Vec<u64> {
        let mut figures = self.figures.clone();
        figures.sort_unstable();
        figures
    }

    /// The median of the turns; 0 of none.
    fn median(&self) -> u64 {
        median(&self.figures).unwrap_or_default()
    }
}

/// The median; `None` of none.
fn median(figures: &[u64]) -> Option<u64> {
    let mut figures = figures.to_vec();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied()
}

/// Writes the page and the figures, those of questions that were not asked as they were.
pub fn write(root: &Path, asked: Vec<Question>) -> Result<()> {
    let before = fs::read_to_string(root.join(FIGURES)).unwrap_or_else(|_| "[]".to_owned());
    let before = serde_json::from_str(&before).with_context(|| format!("cannot read {FIGURES}"))?;
    let questions = renewed(before, asked);
    let figures = serde_json::to_string(&questions)? + "\n";
    fs::write(root.join(FIGURES), figures).with_context(|| format!("cannot write {FIGURES}"))?;
    let page = page(&questions)?;
    fs::write(root.join(PAGE), &page).with_context(|| format!("cannot write {PAGE}"))?;
    println!("{page}");
    Ok(())
}

/// The questions of before, each replaced by the one of the same title that was asked anew, and new ones behind them.
fn renewed(before: Vec<Question>, asked: Vec<Question>) -> Vec<Question> {
    let mut questions = before;
    for question in asked {
        match questions.iter_mut().find(|old| old.title == question.title) {
            Some(old) => *old = question,
            None => questions.push(question),
        }
    }
    questions
}

fn page(questions: &[Question]) -> Result<String> {
    let mut page = String::from(
        "# Beside the rivals\n\nWritten by `cargo ci rivals`, which installs the others by name and asks all of them turn by turn. \
         A ratio belongs to one\nrun; absolute figures belong to its machine. The figures of each turn: `results.json`.\n",
    );
    for question in questions {
        write!(page, "\n## {}\n\n```sh\n{}\n```\n", question.title, question.command)?;
        writeln!(page, "\n{}.", question.machine)?;
        question.tables.iter().try_for_each(|table| write_table(table, &mut page))?;
        write_ledger(question, &mut page)?;
        page.push_str("\nWhat differs between the two sides:\n\n");
        for difference in &question.differences {
            writeln!(page, "- {difference}")?;
        }
    }
    Ok(page)
}

fn write_table(table: &Table, page: &mut String) -> Result<()> {
    let ours = table.measured.first().map_or(0, Measured::median);
    writeln!(page, "\n| program | {}, median | from | to | ours to it |\n|---|---|---|---|---|", table.unit)?;
    for measured in &table.measured {
        let (figures, median) = (measured.sorted(), measured.median());
        let (from, to) =
            (figures.first().copied().unwrap_or_default(), figures.last().copied().unwrap_or_default());
        writeln!(page, "| {} | {median} | {from} | {to} | {} |", measured.program, ratio(ours, median))?;
    }
    Ok(())
}

/// The medians of the ledger, a column a program.
fn write_ledger(question: &Question, page: &mut String) -> Result<()> {
    let (Some(table), false) = (question.tables.first(), question.ledger.is_empty()) else { return Ok(()) };
    let programs: Vec<_> = table.measured.iter().map(|measured| measured.program.as_str()).collect();
    writeln!(page, "\n| median of the turns | {} |", programs.join(" | "))?;
    writeln!(page, "|---|{}", "---|".repeat(programs.len()))?;
    for entry in &question.ledger {
        let medians = entry.figures.iter().map(|figures| median(figures));
        let medians: Vec<_> =
            medians.map(|one| one.map_or_else(String::new, |one| one.to_string())).collect();
        writeln!(page, "| {} | {} |", entry.item, medians.join(" | "))?;
    }
    Ok(())
}

/// A ratio with two decimals.
fn ratio(ours: u64, theirs: u64) -> String {
    let hundredths = ours * 100 / theirs.max(1);
    format!("{}.{:02} ×", hundredths / 100, hundredths % 100)
}

/// The processor, its cores and the kernel.
pub fn machine() -> Result<String> {
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

    fn question(title: &str, figures: [&[u64]; 2]) -> Question {
        let measured =
            |program: &str, figures: &[u64]| Measured { program: program.into(), figures: figures.into() };
        let measured = vec![measured("ours 1", figures[0]), measured("theirs 2", figures[1])];
        Question {
            title: title.into(),
            command: "ask".into(),
            machine: "a machine".into(),
            tables: vec![Table { unit: "calls/s".into(), measured }],
            ledger: vec![Entry { item: "CPU, µs a pod".into(), figures: vec![vec![7, 9, 8], Vec::new()] }],
            differences: vec!["none".into()],
        }
    }

    #[test]
    fn a_row_tells_the_median_the_spread_and_how_many_times_ours_is() -> Result<()> {
        let page = page(&[question("How many?", [&[300, 100, 200], &[50, 80, 60]])])?;
        assert!(page.contains("| ours 1 | 200 | 100 | 300 | 1.00 × |"), "{page}");
        assert!(page.contains("| theirs 2 | 60 | 50 | 80 | 3.33 × |"), "{page}");
        assert!(page.contains("| CPU, µs a pod | 8 |  |"), "{page}");
        Ok(())
    }

    #[test]
    fn a_question_that_was_not_asked_keeps_its_figures() {
        let (old, new) = (question("one", [&[1], &[1]]), question("two", [&[2], &[2]]));
        let questions =
            renewed(vec![old, new], vec![question("two", [&[5], &[5]]), question("three", [&[3], &[3]])]);
        let figures = questions.iter().map(|question| question.tables[0].measured[0].figures[0]);
        assert_eq!(figures.collect::<Vec<_>>(), [1, 5, 3]);
    }
}
