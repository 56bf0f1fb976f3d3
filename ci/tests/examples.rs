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
    let file = yaml("ci/images/compose.yaml");
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
fn the_workflow_has_jobs_of_steps_and_reads_no_secret() {
    let text = read("ci/images/github-actions.yaml");
    let file = yaml("ci/images/github-actions.yaml");
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
    let known = known();
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    for variable in words.filter(|word| word.starts_with("ECI_") && word.len() > 4) {
        assert!(known.contains(&format!("{variable}\"")), "nobody knows {variable}");
    }
}

#[test]
fn the_module_for_tests_starts_images_of_this_version() {
    let module = read("ci/testcontainers/src/lib.rs");
    assert!(module.contains(&format!("const TAG: &str = \"{VERSION}\";")), "the tag is not {VERSION}");
}
