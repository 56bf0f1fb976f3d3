//! Ports at which the containers of a group answer: nodes of a layer that all of them share, so that who asks for one
//! is woken when it opens or closes, as who looks at a file is.

use serde::{Deserialize, Serialize};

use super::layer::{Change, Effect, Layer, Node, PORTS};
use super::path::{joined, normal};
use super::space::{FileError, Space};

/// Directory of that layer in which all ports are.
const ALL: &str = "/";
/// Port that stands for all.
const ANY: u16 = 0;
/// Bytes of a page that are kept, at most.
const BODY_MAX: usize = 16 << 10;

/// What answers at a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// A connection, and no HTTP.
    Stream,
    /// HTTP: the same answer to every request.
    Page {
        /// Status of the answer.
        status: u16,
        /// Its body.
        body: String,
    },
    /// HTTP: these paths, each with 200; `*` for every path.
    Paths(Vec<String>),
    /// HTTP: the files below a directory of the container.
    Files {
        /// Absolute path of the directory.
        root: String,
        /// True if a directory without a page of its own is listed.
        lists: bool,
        /// Text of the page that the image has there; empty for none.
        page: String,
    },
    /// Something that is not played, in its own words; empty where a script says what the container does.
    Unknown(String),
}

/// What is found at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortReply {
    /// Nobody accepts a connection.
    Refused,
    /// A connection, and no HTTP.
    Stream,
    /// An answer of HTTP: its status and its body.
    Page(u16, Vec<u8>),
    /// It is not known what answers, in these words; empty where a script says what the container does.
    Unknown(String),
}

/// The change by which a container of this number serves at a port from then on.
pub fn opened(owner: u8, port: u16, service: &Service) -> Change {
    // a service is made of texts and numbers, which can always be written
    let content = serde_json::to_vec(service).unwrap_or_default();
    Change { layer: PORTS, path: place(owner, port), effect: Effect::Put(Node::file(content, 0)) }
}

/// The change by which it is not known from then on what a container of this number serves.
pub fn unknown(owner: u8, what: &str) -> Change {
    opened(owner, ANY, &Service::Unknown(what.to_owned()))
}

/// The changes by which a container of this number serves nothing any more.
pub fn closed(layer: &Layer, owner: u8) -> Vec<Change> {
    let is_own = |(path, node): &(&str, Option<&Node>)| {
        node.is_some() && path.rsplit_once('.').is_some_and(|(_, own)| own == owner.to_string())
    };
    let gone = |(path, _): (&str, _)| Change { layer: PORTS, path: path.into(), effect: Effect::Remove };
    layer.all().filter(is_own).map(gone).collect()
}

/// The port that a change opens or closes; `None` for a change of a file.
pub fn port_of(change: &Change) -> Option<u16> {
    let own = Some(change).filter(|change| change.layer == PORTS)?;
    own.path.trim_start_matches('/').split('.').next()?.parse().ok()
}

fn place(owner: u8, port: u16) -> Box<str> {
    format!("/{port}.{owner}").into()
}

impl Space {
    /// Serves at a port from now on.
    ///
    /// # Errors
    /// [`FileError::Full`] where there is no room for one more.
    pub fn open_port(&mut self, port: u16, service: &Service) -> Result<(), FileError> {
        let change = opened(self.owner, port, service);
        self.change(PORTS, change.path.into(), change.effect)
    }

    /// Serves nothing at a port any more.
    ///
    /// # Errors
    /// [`FileError::Full`] where there is no room to keep that.
    pub fn close_port(&mut self, port: u16) -> Result<(), FileError> {
        self.change(PORTS, place(self.owner, port).into(), Effect::Remove)
    }

    /// What a request for a path of HTTP finds at a port of the group; with `None`, what a mere connection finds.
    pub fn ask_port(&mut self, port: u16, path: Option<&str>) -> PortReply {
        let mut found = PortReply::Refused;
        for (owner, service) in self.services(port) {
            let answer = match (service, path) {
                (Service::Unknown(what), _) => PortReply::Unknown(what),
                (Service::Stream, _) | (_, None) => PortReply::Stream,
                (Service::Page { status, body }, _) => PortReply::Page(status, body.into_bytes()),
                (Service::Paths(paths), Some(path)) => {
                    let is_there = paths.iter().any(|own| own == "*" || *own == plain(path));
                    PortReply::Page(if is_there { 200 } else { 404 }, Vec::new())
                }
                (Service::Files { page, .. }, Some("" | "/" | "/index.html"))
                    if owner != self.owner && !page.is_empty() =>
                {
                    PortReply::Page(200, format!("{page}\n").into_bytes())
                }
                (Service::Files { root, lists, .. }, Some(path)) => {
                    self.page(owner, &root, plain(path), lists)
                }
            };
            found = better(found, answer, path.is_some());
        }
        found
    }

    /// Who serves at a port, and what: first those of whom it is known.
    fn services(&mut self, port: u16) -> Vec<(u8, Service)> {
        self.look(PORTS, ALL);
        let Some(layer) = self.layers().get(usize::from(PORTS)) else { return Vec::new() };
        let one = |(path, node): (&str, Option<&Node>)| {
            let (own, owner) = path.trim_start_matches('/').split_once('.')?;
            let own: u16 = own.parse().ok()?;
            let service: Service = serde_json::from_slice(node?.content()?).ok()?;
            (own == port || own == ANY).then_some((own == ANY, owner.parse().ok()?, service))
        };
        let mut found: Vec<(bool, u8, Service)> = layer.all().filter_map(one).collect();
        found.sort_by_key(|(is_any, owner, _)| (*is_any, *owner));
        found.into_iter().map(|(_, owner, service)| (owner, service)).collect()
    }

    /// The page at a path below a directory that a container serves.
    fn page(&mut self, owner: u8, root: &str, path: &str, lists: bool) -> PortReply {
        let file = joined(root, &normal("/", path));
        if owner != self.owner && self.is_own(&file) {
            // the directory itself is there; what is in it only its own container knows
            if path == "/" && lists {
                return PortReply::Page(200, Vec::new());
            }
            return PortReply::Unknown("the files of another container".to_owned());
        }
        let is_directory = self.stat(&file).is_ok_and(|stat| stat.is_directory());
        let index = if is_directory { joined(&file, "index.html") } else { file };
        match self.read(&index) {
            Ok(body) => PortReply::Page(200, body.iter().take(BODY_MAX).copied().collect()),
            Err(_) if is_directory && lists => PortReply::Page(200, Vec::new()),
            Err(_) if is_directory => PortReply::Page(403, Vec::new()),
            Err(_) => PortReply::Page(404, Vec::new()),
        }
    }
}

/// The better of two answers: one that is well, else one of which nothing is known, else the first.
fn better(one: PortReply, other: PortReply, wants_page: bool) -> PortReply {
    let rank = |found: &PortReply| match found {
        PortReply::Page(200..400, _) => 3,
        PortReply::Stream if !wants_page => 3,
        PortReply::Unknown(_) => 2,
        PortReply::Page(..) | PortReply::Stream => 1,
        PortReply::Refused => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// A path of HTTP without its query; `/` for an empty one.
fn plain(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() { "/" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_answers_from_when_it_is_opened_until_it_is_closed() {
        let mut space = Space::default();
        assert_eq!(space.ask_port(80, None), PortReply::Refused);
        space.open_port(80, &Service::Paths(vec!["/ok".into()])).unwrap();
        space
            .open_port(81, &Service::Files { root: "/tmp".into(), lists: true, page: String::new() })
            .unwrap();
        space.write("/tmp/page", b"text", false).unwrap();
        for (port, path, wanted) in [
            (80, None, PortReply::Stream),
            (80, Some("/ok?x=1"), PortReply::Page(200, Vec::new())),
            (80, Some("/no"), PortReply::Page(404, Vec::new())),
            (81, Some("/page"), PortReply::Page(200, b"text".to_vec())),
            (81, Some(""), PortReply::Page(200, Vec::new())),
            (81, Some("/../etc/passwd"), PortReply::Page(404, Vec::new())),
            (82, Some("/"), PortReply::Refused),
        ] {
            assert_eq!(space.ask_port(port, path), wanted, "{port} {path:?}");
        }
        space.close_port(80).unwrap();
        assert_eq!(space.ask_port(80, None), PortReply::Refused);
    }

    #[test]
    fn what_is_not_known_answers_only_where_nothing_is_known_to_answer_well() {
        let mut space = Space::default();
        space.open_port(80, &Service::Paths(vec!["/".into()])).unwrap();
        space.apply(&unknown(3, "own-server"));
        assert_eq!(space.ask_port(80, Some("/")), PortReply::Page(200, Vec::new()));
        assert_eq!(space.ask_port(80, Some("/ready")), PortReply::Unknown("own-server".into()));
        assert_eq!(space.ask_port(9, None), PortReply::Unknown("own-server".into()));
        let layer = space.layers()[usize::from(PORTS)].clone();
        closed(&layer, 3).iter().for_each(|change| space.apply(change));
        assert_eq!(space.ask_port(9, None), PortReply::Refused);
        assert_eq!(space.ask_port(80, None), PortReply::Stream, "another container's port stays open");
    }
}
