//! The container of a pod that a request for a log or a stream means.

use serde_json::Value;

use crate::object::field::{list, name, text};

/// Reasons for which a request names no container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerChoiceError {
    /// Several containers, and none was named.
    #[error("a container name must be specified for pod {pod}, choose one of: [{known}]")]
    WhichContainer {
        /// Name of the pod.
        pod: String,
        /// Names of the init containers, the main ones and the ephemeral ones.
        known: String,
    },
    /// No container of that name.
    #[error("container {container} is not valid for pod {pod}")]
    UnknownContainer {
        /// Container name in the request.
        container: String,
        /// Name of the pod.
        pod: String,
    },
}

/// The container of this name; without a name, the only main container.
///
/// # Errors
/// [`ContainerChoiceError`] when there is none, or one has to be named.
pub fn choose<'a>(pod: &'a Value, asked: Option<&'a str>) -> Result<&'a str, ContainerChoiceError> {
    let names = |kind| list(pod, kind).iter().map(|container| text(container, "/name"));
    let mut mains = names("/spec/containers");
    let known: Vec<&str> = names("/spec/initContainers")
        .chain(mains.clone())
        .chain(names("/spec/ephemeralContainers"))
        .collect();
    let pod = name(pod).to_owned();
    match (asked.filter(|asked| !asked.is_empty()), mains.next(), mains.next()) {
        (Some(asked), ..) if known.contains(&asked) => Ok(asked),
        (Some(asked), ..) => Err(ContainerChoiceError::UnknownContainer { container: asked.to_owned(), pod }),
        (None, Some(only), None) => Ok(only),
        (None, ..) => Err(ContainerChoiceError::WhichContainer { pod, known: known.join(" ") }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_must_be_clear_which_container_is_meant() {
        let pod = |mains: &[&str]| {
            let mains: Vec<_> = mains.iter().map(|name| json!({"name": name})).collect();
            json!({"metadata": {"name": "p"}, "spec": {
                "containers": mains, "initContainers": [{"name": "i"}], "ephemeralContainers": [{"name": "e"}]}})
        };
        let (one, two) = (pod(&["a"]), pod(&["a", "b"]));
        let which = "a container name must be specified for pod p, choose one of: [i a b e]";
        for (pod, asked, wanted) in [
            (&one, None, Ok("a")),
            (&one, Some(""), Ok("a")),
            (&one, Some("i"), Ok("i")),
            (&two, Some("e"), Ok("e")),
            (&two, None, Err(which)),
            (&two, Some("x"), Err("container x is not valid for pod p")),
        ] {
            let chosen = choose(pod, asked).map_err(|error| error.to_string());
            assert_eq!(chosen, wanted.map_err(str::to_owned), "{asked:?}");
        }
    }
}
