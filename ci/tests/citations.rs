//! Citations of the fact sheets in `docs/facts`: each names a sheet, and a section or code that stands in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::tracked::{read, root, with_ending};

/// The folder of the sheets, below the root.
const SHEETS: &str = "docs/facts/";

/// Tables whose column `source` is checked row by row.
const TABLES: [&str; 9] = [
    "ci/data/kubectl/commands.csv",
    "eci-sim/api/data/errors.csv",
    "eci-sim/data/focus.csv",
    "eci-sim/data/images.csv",
    "eci-sim/data/parameters.csv",
    "eci-sim/data/prices.csv",
    "eci-sim/data/regions.csv",
    "eci-sim/data/sizes.csv",
    "scenarios/data/differences.csv",
];

/// Files with one of these endings.
fn files(endings: &[&str]) -> Vec<String> {
    let is_of_kind = |file: &String| endings.iter().any(|ending| file.ends_with(ending));
    with_ending("").into_iter().filter(is_of_kind).collect()
}

/// A heading's number, such as `4` or `4.3`.
fn is_number(token: &str) -> bool {
    !token.is_empty()
        && token.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// A requirement, vector or source key, such as `R134`, `B10`, `R1-GET` or `S-3P-LIST`.
fn is_code(token: &str) -> bool {
    let mut bytes = token.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_uppercase())
        && bytes.next().is_some_and(|b| b.is_ascii_digit() || b == b'-')
        && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
}

/// Sections and codes of a sheet that can be cited, in their order.
fn places(sheet: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in sheet.lines() {
        fenced ^= line.starts_with("```");
        let token = if fenced {
            line.split(',').next()
        } else if line.starts_with("##") {
            line.trim_start_matches('#').split_whitespace().next().map(|number| number.trim_end_matches('.'))
        } else if let Some(bold) = line.strip_prefix("**") {
            bold.split(['*', ' ']).next()
        } else if let Some(cell) = line.strip_prefix("| ") {
            cell.split(" |").next()
        } else {
            line.strip_prefix("Vector ").and_then(|rest| rest.split([' ', ',', ':']).next())
        };
        let heading = line.starts_with("##");
        found.extend(token.filter(|t| is_code(t) || heading && is_number(t)).map(str::to_owned));
    }
    found
}

/// The sheets by their file names, with what can be cited of each.
fn sheets() -> BTreeMap<String, BTreeSet<String>> {
    let found: BTreeMap<_, _> = files(&[".md"])
        .into_iter()
        .filter_map(|file| file.strip_prefix(SHEETS).map(str::to_owned))
        .filter(|name| name != "README.md")
        .map(|name| {
            let all = places(&read(&format!("{SHEETS}{name}")));
            (name, all.into_iter().collect())
        })
        .collect();
    assert!(found.len() > 5, "the sheets are not in {SHEETS}");
    found
}

/// Places that a text names right after a sheet: `, section 7.1`, ` R133`, `, sections 1 to 3`, ` 3 B-ECI B-CAT`.
fn named_after(text: &str) -> Vec<&str> {
    let mut rest = text.trim_start_matches(['`', ',', ' ']);
    rest = rest.strip_prefix("sections ").or_else(|| rest.strip_prefix("section ")).unwrap_or(rest);
    let mut found = Vec::new();
    loop {
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
        let token = rest[..end].trim_end_matches(['.', '-']);
        if !is_number(token) && !is_code(token) {
            return found;
        }
        found.push(token);
        let after = &rest[token.len()..];
        let Some(next) = [" and ", " to ", ", ", " "].iter().find_map(|between| after.strip_prefix(between))
        else {
            return found;
        };
        rest = next;
    }
}

/// Each sheet that a text names, with the places of it that it names.
fn citations<'a>(text: &'a str, names: impl Iterator<Item = &'a String>) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut found = Vec::new();
    for name in names {
        for (at, _) in text.match_indices(name.as_str()) {
            let part_of_a_word =
                text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if !part_of_a_word {
                found.push((name.as_str(), named_after(&text[at + name.len()..])));
            }
        }
    }
    found
}

/// A file as one line, so that a citation may be broken across lines of a comment; a table keeps its rows apart.
fn flowing(file: &str) -> String {
    let text = read(file);
    if file.ends_with(".csv") {
        return text.replace('\n', " ;\n");
    }
    let bare = |line: &str| {
        let line = line.trim();
        let marks = ["//!", "///", "//", "#"];
        marks.iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line).trim().to_owned()
    };
    text.lines().map(bare).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_citation_names_a_sheet_and_a_place_that_are_there() {
    let sheets = sheets();
    let (mut resolved, mut broken) = (0, Vec::new());
    let kinds = [".rs", ".csv", ".yaml", ".yml", ".go", ".py", ".ts", ".toml", ".md"];
    for file in files(&kinds).into_iter().filter(|f| f != "ci/tests/citations.rs") {
        let text = flowing(&file);
        for (name, places) in citations(&text, sheets.keys()) {
            if places.is_empty() && !file.ends_with(".md") {
                broken.push(format!("{file}: {name} is cited without a section"));
            }
            for place in places {
                resolved += 1;
                if !sheets[name].contains(place) {
                    broken.push(format!("{file}: there is no {place} in {name}"));
                }
            }
        }
        for bare in ["eci-openapi", "kubelet-contract", "apiserver-contract", "virtual-kubelet-e2e"] {
            let without =
                text.match_indices(bare).filter(|(at, _)| !text[at + bare.len()..].starts_with(".md"));
            broken.extend(without.map(|_| format!("{file}: a sheet is cited by its file name, {bare}.md")));
        }
    }
    println!("{resolved} citations of fact sheets were looked up");
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(resolved > 100, "{resolved} citations were found: the rule would check nothing");
}

/// Fault in a row's source, if it has one; `noted` says that the row gives a reason in a column of its own.
fn refusal(source: &str, noted: bool, sheets: &BTreeMap<String, BTreeSet<String>>) -> Option<&'static str> {
    let cited = citations(source, sheets.keys()).iter().any(|(_, places)| !places.is_empty());
    let tabled = source.split([' ', ';']).any(|word| word == "actions.json");
    if cited || tabled {
        return None;
    }
    if !source.starts_with("ours") {
        return Some("neither a sheet's section nor `ours`");
    }
    (source == "ours" && !noted).then_some("`ours` without a reason")
}

#[test]
fn every_row_of_the_tables_has_a_source_that_can_be_read() {
    let sheets = sheets();
    assert!(root().join("eci-sim/api/data/actions.json").is_file());
    let (mut rows, mut bad) = (0, Vec::new());
    for table in TABLES {
        let text = read(table);
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        for row in reader.deserialize::<BTreeMap<String, String>>() {
            let row = row.expect(table);
            let noted =
                ["reason", "note"].iter().any(|column| row.get(*column).is_some_and(|text| !text.is_empty()));
            rows += 1;
            bad.extend(
                refusal(&row["source"], noted, &sheets)
                    .map(|why| format!("{table}, row {rows}: {why}: {row:?}")),
            );
        }
    }
    println!("{rows} rows of {} tables have a source", TABLES.len());
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(rows > 1000, "{rows} rows were read");
}

#[test]
fn every_case_cites_a_place_of_a_sheet_or_says_why_not() {
    let sheets = sheets();
    let (mut cases, mut bad) = (0, Vec::new());
    for file in files(&[".yaml"]).into_iter().filter(|f| f.starts_with("scenarios/cases/")) {
        let text = read(&file);
        if !text.lines().any(|line| line.starts_with("scenario:")) {
            continue;
        }
        cases += 1;
        let cites = text.lines().find_map(|line| line.strip_prefix("cites: ")).unwrap_or_default();
        bad.extend(refusal(cites, false, &sheets).map(|why| format!("{file}: {why}: {cites:?}")));
    }
    println!("{cases} cases cite a sheet or say why not");
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(cases > 50, "{cases} cases were read");
}

#[test]
fn every_numbered_section_says_where_it_was_taken_from() {
    let mut sections = 0;
    for name in sheets().into_keys() {
        let text = read(&format!("{SHEETS}{name}"));
        for section in text.split("\n## ").skip(1).filter(|s| s.starts_with(|c: char| c.is_ascii_digit())) {
            let source = section.lines().nth(2).unwrap_or_default();
            assert!(
                source.starts_with("Source"),
                "{name}, section {:?} names no source",
                section.lines().next()
            );
            sections += 1;
        }
    }
    assert!(sections > 50, "{sections} sections were read");
}

/// Keys that a line such as `Sources: B-ECI (2024-11-27), K `pkg/kubelet`; W.` names; paths and plain words are none.
fn keys(line: &str) -> Vec<&str> {
    let plain = ["all", "client-go", "from", "none", "ours", "see", "the", "these"];
    let mut depth = 0_usize;
    let parts = line.trim_start_matches("Sources: ").split(|c: char| {
        depth = if "({".contains(c) { depth + 1 } else { depth.saturating_sub(")}".contains(c).into()) };
        depth == 0 && ",;".contains(c)
    });
    let first = |part: &'_ str| part.split_whitespace().next().map(str::len);
    parts
        .filter_map(|part| Some(&part.trim_start()[..first(part)?]))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.starts_with('`') && !word.is_empty() && !plain.contains(word))
        .collect()
}

#[test]
fn every_key_of_a_section_s_sources_is_explained_in_its_sheet() {
    let (mut explained, mut bad) = (0, Vec::new());
    for name in sheets().into_keys() {
        let text = read(&format!("{SHEETS}{name}"));
        for key in text.lines().filter(|line| line.starts_with("Sources: ")).flat_map(keys) {
            let explanations =
                [format!("| {key} "), format!("| [{key}] "), format!("| [{key}:"), format!("**{key}**")];
            explained += 1;
            if !explanations.iter().any(|explanation| text.contains(explanation)) {
                bad.push(format!("{name}: {key} is explained nowhere"));
            }
        }
    }
    println!("{explained} keys of sources are explained in their sheets");
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(explained > 300, "{explained} keys were read: the rule would check nothing");
}

#[test]
fn no_place_of_a_sheet_stands_there_twice() {
    for name in sheets().into_keys() {
        let mut seen = BTreeSet::new();
        let twice: Vec<_> = places(&read(&format!("{SHEETS}{name}")))
            .into_iter()
            .filter(|p| !seen.insert(p.clone()))
            .collect();
        assert!(twice.is_empty(), "{name}: {twice:?}");
    }
}

#[test]
fn a_citation_ends_where_its_places_end() {
    for (text, expected) in [
        (", section 7.1. It knows neither", &["7.1"][..]),
        ("`, sections 1 to 3.", &["1", "3"]),
        (", sections 6 and 8).", &["6", "8"]),
        (", R134).", &["R134"]),
        (" B15 to B17", &["B15", "B17"]),
        (" 3 B-ECI B-CAT", &["3", "B-ECI", "B-CAT"]),
        (" 6; a day is ours", &["6"]),
        (", section 8, says so", &["8"]),
        (" says so", &[]),
    ] {
        assert_eq!(named_after(text), expected, "{text}");
    }
}

#[test]
fn a_source_that_cannot_be_read_is_refused() {
    let sheets = sheets();
    for (source, noted, refused) in [
        ("billing.md 3", false, false),
        ("actions.json endpoints; zones ours", false, false),
        ("ours: a limit of the listener", false, false),
        ("ours", true, false),
        ("ours", false, true),
        ("billing.md", false, true),
        ("a page that I have seen", true, true),
    ] {
        assert_eq!(refusal(source, noted, &sheets).is_some(), refused, "{source}");
    }
}
