//! The page about the control API, `docs/control-api.md`, names every route that there is, and no other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use bytes::Bytes;
use eci_sim::EciSim;
use http::Request;
use serde_json::Value;

/// Routes of a browser, and the document itself, which the page names elsewhere.
const OTHERS: [&str; 4] = ["/", "/openapi.json", "/page/page.js", "/page/style.css"];

/// Routes in the first column of the table below "## Routes".
fn on_the_page() -> BTreeSet<String> {
    let page = include_str!("../../docs/control-api.md");
    let table = page.split("\n## ").find(|section| section.starts_with("Routes\n")).unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let routes = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned));
    routes.filter(|route| route.starts_with('/')).collect()
}

#[test]
fn the_page_names_every_route_of_the_document() {
    let request = Request::get("/openapi.json").body(Bytes::new()).unwrap();
    let document = EciSim::builder().build().control().call(request);
    let document: Value = serde_json::from_slice(document.body()).unwrap();
    let mut routes: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert!(routes.len() > 20, "{routes:?}");
    routes.retain(|route| !OTHERS.contains(&route.as_str()));
    assert_eq!(on_the_page(), routes);
}
