//! Nested values to and from the flat parameters of the wire: `Container.1.Port.2.Protocol=TCP`.

mod decode;
mod encode;
pub(crate) mod json;
mod tree;

pub use decode::{DecodeError, PAIRS_MAX, from_pairs};
pub use encode::{EncodeError, to_pairs};

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Names and values in the order in which they came.
pub type Pairs = Vec<(String, String)>;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Percent-encodes as both signatures need it: UTF-8, all but letters, digits, `-_.~` as `%XX` in upper case.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(&mut out, text);
    out
}

/// As [`encode`], appended to `out`.
fn encode_into(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, RESERVED));
}

/// Reads a query string or a form body; a plus is a blank, bytes that are no UTF-8 become replacement characters.
pub fn parse_form(text: &[u8]) -> Pairs {
    text.split(|b| *b == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let at = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
            let value = part.get(at + 1..).unwrap_or_default();
            (decode_text(&part[..at]), decode_text(value))
        })
        .collect()
}

fn decode_text(raw: &[u8]) -> String {
    if !raw.contains(&b'+') {
        return decode_percent(raw);
    }
    let blanks: Vec<u8> = raw.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    decode_percent(&blanks)
}

fn decode_percent(raw: &[u8]) -> String {
    let decoded: Cow<'_, [u8]> = percent_encoding::percent_decode(raw).into();
    let text = String::from_utf8(decoded.into_owned());
    text.unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned())
}

/// Writes pairs as a query string or a form body.
pub fn render(pairs: &[(String, String)]) -> String {
    render_each(pairs.iter())
}

/// As [`render`], of pairs that are not in one slice.
pub(crate) fn render_each<'a>(pairs: impl Iterator<Item = &'a (String, String)>) -> String {
    let mut out = String::new();
    for (at, (name, value)) in pairs.enumerate() {
        if at > 0 {
            out.push('&');
        }
        encode_into(&mut out, name);
        out.push('=');
        encode_into(&mut out, value);
    }
    out
}
