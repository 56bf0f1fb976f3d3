//! List of the checks.

use crate::check::{Check, Pool};
use crate::{
    cargo_checks, chart, contract, control_plane, docker_runtime, hot_paths, killed, kind, mutants, outside,
    page, playground, rbac, sdk, supply_chain, sweep, upgrade,
};

/// In the order in which they begin, as far as they do not wait for each other and there is room: of those that may run
/// side by side the longest first, so that none is left over at the end.
pub const CHECKS: &[Check] = &[
    Check { name: "format", takes: 1, budget: 60, run: |root, _| cargo_checks::format(root), ..CARGO },
    // before the builds for debugging, since the longest of those that wait begins with its program
    Check {
        name: "the main job",
        takes: 189,
        budget: 1200,
        run: |root, _| cargo_checks::main_job(root),
        ..CARGO
    },
    Check {
        name: "the programs and tests build",
        takes: 224,
        budget: 1500,
        run: |root, _| cargo_checks::programs(root),
        ..CARGO
    },
    Check {
        name: "the module for other projects' tests builds",
        takes: 76,
        budget: 600,
        run: |root, _| cargo_checks::module(root),
        ..CARGO
    },
    Check {
        name: "the control plane builds",
        needs: &["go"],
        pool: Pool::Go,
        takes: 1,
        budget: 1800,
        run: |root, _| control_plane::programs(root),
        ..WAITING
    },
    Check {
        name: "helm builds",
        needs: &["go"],
        // Go's builds are done one after the other, and the control plane is waited for longest
        after: &["the control plane builds"],
        pool: Pool::Go,
        takes: 1,
        budget: 900,
        run: |_, _| control_plane::helm(),
        ..WAITING
    },
    Check {
        name: "the kind node's image builds",
        needs: &["go"],
        after: &["the control plane builds", "helm builds"],
        pool: Pool::Go,
        takes: 1,
        budget: 900,
        run: |root, _| kind::check::node_image(root),
        ..WAITING
    },
    Check {
        name: "tests",
        after: &["the programs and tests build"],
        takes: 253,
        budget: 900,
        all: "every test without the feature `docker` as well, and fleets of thousands of pods",
        run: cargo_checks::tests,
        ..CARGO
    },
    Check {
        name: "fuzz",
        after: &["the programs and tests build"],
        takes: 45,
        budget: 300,
        all: "a million inputs for each decoder",
        run: cargo_checks::fuzz,
        ..CARGO
    },
    Check {
        name: "hostile clients",
        after: &["the programs and tests build"],
        takes: 82,
        budget: 400,
        run: |root, _| cargo_checks::hostile_clients(root),
        ..CARGO
    },
    Check {
        name: "mutants",
        takes: 900,
        budget: 3600,
        on_demand: true,
        all: "whether each fault planted in the provider is caught",
        run: |root, _| mutants::run(root),
        ..CARGO
    },
    Check {
        name: "lints",
        takes: 79,
        budget: 600,
        all: "every lint without the feature `docker` as well",
        run: cargo_checks::lints,
        ..CARGO
    },
    Check {
        name: "documentation",
        takes: 37,
        budget: 600,
        run: |root, _| cargo_checks::documentation(root),
        ..CARGO
    },
    Check {
        name: "the benches still run",
        takes: 17,
        budget: 600,
        run: |root, _| cargo_checks::benches(root),
        ..CARGO
    },
    Check {
        name: "kind",
        needs: &["kubectl"],
        after: &[
            "the kind node's image builds",
            "the main job",
            "the module for other projects' tests builds",
        ],
        pool: Pool::Engine,
        takes: 295,
        budget: 1200,
        all: "every case, not one of each folder",
        run: kind::check::run,
        clean_up: Some(kind::check::clean_up),
        ..WAITING
    },
    Check {
        name: "the Docker runtime",
        after: &["the programs and tests build"],
        pool: Pool::Engine,
        takes: 8,
        budget: 600,
        run: |root, _| docker_runtime::check(root),
        clean_up: Some(kind::check::clean_up),
        ..WAITING
    },
    Check {
        name: "cases on a real control plane, compared with the embedded one",
        needs: &["kubectl"],
        after: &["the control plane builds", "the main job"],
        takes: 400,
        budget: 1400,
        all: "every case, not a half of them",
        run: control_plane::cases,
        ..WAITING
    },
    Check {
        name: "a fleet whose provider is exchanged",
        needs: &["kubectl", "git"],
        after: &["the control plane builds", "the programs and tests build"],
        pool: Pool::Sleeping,
        takes: 274,
        budget: 1200,
        run: |root, _| upgrade::run(root),
        ..WAITING
    },
    Check {
        name: "what a cluster expects of its nodes",
        needs: &["kubectl"],
        after: &["helm builds", "the control plane builds", "the programs and tests build"],
        takes: 212,
        budget: 900,
        run: |root, _| contract::run(root),
        ..WAITING
    },
    Check {
        name: "a real control plane",
        after: &["the control plane builds", "the programs and tests build"],
        takes: 64,
        budget: 600,
        all: "twenty starts in a row instead of four",
        run: control_plane::starts,
        ..WAITING
    },
    Check {
        name: "a provider killed at random",
        needs: &["kubectl"],
        after: &["the control plane builds", "the programs and tests build"],
        takes: 120,
        budget: 400,
        all: "200 kills instead of 15",
        run: killed::run,
        ..WAITING
    },
    Check {
        name: "the chart's rights, all of them and no more",
        needs: &["kubectl"],
        after: &["helm builds", "the control plane builds", "the programs and tests build"],
        takes: 79,
        budget: 400,
        run: |root, _| rbac::run(root),
        ..WAITING
    },
    Check {
        name: "real kubectl against the playground",
        needs: &["kubectl"],
        after: &["the main job"],
        takes: 75,
        budget: 400,
        run: |root, _| playground::run(root),
        ..WAITING
    },
    Check {
        name: "the Helm chart",
        needs: &["kubectl"],
        after: &["helm builds", "the control plane builds", "the programs and tests build"],
        takes: 13,
        budget: 300,
        run: |root, _| chart::run(root),
        ..WAITING
    },
    Check {
        name: "official Python clients",
        needs: &["python3"],
        after: &["the main job"],
        takes: 31,
        budget: 400,
        run: |root, _| sdk::python(root),
        ..WAITING
    },
    Check {
        name: "official Node client",
        needs: &["npm"],
        after: &["the main job"],
        takes: 4,
        budget: 300,
        run: |root, _| sdk::node(root),
        ..WAITING
    },
    Check {
        name: "the control API's page in a browser",
        needs: &["npm"],
        after: &["the main job"],
        takes: 7,
        budget: 400,
        run: |root, _| page::run(root),
        ..WAITING
    },
    Check {
        name: "a test outside of the workspace",
        after: &["the programs and tests build"],
        takes: 300,
        budget: 1500,
        // builds much a second time: with the features that the README's lines choose
        on_demand: true,
        all: "the README's lines for a test of one's own",
        run: |root, _| outside::run_test(root),
        ..CARGO
    },
    Check {
        name: "every case under a drawn seed",
        after: &["the main job"],
        takes: 5,
        budget: 600,
        // what decides whether a change lands is the same for everybody
        on_demand: true,
        all: "a seed that nobody chose",
        run: |root, _| cargo_checks::drawn_seed(root),
        ..WAITING
    },
    Check {
        name: "supply chain",
        takes: 15,
        // a machine that has never run it builds cargo-deny first
        budget: 1800,
        // asks registries about every dependency, and nothing of ours changes what they say
        on_demand: true,
        all: "licences, versions and origins of dependencies, and what is known against them",
        run: |root, _| supply_chain::run_deny(root),
        ..CARGO
    },
    Check {
        name: "instructions of the hot paths",
        after: &["the main job"],
        takes: 89,
        budget: 300,
        run: |root, _| hot_paths::run(root),
        ..WAITING
    },
    Check {
        name: "sweep",
        after: &["the main job"],
        pool: Pool::Background,
        takes: 302,
        // five minutes of two cores, much longer behind others, and a build where it is run by itself
        budget: 2400,
        all: "every perturbation of each situation, and random mixes",
        run: sweep::run,
        ..WAITING
    },
];

/// Common fields of cargo's rows.
const CARGO: Check = Check { pool: Pool::Cargo, ..WAITING };
/// Common fields of most rows; each has its name, times and function of its own.
const WAITING: Check = Check {
    name: "",
    needs: &[],
    after: &[],
    pool: Pool::Waiting,
    takes: 0,
    budget: 0,
    on_demand: false,
    all: "",
    run: |_, _| anyhow::bail!("this row has no function"),
    clean_up: None,
};
