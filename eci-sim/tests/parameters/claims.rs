//! Whether `data/parameters.csv` says the truth: each published parameter has a row, what is echoed comes back, what is
//! only accepted changes nothing that a client could see, and what has an effect changes something.

use std::collections::{BTreeMap, BTreeSet};

use eci_api::query::Pairs;
use eci_api::validate::{self, Parameter};
use serde::Deserialize;
use serde_json::Value;

use super::cloud::{Cloud, Outcome};
use super::requests::{self, Context};
use super::with_commas;

/// A row of the table.
#[derive(Debug, Deserialize)]
struct Row {
    action: String,
    parameter: String,
    handling: String,
    seen: String,
}

/// What is counted, and how much of it was right.
#[derive(Default)]
struct Count {
    all: usize,
    wrong: usize,
}

/// Checks every row; gives a sentence for each kind of claim.
pub fn check(wrong: &mut Vec<String>) -> String {
    let mut reader = csv::Reader::from_reader(include_str!("../../data/parameters.csv").as_bytes());
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().expect("the table reads");
    every_parameter_has_a_row(&rows, wrong);
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let cloud = Cloud::prepared();
    let mut plain = Plain { cloud: &cloud, stories: BTreeMap::new() };
    for row in &rows {
        let Some(parameter) = published(row) else { continue };
        let is_list = requests::is_list_of_structures(&row.action, parameter);
        let mut claims = Vec::new();
        if !row.seen.is_empty() && !is_list {
            claims.push(("echoed", not_echoed(cloud.again(), row, parameter)));
        }
        match row.handling.as_str() {
            "effect" if !is_list && row.seen.is_empty() => {
                let same = !plain.differs(row, parameter);
                claims.push(("effect", same.then(|| "nothing changes".to_owned())));
            }
            "accepted" if !is_list => {
                let differs = plain.differs(row, parameter);
                claims.push(("accepted", differs.then(|| "something changes".to_owned())));
            }
            _ => {}
        }
        for (kind, contradiction) in claims {
            let count = counts.entry(kind).or_default();
            count.all += 1;
            if let Some(why) = contradiction {
                count.wrong += 1;
                wrong.push(format!(
                    "{} {} is `{}` in the table, but {why}",
                    row.action, row.parameter, row.handling
                ));
            }
        }
    }
    let told = |kind: &str| {
        let count = counts.get(kind).map_or((0, 0), |count| (count.all - count.wrong, count.all));
        format!("{} of {}", with_commas(count.0), with_commas(count.1))
    };
    format!(
        "{} echoed parameters come back, {} effects are seen, {} accepted parameters change nothing",
        told("echoed"),
        told("effect"),
        told("accepted")
    )
}

fn published(row: &Row) -> Option<&'static Parameter> {
    validate::parameters(&row.action).iter().find(|parameter| parameter.name == row.parameter)
}

fn every_parameter_has_a_row(rows: &[Row], wrong: &mut Vec<String>) {
    let have: BTreeSet<_> = rows.iter().map(|row| (row.action.as_str(), row.parameter.as_str())).collect();
    let all = validate::actions().flat_map(|action| {
        validate::parameters(action).iter().map(move |parameter| (action, parameter.name.as_str()))
    });
    wrong.extend(
        all.filter(|one| !have.contains(one)).map(|(action, name)| format!("{action} {name} has no row")),
    );
    for row in rows.iter().filter(|row| published(row).is_none() && !row.parameter.contains("NDomain")) {
        wrong.push(format!("{} {} is not published", row.action, row.parameter));
    }
    for row in rows {
        if !matches!(row.handling.as_str(), "effect" | "echoed" | "accepted" | "refused") {
            wrong.push(format!("{} {} is `{}`", row.action, row.parameter, row.handling));
        }
    }
}

/// The request with a value, and the one without.
fn with(cloud: &Cloud, row: &Row, value: &str) -> Pairs {
    let mut pairs = without(cloud, row);
    pairs.push((requests::numbered(&row.parameter), cloud.fill(value)));
    pairs
}

fn without(cloud: &Cloud, row: &Row) -> Pairs {
    let context = Context::of(&row.action, &row.parameter);
    requests::without(&cloud.filled(&context.pairs), &requests::numbered(&row.parameter))
}

/// The reason why a value of the parameter is not found where the table says; `None` when it is.
fn not_echoed(cloud: &Cloud, row: &Row, parameter: &Parameter) -> Option<String> {
    let value = requests::values(&row.action, parameter).into_iter().next().unwrap_or_default();
    let answer = cloud.call(&row.action, &with(cloud, row, &value));
    if answer.status != 200 {
        return Some(format!("`{value}` is refused: {}", answer.body["Message"]));
    }
    let Some((action, path)) = row.seen.split_once(':') else {
        return Some("`seen` should be Action:Path".to_owned());
    };
    cloud.wait(60);
    let mut pairs: Pairs = match action {
        "DescribeInstanceOpsRecords" => {
            cloud.filled(&[("ContainerGroupId", "$group"), ("OpsType", "coredump")])
        }
        _ => Pairs::new(),
    };
    if row.action == "CopyDataCache" {
        pairs.push(("RegionId".into(), "cn-beijing".into()));
    }
    let seen = cloud.call(action, &pairs);
    let mut leaves = Vec::new();
    collect(&seen.body, &path.split('.').collect::<Vec<_>>(), &mut leaves);
    let wanted = requests::comes_back_as(&row.action, &row.parameter).unwrap_or(&value);
    let found = leaves.iter().any(|leaf| same(leaf, wanted));
    (!found).then(|| format!("`{wanted}` is not at {}", row.seen))
}

fn collect(value: &Value, path: &[&str], leaves: &mut Vec<String>) {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, path, leaves)),
        (Value::Object(members), Some((head, rest))) => {
            members.get(*head).into_iter().for_each(|member| collect(member, rest, leaves));
        }
        (Value::String(text), None) => leaves.push(text.clone()),
        (other, None) => leaves.push(other.to_string()),
        _ => {}
    }
}

fn same(seen: &str, wanted: &str) -> bool {
    let number = |text: &str| text.parse::<rust_decimal::Decimal>().ok();
    seen == wanted || number(seen).is_some_and(|seen| number(wanted) == Some(seen))
}

/// What came of requests without a parameter, kept since many parameters share one.
struct Plain<'a> {
    cloud: &'a Cloud,
    stories: BTreeMap<(String, Pairs), Story>,
}

/// All that a client could see of a request, then and later.
type Story = (Outcome, Vec<Vec<Value>>);

impl Plain<'_> {
    /// Whether any value of the parameter makes a difference to having none.
    fn differs(&mut self, row: &Row, parameter: &Parameter) -> bool {
        let cloud = self.cloud;
        let pairs = without(cloud, row);
        let key = (row.action.clone(), pairs.clone());
        let tell = || story(cloud.again(), &row.action, &pairs);
        let plain = self.stories.entry(key).or_insert_with(tell).clone();
        let mut values = requests::values(&row.action, parameter);
        values.extend(requests::telling(&row.action, &row.parameter).map(str::to_owned));
        values.iter().any(|value| {
            let pairs = with(cloud, row, value);
            story(cloud.again(), &row.action, &pairs) != plain
        })
    }
}

/// The request, and what becomes of it: at once, as time goes on, when what was made is deleted, when it is made anew.
fn story(cloud: &Cloud, action: &str, pairs: &Pairs) -> Story {
    let answer = cloud.call(action, pairs);
    if action.starts_with("Describe") || action.starts_with("List") || action.starts_with("Exec") {
        return (answer, Vec::new());
    }
    let mut scenes = vec![cloud.everything()];
    let mut later = |seconds: u64| {
        cloud.wait(seconds);
        let mut scene = cloud.everything();
        scene.push(cloud.log_of_newest());
        scenes.push(scene);
    };
    later(15);
    later(45);
    later(600);
    if action == "CreateContainerGroup" {
        cloud.raise_the_market();
        later(7200);
    }
    if action.contains("ContainerGroup") {
        cloud.delete_all();
        // a stop hook takes between one second and three
        later(1);
        later(1);
        later(20);
        later(7200);
    }
    let mut other = pairs.clone();
    other.push(("Surprise".to_owned(), "x".to_owned()));
    for pairs in [pairs, &other] {
        let again = cloud.call(action, pairs);
        cloud.wait(30);
        scenes.push(vec![Value::from(again.status), again.body]);
        scenes.push(cloud.everything());
    }
    cloud.wait(2 * 86_400);
    scenes.push(cloud.everything());
    (answer, scenes)
}
