//! A pod that never existed, told with the nearest that does, where a step that names it has failed.

use std::collections::BTreeSet;

use eci_sim::text::did_you_mean;

use crate::outcome::Miss;
use crate::scenario::names::PodName;
use crate::stage::World;
use crate::steps::{Step, pods_there};

/// The most pods that are listed where none is near.
const MOST_LISTED: usize = 4;

/// The miss with a word about the first pod that the step names and that never was.
pub(super) async fn with_nearest_pod(world: &World, step: &Step, miss: Miss) -> Miss {
    if step.may_make_pods() {
        return miss;
    }
    let Ok(there) = pods_there(world).await else { return miss };
    let named: Vec<PodName> = match step {
        Step::ExpectObject(_) => Vec::new(),
        step => step.clone().pods().into_iter().map(|pod| pod.clone()).collect(),
    };
    match named.iter().find(|pod| !there.contains(*pod) && !world.has_seen(pod)) {
        Some(pod) => miss.adding(&advice(pod, &there)),
        None => miss,
    }
}

/// A sentence with the nearest pod: of the same name in another namespace, else of nearly the same name.
fn advice(pod: &PodName, there: &BTreeSet<PodName>) -> String {
    let names: Vec<_> = there.iter().map(ToString::to_string).collect();
    let elsewhere = there.iter().find(|other| other.name == pod.name);
    let near = match elsewhere {
        Some(other) => format!("; did you mean `{other}`?"),
        None => did_you_mean(&pod.to_string(), names.iter().map(String::as_str)),
    };
    match names.as_slice() {
        [] => format!("there is no pod {pod}, and no other either"),
        names if near.is_empty() => {
            let more = if names.len() > MOST_LISTED { " and others" } else { "" };
            let listed = names.iter().take(MOST_LISTED).map(String::as_str).collect::<Vec<_>>();
            format!("there is no pod {pod}; there are {}{more}", listed.join(", "))
        }
        _ => format!("there is no pod {pod}{near}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_is_not_there_is_told_with_the_one_that_was_meant() {
        let pods = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<_>>();
        for (pod, there, says) in [
            ("vk/ngnix", &["vk/nginx", "vk/batch"][..], "there is no pod vk/ngnix; did you mean `vk/nginx`?"),
            ("nginx", &["vk/nginx"], "there is no pod default/nginx; did you mean `vk/nginx`?"),
            ("vk/web", &["a/one", "b/two"], "there is no pod vk/web; there are a/one, b/two"),
            ("vk/web", &["a/1", "a/2", "a/3", "a/4", "a/5"], "; there are a/1, a/2, a/3, a/4 and others"),
            ("vk/web", &[], "there is no pod vk/web, and no other either"),
        ] {
            let said = advice(&pod.parse().unwrap(), &pods(there));
            assert!(said.ends_with(says), "{said}");
        }
    }
}
