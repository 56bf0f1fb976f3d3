//! Logs as the Engine gives them.

use jiff::Timestamp;

/// Lines of a log with their timestamps, which begin each; a line without one is left out.
pub(super) fn stamped(text: &str) -> Vec<(Timestamp, String)> {
    let one = |line: &str| {
        let (at, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some((at.parse().ok()?, rest.trim_end_matches('\r').to_owned()))
    };
    text.lines().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_log_begins_with_its_instant() {
        let lines = stamped("2026-01-01T09:00:00.5Z hello there\r\n2026-01-01T09:00:01Z \nno instant\n");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            lines,
            [
                (at("2026-01-01T09:00:00.5Z"), "hello there".to_owned()),
                (at("2026-01-01T09:00:01Z"), String::new())
            ]
        );
    }
}
