//! The columns of services, endpoints and endpoint slices.

use jiff::Timestamp;
use serde_json::Value;

use super::cells::{AGE, Column, NAME, Row, age_of, count, or_none, text_column, wide};
use crate::kinds::Kind;
use crate::object::field::{entries, list, name, text};

/// Addresses or ports that a cell shows before it counts the rest.
const SHOWN_MAX: usize = 3;

/// The columns of a network kind, and the function that makes its rows; `None` for other kinds.
pub fn of(kind: &Kind) -> Option<(&'static [Column], Row)> {
    Some(match kind.resource {
        "services" => (
            const {
                &[
                    NAME,
                    text_column("Type"),
                    text_column("Cluster-IP"),
                    text_column("External-IP"),
                    text_column("Port(s)"),
                    AGE,
                    wide("Selector"),
                ]
            },
            service,
        ),
        "endpoints" => (const { &[NAME, text_column("Endpoints"), AGE] }, |object, now| {
            vec![name(object).into(), endpoints(object).into(), age_of(object, now)]
        }),
        "endpointslices" => (
            const { &[NAME, text_column("AddressType"), text_column("Ports"), text_column("Endpoints"), AGE] },
            |object, now| {
                let ports =
                    list(object, "/ports").iter().map(|port| count(port, "/port").to_string()).collect();
                let addresses =
                    list(object, "/endpoints").iter().flat_map(|endpoint| list(endpoint, "/addresses"));
                let addresses = addresses.filter_map(|address| address.as_str().map(str::to_owned)).collect();
                vec![
                    name(object).into(),
                    text(object, "/addressType").into(),
                    some(ports, "<unset>").into(),
                    some(addresses, "<unset>").into(),
                    age_of(object, now),
                ]
            },
        ),
        _ => return None,
    })
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        for address in list(subset, "/addresses") {
            let ports = list(subset, "/ports");
            all.extend(ports.iter().map(|port| format!("{}:{}", text(address, "/ip"), count(port, "/port"))));
            if ports.is_empty() {
                all.push(text(address, "/ip").to_owned());
            }
        }
    }
    some(all, "<none>")
}

/// The first few, and how many more there are.
fn some(all: Vec<String>, nothing: &str) -> String {
    match all.len() {
        0 => nothing.to_owned(),
        few if few <= SHOWN_MAX => all.join(","),
        many => format!("{} + {} more...", all[..SHOWN_MAX].join(","), many - SHOWN_MAX),
    }
}

fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports = list(object, "/spec/ports").iter().map(|port| {
        let (number, protocol) = (count(port, "/port"), text(port, "/protocol"));
        match count(port, "/nodePort") {
            0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    });
    let ports: Vec<_> = ports.collect();
    let external =
        list(object, "/status/loadBalancer/ingress").iter().map(|ingress| text(ingress, "/ip").to_owned());
    let external: Vec<_> = external.collect();
    let pending = text(object, "/spec/type") == "LoadBalancer" && external.is_empty();
    let selector = entries(object, "/spec/selector");
    let selector: Vec<_> =
        selector.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    vec![
        name(object).into(),
        text(object, "/spec/type").into(),
        or_none(text(object, "/spec/clusterIP").to_owned()),
        if pending { "<pending>".into() } else { or_none(external.join(",")) },
        or_none(ports.join(",")),
        age_of(object, now),
        or_none(selector.join(",")),
    ]
}
