//! The case files: those of the repository, those compiled in, and those of one's own.

mod compiled_in;
mod selection;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use self::compiled_in::CASES as COMPILED_IN;
pub use self::selection::named;

/// One case file, read but not yet understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFile {
    /// The path below the folder of cases, without its ending: `scheduling/by-node-name`.
    pub case: String,
    /// The file as a person would type it.
    pub file: String,
    /// The folder that it stands in; empty when it is compiled in.
    pub folder: PathBuf,
    /// The file's whole text.
    pub text: String,
}

/// The folder that a case's own files are in, for as long as the case is played.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _written: Option<TempDir>,
}

impl CaseFile {
    /// The folder with the files beside it. Of a case that is compiled in they are written out, and removed with the answer.
    ///
    /// # Errors
    /// When they cannot be written, or the folder is gone.
    pub fn beside(&self) -> std::io::Result<Folder> {
        if !self.folder.as_os_str().is_empty() {
            if !self.folder.is_dir() {
                let gone = format!("the folder {} is not there any more", self.folder.display());
                return Err(std::io::Error::new(std::io::ErrorKind::NotFound, gone));
            }
            return Ok(Folder { path: self.folder.clone(), _written: None });
        }
        let written = tempfile::tempdir()?;
        let own = self.case.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (path, text) in COMPILED_IN {
            if let Some(path) = path.strip_prefix(own).map(|path| path.trim_start_matches('/')) {
                let path = written.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap_or(written.path()))?;
                std::fs::write(path, text)?;
            }
        }
        Ok(Folder { path: written.path().to_owned(), _written: Some(written) })
    }
}

impl Folder {
    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The reason for which the cases that were asked for cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum NoCases {
    /// No case has this name, and no folder either.
    #[error("there is no case `{name}`{near}\n  `{command} list` lists all of them")]
    Unknown {
        /// The word on the command line.
        name: String,
        /// A clause with the nearest known name, or empty.
        near: String,
        /// The words that start this program, for a line that can be pasted.
        command: String,
    },
    /// A folder that is there has no case.
    #[error(
        "there is no case below `{folder}`: no YAML file there has `scenario:` and `cites:`\n  docs/scenarios.md tells how a case is written"
    )]
    NoneBelow {
        /// The folder, as it was typed.
        folder: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file or folder, as a person would type it.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
}

/// All cases that come with this program, sorted by folder in the order of [`FOLDERS`], then by name.
///
/// In the repository they are read from its folder; elsewhere they are the ones compiled in.
///
/// # Errors
/// [`NoCases::Unreadable`].
pub fn all() -> Result<Vec<CaseFile>, NoCases> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut cases = if root.is_dir() { below(&root)? } else { compiled_in() };
    cases.sort_by_key(|case| (rank(&case.case), case.case.clone()));
    Ok(cases)
}

/// The folders in the order in which their cases are best read; others follow.
pub const FOLDERS: [&str; 10] = [
    "scheduling",
    "sizing",
    "lifecycle",
    "workloads",
    "billing",
    "node",
    "networking",
    "faults",
    "trust",
    "kubectl",
];

fn rank(case: &str) -> usize {
    let folder = case.split('/').next().unwrap_or_default();
    FOLDERS.iter().position(|known| *known == folder).unwrap_or(FOLDERS.len())
}

/// Every `*.yaml` below `root` that is a case and not a manifest beside one.
fn below(root: &Path) -> Result<Vec<CaseFile>, NoCases> {
    let mut cases = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|source| unreadable(&folder, source))?;
        for entry in entries {
            let path = entry.map_err(|source| unreadable(&folder, source))?.path();
            if path.is_dir() {
                // Manifests that cases apply stand in a folder of their own.
                if path.file_name().is_none_or(|name| name != "manifests") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                cases.push(read(&path, name.to_string_lossy().replace('\\', "/"))?);
            }
        }
    }
    Ok(cases)
}

/// True for the text of a case, right or wrong; other YAML has neither of these at its beginning.
fn is_case_file(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("scenario:") || line.starts_with("cites:"))
}

fn read(path: &Path, case: String) -> Result<CaseFile, NoCases> {
    let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
    // Of a bare name the parent is empty, which would say that the case is compiled in.
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.to_owned();
    Ok(CaseFile { case, file: as_typed(path), folder, text })
}

fn compiled_in() -> Vec<CaseFile> {
    let cases = COMPILED_IN.iter().filter(|(path, _)| !path.contains("/manifests/"));
    cases
        .map(|(path, text)| CaseFile {
            case: path.trim_end_matches(".yaml").to_owned(),
            file: format!("scenarios/cases/{path}"),
            folder: PathBuf::new(),
            text: (*text).to_owned(),
        })
        .collect()
}

fn unreadable(path: &Path, source: std::io::Error) -> NoCases {
    NoCases::Unreadable { path: as_typed(path), source }
}

/// The path relative to where the program was started, when it lies below.
fn as_typed(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_is_compiled_in_finds_the_files_beside_it() {
        let cases = compiled_in();
        let case = cases.iter().find(|case| case.case == "kubectl/by-node-name").unwrap();
        let folder = case.beside().unwrap();
        let manifest = folder.path().join("manifests/by-node-name.yaml");
        assert!(std::fs::read_to_string(&manifest).unwrap().contains("kind: Pod"));
        drop(folder);
        assert!(!manifest.exists());
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let case = CaseFile { folder: "/nowhere/cases".into(), ..compiled_in().remove(0) };
        let error = case.beside().unwrap_err().to_string();
        assert_eq!(error, "the folder /nowhere/cases is not there any more");
    }
}
