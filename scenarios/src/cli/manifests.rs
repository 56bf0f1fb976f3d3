//! Manifests that were named on the command line, as workloads, with what was passed over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cost::manifests;
use crate::cost::workload::{self, Content, Workload};

/// Workloads of files, and the number of documents of each kind of which no pod is counted.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub workloads: Vec<Workload>,
    pub passed_over: BTreeMap<String, usize>,
}

/// Reads files, folders and standard input.
pub(super) fn named(paths: &[PathBuf], recursive: bool) -> anyhow::Result<Named> {
    let mut named = Named::default();
    for document in manifests::read(paths, recursive)? {
        for content in workload::of(&document)? {
            match content {
                Content::Workloads(workloads) => named.workloads.extend(workloads),
                Content::PassedOver(kind) => *named.passed_over.entry(kind).or_default() += 1,
            }
        }
    }
    Ok(named)
}

/// Paths as one would say them.
pub(super) fn shown(paths: &[PathBuf]) -> String {
    let shown = paths.iter().map(|path| match path.display().to_string() {
        stdin if stdin == "-" => "standard input".to_owned(),
        path => path,
    });
    shown.collect::<Vec<_>>().join(", ")
}
