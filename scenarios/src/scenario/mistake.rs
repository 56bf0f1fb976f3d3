//! A mistake in a case file, told with the file, the line, the column, the line itself and what would be right.

use std::fmt;

/// The text of one case file and the name under which it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The path as a person would type it.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// A place in a file: line and column count from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The byte offset of the thing in the file and its length in bytes, if known.
    pub bytes: Option<(usize, usize)>,
}

/// The reason for which a case cannot be played, with all that a person needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    message: String,
    file: String,
    line: usize,
    column: usize,
    length: usize,
    shown: String,
    right: Vec<String>,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1, bytes: None };

    /// The text that stands at this place, as it was typed.
    pub fn slice<'a>(&self, source: &Source<'a>) -> Option<&'a str> {
        let (from, length) = self.bytes?;
        source.text.get(from..from.checked_add(length)?)
    }
}

impl Source<'_> {
    /// A mistake at `at`.
    pub fn mistake(&self, at: Position, message: String) -> Mistake {
        let shown = self.text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default().to_owned();
        let rest = shown.chars().count().saturating_sub(at.column.saturating_sub(1));
        let typed = at
            .slice(self)
            .and_then(|text| text.lines().next())
            .map_or(1, |text| text.trim_end().chars().count());
        Mistake {
            message,
            file: self.name.to_owned(),
            line: at.line,
            column: at.column,
            length: typed.min(rest).max(1),
            shown,
            right: Vec::new(),
        }
    }
}

impl Mistake {
    /// Adds lines that say what would be right.
    #[must_use]
    pub fn with_right(mut self, right: Vec<String>) -> Self {
        self.right = right;
        self
    }

    /// The mistake in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line and the column, counted from 1.
    pub fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let lead: String = self
            .shown
            .chars()
            .take(self.column.saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "  {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "  {number} | {}", self.shown.trim_end())?;
        write!(f, "  {margin} | {lead}{}", "^".repeat(self.length))?;
        for line in &self.right {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistake {}

/// A sentence that lists names, broken so that no line is wider than 100.
pub fn list_of(lead: &str, names: &[&str]) -> Vec<String> {
    let mut lines = vec![lead.to_owned()];
    let indent = " ".repeat(lead.chars().count());
    for (index, name) in names.iter().enumerate() {
        let word = if index + 1 < names.len() { format!(" {name},") } else { format!(" {name}") };
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() <= 96 => line.push_str(&word),
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carets_stand_under_the_word_also_after_a_tab_and_wide_characters() {
        let source = Source { name: "case.yaml", text: "\tä: bad" };
        let mistake = source.mistake(Position { line: 1, column: 5, bytes: Some((5, 3)) }, "no".to_owned());
        assert_eq!(mistake.to_string(), "error: no\n  case.yaml:1:5\n  1 | \tä: bad\n    | \t   ^^^");
    }

    #[test]
    fn a_long_list_is_broken_below_the_width() {
        let names = vec!["abcdefghij"; 20];
        assert!(list_of("the names are:", &names).iter().all(|line| line.len() <= 98));
    }
}
