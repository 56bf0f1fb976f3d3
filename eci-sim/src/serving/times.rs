//! Times as the cloud writes them.

use jiff::Timestamp;
use jiff::tz::Offset;

/// A time as the cloud writes it, to the second: `2026-01-01T00:00:00Z`.
pub(crate) fn written(at: Timestamp) -> String {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let civil = Offset::UTC.to_datetime(at);
    let Ok(year) = u16::try_from(civil.year()) else { return at.to_string() };
    let [century, of_century] = [year / 100, year % 100].map(|part| u8::try_from(part).unwrap_or_default());
    let mut text = String::with_capacity("2026-01-01T00:00:00Z".len());
    push_two(&mut text, century);
    push_two(&mut text, of_century);
    let date = [('-', civil.month()), ('-', civil.day())];
    let time = [('T', civil.hour()), (':', civil.minute()), (':', civil.second())];
    for (before, part) in date.into_iter().chain(time) {
        text.push(before);
        push_two(&mut text, part.unsigned_abs());
    }
    text.push('Z');
    text
}

fn push_two(text: &mut String, number: u8) {
    text.push(char::from(b'0' + number / 10 % 10));
    text.push(char::from(b'0' + number % 10));
}

/// A time as the cloud writes it; empty for none.
pub(crate) fn written_or_empty(at: Option<Timestamp>) -> String {
    at.map(written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_instant_is_written_as_the_standard_says(second in -377_705_023_201i64..=253_402_207_200, nano in 0i32..1_000_000_000) {
            let at = Timestamp::new(second, 0).unwrap();
            let later = Timestamp::new(second, nano).unwrap_or(at);
            prop_assert_eq!(written(at), at.to_string());
            if second >= 0 {
                prop_assert_eq!(written(later), at.to_string());
            }
        }
    }
}
