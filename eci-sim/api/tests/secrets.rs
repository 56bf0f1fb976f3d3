//! Secrets are not shown when a request or a reply is printed for debugging.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use eci_api::Action;
use eci_api::query::from_pairs;
use eci_api::validate;

/// Parameters that hold, or may hold, a secret, by the end of their names.
const SECRETS: [&str; 6] = [
    "Password",
    "KubeConfig",
    "EnvironmentVar.N.Value",
    "FlexVolume.Options",
    "ConfigFileToPath.N.Content",
    "Options.<key>",
];

fn shown<A: Action + std::fmt::Debug>(secret: &str) -> Option<(String, String)> {
    let parameters = validate::parameters(A::NAME).iter().filter(|p| p.name.ends_with(secret));
    let names: Vec<String> =
        parameters.map(|p| p.name.replace(".N.", ".1.").replace("<key>", "#3#key")).collect();
    let pairs = names.iter().map(|name| (name.clone(), "hush".to_owned())).collect::<Vec<_>>();
    let request = from_pairs::<A>(&pairs).ok().filter(|_| !names.is_empty())?;
    Some((names.join(", "), format!("{request:?}")))
}

macro_rules! shown_of_each {
    ($($action:path),*) => {
        fn shown_of_each(secret: &str) -> Vec<(String, String)> {
            [$(shown::<$action>(secret)),*].into_iter().flatten().collect()
        }
    };
}
eci_api::every_action!(shown_of_each);

#[test]
fn a_request_is_shown_without_its_secrets() {
    for secret in SECRETS {
        let all = shown_of_each(secret);
        assert!(!all.is_empty(), "no request has a parameter {secret}");
        for (names, text) in all {
            assert!(!text.contains("hush") && text.contains("hidden"), "{names}: {text}");
        }
    }
}
