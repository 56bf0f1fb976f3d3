//! Options of requests as they stand in a query or in a body: dry run, numbers, truths.

use serde_json::Value;

use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::status::ApiError;

/// The only value of `dryRun`: all stages of the request but the last.
const ALL: &str = "All";

/// Returns true when `values`, those of `dryRun`, ask for a dry run; adds an error when one of them is not known.
pub fn dry_run(values: &[&str], errors: &mut FieldErrors) -> bool {
    if values.iter().any(|value| *value != ALL) {
        let supported = vec![ALL.to_owned()];
        errors.push("dryRun", FieldErrorKind::Unsupported(Value::from(values).to_string(), supported));
    }
    !values.is_empty()
}

/// Reads a query parameter as a whole number of 64 bits.
///
/// # Errors
/// 400 in the words of Go's reader.
pub fn whole_number(text: &str) -> Result<i64, ApiError> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<i64>().map_err(|error| {
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
    })
}

/// Reads a query parameter as a truth: whatever is not `0` or `false` is true, and so is a parameter without a value.
pub fn truth(text: &str) -> bool {
    text != "0" && !text.eq_ignore_ascii_case("false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_asked_for_with_one_word_and_any_other_is_refused() {
        for (values, asked, said) in [
            (&[][..], false, ""),
            (&["All"][..], true, ""),
            (&["All", "All"][..], true, ""),
            (&[""][..], true, "dryRun: Unsupported value: [\"\"]: supported values: \"All\""),
            (
                &["All", "none"][..],
                true,
                "dryRun: Unsupported value: [\"All\",\"none\"]: supported values: \"All\"",
            ),
        ] {
            let mut errors = FieldErrors::default();
            assert_eq!(dry_run(values, &mut errors), asked, "{values:?}");
            assert_eq!(errors.0.first().map(ToString::to_string).unwrap_or_default(), said);
        }
    }

    #[test]
    fn numbers_are_refused_in_gos_words() {
        for (text, said) in [
            ("abc", "strconv.ParseInt: parsing \"abc\": invalid syntax"),
            ("", "strconv.ParseInt: parsing \"\": invalid syntax"),
            ("1.5", "strconv.ParseInt: parsing \"1.5\": invalid syntax"),
            (
                "99999999999999999999",
                "strconv.ParseInt: parsing \"99999999999999999999\": value out of range",
            ),
        ] {
            let error = whole_number(text).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (400, said));
        }
        assert_eq!(whole_number("-7").unwrap(), -7);
    }
}
