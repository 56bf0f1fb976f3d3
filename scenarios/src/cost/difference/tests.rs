//! Differences between estimates, as a table, as Markdown, and with documents that cannot be compared.

use super::*;
use crate::cost::budget::Budget;
use crate::cost::estimate::tests::{estimate, workload};
use crate::cost::workload::Workload;
use crate::cost::{markdown, text};

fn before() -> Estimate {
    estimate(&[
        workload("web", 2, "2", "4Gi"),
        workload("old", 1, "2", "4Gi"),
        workload("same", 1, "1", "2Gi"),
    ])
}

fn after() -> Estimate {
    estimate(&[
        workload("web", 3, "2", "4Gi"),
        workload("new", 1, "7", "13Gi"),
        workload("same", 1, "1", "2Gi"),
    ])
}

#[test]
fn what_came_went_and_changed_is_told_with_its_money() {
    let (before, after) = (before(), after());
    let difference = Difference::between(&before, &after);
    let told: Vec<_> = difference
        .changes
        .iter()
        .map(|change| {
            let [before, after] = change.sides();
            format!("{}: {before} → {after} {}", change.title(), change.month().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            "Deployment shop/new: none → 1 × 8-14Gi 1255.71096",
            "Deployment shop/old: 1 × 2-4Gi → none -321.98256",
            "Deployment shop/web: 2 × 2-4Gi → 3 × 2-4Gi 321.98256",
        ]
    );
    assert_eq!((difference.unchanged, difference.month().unwrap().to_string()), (1, "1255.71096".to_owned()));
    assert_eq!(difference.percent().unwrap().to_string(), "111.4");
    let text = text::difference(&after, &difference, "shop", "main.json");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.contains("in all               1126.94    2382.65     +1255.71"), "{text}");
}

#[test]
fn two_of_one_name_are_compared_one_by_one_and_places_do_not_count() {
    let two = estimate(&[workload("web", 1, "2", "4Gi"), workload("web", 1, "4", "8Gi")]);
    let mut moved = two.clone();
    moved.workloads[0].place = "elsewhere.yaml:7".to_owned();
    assert_eq!(Difference::between(&two, &moved).changes, []);
    let one = estimate(&[workload("web", 1, "2", "4Gi")]);
    let difference = Difference::between(&two, &one);
    assert_eq!(
        (difference.changes.len(), difference.changes[0].sides()),
        (1, ["1 × 4-8Gi".into(), "none".into()])
    );
}

#[test]
fn a_comment_says_the_sum_first_and_whether_the_budget_is_kept() {
    let (before, after) = (before(), after());
    let difference = Difference::between(&before, &after);
    let budget: Budget = "2000/month".parse().unwrap();
    let overrun = budget.judge(&after).unwrap_err();
    let comment = markdown::comment(&after, Some(&difference), Some((&budget, Some(&overrun))));
    let lines: Vec<_> = comment.lines().collect();
    assert_eq!(lines[0], "### Cost: ¥ 2382.65 a month, +1255.71 (111.4 %)");
    assert!(lines.contains(&"| `Deployment shop/web` | 2 × 2-4Gi | 3 × 2-4Gi | +321.98 |"), "{comment}");
    assert!(
        comment.contains("**Above budget:** ¥ 2382.65 a month is ¥ 382.65 above the budget"),
        "{comment}"
    );
    let same = Difference::between(&after, &after);
    let comment = markdown::comment(&after, Some(&same), Some((&budget, None)));
    assert!(
        comment.contains(", unchanged\n") && comment.contains("Within the budget of 2000/month."),
        "{comment}"
    );
}

#[test]
fn a_name_in_a_comment_is_a_name_and_nothing_that_markdown_obeys() {
    let sly =
        Workload { name: "x`|![](http://example.com)\n@all".to_owned(), ..workload("web", 1, "2", "4Gi") };
    let comment = markdown::comment(&estimate(&[sly]), None, None);
    let row = comment.lines().find(|line| line.contains("shop/x")).unwrap();
    assert_eq!(row.matches('|').count(), 6, "{row}");
    assert_eq!(row.matches('`').count(), 2, "{row}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_would_be_right() {
    let own = after();
    let document = |change: &dyn Fn(&mut Estimate)| {
        let mut other = before();
        change(&mut other);
        serde_json::to_string(&other).unwrap()
    };
    for (text, told) in [
        ("{}".to_owned(), "main.json is no estimate: missing field"),
        ("workloads".to_owned(), "write it with `scenarios cost -f … --json > main.json`"),
        (document(&|other| other.version = 7), "was written in version 7"),
        (
            document(&|other| other.currency = Currency::Usd),
            "main.json is in USD, and this estimate in CNY; use --currency USD",
        ),
        (document(&|other| other.region = "cn-beijing".into()), "use --region cn-beijing"),
    ] {
        let why = read("main.json", &text, &own).unwrap_err().to_string();
        assert!(why.contains(told), "{why}");
    }
    assert_eq!(read("main.json", &document(&|_| {}), &own).unwrap(), before());
}
