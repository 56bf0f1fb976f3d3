//! The outcomes as one JSON document, for programs.

use eci_sim::Currency;
use serde_json::{Value, json};

use crate::outcome::{CaseVerdict, Fact, Miss, Outcome};

/// The document.
pub fn document(seed: &str, outcomes: &[Outcome]) -> Value {
    json!({ "seed": seed, "cases": outcomes.iter().map(case).collect::<Vec<_>>() })
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
        CaseVerdict::Failed(failure) => {
            let (wanted, seen, because, refused) = match &failure.miss {
                Miss::Unmet { wanted, seen, because } => {
                    (facts(wanted), facts(seen), json!(because), Value::Null)
                }
                Miss::Refused(message) => (Value::Null, Value::Null, Value::Null, json!(message)),
            };
            let story = failure.story.chapters().iter().map(|chapter| {
                let after = chapter.after.as_secs_f64();
                json!({ "after_seconds": after, "what": chapter.what, "detail": chapter.detail })
            });
            value["failure"] = json!({
                "line": failure.line,
                "step": failure.step,
                "wanted": wanted,
                "seen": seen,
                "because": because,
                "refused": refused,
                "story": story.collect::<Vec<_>>(),
            });
        }
    }
    value
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
