//! Calls to Kubernetes, counted by verb and resource on their way to the API server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::client::Body;
use tower_service::Service;

/// Calls by verb and resource, as `patch pods/status`.
pub type CallCounts = BTreeMap<String, u64>;

/// The verbs that write.
const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

/// A count of calls; clones share it.
#[derive(Debug, Clone, Default)]
pub struct ApiCalls(Arc<Mutex<CallCounts>>);

/// A client whose calls are counted.
#[derive(Clone)]
struct Counted(kube::Client, ApiCalls);

impl ApiCalls {
    /// The same client, its calls counted here.
    pub fn count(&self, client: kube::Client) -> kube::Client {
        let namespace = client.default_namespace().to_owned();
        kube::Client::new(Counted(client, self.clone()), namespace)
    }

    /// The calls so far.
    pub fn counts(&self) -> CallCounts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, CallCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<Request<Body>> for Counted {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, kube::Result<Response<Body>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let query = request.uri().query().unwrap_or_default();
        let call = verb_and_resource(request.method(), request.uri().path(), query);
        *self.1.lock().entry(call).or_default() += 1;
        let client = self.0.clone();
        Box::pin(async move { client.send(request).await })
    }
}

/// The verb and resource of a request, as the API server's own metrics have them: `list pods`, `create pods/binding`.
pub fn verb_and_resource(method: &Method, path: &str, query: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => return format!("{} other", method.as_str().to_ascii_lowercase()),
    };
    let (resource, name, sub) = match rest {
        ["namespaces", _, resource, rest @ ..] if !matches!(*resource, "status" | "finalize") => {
            (*resource, rest.first(), rest.get(1))
        }
        [resource, rest @ ..] => (*resource, rest.first(), rest.get(1)),
        [] => return format!("{} discovery", method.as_str().to_ascii_lowercase()),
    };
    let watches = query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
    let verb = match (method.as_str(), name) {
        ("GET", _) if watches => "watch",
        ("GET", Some(_)) => "get",
        ("GET", None) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", Some(_)) => "delete",
        ("DELETE", None) => "deletecollection",
        _ => "other",
    };
    match sub {
        Some(sub) => format!("{verb} {resource}/{sub}"),
        None => format!("{verb} {resource}"),
    }
}

/// The calls among these that write.
pub fn writes(counts: &CallCounts) -> u64 {
    let is_write = |call: &str| WRITES.contains(&call.split(' ').next().unwrap_or_default());
    counts.iter().filter(|(call, _)| is_write(call)).map(|(_, count)| count).sum()
}

/// The calls since some were counted before.
pub fn since(before: &CallCounts, now: &CallCounts) -> CallCounts {
    let left = |(call, count): (&String, &u64)| {
        let more = count.saturating_sub(before.get(call).copied().unwrap_or_default());
        (more > 0).then(|| (call.clone(), more))
    };
    now.iter().filter_map(left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_its_verb_and_resource() {
        for (method, path, query, named) in [
            ("GET", "/api/v1/namespaces/vk/pods/web", "", "get pods"),
            ("GET", "/api/v1/pods", "watch=true&resourceVersion=7", "watch pods"),
            ("GET", "/api/v1/pods", "fieldSelector=a", "list pods"),
            ("PATCH", "/api/v1/namespaces/vk/pods/web/status", "", "patch pods/status"),
            ("POST", "/api/v1/namespaces/vk/pods", "", "create pods"),
            ("DELETE", "/api/v1/namespaces/vk/pods/web", "", "delete pods"),
            ("DELETE", "/api/v1/namespaces/vk/pods", "", "deletecollection pods"),
            ("PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n", "", "update leases"),
            ("GET", "/api/v1/namespaces/vk", "", "get namespaces"),
            ("PUT", "/api/v1/namespaces/vk/finalize", "", "update namespaces/finalize"),
            ("GET", "/version", "", "get other"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(verb_and_resource(&method, path, query), named, "{path}");
        }
    }

    #[test]
    fn only_what_changes_objects_is_a_write() {
        let counts =
            |pairs: &[(&str, u64)]| pairs.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect::<CallCounts>();
        let now = counts(&[("patch pods/status", 5), ("watch pods", 2), ("create events", 3)]);
        assert_eq!(writes(&now), 8);
        let more = since(&counts(&[("patch pods/status", 2), ("watch pods", 2)]), &now);
        assert_eq!(more, counts(&[("create events", 3), ("patch pods/status", 3)]));
    }
}
