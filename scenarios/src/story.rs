//! The shortest thread of Kubernetes events, cloud calls and money that explains how a case went.

use std::time::Duration;

use jiff::Timestamp;

/// The most lines of a story; the oldest are left out first.
const MAX_LINES: usize = 9;

/// The events, calls and costs of a case, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story(Vec<Chapter>);

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// The time from the world's beginning.
    pub after: Duration,
    /// The event, in a word or two.
    pub what: String,
    /// The thing it happened to, or the exact words.
    pub detail: String,
}

/// Gathers what happened, in whatever order it is found.
#[derive(Debug)]
pub struct Gathering {
    beginning: Timestamp,
    chapters: Vec<Chapter>,
}

impl Story {
    /// The things that happened, oldest first.
    pub fn chapters(&self) -> &[Chapter] {
        &self.0
    }
}

impl Gathering {
    /// A story of a world that began at `beginning`.
    pub fn since(beginning: Timestamp) -> Self {
        Self { beginning, chapters: Vec::new() }
    }

    /// At `at`, `what` happened.
    pub fn add(&mut self, at: Timestamp, what: impl Into<String>, detail: impl Into<String>) {
        let after = at.duration_since(self.beginning).unsigned_abs();
        let after = if at < self.beginning { Duration::ZERO } else { after };
        self.chapters.push(Chapter { after, what: what.into(), detail: detail.into() });
    }

    /// The story: in order, each thing once, the latest lines where there are too many.
    pub fn into_story(mut self) -> Story {
        self.chapters.sort_by_key(|chapter| chapter.after);
        let mut chapters: Vec<Chapter> = Vec::new();
        for chapter in self.chapters {
            if !chapters.iter().any(|seen| seen.what == chapter.what && seen.detail == chapter.detail) {
                chapters.push(chapter);
            }
        }
        let surplus = chapters.len().saturating_sub(MAX_LINES);
        chapters.drain(..surplus);
        Story(chapters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_in_order_and_says_each_thing_once() {
        let beginning: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        let second = |n: i64| beginning + jiff::SignedDuration::from_secs(n);
        let mut gathering = Gathering::since(beginning);
        gathering.add(second(2), "FailedScheduling", "again");
        gathering.add(second(1), "pod created", "vk/nginx");
        gathering.add(second(3), "FailedScheduling", "again");
        let story = gathering.into_story();
        let words: Vec<_> = story.chapters().iter().map(|c| (c.after.as_secs(), c.what.as_str())).collect();
        assert_eq!(words, [(1, "pod created"), (2, "FailedScheduling")]);
    }

    #[test]
    fn a_long_story_keeps_its_end() {
        let beginning: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        let mut gathering = Gathering::since(beginning);
        for n in 0..30 {
            gathering.add(beginning + jiff::SignedDuration::from_secs(n), format!("event {n}"), "");
        }
        let story = gathering.into_story();
        assert_eq!(story.chapters().len(), MAX_LINES);
        assert_eq!(story.chapters().last().unwrap().what, "event 29");
    }
}
