//! The options of `exec`, `attach` and `portforward`, and their paths on the node (apiserver-contract.md A96).

use serde_json::{Value, json};

use super::container_choice::{self, ContainerChoiceError};
use super::log_options::encoded;
use crate::object::field::{flag, list, name, namespace, text};

/// The streams by their names at this server and at the node, in the order of the node's.
const STREAMS: [(&str, &str); 4] =
    [("stderr", "error"), ("stdin", "input"), ("stdout", "output"), ("tty", "tty")];

/// The options of `exec`, `attach` or `portforward` as an object, from a query's pairs.
///
/// # Errors
/// [`PortError`] for a port that is no number up to 65535.
pub fn read(subresource: &str, query: &[(String, String)]) -> Result<Value, PortError> {
    let all =
        |wanted: &'static str| query.iter().filter(move |(key, _)| key == wanted).map(|(_, v)| v.as_str());
    if subresource == "portforward" {
        let ports =
            all("ports").flat_map(|value| value.split(',')).map(port).collect::<Result<Vec<_>, _>>()?;
        return Ok(json!({"kind": "PodPortForwardOptions", "apiVersion": "v1", "ports": ports}));
    }
    let is_exec = subresource == "exec";
    let kind = if is_exec { "PodExecOptions" } else { "PodAttachOptions" };
    let mut options = json!({"kind": kind, "apiVersion": "v1"});
    for (stream, _) in STREAMS {
        // Whatever is neither `false` nor `0` is true, nothing at all too.
        if all(stream).next().is_some_and(|value| !matches!(value, "false" | "0")) {
            options[stream] = true.into();
        }
    }
    if let Some(container) = all("container").next().filter(|container| !container.is_empty()) {
        options["container"] = container.into();
    }
    if is_exec {
        options["command"] = all("command").collect();
    }
    Ok(options)
}

/// The path and query on the pod's node; only the channels of a WebSocket name their ports there.
///
/// # Errors
/// [`ContainerChoiceError`] when no container of the pod is named, or none can be chosen.
pub fn path_on_node(subresource: &str, pod: &Value, options: &Value) -> Result<String, ContainerChoiceError> {
    let of_pod = format!("{}/{}", namespace(pod), name(pod));
    if subresource == "portforward" {
        let ports: Vec<String> = list(options, "/ports").iter().map(ToString::to_string).collect();
        let ports =
            if ports.is_empty() { String::new() } else { format!("?port={}", encoded(&ports.join(","))) };
        return Ok(format!("/portForward/{of_pod}{ports}"));
    }
    let container = container_choice::choose(pod, Some(text(options, "/container")))?;
    let words = list(options, "/command").iter().filter_map(Value::as_str);
    let mut pairs: Vec<String> = words.map(|word| format!("command={}", encoded(word))).collect();
    let wanted = STREAMS.iter().filter(|(stream, _)| flag(options, &format!("/{stream}")));
    pairs.extend(wanted.map(|(_, name)| format!("{name}=1")));
    Ok(format!("/{subresource}/{of_pod}/{container}?{}", pairs.join("&")))
}

fn port(text: &str) -> Result<u16, PortError> {
    let error = |why| PortError { text: text.to_owned(), why };
    match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        false => Err(error("invalid syntax")),
        true => text.parse().map_err(|_| error("value out of range")),
    }
}

/// A port that is no number up to 65535.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot convert to []int32: strconv.ParseUint: parsing {text:?}: {why}")]
pub struct PortError {
    text: String,
    why: &'static str,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_query_becomes_this_path_on_the_node() {
        let pod =
            json!({"metadata": {"name": "p", "namespace": "ns"}, "spec": {"containers": [{"name": "c"}]}});
        for (subresource, query, path) in [
            (
                "exec",
                &[("command", "sh"), ("command", "echo a&b"), ("stdout", "true"), ("stdin", "1")][..],
                "/exec/ns/p/c?command=sh&command=echo%20a%26b&input=1&output=1",
            ),
            ("exec", &[("stdout", "false"), ("stderr", "0"), ("tty", "")], "/exec/ns/p/c?tty=1"),
            ("attach", &[("command", "sh"), ("container", "c"), ("stderr", "yes")], "/attach/ns/p/c?error=1"),
            ("portforward", &[], "/portForward/ns/p"),
            ("portforward", &[("ports", "80")], "/portForward/ns/p?port=80"),
            ("portforward", &[("ports", "80,81"), ("ports", "82")], "/portForward/ns/p?port=80%2C81%2C82"),
        ] {
            let options = read(subresource, &pairs(query)).unwrap();
            assert_eq!(path_on_node(subresource, &pod, &options).unwrap(), path);
        }
    }

    #[test]
    fn a_port_is_a_number_of_sixteen_bits() {
        for (ports, why) in [
            ("80,http", "parsing \"http\": invalid syntax"),
            ("", "parsing \"\": invalid syntax"),
            ("65536", "parsing \"65536\": value out of range"),
        ] {
            let refused = read("portforward", &pairs(&[("ports", ports)])).unwrap_err().to_string();
            assert_eq!(refused, format!("cannot convert to []int32: strconv.ParseUint: {why}"));
        }
    }
}
