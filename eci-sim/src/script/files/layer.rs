//! A layer: the changed files of a container, or those of a volume, by their paths.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Number of the layer of ports in the space of each container; 0 is its own.
pub const PORTS: u8 = 1;
/// Files and directories of a layer that are kept, and their bytes, at most.
const NODES_MAX: usize = 1000;
const BYTES_MAX: usize = 1 << 20;
/// Bytes of a path, at most.
const PATH_MAX: usize = 512;

/// A file or a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Kind, with the content of a file.
    pub kind: Kind,
    /// Permission bits, as in 0o644.
    pub mode: u16,
}

/// Kind of a node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file, with its content.
    File(#[serde(with = "content")] Arc<Vec<u8>>),
    /// A symbolic link, with its target.
    Link(Box<str>),
}

/// A change of one path in a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Number of the layer in the space of the container: 0 for its own.
    pub layer: u8,
    /// Path within the layer.
    pub path: Box<str>,
    /// What becomes of it.
    pub effect: Effect,
}

/// What becomes of a path.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// It is this from now on.
    Put(Node),
    /// These bytes come to the end of the file; one that is not there is made.
    Append(#[serde(with = "content")] Arc<Vec<u8>>),
    /// It is gone, with all below it.
    Remove,
}

/// Changed paths of a layer; `None` for one that is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    nodes: Arc<BTreeMap<Box<str>, Option<Node>>>,
    /// Bytes of all files and paths.
    bytes: usize,
    /// True once a symbolic link was put into it.
    links: bool,
}

impl fmt::Debug for Kind {
    /// Debug output without contents, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("Directory"),
            Self::File(content) => write!(f, "File({} bytes)", content.len()),
            Self::Link(target) => write!(f, "Link({target})"),
        }
    }
}

impl fmt::Debug for Effect {
    /// Debug output without contents, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(node) => write!(f, "Put({node:?})"),
            Self::Append(content) => write!(f, "Append({} bytes)", content.len()),
            Self::Remove => f.write_str("Remove"),
        }
    }
}

impl Node {
    /// A directory that all may read.
    pub fn directory() -> Self {
        Self { kind: Kind::Directory, mode: 0o755 }
    }

    /// A file of this content.
    pub fn file(content: impl Into<Vec<u8>>, mode: u16) -> Self {
        Self { kind: Kind::File(Arc::new(content.into())), mode }
    }

    /// Content of a file; `None` for anything else.
    pub fn content(&self) -> Option<&Arc<Vec<u8>>> {
        match &self.kind {
            Kind::File(content) => Some(content),
            Kind::Directory | Kind::Link(_) => None,
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::File(content) => content.len(),
            Kind::Directory => 0,
            Kind::Link(target) => target.len(),
        }
    }
}

impl Layer {
    /// The node of a path; `None` where nothing is known of it, `Some(None)` where it is gone.
    pub fn get(&self, path: &str) -> Option<Option<&Node>> {
        self.nodes.get(path).map(Option::as_ref)
    }

    /// Changed paths below a normal directory, in order.
    pub fn below<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = (&'a str, Option<&'a Node>)> {
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        let from = prefix.clone().into_boxed_str();
        let all = self.nodes.range(from..);
        all.take_while(move |(path, _)| path.starts_with(&*prefix))
            .map(|(path, node)| (&**path, node.as_ref()))
    }

    /// All changed paths.
    pub fn all(&self) -> impl Iterator<Item = (&str, Option<&Node>)> {
        self.nodes.iter().map(|(path, node)| (&**path, node.as_ref()))
    }

    /// True if a symbolic link may be in it.
    pub fn has_links(&self) -> bool {
        self.links
    }

    /// True if both are the same map, so that nothing need be compared.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.nodes, &other.nodes)
    }

    /// True if there is no change in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts a node at a path, or takes it away; false where there is no room.
    pub fn put(&mut self, path: &str, node: Option<Node>) -> bool {
        let known = self.nodes.get(path);
        let before = known.map_or(0, |node| node.as_ref().map_or(0, Node::size) + path.len());
        let after = node.as_ref().map_or(0, Node::size) + path.len();
        let bytes = self.bytes - before + after;
        let more = known.is_none();
        if path.len() > PATH_MAX
            || after > before && bytes > BYTES_MAX
            || more && self.nodes.len() >= NODES_MAX
        {
            return false;
        }
        self.bytes = bytes;
        self.links |= node.as_ref().is_some_and(|node| matches!(node.kind, Kind::Link(_)));
        Arc::make_mut(&mut self.nodes).insert(path.into(), node);
        true
    }

    /// Adds bytes to the file at a path; false where there is no room, or no file.
    pub fn append(&mut self, path: &str, more: &[u8]) -> bool {
        if self.bytes + more.len() > BYTES_MAX {
            return false;
        }
        match Arc::make_mut(&mut self.nodes).get_mut(path) {
            Some(Some(Node { kind: Kind::File(content), .. })) => {
                Arc::make_mut(content).extend_from_slice(more);
                self.bytes += more.len();
                true
            }
            _ => self.put(path, Some(Node::file(more, 0o644))),
        }
    }

    /// Takes away what stands below a directory, without a trace.
    pub fn clear_below(&mut self, directory: &str) {
        let gone: Vec<Box<str>> = self.below(directory).map(|(path, _)| path.into()).collect();
        if gone.is_empty() {
            return;
        }
        let nodes = Arc::make_mut(&mut self.nodes);
        for path in gone {
            let node = nodes.remove(&path).flatten();
            self.bytes -= path.len() + node.as_ref().map_or(0, Node::size);
        }
    }

    /// Applies a change; one for which there is no room changes nothing.
    pub fn apply(&mut self, path: &str, effect: &Effect) -> bool {
        match effect {
            Effect::Put(node) => self.put(path, Some(node.clone())),
            Effect::Append(more) => self.append(path, more),
            Effect::Remove => {
                self.clear_below(path);
                self.put(path, None)
            }
        }
    }
}

/// Content of a file in JSON: as text where it is text, else in base64 behind a mark.
mod content {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::{Arc, Deserialize};

    const BINARY: &str = "base64:";

    pub fn serialize<S: Serializer>(content: &Arc<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(content).ok().filter(|text| !text.starts_with(BINARY)) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_str(&format!("{BINARY}{}", STANDARD.encode(&**content))),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Vec<u8>>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some(encoded) = text.strip_prefix(BINARY) else { return Ok(Arc::new(text.into_bytes())) };
        STANDARD.decode(encoded).map(Arc::new).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_bounded_in_bytes_and_files_whatever_is_written() {
        let mut layer = Layer::default();
        assert!(layer.put("/a", Some(Node::file(vec![0; BYTES_MAX - 2], 0o644))));
        assert!(!layer.append("/a", b"more"));
        assert!(layer.put("/a", Some(Node::file("", 0o644))));
        let made =
            (0..2 * NODES_MAX).filter(|n| layer.put(&format!("/d/{n}"), Some(Node::directory()))).count();
        assert_eq!(made, NODES_MAX - 1);
        layer.clear_below("/d");
        assert_eq!((layer.all().count(), layer.bytes), (1, 2));
    }

    #[test]
    fn a_content_that_is_no_text_comes_back_from_json_as_it_was() {
        for content in [&b"plain\n"[..], b"base64:x", &[0xff, 0, 1]] {
            let node = Node::file(content, 0o600);
            let text = serde_json::to_string(&node).unwrap();
            assert_eq!(serde_json::from_str::<Node>(&text).unwrap(), node);
        }
    }
}
