//! The outcomes as JUnit XML, which every build machine reads.

use std::fmt::Write as _;

use crate::outcome::{CaseVerdict, Failure, Miss, Outcome};

/// The document.
pub fn document(seed: &str, outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| outcome.failed()).count();
    let skipped =
        outcomes.iter().filter(|outcome| matches!(outcome.verdict, CaseVerdict::Lacking(_))).count();
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"scenarios\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\" time=\"{seconds:.3}\">",
        outcomes.len()
    );
    let _ =
        writeln!(xml, "    <properties><property name=\"seed\" value=\"{}\"/></properties>", escaped(seed));
    for outcome in outcomes {
        case(&mut xml, outcome);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, outcome: &Outcome) {
    let (folder, name) = outcome.case.rsplit_once('/').unwrap_or(("", &outcome.case));
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" time=\"{:.3}\">",
        escaped(&folder.replace('/', ".")),
        escaped(name),
        escaped(&outcome.file),
        outcome.took.as_secs_f64()
    );
    match &outcome.verdict {
        CaseVerdict::Passed if outcome.passed_on_assumptions() => {
            let _ = write!(xml, "<system-out>assumed: {}</system-out>", escaped(&outcome.assumed.join("\n")));
        }
        CaseVerdict::Passed => {}
        CaseVerdict::Lacking(missing) => {
            let _ = write!(xml, "<skipped message=\"no {missing}\"/>");
        }
        CaseVerdict::Failed(failure) => {
            let message = escaped(&failure.miss.in_short());
            let _ = write!(
                xml,
                "<failure message=\"{message}\">{}</failure>",
                escaped(&failure_text(outcome, failure))
            );
        }
    }
    if let Some(flake) = outcome.flake() {
        let (message, text) = (escaped(&flake.miss.in_short()), escaped(&failure_text(outcome, flake)));
        let _ = write!(xml, "<flakyFailure message=\"{message}\">{text}</flakyFailure>");
    }
    let _ = writeln!(xml, "</testcase>");
}

fn failure_text(outcome: &Outcome, failure: &Failure) -> String {
    let mut text =
        format!("{}:{} {}\n{}\n", outcome.file, failure.line, failure.step, failure.miss.in_short());
    if let Miss::Unmet { because: Some(because), .. } = &failure.miss {
        let _ = writeln!(text, "because {because}");
    }
    for chapter in failure.story.chapters() {
        let after = chapter.after.as_secs_f64();
        let _ = writeln!(text, "+{after:.3}s {} {}", chapter.what, chapter.detail);
    }
    text
}

/// Text as XML takes it; what XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_left_out() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}[0m"), "a&lt;b&gt; &amp; &quot;c&quot;[0m");
    }
}
