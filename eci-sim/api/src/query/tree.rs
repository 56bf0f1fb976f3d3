//! Flat names grown into a tree.

use std::collections::BTreeMap;

/// How deep names may nest; the deepest published one has seven levels.
const DEPTH_MAX: usize = 16;
/// What one SDK generation writes for a list that is not there; taken for a value it would become an exec probe.
const UNSET_LIST: &str = "<[]string Value>";

/// A parameter: its own text, and what stands below its name.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Node {
    pub text: Option<String>,
    pub below: BTreeMap<Segment, Node>,
}

/// One part of a dotted name; numbers sort as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    Index(u32),
    Name(String),
}

impl std::fmt::Display for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Grows the tree; a name that nests too deep is dropped like any unknown one, and the last of equal names wins.
pub(super) fn grow(pairs: &[(String, String)]) -> Node {
    let mut root = Node::default();
    for (name, value) in pairs.iter().filter(|(_, value)| value != UNSET_LIST) {
        let segments = segments(name);
        if segments.len() > DEPTH_MAX {
            continue;
        }
        let mut node = &mut root;
        for segment in segments {
            node = node.below.entry(segment).or_default();
        }
        node.text = Some(value.clone());
    }
    root
}

/// Splits at dots; a part `#3#url` says how long its key is, which may then hold dots.
fn segments(name: &str) -> Vec<Segment> {
    let mut all = Vec::new();
    let mut rest = Some(name);
    while let Some(text) = rest {
        let (part, after) = match counted(text) {
            Some(split) => split,
            None => match text.split_once('.') {
                Some((part, after)) => (part, Some(after)),
                None => (text, None),
            },
        };
        all.push(match part.parse() {
            Ok(index) if !part.starts_with('+') => Segment::Index(index),
            _ => Segment::Name(part.to_owned()),
        });
        rest = after;
    }
    all
}

fn counted(text: &str) -> Option<(&str, Option<&str>)> {
    let (length, rest) = text.strip_prefix('#')?.split_once('#')?;
    let length: usize = length.parse().ok()?;
    let end = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(length)?;
    let (key, after) = rest.split_at(end);
    match after.strip_prefix('.') {
        Some(after) => Some((key, Some(after))),
        None => after.is_empty().then_some((key, None)),
    }
}
