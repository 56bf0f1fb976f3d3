//! The log of a container's run, as the options of a request cut it.

use eci_api::actions::DescribeContainerLog;
use jiff::{SignedDuration, Timestamp};

use crate::refusal::Refusal;

/// Number of last lines, default and maximum.
const TAIL: usize = 500;
pub const TAIL_MAX: usize = 2000;
/// Bytes of a log in a reply, at most.
const BYTES_MAX: usize = 1 << 20;

/// Time of the earliest line; the later of the two where both parameters are given.
pub fn since(request: &DescribeContainerLog, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let by_span = request.since_seconds.map(|seconds| {
        now.saturating_sub(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN)
    });
    let start = request.start_time.as_deref().filter(|text| !text.is_empty());
    let by_time = match start {
        Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
            let why = format!("`{text}` should be a time such as 2018-08-02T15:00:00Z");
            Refusal::invalid("StartTime", why)
        })?),
        None => None,
    };
    Ok(by_span.max(by_time))
}

/// Log of the lines that the request asks for: the latest from `since` on, within its numbers of lines and bytes.
pub fn content(
    request: &DescribeContainerLog,
    mut lines: Vec<(Timestamp, &str)>,
    since: Option<Timestamp>,
) -> String {
    if let Some(since) = since {
        lines.retain(|(at, _)| *at >= since);
    }
    let tail = request.tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(TAIL).min(TAIL_MAX);
    lines.drain(..lines.len().saturating_sub(tail));
    let most =
        request.limit_bytes.and_then(|most| usize::try_from(most).ok()).unwrap_or(BYTES_MAX).min(BYTES_MAX);
    write(request, &lines, most)
}

fn write(request: &DescribeContainerLog, lines: &[(Timestamp, &str)], most: usize) -> String {
    let mut content = String::new();
    for (at, line) in lines {
        if request.timestamps == Some(true) {
            content.push_str(&format!("{at:.9} "));
        }
        content.push_str(line);
        content.push('\n');
        if content.len() >= most {
            break;
        }
    }
    let mut end = content.len().min(most);
    while !content.is_char_boundary(end) {
        end -= 1;
    }
    content.truncate(end);
    content
}
