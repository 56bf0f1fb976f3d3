//! The variants of each parameter, and the code that each is answered with.

use std::collections::BTreeSet;

use eci_api::query::Pairs;
use eci_api::validate::{self, Parameter};

use super::cloud::Cloud;
use super::requests::{self, Context};

/// What is expected: success, or this code.
const FINE: &str = "";
const MISSING: &str = "MissingParameter";
const INVALID: &str = "InvalidParameter";

struct Variant {
    what: String,
    pairs: Pairs,
    wanted: &'static str,
}

/// Plays all; gives their number, and puts what went wrong into `wrong`.
pub fn play(wrong: &mut Vec<String>) -> usize {
    let mut count = 0;
    let cloud = Cloud::prepared();
    for action in validate::actions() {
        for parameter in validate::parameters(action) {
            cloud.again();
            let changes = !action.starts_with("Describe") && !action.starts_with("List");
            for variant in variants(&cloud, action, parameter) {
                count += 1;
                let answer = cloud.call(action, &variant.pairs);
                if answer.code != variant.wanted || (answer.status == 200) != variant.wanted.is_empty() {
                    wrong.push(format!(
                        "{action} {} {}: {} {} instead of `{}`: {}",
                        parameter.name,
                        variant.what,
                        answer.status,
                        answer.code,
                        variant.wanted,
                        answer.body["Message"]
                    ));
                }
                if changes && answer.status == 200 {
                    cloud.again();
                }
            }
        }
    }
    count
}

fn variants(cloud: &Cloud, action: &str, parameter: &'static Parameter) -> Vec<Variant> {
    let context = Context::of(action, &parameter.name);
    let name = requests::numbered(&parameter.name);
    let without = requests::without(&cloud.filled(&context.pairs), &name);
    let with = |value: &str| {
        let mut pairs = without.clone();
        pairs.push((name.clone(), cloud.fill(value)));
        pairs
    };
    let mut all = Vec::new();
    let mut add = |what: &str, pairs: Pairs, wanted: &'static str| {
        all.push(Variant { what: what.to_owned(), pairs, wanted });
    };
    let is_structure = matches!(parameter.kind.as_str(), "object" | "json-object")
        || requests::is_list_of_structures(action, parameter);
    if !is_structure {
        for value in requests::values(action, parameter) {
            let refused = requests::refused(action, &parameter.name, &value);
            add(&format!("present as `{value}`"), with(&value), refused.unwrap_or(FINE));
        }
        add("empty", with(""), if requests::must_be(action, parameter) { MISSING } else { FINE });
    } else if let Some(value) = requests::as_json(action, parameter) {
        add("present as JSON", with(value), FINE);
    }
    add("absent", without.clone(), if requests::must_be(action, parameter) { MISSING } else { FINE });
    if parameter.kind == "json-object" {
        add("of another type", with("[1]"), INVALID);
    }
    for (what, value) in other_types(parameter) {
        add(&what, with(value), if requests::is_forgiven(action, &parameter.name) { FINE } else { INVALID });
    }
    for (what, value) in out_of_bounds(parameter) {
        add(&what, with(&value), INVALID);
    }
    if !parameter.values.is_empty() {
        add("of no published value", with("NoSuchValue"), INVALID);
    }
    if let Some(most) = parameter.max_items {
        let pairs = requests::so_many(cloud, action, parameter, &without, most as usize + 1);
        add("with too many items", pairs, INVALID);
    }
    all
}

/// What cannot be read as the parameter's type.
fn other_types(parameter: &Parameter) -> Vec<(String, &'static str)> {
    let values: &[&str] = match parameter.kind.as_str() {
        "boolean" => &["yes", "1"],
        "int32" | "integer" => &["many", "1.5", "2147483648"],
        "int64" => &["many", "1.5", "9223372036854775808"],
        "float" | "double" => &["many", "0.5.1"],
        _ => &[],
    };
    values.iter().map(|value| (format!("of another type, `{value}`"), *value)).collect()
}

fn out_of_bounds(parameter: &Parameter) -> Vec<(String, String)> {
    let mut all = BTreeSet::new();
    let text = parameter.kind == "string";
    if let Some(min) = parameter.min
        && !text
    {
        all.insert(("too small".to_owned(), (min.0 - rust_decimal::Decimal::ONE).to_string()));
    }
    if let Some(min) = parameter.min
        && text
        && min.0 > rust_decimal::Decimal::ONE
    {
        all.insert(("too short".to_owned(), "x".to_owned()));
    }
    let most = parameter.max.filter(|max| text || max.0 < rust_decimal::Decimal::from(i64::MAX));
    if let Some(max) = most {
        let value = if text {
            "x".repeat(usize::try_from(max.0).unwrap_or(0) + 1)
        } else {
            (max.0 + rust_decimal::Decimal::ONE).to_string()
        };
        all.insert(("too large".to_owned(), value));
    }
    all.into_iter().collect()
}
