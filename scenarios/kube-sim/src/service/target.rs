//! Parsing of request paths and queries.

use crate::kinds::{self, Kind};
use crate::status::ApiError;

/// The endpoint that a path leads to.
#[derive(Debug)]
pub enum Route {
    /// `/healthz` and its like.
    Health {
        /// The probe's name, as in `healthz`.
        probe: String,
    },
    /// `/version`: the server's version.
    Version,
    /// `/`: the list of all paths.
    Root,
    /// `/api` or `/apis`.
    Groups {
        /// True for `/api`.
        core: bool,
    },
    /// `/apis/<group>`.
    Group(String),
    /// `/api/v1`, `/apis/<group>/<version>`.
    Resources {
        /// The group; empty for the core.
        group: String,
        /// The API version without its group.
        version: String,
    },
    /// `/openapi/v2`.
    OpenApiV2,
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/<path>`.
    OpenApi {
        /// The path of a group and version, as in `apis/apps/v1`.
        path: String,
    },
    /// The path of stored or computed objects.
    Resource(Target),
}

/// Objects of a kind, one of them, or a subresource of one.
#[derive(Debug, Clone)]
pub struct Target {
    /// The kind of the objects.
    pub kind: &'static Kind,
    /// The namespace; empty for all, and for cluster-scoped kinds.
    pub namespace: String,
    /// The object; empty for the collection.
    pub name: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// True for a path of the older form `/watch/…`.
    pub watch: bool,
}

impl Target {
    /// The namespace; `None` for all namespaces and for cluster-scoped kinds.
    pub fn scope(&self) -> Option<&str> {
        (self.kind.namespaced && !self.namespace.is_empty()).then_some(self.namespace.as_str())
    }
}

/// The answer to a path that leads nowhere at all: plain text.
pub fn nothing_here() -> ApiError {
    ApiError::new(404, "", "404 page not found")
}

/// Parses a query string into decoded pairs, in their order.
pub fn query(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let blanks = text.replace('+', " ");
        percent_decode(&blanks)
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Parses a request's path.
///
/// # Errors
/// 404 in the form that the real server gives it.
pub fn parse_path(path: &str) -> Result<Route, ApiError> {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(percent_decode).collect();
    let words: Vec<&str> = parts.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(Route::Root),
        [probe @ ("healthz" | "livez" | "readyz"), ..] => Ok(Route::Health { probe: (*probe).to_owned() }),
        ["version"] => Ok(Route::Version),
        ["api"] => Ok(Route::Groups { core: true }),
        ["apis"] => Ok(Route::Groups { core: false }),
        ["openapi", "v2"] => Ok(Route::OpenApiV2),
        ["openapi", "v3"] => Ok(Route::OpenApiIndex),
        ["openapi", "v3", path @ ..] => Ok(Route::OpenApi { path: path.join("/") }),
        ["apis", group] => Ok(Route::Group((*group).to_owned())),
        ["api", version] => Ok(Route::Resources { group: String::new(), version: (*version).to_owned() }),
        ["apis", group, version] => {
            Ok(Route::Resources { group: (*group).to_owned(), version: (*version).to_owned() })
        }
        ["api", "v1", rest @ ..] => resource("", "v1", rest),
        ["apis", group, version, rest @ ..] if kinds::versions(group).contains(version) => {
            resource(group, version, rest)
        }
        _ => Err(nothing_here()),
    }
}

fn resource(group: &str, version: &str, words: &[&str]) -> Result<Route, ApiError> {
    let (watch, words) = match words {
        ["watch", rest @ ..] => (true, rest),
        words => (false, words),
    };
    // `namespaces/<name>/<word>` is a kind inside a namespace, unless the word hangs below the namespace itself.
    let (namespace, words) = match words {
        ["namespaces", name, below] if matches!(*below, "status" | "finalize") => {
            ("", &["namespaces", name, below][..])
        }
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        words => ("", words),
    };
    let owned: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let word = |at: usize| owned.get(at).cloned().unwrap_or_default();
    let kind = kinds::served(group, version, &word(0)).ok_or_else(ApiError::no_such_resource)?;
    if kind.namespaced && namespace.is_empty() && owned.len() > 1 || !kind.namespaced && !namespace.is_empty()
    {
        return Err(ApiError::no_such_resource());
    }
    let subresource = word(2);
    if owned.len() > 3 && subresource != "proxy" {
        return Err(ApiError::no_such_resource());
    }
    Ok(Route::Resource(Target { kind, namespace: namespace.to_owned(), name: word(1), subresource, watch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> (&'static str, String, String, String) {
        let Ok(Route::Resource(t)) = parse_path(path) else { panic!("{path} is no resource") };
        (t.kind.resource, t.namespace, t.name, t.subresource)
    }

    #[test]
    fn paths_lead_to_objects() {
        for (path, wanted) in [
            ("/api/v1/pods", ("pods", "", "", "")),
            ("/api/v1/namespaces/vk/pods/nginx/log", ("pods", "vk", "nginx", "log")),
            ("/api/v1/namespaces/vk", ("namespaces", "", "vk", "")),
            ("/api/v1/namespaces/vk/finalize", ("namespaces", "", "vk", "finalize")),
            ("/api/v1/nodes/n/status", ("nodes", "", "n", "status")),
            ("/apis/apps/v1/namespaces/a/deployments", ("deployments", "a", "", "")),
            ("/apis/metrics.k8s.io/v1beta1/nodes/n", ("nodes", "", "n", "")),
        ] {
            let (kind, namespace, name, below) = target(path);
            assert_eq!((kind, namespace.as_str(), name.as_str(), below.as_str()), wanted, "{path}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_as_the_real_server_tells_it() {
        for (path, message) in [
            ("/api/v1/widgets", "the server could not find the requested resource"),
            ("/apis/widgets.io/v1/widgets", "404 page not found"),
            ("/apis/metrics.k8s.io/v1/nodes", "404 page not found"),
            ("/nowhere", "404 page not found"),
        ] {
            assert_eq!(parse_path(path).unwrap_err().message, message, "{path}");
        }
    }
}
