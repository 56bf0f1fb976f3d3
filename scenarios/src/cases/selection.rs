//! The cases that words of the command line mean: names, folders, files, patterns and claims.

use std::path::{Path, PathBuf};

use eci_sim::text::{matches, nearest};

use super::{CaseFile, FOLDERS, NoCases, all, as_typed, is_case_file, read, unreadable};
use crate::scenario::Scenario;

/// Folders in which nobody keeps cases, and much else.
const PASSED_BY: [&str; 2] = ["target", "node_modules"];

/// The cases that `names` mean, each once: a case or folder of cases by its name, a file, a folder, a pattern with `*`, or
/// a claim or a part of one. Without names, all that come with this program.
///
/// # Errors
/// [`NoCases`].
pub fn named(names: &[String], command: &str) -> Result<Vec<CaseFile>, NoCases> {
    let all = all()?;
    if names.is_empty() {
        return Ok(all);
    }
    let mut found: Vec<CaseFile> = Vec::new();
    for name in names {
        for case in meant_by(name, &all, command)? {
            if !found.contains(&case) {
                found.push(case);
            }
        }
    }
    Ok(found)
}

fn meant_by(name: &str, all: &[CaseFile], command: &str) -> Result<Vec<CaseFile>, NoCases> {
    let path = Path::new(name);
    if is_yaml(path) && path.is_file() {
        return Ok(vec![at(path, all)?]);
    }
    // A folder of one's own that has the name of one of ours is written with a `./`.
    let ways: [&dyn Fn() -> Result<Vec<CaseFile>, NoCases>; 4] =
        [&|| Ok(by_name(name, all)), &|| in_folder(path, all), &|| by_pattern(name, all), &|| {
            Ok(by_claim(name, all))
        }];
    for way in ways {
        let found = way()?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    if path.is_dir() {
        return Err(NoCases::NoneBelow { folder: name.to_owned() });
    }
    let near = near(name, all).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(NoCases::Unknown { name: name.to_owned(), near, command: command.to_owned() })
}

/// The case in a file: one of ours, where it is one.
fn at(path: &Path, all: &[CaseFile]) -> Result<CaseFile, NoCases> {
    let absolute = path.canonicalize().map_err(|source| unreadable(path, source))?;
    let is_it = |case: &&CaseFile| Path::new(&case.file).canonicalize().is_ok_and(|file| file == absolute);
    match all.iter().find(is_it) {
        Some(own) => Ok(own.clone()),
        None => read(path, as_typed(path)),
    }
}

/// A case, a folder of cases, or a case without its folder.
fn by_name(name: &str, all: &[CaseFile]) -> Vec<CaseFile> {
    let plain = name.trim_end_matches(".yaml").trim_end_matches('/');
    let (within, alone) = (format!("{plain}/"), format!("/{plain}"));
    let with = |fits: &dyn Fn(&str) -> bool| -> Vec<CaseFile> {
        all.iter().filter(|case| fits(&case.case)).cloned().collect()
    };
    match with(&|case| case == plain || case.starts_with(&within)) {
        found if found.is_empty() => with(&|case| case.ends_with(&alone)),
        found => found,
    }
}

/// Every case below a folder, by what stands in its files: manifests and other YAML are passed by.
fn in_folder(folder: &Path, all: &[CaseFile]) -> Result<Vec<CaseFile>, NoCases> {
    let mut cases = Vec::new();
    if folder.is_dir() {
        for file in files_below(folder)? {
            let text = std::fs::read_to_string(&file).map_err(|source| unreadable(&file, source))?;
            if is_case_file(&text) {
                cases.push(at(&file, all)?);
            }
        }
    }
    cases.sort_by(|one, other| one.case.cmp(&other.case));
    Ok(cases)
}

/// The cases, or the files of cases, that fit a pattern in which `*` stands for anything.
fn by_pattern(pattern: &str, all: &[CaseFile]) -> Result<Vec<CaseFile>, NoCases> {
    let Some((before, _)) = pattern.split_once('*') else { return Ok(Vec::new()) };
    let fits = |case: &&CaseFile| {
        let alone = case.case.rsplit('/').next().unwrap_or_default();
        matches(pattern, &case.case) || matches(pattern, alone)
    };
    let found: Vec<_> = all.iter().filter(fits).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let folder = before.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let mut below = in_folder(Path::new(folder), all)?;
    let typed = pattern.trim_start_matches("./");
    below.retain(|case| matches(typed, case.file.trim_start_matches("./")));
    Ok(below)
}

/// The case with this claim, or those whose claims have these words.
fn by_claim(words: &str, all: &[CaseFile]) -> Vec<CaseFile> {
    let words = words.trim().trim_end_matches('.').to_lowercase();
    let claims = all.iter().filter_map(|case| Some((claim(case)?.to_lowercase(), case)));
    let fitting: Vec<_> = claims.filter(|(claim, _)| words.contains(' ') && claim.contains(&words)).collect();
    let exact = fitting.iter().find(|(claim, _)| *claim == words);
    match exact {
        Some((_, case)) => vec![(*case).clone()],
        None => fitting.into_iter().map(|(_, case)| case.clone()).collect(),
    }
}

fn claim(case: &CaseFile) -> Option<String> {
    Scenario::read(&case.file, &case.text).ok().map(|scenario| scenario.claim)
}

/// The case or folder that was most likely meant, also by a name without its folder or by a claim.
fn near(name: &str, all: &[CaseFile]) -> Option<String> {
    let plain = name.trim_end_matches(".yaml").trim_end_matches('/');
    let whole = all.iter().map(|case| case.case.as_str()).chain(FOLDERS);
    if let Some(near) = nearest(plain, whole) {
        return Some(near.to_owned());
    }
    let alone = |case: &CaseFile| case.case.rsplit('/').next().map(str::to_owned);
    let others: Vec<(String, &CaseFile)> = all
        .iter()
        .flat_map(|case| [alone(case), claim(case)].into_iter().flatten().map(move |text| (text, case)))
        .collect();
    let near = nearest(plain, others.iter().map(|(text, _)| text.as_str()))?;
    others.iter().find(|(text, _)| text == near).map(|(_, case)| case.case.clone())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// Every YAML file below a folder, but not in hidden folders nor where programs put what they make.
fn files_below(root: &Path) -> Result<Vec<PathBuf>, NoCases> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|source| unreadable(&folder, source))? {
            let entry = entry.map_err(|source| unreadable(&folder, source))?;
            let (path, name) = (entry.path(), entry.file_name());
            // A link to a folder may lead back to where it stands, and is not followed.
            let kind = entry.file_type().map_err(|source| unreadable(&path, source))?;
            let passed_by =
                name.to_string_lossy().starts_with('.') || PASSED_BY.iter().any(|other| name == *other);
            match kind.is_dir() {
                true if !passed_by => folders.push(path),
                false if is_yaml(&path) && path.is_file() => files.push(path),
                _ => {}
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "scenario: a claim\ncites: ours\nsteps:\n  - advance: 1s\n";

    fn cases(words: &str) -> Vec<String> {
        named(&[words.to_owned()], "scenarios").unwrap().into_iter().map(|case| case.case).collect()
    }

    fn refusal(words: &str) -> String {
        named(&[words.to_owned()], "scenarios").unwrap_err().to_string()
    }

    /// A folder with two cases, and YAML that is none.
    fn own_folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("one.yaml", CASE),
            ("deep/two.yml", CASE),
            ("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n"),
            (".github/hidden.yaml", CASE),
            ("target/made.yaml", CASE),
            ("notes.txt", CASE),
        ] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_name_that_is_nearly_a_case_is_answered_with_the_case() {
        for words in [
            "scheduling/by-node-nam",
            "by-node-nam",
            "a labeled namespace sends its pods to the virtual node",
        ] {
            let why = refusal(words);
            assert!(why.contains("did you mean `scheduling/by-"), "{why}");
        }
    }

    #[test]
    fn a_folder_means_all_its_cases_and_a_case_means_itself() {
        let folder = cases("scheduling");
        assert!(folder.len() > 3 && folder.iter().all(|case| case.starts_with("scheduling/")));
        assert_eq!(cases("scheduling/by-node-name"), ["scheduling/by-node-name"]);
    }

    #[test]
    fn a_pattern_means_every_case_that_fits_it() {
        let fitting = cases("trust/restart-*");
        assert!(
            fitting.len() > 1 && fitting.iter().all(|case| case.starts_with("trust/restart-")),
            "{fitting:?}"
        );
        assert_eq!(cases("*heartb*"), ["node/heartbeat"]);
    }

    #[test]
    fn a_claim_means_its_case_and_some_words_of_it_do_too() {
        let own = all().unwrap().into_iter().find(|case| case.case == "lifecycle/restart-always").unwrap();
        let claim = claim(&own).unwrap();
        assert_eq!(cases(&claim.to_uppercase()), ["lifecycle/restart-always"]);
        assert_eq!(cases("policy Always a container that ends"), ["lifecycle/restart-always"]);
    }

    #[test]
    fn a_folder_of_one_s_own_means_every_case_below_it_and_nothing_else() {
        let folder = own_folder();
        let root = folder.path().to_str().unwrap();
        assert_eq!(cases(root), [format!("{root}/deep/two.yml"), format!("{root}/one.yaml")]);
        assert_eq!(cases(&format!("{root}/o*.yaml")), [format!("{root}/one.yaml")]);
    }

    #[test]
    fn a_folder_without_a_case_says_what_one_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "kind: Pod\n").unwrap();
        let why = refusal(folder.path().to_str().unwrap());
        assert!(why.contains("there is no case below") && why.contains("`scenario:`"), "{why}");
    }
}
