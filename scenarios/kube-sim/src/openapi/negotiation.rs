//! The format that a client wants the description of the API in.

/// The encoding of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON text.
    Json,
    /// The messages of the published `openapi.v2`.
    Protobuf,
}

impl Format {
    /// The format of version 2 that `accept` prefers; `None` when it takes none of them.
    pub fn of_v2(accept: &str) -> Option<Self> {
        preferred(accept, |kind| match kind {
            "application/json" | "application/*" | "*/*" => Some(Self::Json),
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
            | "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" => Some(Self::Protobuf),
            _ => None,
        })
    }

    /// The format of version 3 that `accept` prefers: JSON or none.
    pub fn of_v3(accept: &str) -> Option<Self> {
        let is_json = |kind: &str| matches!(kind, "application/json" | "application/*" | "*/*");
        preferred(accept, |kind| is_json(kind).then_some(Self::Json))
    }

    /// The content type of an answer in this format.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        }
    }
}

/// The first known media type of an `Accept` header, those of a higher `q` first.
fn preferred(accept: &str, known: impl Fn(&str) -> Option<Format>) -> Option<Format> {
    let accept = if accept.trim().is_empty() { "*/*" } else { accept };
    let mut wanted: Vec<(u32, &str)> = accept.split(',').map(clause).collect();
    wanted.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    wanted.into_iter().find_map(|(_, kind)| known(kind))
}

/// A media type and its quality in thousandths.
fn clause(text: &str) -> (u32, &str) {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q="));
    (quality.and_then(thousandths).unwrap_or(1000), kind)
}

/// A quality such as `0.5` in thousandths.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(whole.parse::<u32>().ok()?.min(1) * 1000 + digits.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_the_client_likes_best() {
        let protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        for (accept, two, three) in [
            ("", Some(Format::Json), Some(Format::Json)),
            ("*/*", Some(Format::Json), Some(Format::Json)),
            ("application/json", Some(Format::Json), Some(Format::Json)),
            (protobuf, Some(Format::Protobuf), None),
            (&format!("application/json;q=0.5, {protobuf}"), Some(Format::Protobuf), Some(Format::Json)),
            ("text/html", None, None),
        ] {
            assert_eq!((Format::of_v2(accept), Format::of_v3(accept)), (two, three), "{accept}");
        }
    }
}
