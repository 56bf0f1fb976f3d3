//! Manifests: files, folders and standard input as documents that know where they stand.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::scenario::yaml::options;

/// The name of standard input on the command line.
const STDIN: &str = "-";
/// Endings of files with manifests, as kubectl has them.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRow {
    /// The file, as a person would type it.
    pub file: String,
    /// The row, counted from 1; 0 for what is in no file.
    pub row: usize,
}

/// One document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The document's first row.
    pub place: FileRow,
    /// The document.
    pub value: Value,
}

/// Manifests that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or folder that cannot be read.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// The machine's own word.
        why: std::io::Error,
    },
    /// A folder without a manifest.
    #[error(
        "{0} holds no file that ends in .yaml, .yml or .json; for a Helm chart, type `helm template {0} | scenarios cost -f -`"
    )]
    EmptyFolder(String),
    /// No document at all.
    #[error("{0} holds no manifest")]
    Empty(String),
    /// A text that is neither YAML nor JSON.
    #[error("{place}: this is no manifest: {why}{hint}")]
    Syntax {
        /// The place at which reading ended.
        place: FileRow,
        /// The reader's word.
        why: String,
        /// Advice, or nothing.
        hint: &'static str,
    },
}

/// Reads all documents of files, folders and, for `-`, standard input; of a folder the files in it, and with `recursive`
/// those below it.
///
/// # Errors
/// [`ReadError`] for the first that cannot be read.
pub fn read(paths: &[PathBuf], recursive: bool) -> Result<Vec<Document>, ReadError> {
    let mut documents = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        if shown == STDIN {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_to_string(&mut text);
            read.map_err(|why| ReadError::File { file: "standard input".to_owned(), why })?;
            documents.extend(non_empty(parse("standard input", &text)?, "standard input")?);
        } else if path.is_dir() {
            let mut files = Vec::new();
            gather(path, recursive, &mut files)?;
            if files.is_empty() {
                return Err(ReadError::EmptyFolder(shown));
            }
            for file in files {
                documents.extend(read_file(&file)?);
            }
        } else {
            documents.extend(non_empty(read_file(path)?, &shown)?);
        }
    }
    Ok(documents)
}

fn non_empty(documents: Vec<Document>, file: &str) -> Result<Vec<Document>, ReadError> {
    if documents.is_empty() { Err(ReadError::Empty(file.to_owned())) } else { Ok(documents) }
}

fn read_file(path: &Path) -> Result<Vec<Document>, ReadError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|why| ReadError::File { file: file.clone(), why })?;
    parse(&file, &text)
}

/// Adds the files of a folder in the order of their names; links to folders are not followed.
fn gather(folder: &Path, recursive: bool, files: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    let failed = |why| ReadError::File { file: folder.display().to_string(), why };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let fits =
            path.extension().and_then(|ending| ending.to_str()).is_some_and(|own| ENDINGS.contains(&own));
        if is_folder && recursive {
            gather(&path, recursive, files)?;
        } else if !is_folder && fits {
            files.push(path);
        }
    }
    Ok(())
}

/// The documents of a text, each with its first row; those that hold nothing are left out.
///
/// # Errors
/// [`ReadError::Syntax`] with the row at which reading ended.
pub fn parse(file: &str, text: &str) -> Result<Vec<Document>, ReadError> {
    let place = |row| FileRow { file: file.to_owned(), row };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        // One document of JSON, which may be as large as a cluster's list of pods.
        let error = |why: serde_json::Error| syntax(place(why.line().max(1)), why.to_string(), text);
        let value = serde_json::from_str(text).map_err(error)?;
        return Ok(vec![Document { place: place(1), value }]);
    }
    let mut documents = Vec::new();
    for (row, part) in parts(text) {
        let value: Value = serde_saphyr::from_str_with_options(&part, options()).map_err(|error| {
            let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
            syntax(place(row + line.max(1) - 1), error.without_snippet().to_string(), text)
        })?;
        if !value.is_null() {
            documents.push(Document { place: place(first_row(row, &part)), value });
        }
    }
    Ok(documents)
}

fn syntax(place: FileRow, why: String, text: &str) -> ReadError {
    let hint = match text.contains("{{") {
        true => "; it looks like a template: type `helm template CHART | scenarios cost -f -`",
        false => "",
    };
    ReadError::Syntax { place, why, hint }
}

/// The parts of a YAML text between its document markers, with the row at which each begins; a marker at the beginning of
/// a row is one wherever it stands (YAML 1.2, section 9.1).
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(1, String::new())];
    for (index, line) in text.lines().enumerate() {
        let marker = |marker: &str| {
            line.strip_prefix(marker).filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        };
        let line = match (marker("---"), marker("...")) {
            (Some(rest), _) => {
                parts.push((index + 1, String::new()));
                // What stands behind the marker keeps its column.
                format!("   {rest}")
            }
            (_, Some(_)) => {
                parts.push((index + 1, String::new()));
                String::new()
            }
            _ if line.starts_with('%') => String::new(),
            _ => line.to_owned(),
        };
        if let Some((_, part)) = parts.last_mut() {
            part.push_str(&line);
            part.push('\n');
        }
    }
    parts.retain(|(_, part)| part.lines().any(says_something));
    parts
}

fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn first_row(row: usize, part: &str) -> usize {
    row + part.lines().position(says_something).unwrap_or(0)
}

impl fmt::Display for FileRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            0 => f.write_str(&self.file),
            row => write!(f, "{}:{row}", self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(usize, String)> {
        let documents = parse("x.yaml", text).unwrap();
        documents.into_iter().map(|one| (one.place.row, one.value["kind"].to_string())).collect()
    }

    #[test]
    fn each_document_knows_its_first_row() {
        let text = "# all of it\n---\n# the first\n\nkind: A\n---\n---\nkind: B\ntext: |\n  --- no marker\n--- # third\nkind: C\n...\n";
        assert_eq!(rows(text), [(5, "\"A\"".into()), (8, "\"B\"".into()), (12, "\"C\"".into())]);
        assert_eq!(rows("%YAML 1.2\n--- { kind: A }\n"), [(2, "\"A\"".into())]);
        assert_eq!(rows("{\"kind\": \"A\"}\n"), [(1, "\"A\"".into())]);
        assert_eq!(rows("# nothing\n---\n"), []);
    }

    #[test]
    fn what_is_no_manifest_is_told_with_its_row() {
        for (text, told) in [
            ("kind: A\n---\nkind: B\nmetadata: { name: \n", "x.yaml:4: this is no manifest"),
            ("kind: A\n---\nspec: {{ .Values.spec }}\n", "type `helm template CHART | scenarios cost -f -`"),
            ("{\n \"kind\": }", "x.yaml:2: this is no manifest: expected value"),
        ] {
            let why = parse("x.yaml", text).unwrap_err().to_string();
            assert!(why.contains(told), "{why}");
        }
    }
}
