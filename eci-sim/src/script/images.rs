//! Known images: what they do without being told, as data (`data/images.csv`).

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use super::bare_name;
use super::files::ports::{Service, opened, unknown};
use super::shell::Run;
use crate::catalog::table::{TableError, rows};

/// The table as it was built in.
const TABLE: &str = include_str!("../../data/images.csv");
const COLUMNS: [&str; 8] = ["image", "kind", "programs", "port", "http", "root", "page", "log"];
/// Arguments with which a server does what it does without any.
const USUAL: [&str; 6] = ["-g", "daemon off;", "-D", "-DFOREGROUND", "FOREGROUND", "-X"];
/// Arguments by which servers are told their port.
const PORT: [&str; 3] = ["--port", "-port", "-p"];
/// Directories in which there is nothing that configures a server, for whatever is mounted there.
const PLAIN: [&str; 8] = ["/var/run", "/tmp", "/dev", "/data", "/var/cache", "/var/log", "/var/lib", "/run"];

/// Known images by their bare names, and by the names of their programs. The table is checked by a test.
static IMAGES: LazyLock<BTreeMap<String, KnownImage>> = LazyLock::new(|| read().unwrap_or_default());
static PROGRAMS: LazyLock<BTreeMap<String, KnownImage>> = LazyLock::new(|| {
    let of = |image: &KnownImage| image.programs.iter().map(|name| (name.clone(), image.clone())).collect();
    IMAGES.values().flat_map(|image| -> Vec<(String, KnownImage)> { of(image) }).collect()
});

/// An image whose way is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownImage {
    /// Bare name of the image.
    name: String,
    /// True for a server, which runs until it is stopped; false for a tool, which ends at once with exit code 0.
    pub server: bool,
    /// Names of the programs by which a command starts it.
    programs: Vec<String>,
    /// Port at which it answers, and what.
    port: Port,
    /// Directory whose files it serves; empty for none.
    root: String,
    /// Text of the page that the image has there; empty for none.
    page: String,
    /// Line of the log at its start; empty for none.
    pub log: String,
}

/// The port of a known image.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Port {
    /// It answers nowhere.
    None,
    /// Its configuration says where.
    Configured,
    /// A port, and what answers there.
    At(u16, Service),
}

/// What may make an image serve otherwise than by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup<'a> {
    /// Number of the container in its group.
    pub owner: u8,
    /// Paths at which something is mounted.
    pub mounts: &'a [&'a str],
    /// Environment: names and values.
    pub env: &'a [(&'a str, &'a str)],
}

fn read() -> Result<BTreeMap<String, KnownImage>, TableError> {
    let mut images = BTreeMap::new();
    for row in rows("images.csv", TABLE, &COLUMNS)? {
        let (root, page) = (row.text("root").to_owned(), row.text("page").to_owned());
        let service = match row.text("http") {
            "" if root.is_empty() => Service::Stream,
            "" => Service::Files { root: root.clone(), lists: false, page: page.clone() },
            "none" => Service::Paths(Vec::new()),
            paths => Service::Paths(paths.split('|').map(str::to_owned).collect()),
        };
        let port = match row.text("port") {
            "" => Port::Configured,
            "none" => Port::None,
            _ => Port::At(row.parsed("port", "a port")?, service),
        };
        let programs = row.text("programs").split('|').filter(|name| !name.is_empty());
        let name = row.needed("image")?.to_owned();
        let image = KnownImage {
            name: name.clone(),
            server: row.one_of("kind", &["tool", "server"])? == 1,
            programs: programs.map(str::to_owned).collect(),
            port,
            root,
            page,
            log: row.text("log").to_owned(),
        };
        images.insert(name, image);
    }
    Ok(images)
}

/// The known image of this reference, whatever its registry and tag.
pub fn of_image(image: &str) -> Option<&'static KnownImage> {
    IMAGES.get(bare_name(image))
}

/// The known image whose program has this name.
pub fn of_program(name: &str) -> Option<&'static KnownImage> {
    PROGRAMS.get(name)
}

impl KnownImage {
    /// The plan of a run of the image's own command with these arguments.
    pub fn run(&self, arguments: &[&str], setup: Setup<'_>) -> Run {
        let says = Some(self.log.clone()).filter(|line| !line.is_empty());
        let services = self.services(arguments, setup).into_iter();
        let change = |(port, service): (u16, Service)| match service {
            Service::Unknown(what) => unknown(setup.owner, &what),
            service => opened(setup.owner, port, &service),
        };
        Run {
            says: says.into_iter().map(|line| (Duration::ZERO, line)).collect(),
            writes: services.map(|service| (Duration::ZERO, change(service))).collect(),
            ends: (!self.server).then_some((Duration::ZERO, 0)),
            ..Run::default()
        }
    }

    /// Directory whose files it serves, and the text of the page that it has there; `None` where it serves no files.
    pub fn site(&self) -> Option<(&str, &str)> {
        (!self.root.is_empty()).then_some((&self.root, &self.page))
    }

    /// Ports at which it serves, and what; of [`Service::Unknown`] it is not known at which.
    pub fn services(&self, arguments: &[&str], setup: Setup<'_>) -> Vec<(u16, Service)> {
        let what = || Service::Unknown(format!("the configuration of {}", self.name));
        let (port, service) = match &self.port {
            Port::None => return Vec::new(),
            Port::Configured => return vec![(0, what())],
            Port::At(port, service) => (*port, service),
        };
        let is_below = |path: &str, directory: &str| {
            path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_root = |path: &str| !self.root.is_empty() && is_below(path, &self.root);
        let is_plain = |path: &str| is_root(path) || PLAIN.iter().any(|plain| is_below(path, plain));
        let mut service = service.clone();
        if let Service::Files { page, .. } = &mut service
            && setup.mounts.iter().any(|path| is_root(path))
        {
            page.clear();
        }
        let mut arguments: Vec<&str> =
            arguments.iter().copied().filter(|argument| !USUAL.contains(argument)).collect();
        let told = port_argument(&mut arguments);
        let is_configured = !arguments.is_empty()
            || setup.mounts.iter().any(|path| !is_plain(path))
            || told.is_none() && setup.env.iter().any(|(name, value)| names_a_port(name, value));
        let known = (told.unwrap_or(port), service);
        std::iter::once(known).chain(is_configured.then(|| (0, what()))).collect()
    }
}

/// Takes the port out of a server's arguments, where it is told there.
fn port_argument(arguments: &mut Vec<&str>) -> Option<u16> {
    let at = arguments
        .iter()
        .position(|argument| PORT.contains(&argument.split('=').next().unwrap_or_default()))?;
    let inline = arguments.get(at)?.split_once('=').map(|(_, port)| port);
    let port = inline.or_else(|| arguments.get(at + 1).copied())?.parse().ok()?;
    arguments.drain(at..=at + usize::from(inline.is_none()));
    Some(port)
}

/// True for a variable by which a server may be told its port; those that name Services are none.
fn names_a_port(name: &str, value: &str) -> bool {
    let is_of_a_service = ["_SERVICE_PORT", "_TCP_PORT", "_UDP_PORT"].iter().any(|part| name.contains(part));
    name.contains("PORT") && !is_of_a_service && value.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_can_be_read_and_no_program_is_of_two_images() {
        let images = read().unwrap();
        assert_eq!(images.values().map(|image| image.programs.len()).sum::<usize>(), PROGRAMS.len());
        assert!(images.len() > 30);
    }

    #[test]
    fn an_image_is_known_by_its_bare_name_and_by_its_program() {
        assert_eq!(of_image("registry.example:5000/team/nginx:1.29").unwrap().name, "nginx");
        assert!(of_image("registry.example/nginx/other").is_none());
        assert!(of_program("redis-server").unwrap().server);
        assert!(!of_image("hello-world").unwrap().server);
    }

    #[test]
    fn a_server_answers_at_its_port_and_elsewhere_only_as_it_may_be_configured() {
        let service_env = [("WEB_SERVICE_PORT", "80"), ("WEB_PORT_80_TCP_PORT", "80")];
        for (image, arguments, mounts, env, ports) in [
            ("nginx", &[][..], &[][..], &[][..], &[80][..]),
            ("nginx", &["-g", "daemon off;"], &["/usr/share/nginx/html"], &service_env, &[80]),
            ("nginx", &[], &["/etc/nginx/conf.d"], &[], &[80, 0]),
            ("nginx", &[], &["/var/run/secrets/kubernetes.io/serviceaccount"], &[], &[80]),
            ("whoami", &[], &[], &[("WHOAMI_PORT_NUMBER", "8080")], &[80, 0]),
            ("redis", &["--port", "7000"], &[], &[], &[7000]),
            ("http-echo", &["-text=hello"], &[], &[], &[5678, 0]),
            ("envoy", &[], &[], &[], &[0]),
            ("pause", &[], &[], &[], &[]),
        ] {
            let services = of_image(image).unwrap().services(arguments, Setup { owner: 0, mounts, env });
            let found: Vec<u16> = services.iter().map(|(port, _)| *port).collect();
            assert_eq!(found, ports, "{image} {arguments:?} {mounts:?}");
        }
    }
}
