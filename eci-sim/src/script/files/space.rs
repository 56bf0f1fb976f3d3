//! The files that one container sees: its own layer, and the group's volumes where they are mounted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Looks;
use super::image::{Origin, is_device};
use super::layer::{Change, Effect, Kind, Layer, Node, PORTS};
use super::path::{joined, normal, parent};

/// Symbolic links that one path may go through.
const LINKS_MAX: usize = 8;
/// What stands for every path of every layer among those that were looked at.
pub const EVERYTHING: (u8, &str) = (u8::MAX, "/");
/// Paths of a layer that are remembered as looked at; more count as all.
const LOOKS_MAX: usize = 4096;

/// A volume of the group at a path of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Normal path in the container.
    pub path: String,
    /// Number of the layer, 2 for the group's first volume.
    pub layer: u8,
    /// Normal path within the volume.
    pub part: String,
    /// True if nothing can be written there.
    pub read_only: bool,
}

/// A reason for which a file operation fails, in the words of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing is there.
    #[error("No such file or directory")]
    NotFound,
    /// A directory, where a file is wanted.
    #[error("Is a directory")]
    IsDirectory,
    /// A file, where a directory is wanted.
    #[error("Not a directory")]
    NotDirectory,
    /// Something is there already.
    #[error("File exists")]
    Exists,
    /// A directory with something in it.
    #[error("Directory not empty")]
    NotEmpty,
    /// Nothing can be written there.
    #[error("Read-only file system")]
    ReadOnly,
    /// The bounds of a layer are reached.
    #[error("No space left on device")]
    Full,
    /// Links that lead nowhere.
    #[error("Too many levels of symbolic links")]
    Links,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stat {
    /// A file or a directory.
    Node(Node),
    /// A device.
    Device,
}

/// The files that one container sees.
#[derive(Debug, Clone, Default)]
pub struct Space {
    origin: Arc<Origin>,
    /// Mounts, the longest paths first.
    mounts: Arc<[Mount]>,
    /// The container's own layer, then the group's ports, then its volumes.
    layers: Vec<Layer>,
    read_only: bool,
    /// Number of the container in its group.
    pub(super) owner: u8,
    /// Paths of each layer that were looked at, each with the number of its last look.
    looked: BTreeMap<u8, BTreeMap<Box<str>, u64>>,
    /// Number of looks.
    looks: u64,
    /// Number of the last look at a path that was not remembered any more.
    unremembered: Option<u64>,
    /// Changes since they were last taken.
    pub changes: Vec<Change>,
}

impl Stat {
    /// True for a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Node(Node { kind: Kind::Directory, .. }))
    }

    /// True for a file with content.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::Node(Node { kind: Kind::File(_), .. }))
    }

    /// Permission bits.
    pub fn mode(&self) -> u16 {
        match self {
            Self::Node(node) => node.mode,
            Self::Device => 0o666,
        }
    }

    /// Bytes of a file; 0 for anything else.
    pub fn size(&self) -> usize {
        match self {
            Self::Node(node) => node.content().map_or(0, |content| content.len()),
            Self::Device => 0,
        }
    }
}

impl Space {
    /// The space of a container with these mounts and layers.
    pub fn new(origin: Origin, mut mounts: Vec<Mount>, layers: Vec<Layer>, read_only: bool) -> Self {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.path.len()));
        let (origin, mounts) = (Arc::new(origin), mounts.into());
        Self { origin, mounts, layers, read_only, ..Self::default() }
    }

    /// The space as that of the container of a number.
    pub fn of(self, owner: u8) -> Self {
        Self { owner, ..self }
    }

    /// The layers as they are now.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Address of the group; empty where it has none.
    pub fn address(&self) -> &str {
        &self.origin.address
    }

    /// Number of the container in its group.
    pub fn owner(&self) -> u8 {
        self.owner
    }

    /// Paths at which something is mounted.
    pub fn mounted(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().map(|mount| mount.path.as_str())
    }

    /// Replaces the layers, as others have changed them.
    pub fn set_layers(&mut self, layers: Vec<Layer>) {
        self.layers = layers;
    }

    /// Applies a change that was made elsewhere.
    pub fn apply(&mut self, change: &Change) {
        if let Some(layer) = self.layer_mut(change.layer) {
            // a change for which there is no room is lost here as it was there
            let _fits = layer.apply(&change.path, &change.effect);
        }
    }

    fn layer_mut(&mut self, number: u8) -> Option<&mut Layer> {
        let missing = usize::from(PORTS + 1).saturating_sub(self.layers.len());
        self.layers.extend(std::iter::repeat_n(Layer::default(), missing));
        self.layers.get_mut(usize::from(number))
    }

    /// The layer of a normal path, the path within it, and true if it can only be read.
    fn place(&self, path: &str) -> (u8, String, bool) {
        let mount = self.mounts.iter().find(|mount| {
            path.strip_prefix(mount.path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || mount.path == "/")
        });
        match mount {
            Some(mount) => {
                let rest = path.strip_prefix(mount.path.as_str()).unwrap_or_default();
                (mount.layer, normal("/", &joined(&mount.part, rest)), mount.read_only)
            }
            None => (0, path.to_owned(), self.read_only),
        }
    }

    /// True if a normal path is of the container alone, and in none of the group's volumes.
    pub(super) fn is_own(&self, path: &str) -> bool {
        self.place(path).0 == 0
    }

    /// Remembers that a path of a layer was looked at.
    pub(super) fn look(&mut self, layer: u8, path: &str) {
        self.looks += 1;
        let looked = self.looked.entry(layer).or_default();
        if let Some(last) = looked.get_mut(path) {
            *last = self.looks;
        } else if looked.len() < LOOKS_MAX {
            looked.insert(path.into(), self.looks);
        } else {
            self.unremembered = Some(self.looks);
        }
    }

    /// Number of looks until now.
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// True if a path of a layer may have been looked at since there were so many looks.
    pub fn has_looked_since(&self, looks: u64, layer: u8, path: &str) -> bool {
        let last = self.looked.get(&layer).and_then(|looked| looked.get(path));
        last.is_some_and(|last| *last > looks) || self.unremembered.is_some_and(|last| last > looks)
    }

    /// Everything that was looked at; where that is not remembered, [`EVERYTHING`].
    pub fn into_looks(self) -> Looks {
        let all = self.unremembered.map(|_| (EVERYTHING.0, EVERYTHING.1.into()));
        let known = self
            .looked
            .into_iter()
            .flat_map(|(layer, looked)| looked.into_keys().map(move |path| (layer, path)));
        known.chain(all).collect()
    }

    /// The node at a normal path, which is remembered as looked at; links are not followed.
    fn node(&mut self, path: &str) -> Option<Node> {
        let (number, inner, _) = self.place(path);
        self.look(number, &inner);
        self.peek(path)
    }

    /// The node at a normal path; links are not followed.
    fn peek(&self, path: &str) -> Option<Node> {
        let (number, inner, _) = self.place(path);
        let known = self.layers.get(usize::from(number));
        if let Some(known) = known.and_then(|layer| layer.get(&inner)) {
            return known.cloned();
        }
        let implied =
            inner == "/" || known.is_some_and(|layer| layer.below(&inner).any(|(_, n)| n.is_some()));
        if number > 0 {
            return implied.then(Node::directory);
        }
        let is_gone = known.is_some_and(|layer| {
            parents(&inner).any(|parent| layer.get(parent).is_some_and(|node| node.is_none()))
        });
        let leads_to_a_mount = || {
            self.mounts
                .iter()
                .any(|mount| mount.path.starts_with(&format!("{}/", path.trim_end_matches('/'))))
        };
        match is_gone {
            true => None,
            false => {
                self.origin.get(&inner).or_else(|| (implied || leads_to_a_mount()).then(Node::directory))
            }
        }
    }

    /// The path behind links, for a path that may not be there itself.
    fn resolved(&mut self, path: &str) -> Result<String, FileError> {
        let mut path = normal("/", path);
        for _ in 0..LINKS_MAX {
            let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).skip(1).collect();
            let mut linked = None;
            for end in ends.into_iter().chain([path.len()]) {
                let has_links = self.layers.iter().any(Layer::has_links);
                if !has_links {
                    return Ok(path);
                }
                if let Some(Node { kind: Kind::Link(target), .. }) = self.node(&path[..end]) {
                    let target = normal(parent(&path[..end]), &target);
                    linked = Some(format!("{target}{}", &path[end..]));
                    break;
                }
            }
            match linked {
                Some(next) => path = normal("/", &next),
                None => return Ok(path),
            }
        }
        Err(FileError::Links)
    }

    /// What is at an absolute path, behind links.
    ///
    /// # Errors
    /// [`FileError`] where nothing is there.
    pub fn stat(&mut self, path: &str) -> Result<Stat, FileError> {
        let path = self.resolved(path)?;
        if is_device(&path) {
            return Ok(Stat::Device);
        }
        self.node(&path).map(Stat::Node).ok_or(FileError::NotFound)
    }

    /// Content of a file.
    ///
    /// # Errors
    /// [`FileError`] for what is no file.
    pub fn read(&mut self, path: &str) -> Result<Arc<Vec<u8>>, FileError> {
        match self.stat(path)? {
            Stat::Device => Ok(Arc::default()),
            Stat::Node(node) => node.content().cloned().ok_or(FileError::IsDirectory),
        }
    }

    /// Names in a directory, in order.
    ///
    /// # Errors
    /// [`FileError`] for what is no directory.
    pub fn list(&mut self, path: &str) -> Result<BTreeSet<String>, FileError> {
        let path = self.resolved(path)?;
        if !self.stat(&path)?.is_directory() {
            return Err(FileError::NotDirectory);
        }
        let (number, inner, _) = self.place(&path);
        let layer = self.layers.get(usize::from(number)).cloned().unwrap_or_default();
        let mut names = BTreeSet::new();
        let is_shown = |name: &str| layer.get(&joined(&inner, name)).is_none_or(|node| node.is_some());
        if number == 0 {
            names.extend(
                self.origin.names(&inner).into_iter().filter(|name| is_shown(name)).map(str::to_owned),
            );
        }
        let first =
            |below: &str| below.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
        let prefix = inner.trim_end_matches('/').len();
        names.extend(
            layer.below(&inner).filter(|(_, node)| node.is_some()).map(|(path, _)| first(&path[prefix..])),
        );
        let own = path.trim_end_matches('/');
        let mounted = self.mounts.iter().filter_map(|mount| mount.path.strip_prefix(own)?.strip_prefix('/'));
        names.extend(mounted.map(first));
        Ok(names)
    }

    /// Checks that a path can be written; gives its layer, the path within it, and the path behind links.
    fn writable(&mut self, path: &str) -> Result<(u8, String, String), FileError> {
        let path = self.resolved(path)?;
        if !self.stat(parent(&path))?.is_directory() {
            return Err(FileError::NotDirectory);
        }
        let (layer, inner, read_only) = self.place(&path);
        if read_only { Err(FileError::ReadOnly) } else { Ok((layer, inner, path)) }
    }

    /// Makes a change of a layer, and keeps it among the changes.
    pub(super) fn change(&mut self, layer: u8, path: String, effect: Effect) -> Result<(), FileError> {
        let fits = self.layer_mut(layer).is_some_and(|layer| layer.apply(&path, &effect));
        if !fits {
            return Err(FileError::Full);
        }
        self.changes.push(Change { layer, path: path.into(), effect });
        Ok(())
    }

    /// Writes a file; `append` keeps what it has.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&mut self, path: &str, content: &[u8], append: bool) -> Result<(), FileError> {
        if is_device(&normal("/", path)) {
            return Ok(());
        }
        let (layer, inner, path) = self.writable(path)?;
        // what is there already does not change what is written
        let known = self.peek(&path);
        let mode = match &known {
            Some(Node { kind: Kind::File(_), mode }) => *mode,
            Some(_) => return Err(FileError::IsDirectory),
            None => 0o644,
        };
        let own = self.layers.get(usize::from(layer)).and_then(|layer| layer.get(&inner)).flatten();
        let effect = match (append, known.as_ref().and_then(Node::content)) {
            (true, _) if own.is_some() => Effect::Append(Arc::new(content.to_vec())),
            (true, Some(before)) => Effect::Put(Node::file([before.as_slice(), content].concat(), mode)),
            (_, _) => Effect::Put(Node::file(content, mode)),
        };
        self.change(layer, inner, effect)
    }

    /// Makes a directory; `parents` makes those above it, too, and lets it be there already.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn make_directory(&mut self, path: &str, parents: bool) -> Result<(), FileError> {
        let path = self.resolved(path)?;
        match self.stat(&path) {
            Ok(stat) if parents && stat.is_directory() => return Ok(()),
            Ok(_) => return Err(FileError::Exists),
            Err(_) => {}
        }
        if parents && parent(&path) != "/" {
            self.make_directory(parent(&path), true)?;
        }
        let (layer, inner, _) = self.writable(&path)?;
        self.change(layer, inner, Effect::Put(Node::directory()))
    }

    /// Puts a node at a path.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn put(&mut self, path: &str, node: Node) -> Result<(), FileError> {
        let (layer, inner, _) = self.writable(path)?;
        self.change(layer, inner, Effect::Put(node))
    }

    /// Removes what is at a path; `all` also a directory with what is in it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove(&mut self, path: &str, all: bool) -> Result<(), FileError> {
        let path = normal("/", path);
        let Some(node) = self.node(&path) else { return Err(FileError::NotFound) };
        if node.kind == Kind::Directory {
            if !all {
                return Err(FileError::IsDirectory);
            }
            let (_, inner, _) = self.place(&path);
            if inner == "/" {
                return Err(FileError::ReadOnly);
            }
        }
        let (layer, inner, read_only) = self.place(&path);
        if read_only || path == "/" || parent(&path) == "/" && self.origin.get(&path).is_some() {
            return Err(FileError::ReadOnly);
        }
        self.change(layer, inner, Effect::Remove)
    }

    /// Everything at and below a path: paths below it, empty for itself, with their nodes.
    ///
    /// # Errors
    /// [`FileError`] where nothing is there.
    pub fn tree(&mut self, path: &str) -> Result<Vec<(String, Node)>, FileError> {
        let path = self.resolved(path)?;
        let mut found = Vec::new();
        let mut waiting = vec![String::new()];
        while let Some(below) = waiting.pop() {
            let own = format!("{}{below}", path.trim_end_matches('/'));
            // a link at the top is followed, those below stand for themselves
            let node = match below.is_empty() {
                true => match self.stat(&path)? {
                    Stat::Node(node) => Some(node),
                    Stat::Device => None,
                },
                false => self.node(&own),
            };
            let Some(node) = node else { continue };
            if node.kind == Kind::Directory && found.len() < LOOKS_MAX {
                let names = self.list(if own.is_empty() { "/" } else { &own })?;
                waiting.extend(names.into_iter().rev().map(|name| format!("{below}/{name}")));
            }
            found.push((below, node));
        }
        Ok(found)
    }
}

/// The normal paths above a normal path, the nearest first.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.char_indices().rev().filter(|(at, c)| *c == '/' && *at > 0).map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        let origin = Origin { host_name: "web-0".to_owned(), ..Origin::default() };
        let mount = |path: &str, layer, read_only| Mount {
            path: path.to_owned(),
            layer,
            part: "/".to_owned(),
            read_only,
        };
        let mut config = Layer::default();
        assert!(config.put("/app/a.yaml", Some(Node::file("a: 1\n", 0o644))));
        let layers = vec![Layer::default(), Layer::default(), Layer::default(), config];
        Space::new(origin, vec![mount("/work", 2, false), mount("/etc/conf", 3, true)], layers, false)
    }

    fn text(space: &mut Space, path: &str) -> String {
        String::from_utf8(space.read(path).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn what_the_image_and_the_mounts_bring_is_there() {
        let mut space = space();
        assert_eq!(text(&mut space, "/etc/hostname"), "web-0\n");
        assert_eq!(text(&mut space, "/etc/conf/app/a.yaml"), "a: 1\n");
        assert_eq!(space.stat("/bin/sh").unwrap().mode(), 0o755);
        assert_eq!(space.list("/etc/conf").unwrap().into_iter().collect::<Vec<_>>(), ["app"]);
        assert!(space.list("/").unwrap().contains("work") && space.stat("/work").unwrap().is_directory());
        assert_eq!(space.stat("/no"), Err(FileError::NotFound));
        assert_eq!(space.read("/etc"), Err(FileError::IsDirectory));
    }

    #[test]
    fn what_is_written_is_there_until_it_is_removed() {
        let mut space = space();
        space.write("/work/x", b"1", false).unwrap();
        space.write("/work/x", b"2", true).unwrap();
        assert_eq!(text(&mut space, "/work/x"), "12");
        space.make_directory("/a/b/c", true).unwrap();
        space.write("/a/b/c/f", b"", false).unwrap();
        space.remove("/a", true).unwrap();
        assert_eq!(space.stat("/a/b"), Err(FileError::NotFound));
        space.remove("/etc/passwd", false).unwrap();
        assert_eq!(space.read("/etc/passwd"), Err(FileError::NotFound));
        for (path, why) in [
            ("/etc/conf/x", FileError::ReadOnly),
            ("/nowhere/x", FileError::NotFound),
            ("/etc/hosts/x", FileError::NotDirectory),
            ("/tmp", FileError::IsDirectory),
        ] {
            assert_eq!(space.write(path, b"x", false), Err(why), "{path}");
        }
        space.write("/dev/null", b"x", false).unwrap();
        let layers: BTreeSet<u8> = space.changes.iter().map(|change| change.layer).collect();
        assert_eq!(layers.into_iter().collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn links_are_followed_and_circles_are_an_error() {
        let mut space = space();
        space.write("/work/x", b"1", false).unwrap();
        space.put("/tmp/w", Node { kind: Kind::Link("/work".into()), mode: 0o777 }).unwrap();
        assert_eq!(text(&mut space, "/tmp/w/x"), "1");
        space.put("/tmp/a", Node { kind: Kind::Link("b".into()), mode: 0o777 }).unwrap();
        space.put("/tmp/b", Node { kind: Kind::Link("a".into()), mode: 0o777 }).unwrap();
        assert_eq!(space.read("/tmp/a"), Err(FileError::Links));
    }
}
