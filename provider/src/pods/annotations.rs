//! The annotations of a pod: what they put into the request, and what is to be said about those that put nothing there.

mod table;
mod values;

use eci_api::actions::create_container_group::CreateContainerGroup as Request;
use k8s_openapi::api::core::v1::Pod;
use strsim::osa_distance;

use super::fields::{Findings, Row};
use super::request::error::RequestError;
use table::{Annotation, Becomes};
pub(super) use values::list;

/// The prefix of the table's keys, unless they are written in full.
pub const PREFIX: &str = "k8s.aliyun.com/";
/// Beginnings of keys whose prefix was forgotten.
const BARE: [&str; 2] = ["eci-", "eip-"];
/// Cases that show what becomes of an annotation.
const CASES: [(&str, &str); 10] = [
    ("eci-set-diskvolume", "storage/new-disk"),
    ("eci-ephemeral-storage-options", "pods/annotation-refused"),
    ("eci-use-specs", "buying/next-spec-in-the-list"),
    ("eci-instance-family", "buying/families"),
    ("eci-instance-generation", "buying/generations"),
    ("eci-gpu-type", "gpu/by-card"),
    ("eci-gpu-driver-version", "gpu/driver-version"),
    ("eci-spot-fallback", "buying/spot-fallback"),
    ("eci-fail-strategy", "buying/fail-fast"),
    ("eci-schedule-strategy", "buying/spelling-of-the-documentation"),
];

fn all() -> impl Iterator<Item = &'static Annotation> {
    let tables = [table::SIZES, table::IMAGES, table::NETWORK, table::STORAGE, table::WRITTEN_BACK];
    tables.into_iter().flatten()
}

/// The whole table, in the order in which annotations are applied.
pub fn rows() -> Vec<Row> {
    let row = |(key, becomes, words): &'static Annotation| {
        let case = CASES.iter().find(|(shown, _)| shown == key).map(|(_, case)| *case);
        Row { name: full(key), when: "", handling: becomes.handling(), words, case }
    };
    all().map(row).collect()
}

/// Gives `request` what the pod's annotations ask for, but for the spec (see `specs`).
///
/// # Errors
/// [`RequestError::Annotation`].
pub fn apply(pod: &Pod, request: &mut Request) -> Result<(), RequestError> {
    for (key, becomes, _) in all() {
        let Becomes::Sent(put) = becomes else { continue };
        if let Some(value) = of(pod, key) {
            put(request, value).map_err(|should| unusable(key, value, should.to_owned()))?;
        }
    }
    Ok(())
}

/// Judges the annotations of a pod that are no parameters of its request, and those that nobody knows.
///
/// # Errors
/// [`RequestError::Annotation`].
pub fn inspect(pod: &Pod) -> Result<Findings, RequestError> {
    let mut findings = Findings::default();
    for (key, becomes, words) in all() {
        let Some(value) = of(pod, key) else { continue };
        match becomes {
            Becomes::Elsewhere(known) if !known.iter().any(|word| value.eq_ignore_ascii_case(word)) => {
                return Err(unusable(key, value, known.join(" or ")));
            }
            Becomes::LeftOut | Becomes::Refused if !value.eq_ignore_ascii_case("false") => {
                findings.add(becomes.handling(), &format!("annotation {}", full(key)), words);
            }
            _ => {}
        }
    }
    let given = pod.metadata.annotations.iter().flatten().map(|(key, _)| key.as_str());
    findings.left_out.extend(given.filter_map(unknown));
    Ok(findings)
}

/// The error of an annotation's value; `should` is a noun phrase for those that can be used.
pub(super) fn unusable(key: &str, value: &str, should: String) -> RequestError {
    RequestError::Annotation { key: full(key), value: value.to_owned(), should }
}

/// A sentence about a key that is meant for virtual nodes, and that none knows.
fn unknown(key: &str) -> Option<String> {
    let is_bare = BARE.iter().any(|start| key.starts_with(start)) && !key.contains('/');
    if !is_bare && !key.starts_with(PREFIX) || all().any(|(known, ..)| full(known) == key) {
        return None;
    }
    let hint = match nearest(key.trim_start_matches(PREFIX)) {
        Some(known) => format!("is {} meant?", full(known)),
        None => "docs/pods.md has all that are known".to_owned(),
    };
    Some(format!("annotation {key} is left out: no such annotation is known; {hint}"))
}

/// The known key that differs least from `key`, if that is little.
fn nearest(key: &str) -> Option<&'static str> {
    // most keys begin with `eci-`, which is soon forgotten
    let longer = format!("eci-{key}");
    let distance_to = |known: &str| osa_distance(key, known).min(osa_distance(&longer, known) + 1);
    let known = all().map(|(known, ..)| (distance_to(known), *known));
    let (distance, known) = known.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2.max(key.len() / 4)).then_some(known)
}

fn full(key: &str) -> String {
    if key.contains('/') { key.to_owned() } else { format!("{PREFIX}{key}") }
}

/// The value of a pod's annotation `key` with the table's prefix, trimmed; `None` when absent or empty.
pub fn of<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    let annotations = pod.metadata.annotations.as_ref()?;
    annotations.get(&full(key)).map(|value| value.trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
