//! The alerts and the dashboard of `docs/monitoring`: every expression can be parsed, and speaks of what the provider tells.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::{BTreeMap, BTreeSet};

use crate::test_bed::TestBed;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde::Deserialize;
use serde_json::{Value, json};

const RULES: &str = include_str!("../../docs/monitoring/rules.yaml");
const DASHBOARD: &str = include_str!("../../docs/monitoring/dashboard.json");

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(RULES).unwrap();
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// The expressions of the dashboard's panels, by their titles.
fn panels() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().clone();
    let of_panel = |panel: Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().clone();
        targets.into_iter().map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_owned()))
    };
    panels.into_iter().flat_map(of_panel).collect()
}

/// All expressions, each with the name of its rule or panel.
fn expressions() -> Vec<(String, String)> {
    let of_rule = |rule: Rule| (rule.alert.or(rule.record).unwrap(), rule.expr);
    rules().into_iter().map(of_rule).chain(panels()).collect()
}

/// The selectors of an expression: a metric's name and the labels that it is asked for by.
#[derive(Default)]
struct Selectors(Vec<(String, BTreeSet<String>)>);

impl Selectors {
    fn add(&mut self, name: Option<&str>, matchers: &Matchers) {
        let labels = matchers.matchers.iter().map(|matcher| matcher.name.clone()).collect();
        self.0.push((name.unwrap_or_default().to_owned(), labels));
    }
}

impl ExprVisitor for Selectors {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(selector) => self.add(selector.name.as_deref(), &selector.matchers),
            Expr::MatrixSelector(matrix) => self.add(matrix.vs.name.as_deref(), &matrix.vs.matchers),
            _ => {}
        }
        Ok(true)
    }
}

/// The labels of each series of the provider's metrics.
async fn series() -> BTreeMap<String, BTreeSet<String>> {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let request = Request::get("/metrics").body(Bytes::new()).unwrap();
    let response = bed.provider.as_ref().unwrap().kubelet_api().call(request).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let keys = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        told.entry(name.to_owned()).or_default().extend(keys);
    }
    told
}

#[tokio::test(start_paused = true)]
async fn every_expression_speaks_of_metrics_and_labels_that_the_provider_tells() {
    let told = series().await;
    let mut seen = 0;
    for (name, text) in expressions() {
        let expression = parser::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut selectors = Selectors::default();
        walk_expr(&mut selectors, &expression).unwrap();
        assert!(!selectors.0.is_empty(), "{name} speaks of nothing");
        for (metric, labels) in selectors.0 {
            let known = told.get(&metric).unwrap_or_else(|| panic!("{name}: nobody tells {metric}"));
            assert!(labels.is_subset(known), "{name}: {metric} has {known:?}, not {labels:?}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} selectors are too few to be all");
}

#[test]
fn every_alert_says_what_is_wrong_and_what_to_do() {
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule.alert.is_some()).collect();
    assert!(alerts.len() >= 8);
    for alert in alerts {
        for key in ["summary", "description"] {
            assert!(
                alert.annotations.get(key).is_some_and(|text| !text.is_empty()),
                "{:?}: {key}",
                alert.alert
            );
        }
        assert!(alert.labels.contains_key("severity"), "{:?}", alert.alert);
    }
}

#[test]
fn every_panel_reads_from_the_source_that_is_asked_for() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert_eq!(dashboard["templating"]["list"][0]["name"], json!("source"));
    let sources: Vec<_> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|panel| panel["datasource"]["uid"].clone())
        .collect();
    assert!(sources.iter().all(|source| *source == json!("${source}")), "{sources:?}");
}
