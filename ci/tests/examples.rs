//! The examples that other projects copy: they can be read, and every name in them is one that the programs know.

use std::path::Path;

use serde_json::Value;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Source files with the environment variables of the programs, as one text.
fn known() -> String {
    ["eci-sim/src/arguments.rs", "provider/src/config/settings.rs", "provider/src/cli/arguments.rs"]
        .map(read)
        .concat()
}

#[test]
fn the_compose_file_starts_images_of_this_version_with_variables_that_they_know() {
    let file = yaml("docs/examples/compose.yaml");
    let services = file["services"].as_object().expect("services");
    assert_eq!(services.keys().collect::<Vec<_>>(), ["eci-sim", "provider"]);
    let known = known();
    for (name, service) in services {
        assert_eq!(service["image"], format!("virtual-node/{name}:{VERSION}"));
        assert_eq!(service["pull_policy"], "never", "{name}: the images are made here");
        for variable in service["environment"].as_object().expect("an environment").keys() {
            assert!(
                known.contains(&format!("{variable}\"")) || variable == "KUBECONFIG",
                "{name} knows no {variable}"
            );
        }
    }
}

#[test]
fn the_workflows_have_jobs_of_steps_and_read_no_secret() {
    for path in ["docs/examples/github-actions.yaml", "docs/examples/cost-of-a-pull-request.yaml"] {
        let (text, file) = (read(path), yaml(path));
        let jobs = file["jobs"].as_object().expect("jobs");
        assert!(!jobs.is_empty() && !text.contains("secrets."));
        assert_eq!(file["permissions"]["contents"], "read");
        for (name, job) in jobs {
            assert!(job["runs-on"].is_string(), "{name} runs nowhere");
            for step in job["steps"].as_array().expect("steps") {
                assert!(
                    step["uses"].is_string() != step["run"].is_string(),
                    "{name}: {step} uses or runs something"
                );
            }
        }
    }
}

#[test]
fn the_workflow_of_costs_types_arguments_that_there_are() {
    let known = read("scenarios/src/cli/cost.rs");
    let file = read("docs/examples/cost-of-a-pull-request.yaml");
    let lines = file.lines().filter(|line| line.contains("/scenarios cost "));
    let flags: Vec<_> = lines.flat_map(str::split_whitespace).filter(|word| word.starts_with("--")).collect();
    assert!(flags.len() > 3, "{flags:?}");
    for flag in flags {
        let field = format!("    {}: ", flag.trim_start_matches('-').replace('-', "_"));
        assert!(known.contains(&field), "`scenarios cost` has no {flag}");
    }
}

#[test]
fn the_workflow_of_tests_names_an_image_and_variables_that_there_are() {
    let text = read("docs/examples/github-actions.yaml");
    let file = yaml("docs/examples/github-actions.yaml");
    let jobs = file["jobs"].as_object().expect("jobs");
    let image = jobs["tests"]["services"]["eci-sim"]["image"].as_str().expect("an image");
    assert!(image.ends_with(&format!("/eci-sim:{VERSION}")), "{image} is not of this version");
    let known = known();
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    for variable in words.filter(|word| word.starts_with("ECI_") && word.len() > 4) {
        assert!(known.contains(&format!("{variable}\"")), "nobody knows {variable}");
    }
}

#[test]
fn the_page_on_testcontainers_names_images_and_variables_that_there_are() {
    let page = read("docs/examples/testcontainers.md");
    assert!(page.contains(&format!("virtual-node/eci-sim:{VERSION}")), "the page names another version");
    let known = known();
    let variables: Vec<_> = page.split('"').filter(|word| word.starts_with("ECI_SIM_")).collect();
    assert!(variables.len() > 2, "{variables:?}");
    for variable in variables {
        assert!(known.contains(&format!("{variable}\"")), "nobody knows {variable}");
    }
}

#[test]
fn actions_are_pinned_by_their_commits() {
    for file in
        [".github/workflows/ci.yaml", ".github/workflows/weekly.yaml", "docs/examples/github-actions.yaml"]
    {
        let text = read(file);
        let used: Vec<_> =
            text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, used)| used).collect();
        assert!(!used.is_empty(), "{file} uses no action: the rule would check nothing");
        for action in used {
            let commit = action.split(['@', ' ']).nth(1).unwrap_or_default();
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit && action.contains(" # v"), "{file}: {action} is no commit with its version");
        }
    }
}

#[test]
fn the_module_for_tests_starts_images_of_this_version() {
    let module = read("ci/testcontainers/src/lib.rs");
    assert!(module.contains(&format!("const TAG: &str = \"{VERSION}\";")), "the tag is not {VERSION}");
}
