//! The node or pod that a request below `proxy` goes to.

use std::net::IpAddr;

use serde_json::Value;

use crate::kinds::{self, Kind};
use crate::node_proxy;
use crate::object::field::{list, number, text};
use crate::service::call::{Call, stored};
use crate::service::connect::{Backend, unreachable_service};
use crate::service::nodes;
use crate::service::target::Target;
use crate::status::ApiError;

/// `name`, `name:port` or `scheme:name:port`, as it stands in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named<'a> {
    scheme: &'a str,
    name: &'a str,
    port: &'a str,
}

impl<'a> Named<'a> {
    fn read(id: &'a str) -> Option<Self> {
        let parts: Vec<&str> = id.split(':').collect();
        let (scheme, name, port) = match parts.as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme, name, port] => (*scheme, *name, *port),
            _ => return None,
        };
        (!name.is_empty() && matches!(scheme, "" | "http" | "https")).then_some(Self { scheme, name, port })
    }

    fn at(self, host: &str, port: &str) -> Result<Backend, ApiError> {
        let scheme = if self.scheme.is_empty() { "http" } else { self.scheme };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let unknown = || unreachable_service(&format!("dial tcp: lookup tcp/{port}: unknown port"));
        let port: u16 = match (port, scheme) {
            ("", "https") => 443,
            ("", _) => 80,
            (port, _) => port.parse().map_err(|_| unknown())?,
        };
        Ok(Backend { base: format!("{scheme}://{host}:{port}"), authorization: None })
    }
}

/// The other side of a request.
///
/// # Errors
/// 400 for a name that does not read, 404 for an unknown object, 503 for a service without a pod that is ready.
pub fn find(call: &Call, target: &Target) -> Result<Backend, ApiError> {
    let invalid = || {
        let message = format!("invalid {} request {:?}", target.kind.singular(), target.name);
        ApiError::bad_request(message)
    };
    let named = Named::read(&target.name).ok_or_else(invalid)?;
    match target.kind.resource {
        "nodes" => node(call, named),
        "pods" => pod(&*stored(call, target.kind, &target.namespace, named.name)?, named),
        "services" => service(call, target, named),
        _ => Err(ApiError::no_such_resource()),
    }
}

/// The node's own API, or another port of its address.
fn node(call: &Call, named: Named<'_>) -> Result<Backend, ApiError> {
    let base = nodes::base(call, named.name)?;
    let (address, own) = base.rsplit_once(':').unwrap_or((&base, ""));
    if named.port.is_empty() || named.port == own {
        let authorization = Some(node_proxy::authorization(&call.sim));
        return Ok(Backend { base, authorization });
    }
    let host = address.trim_start_matches("https://").trim_matches(['[', ']']);
    named.at(host, named.port)
}

/// A pod's address; its first port unless one is named.
fn pod(pod: &Value, named: Named<'_>) -> Result<Backend, ApiError> {
    let first = list(pod, "/spec/containers").iter().find_map(|c| number(c, "/ports/0/containerPort"));
    let first = first.map(|port| port.to_string()).unwrap_or_default();
    let host = text(pod, "/status/podIPs/0/ip");
    // Unlike at the real server, an address of this machine is none to refuse: pods of a playground may be there.
    let allowed =
        host.parse::<IpAddr>().is_ok_and(|address| !address.is_unspecified() && !address.is_multicast());
    if !allowed {
        return Err(ApiError::bad_request("address not allowed"));
    }
    named.at(host, if named.port.is_empty() { &first } else { named.port })
}

/// One of a service's pods that are ready, drawn at random.
fn service(call: &Call, target: &Target, named: Named<'_>) -> Result<Backend, ApiError> {
    let unavailable = |message: String| ApiError::new(503, "ServiceUnavailable", message);
    let port = match named.port.parse::<i64>() {
        Ok(wanted) => {
            let service = stored(call, target.kind, &target.namespace, named.name)?;
            let port =
                list(&service, "/spec/ports").iter().find(|port| number(port, "/port") == Some(wanted));
            let none = || format!("no service port {wanted} found for service {:?}", named.name);
            text(port.ok_or_else(|| unavailable(none()))?, "/name").to_owned()
        }
        Err(_) => named.port.to_owned(),
    };
    let [endpoints, pods] = [kind("endpoints")?, kind("pods")?];
    let endpoints = stored(call, endpoints, &target.namespace, named.name)?;
    let subsets = list(&endpoints, "/subsets");
    if subsets.is_empty() {
        return Err(unavailable(format!("no endpoints available for service {:?}", named.name)));
    }
    let is_pod = |address: &&Value| {
        let pod = call.sim.store().get(pods.storage(), &target.namespace, text(address, "/targetRef/name"));
        pod.is_some_and(|pod| {
            let addresses = list(&pod, "/status/podIPs");
            text(address, "/targetRef/namespace") == target.namespace
                && addresses.iter().any(|own| text(own, "/ip") == text(address, "/ip"))
        })
    };
    let ready = subsets.iter().flat_map(|subset| {
        let own = list(subset, "/ports").iter().find(|own| text(own, "/name") == port);
        let own = own.and_then(|own| number(own, "/port"));
        let addresses = list(subset, "/addresses").iter().filter(is_pod);
        addresses.filter_map(move |address| Some((text(address, "/ip"), own?)))
    });
    let ready: Vec<(&str, i64)> = ready.collect();
    let last = ready.len().saturating_sub(1) as u64;
    let drawn = call.sim.draw_for_reader(|chance| chance.between(0, last));
    let drawn = usize::try_from(drawn).ok().and_then(|drawn| ready.get(drawn));
    let none = || unavailable(format!("no endpoints available for service {:?}", target.name));
    let (host, port) = drawn.ok_or_else(none)?;
    named.at(host, &port.to_string())
}

fn kind(resource: &str) -> Result<&'static Kind, ApiError> {
    kinds::find("", resource).ok_or_else(ApiError::no_such_resource)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_may_have_a_scheme_and_a_port() {
        for (id, read) in [
            ("web", Some(("", "web", ""))),
            ("web:80", Some(("", "web", "80"))),
            ("https:web:", Some(("https", "web", ""))),
            ("ftp:web:21", None),
            (":80", None),
            ("a:b:c:d", None),
        ] {
            let read = read.map(|(scheme, name, port)| Named { scheme, name, port });
            assert_eq!(Named::read(id), read, "{id}");
        }
    }

    #[test]
    fn a_pod_is_asked_at_its_first_port_unless_one_is_named() {
        let with = |ports: Value, address: &str| json!({"spec": {"containers": [{"name": "a"}, {"ports": ports}]}, "status": {"podIPs": [{"ip": address}]}});
        let ported = json!([{"containerPort": 8080}, {"containerPort": 1}]);
        for (id, ports, address, wanted) in [
            ("p", &ported, "10.0.0.1", Ok("http://10.0.0.1:8080")),
            ("p:81", &ported, "10.0.0.1", Ok("http://10.0.0.1:81")),
            ("https:p:", &json!([]), "fd00::1", Ok("https://[fd00::1]:443")),
            ("p", &json!([]), "10.0.0.1", Ok("http://10.0.0.1:80")),
            ("p", &ported, "", Err("address not allowed")),
            (
                "p:web",
                &ported,
                "10.0.0.1",
                Err("error trying to reach service: dial tcp: lookup tcp/web: unknown port"),
            ),
        ] {
            let found = pod(&with(ports.clone(), address), Named::read(id).unwrap());
            let found = found.map(|backend| backend.base).map_err(|error| error.message);
            assert_eq!(found, wanted.map(str::to_owned).map_err(str::to_owned), "{id}");
        }
    }
}
