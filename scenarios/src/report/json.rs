//! The outcomes as one JSON document, for programs.

use std::collections::BTreeMap;

use eci_sim::Currency;
use serde_json::{Value, json};

use crate::outcome::{CaseVerdict, Fact, Failure, Miss, Outcome};

/// The document.
pub fn document(seed: &str, outcomes: &[Outcome]) -> Value {
    json!({ "seed": seed, "cases": outcomes.iter().map(case).collect::<Vec<_>>() })
}

/// Documents that are not of shards of one run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A document without a list of cases.
    #[error("{0} is no report of `run --report json`: it has no list of cases")]
    NoCases(String),
    /// Runs of several seeds.
    #[error("{file} is of the seed {seed}, and the first report of {first}; shards of one run have one seed")]
    Seeds {
        /// The file.
        file: String,
        /// Its seed.
        seed: String,
        /// The seed of the first one.
        first: String,
    },
    /// A case that two documents have.
    #[error("{case} is in {file} and in another report; each case belongs to one shard")]
    Twice {
        /// The case.
        case: String,
        /// The file in which it was found again.
        file: String,
    },
}

/// The documents of the shards of one run, by their files' names, as one; cases in the order of their names.
///
/// # Errors
/// [`MergeError`].
pub fn merged(documents: Vec<(String, Value)>) -> Result<Value, MergeError> {
    let mut cases: BTreeMap<String, Value> = BTreeMap::new();
    let mut first: Option<String> = None;
    for (file, mut document) in documents {
        let seed = document["seed"].as_str().unwrap_or_default().to_owned();
        let first = first.get_or_insert_with(|| seed.clone());
        if *first != seed {
            return Err(MergeError::Seeds { file, seed, first: first.clone() });
        }
        let Some(Value::Array(own)) = document.get_mut("cases").map(Value::take) else {
            return Err(MergeError::NoCases(file));
        };
        for case in own {
            let name = case["case"].as_str().unwrap_or_default().to_owned();
            if cases.insert(name.clone(), case).is_some() {
                return Err(MergeError::Twice { case: name, file });
            }
        }
    }
    Ok(json!({ "seed": first, "cases": cases.into_values().collect::<Vec<_>>() }))
}

fn case(outcome: &Outcome) -> Value {
    let cost_in = |currency: Currency| {
        let known = outcome.cost.known().ok().filter(|_| outcome.currency == currency);
        known.map(|amount| amount.decimal().normalize().to_string())
    };
    let mut value = json!({
        "case": outcome.case,
        "file": outcome.file,
        "claim": outcome.claim,
        "cites": outcome.cites,
        "verdict": if outcome.passed_on_assumptions() { "assumed" } else { verdict(&outcome.verdict) },
        "assumed": outcome.assumed,
        "real_seconds": outcome.took.as_secs_f64(),
        "simulated_seconds": outcome.simulated.as_secs_f64(),
        "cost_yuan": cost_in(Currency::Cny),
        "cost_dollars": cost_in(Currency::Usd),
    });
    match &outcome.verdict {
        CaseVerdict::Passed => {}
        CaseVerdict::Lacking(missing) => value["missing"] = json!(missing.word()),
        CaseVerdict::Failed(own) => value["failure"] = failure(own),
    }
    if let Some(flake) = outcome.flake() {
        value["flake"] = failure(flake);
    }
    value
}

fn failure(failure: &Failure) -> Value {
    let (wanted, seen, because, refused) = match &failure.miss {
        Miss::Unmet { wanted, seen, because } => (facts(wanted), facts(seen), json!(because), Value::Null),
        Miss::Refused(message) => (Value::Null, Value::Null, Value::Null, json!(message)),
    };
    let story = failure.story.chapters().iter().map(|chapter| {
        let after = chapter.after.as_secs_f64();
        json!({ "after_seconds": after, "what": chapter.what, "detail": chapter.detail })
    });
    json!({
        "line": failure.line,
        "step": failure.step,
        "wanted": wanted,
        "seen": seen,
        "because": because,
        "refused": refused,
        "story": story.collect::<Vec<_>>(),
    })
}

fn verdict(verdict: &CaseVerdict) -> &'static str {
    match verdict {
        CaseVerdict::Passed => "passed",
        CaseVerdict::Failed(_) => "failed",
        CaseVerdict::Lacking(_) => "passed over",
    }
}

fn facts(facts: &[Fact]) -> Value {
    facts.iter().map(|fact| json!({ "name": fact.name, "value": fact.value })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_shards_are_merged_into_one_and_others_are_refused() {
        let of = |file: &str, seed: &str, cases: &[&str]| {
            let cases: Vec<_> = cases.iter().map(|case| json!({ "case": case })).collect();
            (file.to_owned(), json!({ "seed": seed, "cases": cases }))
        };
        let both = merged(vec![of("a", "s", &["c", "a"]), of("b", "s", &["b"])]);
        assert_eq!(both, Ok(of("", "s", &["a", "b", "c"]).1));
        for (other, word) in [
            (of("b", "t", &["b"]), "one seed"),
            (of("b", "s", &["c"]), "belongs to one shard"),
            (("b".to_owned(), json!({ "seed": "s" })), "no list of cases"),
        ] {
            let why = merged(vec![of("a", "s", &["c"]), other]).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }
}
