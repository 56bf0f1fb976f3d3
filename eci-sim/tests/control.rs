//! The control API: who may use it, what it says of itself, what it does, and its client.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{create, group, once, sim, status, wait};
use bytes::Bytes;
use eci_api::signature::Secret;
use eci_sim::Incoming;
use eci_sim::control::wire::{GroupFilter, Price, RequestFilter, ResetScope, ScriptRequest, Stock};
use eci_sim::{BillQuery, ControlClient, ControlServer, Dimension, EciSim, FaultVerdict, Rule, listener};
use serde_json::{Value, json};

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Incoming {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Incoming { method: method.into(), path: path.into(), query: query.into(), headers, body }
}

/// A file of the page, as a browser on this machine gets it.
fn file(server: &ControlServer, path: &str) -> (String, String) {
    let response = server.answer(&request(
        "GET",
        path,
        &[("host", "localhost:8089"), ("accept", "text/html,*/*")],
        &Value::Null,
    ));
    assert_eq!(response.status(), 200, "{path}");
    assert!(
        response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'; script-src 'self'")
    );
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, String::from_utf8_lossy(response.body()).into_owned())
}

fn ask(server: &ControlServer, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let response = server.answer(&request(method, path, &[("host", "localhost:8089")], body));
    let text = String::from_utf8_lossy(response.body()).into_owned();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Every path and method of the document, with names in place of the holders.
fn routes(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, methods)| {
        let path = path.replace("{number}", "7").replace("{name}", "a");
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    });
    each.collect()
}

#[test]
fn every_route_of_the_document_is_answered_and_no_other() {
    let server = ControlServer::new(sim().control());
    let (_, document) = ask(&server, "GET", "/openapi.json", &Value::Null);
    let routes = routes(&document);
    assert!(routes.len() >= 25, "{routes:?}");
    for (method, path) in &routes {
        let (status, answer) = ask(&server, method, path, &json!({ "no-such-field": 1 }));
        let there =
            status != 405 && !answer["error"].as_str().is_some_and(|error| error.contains("does not exist"));
        assert!(there, "{method} {path}: {status} {answer}");
    }
    for method in ["GET", "POST", "DELETE", "PUT", "PATCH"] {
        for (_, path) in &routes {
            let known = routes.contains(&(method.to_owned(), path.clone()));
            assert_eq!(ask(&server, method, path, &Value::Null).0 == 405, !known, "{method} {path}");
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let (_, document) = ask(&ControlServer::new(sim().control()), "GET", "/openapi.json", &Value::Null);
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn only_programs_here_and_the_control_api_s_own_page_are_let_in() {
    let open = ControlServer::new(sim().control());
    let locked = ControlServer::new(sim().control()).with_token(Secret::new("open sesame"));
    let here = ("host", "127.0.0.1:8089");
    let token = ("authorization", "Bearer open sesame");
    for (server, path, headers, status) in [
        (&open, "/bill", vec![here], 200),
        (&open, "/bill", vec![("host", "[::1]:8089")], 200),
        (&open, "/bill", vec![here, ("origin", "http://127.0.0.1:8089")], 200),
        (&open, "/bill", vec![here, ("origin", "http://127.0.0.1:3000")], 403),
        (&open, "/bill", vec![here, ("origin", "null")], 403),
        (&open, "/bill", vec![here, ("sec-fetch-site", "cross-site")], 403),
        (&open, "/bill", vec![here, ("sec-fetch-site", "none")], 200),
        (&open, "/bill", vec![("host", "evil.example:8089")], 403),
        (&locked, "/bill", vec![here], 401),
        (&locked, "/bill", vec![here, ("authorization", "Bearer wrong")], 401),
        (&locked, "/bill", vec![here, token], 200),
        (&locked, "/bill", vec![("host", "eci-sim.eci-sim.svc:8089"), token], 200),
        (&locked, "/bill", vec![here, token, ("origin", "https://evil.example")], 403),
        (&locked, "/healthz", vec![("host", "10.0.0.7:8089")], 200),
        (&locked, "/readyz", vec![("host", "10.0.0.7:8089")], 200),
    ] {
        let response = server.answer(&request("GET", path, &headers, &Value::Null));
        assert_eq!(response.status().as_u16(), status, "{path} with {headers:?}");
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert!(!text.contains("sesame"), "{text}");
    }
}

#[test]
fn a_world_that_was_put_back_goes_on_as_it_did_before() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![crate::support::container("web", "nginx", &[])]));
    let control = sim.control();
    control.save("early").unwrap();
    wait(&sim, 3600);
    let (bill, ledger) = (control.bill(), control.ledger());
    assert_eq!(status(&sim, &id), "Running");
    control.load("early").unwrap();
    assert_eq!(status(&sim, &id), "Scheduling");
    wait(&sim, 3600);
    assert_eq!((control.bill(), control.ledger()), (bill, ledger));
}

#[test]
fn a_fork_and_its_origin_do_not_see_each_other() {
    let sim = sim();
    create(&sim, &once("job", &["sleep", "30"]));
    sim.control().save("start").unwrap();
    let fork = sim.control().fork("start").unwrap();
    wait(&fork, 3600);
    create(&fork, &once("second", &["true"]));
    assert_eq!(sim.control().groups().len(), 1);
    assert_eq!(fork.control().groups().len(), 2);
    assert_eq!(sim.control().clock().now().to_string(), crate::support::START_TIME);
}

#[test]
fn an_account_or_a_region_is_forgotten_alone() {
    let sim = sim();
    let there = eci_api::actions::CreateContainerGroup {
        region_id: Some("cn-beijing".into()),
        ..group("there", vec![crate::support::container("web", "nginx", &[])])
    };
    create(&sim, &there);
    create(&sim, &group("here", vec![crate::support::container("web", "nginx", &[])]));
    wait(&sim, 60);
    for (scope, left) in [
        (json!({ "account": "somebody" }), vec!["here", "there"]),
        (json!({ "region": "cn-beijing" }), vec!["here"]),
        (json!({ "account": "local" }), vec![]),
    ] {
        ask(&ControlServer::new(sim.control()), "POST", "/reset", &scope);
        let mut names: Vec<_> = sim.control().groups().into_iter().map(|group| group.name).collect();
        names.sort();
        assert_eq!(names, left, "{scope}");
        let told = sim.control().ledger().iter().filter(|entry| *entry.group.region == *"cn-beijing").count();
        assert_eq!(told > 0, left.contains(&"there"), "{scope}");
    }
}

#[test]
fn bad_names_and_unknown_ones_are_told_apart() {
    let server = ControlServer::new(sim().control());
    let long = format!("/snapshots/{}", "x".repeat(65));
    for (method, path, status) in [
        ("POST", "/snapshots/a%20b", 400),
        ("POST", long.as_str(), 400),
        ("POST", "/snapshots/none/load", 404),
        ("DELETE", "/snapshots/none", 404),
        ("POST", "/snapshots/", 404),
        ("DELETE", "/faults/none", 404),
        ("GET", "/requests?limit=many", 400),
        ("GET", "/requests?colour=red", 400),
        ("GET", "/groups?limit=1&status=Running", 200),
    ] {
        let (given, answer) = ask(&server, method, path, &Value::Null);
        assert_eq!(given, status, "{method} {path}: {answer}");
    }
}

#[test]
fn what_nobody_opens_listeners_for_cannot_be_forked() {
    let server = ControlServer::new(sim().control());
    ask(&server, "POST", "/snapshots/a", &Value::Null);
    let (status, answer) = ask(&server, "POST", "/snapshots/a/fork", &Value::Null);
    assert_eq!(status, 501);
    assert!(answer["error"].as_str().unwrap().contains("cannot fork"), "{answer}");
}

async fn served(sim: &EciSim, token: &str) -> ControlClient {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    let server = ControlServer::new(sim.control()).with_token(Secret::new(token));
    tokio::spawn(listener::serve(socket, move |request| server.exchange(&request), std::future::pending()));
    ControlClient::new(&base).unwrap().with_token(token).unwrap()
}

#[tokio::test]
async fn the_client_moves_time_and_reads_what_came_of_it() {
    let sim = sim();
    let client = served(&sim, "t").await;
    client.ready().await.unwrap();
    client
        .script(&ScriptRequest {
            pattern: "nginx".into(),
            exit_code: Some(3),
            run_seconds: Some(5.into()),
            ..ScriptRequest::default()
        })
        .await
        .unwrap();
    create(&sim, &group("web", vec![crate::support::container("web", "nginx", &[])]));
    let time = client.advance(Duration::from_millis(7_200_500)).await.unwrap();
    assert_eq!(time.now.to_string(), "2026-01-01T11:00:00.5Z");
    assert_eq!(client.time().await.unwrap(), time);
    assert!(client.ledger().await.unwrap().iter().any(|line| line.ends_with("container web ended with 3")));
    let bill = client.bill().await.unwrap();
    assert_eq!(bill.lines.iter().map(|line| line.amount.clone()).sum::<eci_sim::Cost>(), bill.total);
    assert_eq!(client.cost().await.unwrap().total, bill.total);
    assert_eq!(
        client.groups(&GroupFilter { name: Some("we".into()), ..GroupFilter::default() }).await.unwrap()[0]
            .name,
        "web"
    );
    assert!(
        client
            .groups(&GroupFilter { status: Some("Failed".into()), ..GroupFilter::default() })
            .await
            .unwrap()
            .is_empty()
    );
    let by_zone = BillQuery {
        name: Some("web".into()),
        group_by: vec![Dimension::Zone, Dimension::Tag("team".into())],
        ..BillQuery::default()
    };
    let zones = client.bill_of(&by_zone).await.unwrap();
    assert_eq!((zones.lines.len(), zones.total, zones.groups.len()), (0, bill.total.clone(), 1));
    assert_eq!(
        (zones.groups[0].by["zone"].as_str(), zones.groups[0].by["tag:team"].as_str()),
        ("cn-hangzhou-b", "")
    );
    let none = BillQuery { spot: Some(true), ..BillQuery::default() };
    assert_eq!(client.bill_of(&none).await.unwrap().total, eci_sim::Cost::ZERO);
    assert_eq!(sim.control().bill_of(&BillQuery::default()).lines, bill.lines, "as it came over the wire");
    client.clear_scripts().await.unwrap();
    assert_eq!(client.set_rate(60).await.unwrap().rate, 60);
}

#[test]
fn a_view_of_the_bill_that_does_not_exist_is_refused_with_the_nearest() {
    for (query, said) in [
        ("group-by=pod,namespce", "grouped by `namespce`; did you mean `namespace`?"),
        ("nmaespace=vk", "unknown field `nmaespace`"),
        ("spot=perhaps", "spot"),
    ] {
        let request = http::Request::get(format!("/bill?{query}")).body(Bytes::new()).unwrap();
        let answer = sim().control().call(request);
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        assert_eq!(answer.status(), 400, "{query}: {body}");
        assert!(body.contains(said) || said == "spot", "{query}: {body}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_refused_with_the_nearest_as_in_a_flag() {
    let sim = sim();
    let client = served(&sim, "t").await;
    for (rule, near) in [
        (Rule::refuse("Throttling").on("CreateContainerGruop"), "`CreateContainerGroup`"),
        (Rule::refuse("Throtling"), "`Throttling`"),
        (Rule::new(FaultVerdict::SoldOut("cn-hangzou-b".into())), "`cn-hangzhou-b`"),
    ] {
        let why = client.add_fault(&rule).await.unwrap_err().to_string();
        assert!(why.contains(&format!("did you mean {near}?")), "{why}");
    }
    let sold_out = Stock { sold_out: Some("cn-hangzou-b".into()), ..Stock::default() };
    let why = client.set_stock(&sold_out).await.unwrap_err().to_string();
    assert!(why.contains("did you mean `cn-hangzhou-b`?"), "{why}");
    assert!(sim.control().faults().is_empty() && sim.control().sold_out().is_empty());
}

#[tokio::test]
async fn who_moves_the_clock_sees_how_far_its_followers_have_come() {
    let sim = sim();
    let client = served(&sim, "t").await;
    let begun = client.time().await.unwrap().now;
    assert_eq!(client.follow("virtual-kubelet", begun).await.unwrap().behind(), None);
    let time = client.advance(Duration::from_secs(60)).await.unwrap();
    assert_eq!(
        time.behind().map(|follower| (follower.name.as_str(), follower.at)),
        Some(("virtual-kubelet", begun))
    );
    assert_eq!(client.follow("virtual-kubelet", time.now).await.unwrap().behind(), None);
    client.reset(&ResetScope::default()).await.unwrap();
    assert_eq!(client.time().await.unwrap().followers.len(), 1);
    client.leave("virtual-kubelet").await.unwrap();
    assert!(client.time().await.unwrap().followers.is_empty());
    let why = client.leave("virtual-kubelet").await.unwrap_err().to_string();
    assert!(why.contains("no follower of the clock is called virtual-kubelet"), "{why}");
}

#[test]
fn a_clock_server_tells_the_time_to_everybody_and_nothing_else() {
    let server = ControlServer::for_clock(sim().control());
    let elsewhere = ("host", "eci-sim.eci-sim.svc:8090");
    let at = json!({ "at": crate::support::START_TIME });
    for (method, path, headers, body, status) in [
        ("GET", "/clock", vec![elsewhere], &Value::Null, 200),
        ("POST", "/clock/followers/node", vec![elsewhere], &at, 200),
        ("POST", "/clock/followers/no%20name", vec![elsewhere], &at, 400),
        ("DELETE", "/clock/followers/node", vec![elsewhere], &Value::Null, 200),
        ("GET", "/clock", vec![elsewhere, ("origin", "http://evil.example")], &Value::Null, 403),
        ("POST", "/clock", vec![elsewhere], &json!({ "rate": 0 }), 405),
        ("POST", "/clock/advance", vec![elsewhere], &json!({ "seconds": 1 }), 404),
        ("POST", "/reset", vec![elsewhere], &Value::Null, 404),
        ("GET", "/bill", vec![elsewhere], &Value::Null, 404),
        ("GET", "/", vec![elsewhere], &Value::Null, 404),
    ] {
        let response = server.answer(&request(method, path, &headers, body));
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert_eq!(response.status().as_u16(), status, "{method} {path}: {text}");
    }
}

#[tokio::test]
async fn the_client_lays_faults_sets_stock_and_keeps_worlds() {
    let sim = sim();
    let client = served(&sim, "t").await;
    let number = client.add_fault(&Rule::refuse("Throttling").on("Create*").times(2)).await.unwrap();
    assert_eq!(client.faults().await.unwrap()[0].number, number);
    client.remove_fault(number).await.unwrap();
    client.clear_faults().await.unwrap();
    let sold_out = Stock { sold_out: Some("cn-hangzhou-b".into()), ..Stock::default() };
    assert_eq!(client.set_stock(&sold_out).await.unwrap(), ["cn-hangzhou-b"]);
    let restocked = Stock { restocked: Some("cn-hangzhou-b".into()), ..Stock::default() };
    assert!(client.set_stock(&restocked).await.unwrap().is_empty());
    client.set_throttling(true).await.unwrap();
    client.save("empty").await.unwrap();
    create(&sim, &once("job", &["true"]));
    assert_eq!(client.snapshots().await.unwrap()[0].groups, 0);
    client.load("empty").await.unwrap();
    assert!(sim.control().groups().is_empty());
    client.drop_snapshot("empty").await.unwrap();
    client.reset(&ResetScope::default()).await.unwrap();
    assert!(
        client
            .requests(&RequestFilter { limit: Some(5), ..RequestFilter::default() })
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_client_plays_the_cloud() {
    let sim = sim();
    let client = served(&sim, "t").await;
    let id = create(&sim, &group("web", vec![crate::support::container("web", "nginx", &[])]));
    client.advance(Duration::from_secs(60)).await.unwrap();
    client.crash(&id, "web", 7).await.unwrap();
    assert!(client.ledger().await.unwrap().iter().any(|line| line.ends_with("container web ended with 7")));
    let refused = client.crash(&id, "none", 7).await.unwrap_err().to_string();
    assert!(
        refused.ends_with(&format!("no container called none is running in a group of id {id}")),
        "{refused}"
    );
    assert!(client.reclaim("eci-none", 3).await.unwrap_err().to_string().contains("no group of id eci-none"));
    let price = Price {
        what: "*".into(),
        zone: "cn-hangzhou-*".into(),
        currency: None,
        from: None,
        hourly: "0.07".parse().unwrap(),
    };
    let prices = client.set_price(&price).await.unwrap();
    assert_eq!(prices.iter().map(|price| price.hourly.to_string()).collect::<Vec<_>>(), ["0.07"]);
    client.clear_prices().await.unwrap();
    assert_eq!(client.set_standing("local", "arrears").await.unwrap().standing, "arrears");
    assert!(
        client.set_standing("local", "rich").await.unwrap_err().to_string().contains("`rich` should be good")
    );
}

#[tokio::test]
async fn the_client_says_what_the_server_said() {
    let client = served(&sim(), "t").await;
    let why = client.remove_fault(7).await.unwrap_err().to_string();
    assert_eq!(
        why,
        "the control API refuses DELETE /faults/7: there is no fault of number 7; GET /faults lists the faults"
    );
    let stranger = client.clone().with_token("wrong").unwrap();
    assert!(stranger.time().await.unwrap_err().to_string().contains("requires its token"));
    assert!(!format!("{stranger:?}").contains("wrong"));
    assert!(ControlClient::new("ftp://here").unwrap_err().to_string().contains("http://127.0.0.1:8089"));
    let nobody = ControlClient::new("http://127.0.0.1:1").unwrap();
    assert!(
        nobody
            .time()
            .await
            .unwrap_err()
            .to_string()
            .starts_with("the control API at http://127.0.0.1:1 does not answer: ")
    );
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_nothing_inline() {
    let server = ControlServer::new(sim().control()).with_token(Secret::new("t"));
    for (path, kind) in
        [("/", "text/html"), ("/page/style.css", "text/css"), ("/page/page.js", "text/javascript")]
    {
        let (given, text) = file(&server, path);
        assert!(given.starts_with(kind), "{path}: {given}");
        for outside in [
            "http:",
            "https:",
            "=\"//",
            "url(",
            "@import",
            "import(",
            " style=",
            " onclick=",
            "<script>",
            "innerHTML",
            "eval(",
        ] {
            assert!(!text.contains(outside), "{path} has {outside}");
        }
    }
    let (_, document) = file(&server, "/");
    let linked: Vec<_> = document.split(['"']).filter(|part| part.starts_with('/')).collect();
    assert_eq!(linked, ["/page/style.css", "/page/page.js"]);
}

#[test]
fn all_that_the_page_asks_for_is_in_the_document() {
    let server = ControlServer::new(sim().control());
    let (_, described) = ask(&server, "GET", "/openapi.json", &Value::Null);
    let routes = routes(&described);
    let (_, script) = file(&server, "/page/page.js");
    let mut calls = 0;
    for rest in script.split("call(\"").skip(1) {
        let (method, rest) = rest.split_once("\", ").unwrap();
        let (quote, rest) = rest.split_at(1);
        let path = rest.split(quote).next().unwrap().split('?').next().unwrap();
        let path = path
            .replace("${number}", "7")
            .replace("${name}", "a")
            .replace("${encodeURIComponent($(\"#name\").value)}", "a");
        assert!(routes.contains(&(method.to_owned(), path.clone())), "{method} {path}");
        calls += 1;
    }
    assert!(calls >= 15, "{calls}");
}

#[test]
fn every_element_that_the_script_looks_for_is_in_the_page() {
    let server = ControlServer::new(sim().control());
    let (_, script) = file(&server, "/page/page.js");
    let (_, document) = file(&server, "/");
    let looked_for = script.split("$(\"#").skip(1).filter_map(|rest| rest.split(['"', ' ']).next());
    for id in looked_for {
        assert!(document.contains(&format!("id=\"{id}\"")), "{id}");
    }
}
