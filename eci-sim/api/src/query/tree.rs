//! Flat names read as a tree: the parameters sorted by the parts of their names, each node a slice of them.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// Parts of a name, at most; the deepest published one has seven.
const DEPTH_MAX: usize = 16;

/// One part of a dotted name; indexes sort as numbers, before all names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment<'a> {
    Index(u32),
    Name(&'a str),
}

impl<'a> Segment<'a> {
    /// Text of the part, as in a name.
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Index(index) => Cow::Owned(index.to_string()),
            Self::Name(name) => Cow::Borrowed(name),
        }
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[derive(Debug)]
struct Entry<'a> {
    name: Vec<Segment<'a>>,
    value: &'a str,
    absent: Cell<bool>,
}

/// Parameters of a request, sorted by name.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Tree<'a> {
    /// Sorts the parameters; the last of equal names wins, and a name of too many parts is dropped like any unknown.
    pub fn grow(pairs: &'a [(String, String)]) -> Self {
        let mut entries = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            if let Some(name) = segments(name) {
                entries.push(Entry { name, value, absent: Cell::new(false) });
            }
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        entries.dedup_by(|later, earlier| {
            let same = later.name == earlier.name;
            if same {
                earlier.value = later.value;
            }
            same
        });
        Self { entries }
    }

    /// The node above all names.
    pub fn root(&self) -> Node<'_> {
        Node { entries: &self.entries, depth: 0 }
    }

    /// Removes the parameters that were found to be as good as absent.
    pub fn prune(&mut self) {
        self.entries.retain(|entry| !entry.absent.get());
    }
}

/// A name, or the beginning of several: its own text, and what stands below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'t> {
    entries: &'t [Entry<'t>],
    depth: usize,
}

impl<'t> Node<'t> {
    /// Value under exactly this name.
    pub fn text(self) -> Option<&'t str> {
        self.entries.first().filter(|entry| entry.name.len() == self.depth).map(|entry| entry.value)
    }

    /// True if longer names begin with this one.
    pub fn has_below(self) -> bool {
        self.entries.len() > usize::from(self.text().is_some())
    }

    /// Nodes of the names that are one part longer.
    pub fn below(self) -> impl Iterator<Item = (Segment<'t>, Node<'t>)> {
        let depth = self.depth;
        let longer = &self.entries[usize::from(self.text().is_some())..];
        let alike = longer.chunk_by(move |left, right| left.name.get(depth) == right.name.get(depth));
        alike.filter_map(move |entries| {
            let segment = entries.first()?.name.get(depth)?;
            Some((*segment, Node { entries, depth: depth + 1 }))
        })
    }

    /// Values below, each under the rest of its name.
    pub fn leaves(self) -> impl Iterator<Item = (String, Node<'t>)> {
        let depth = self.depth;
        let longer = &self.entries[usize::from(self.text().is_some())..];
        longer.iter().map(move |entry| {
            let node = Node { entries: std::slice::from_ref(entry), depth: entry.name.len() };
            (dotted(entry.name.get(depth..).unwrap_or_default()), node)
        })
    }

    /// Full name of the node.
    pub fn name(self) -> String {
        let part = self.entries.first().and_then(|entry| entry.name.get(..self.depth));
        dotted(part.unwrap_or_default())
    }

    /// Marks everything below as absent; false when there is nothing.
    pub fn mark_absent(self) -> bool {
        self.entries.iter().for_each(|entry| entry.absent.set(true));
        !self.entries.is_empty()
    }
}

fn dotted(name: &[Segment<'_>]) -> String {
    name.iter().map(Segment::to_string).collect::<Vec<_>>().join(".")
}

/// Splits at dots; a part `#3#url` says how long its key is, which may then hold dots. `None` for too many parts.
fn segments(name: &str) -> Option<Vec<Segment<'_>>> {
    let mut all = Vec::with_capacity(4);
    let mut rest = Some(name);
    while let Some(text) = rest {
        if all.len() == DEPTH_MAX {
            return None;
        }
        let (segment, after) = match counted(text) {
            Some((key, after)) => (Segment::Name(key), after),
            None => match text.split_once('.') {
                Some((part, after)) => (plain(part), Some(after)),
                None => (plain(text), None),
            },
        };
        all.push(segment);
        rest = after;
    }
    Some(all)
}

fn plain(part: &str) -> Segment<'_> {
    let canonical = !part.starts_with(['0', '+']);
    part.parse().ok().filter(|_| canonical).map_or(Segment::Name(part), Segment::Index)
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
