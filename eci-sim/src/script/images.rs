//! Known images: what they do without being told, as data (`data/images.csv`).

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use super::shell::Run;
use crate::catalog::table::{TableError, rows};

/// The table as it was built in.
const TABLE: &str = include_str!("../../data/images.csv");
const COLUMNS: [&str; 5] = ["image", "kind", "programs", "port", "log"];

/// Known images by their bare names, and by the names of their programs. The table is checked by a test.
static IMAGES: LazyLock<BTreeMap<String, KnownImage>> = LazyLock::new(|| read().unwrap_or_default());
static PROGRAMS: LazyLock<BTreeMap<String, KnownImage>> = LazyLock::new(|| {
    let of = |image: &KnownImage| image.programs.iter().map(|name| (name.clone(), image.clone())).collect();
    IMAGES.values().flat_map(|image| -> Vec<(String, KnownImage)> { of(image) }).collect()
});

/// An image whose way is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownImage {
    /// True for a server, which runs until it is stopped; false for a tool, which ends at once with exit code 0.
    pub server: bool,
    /// Names of the programs by which a command starts it.
    programs: Vec<String>,
    /// Port at which a server answers; `None` where its configuration says.
    pub port: Option<u16>,
    /// Line of the log at its start; empty for none.
    pub log: String,
}

fn read() -> Result<BTreeMap<String, KnownImage>, TableError> {
    let mut images = BTreeMap::new();
    for row in rows("images.csv", TABLE, &COLUMNS)? {
        let port = match row.text("port") {
            "" => None,
            _ => Some(row.parsed("port", "a port")?),
        };
        let programs = row.text("programs").split('|').filter(|name| !name.is_empty());
        let image = KnownImage {
            server: row.one_of("kind", &["tool", "server"])? == 1,
            programs: programs.map(str::to_owned).collect(),
            port,
            log: row.text("log").to_owned(),
        };
        images.insert(row.needed("image")?.to_owned(), image);
    }
    Ok(images)
}

/// The known image of this reference, whatever its registry and tag.
pub fn of_image(image: &str) -> Option<&'static KnownImage> {
    let last = image.rsplit('/').next().unwrap_or(image);
    IMAGES.get(last.split(['@', ':']).next().unwrap_or(last))
}

/// The known image whose program has this name.
pub fn of_program(name: &str) -> Option<&'static KnownImage> {
    PROGRAMS.get(name)
}

impl KnownImage {
    /// The plan of a run of the image's own command.
    pub fn run(&self) -> Run {
        let says = Some(self.log.clone()).filter(|line| !line.is_empty());
        Run {
            says: says.into_iter().map(|line| (Duration::ZERO, line)).collect(),
            ends: (!self.server).then_some((Duration::ZERO, 0)),
            ..Run::default()
        }
    }
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
        assert_eq!(of_image("registry.example:5000/team/nginx:1.29").unwrap().port, Some(80));
        assert!(of_image("registry.example/nginx/other").is_none());
        assert!(of_program("redis-server").unwrap().server);
        assert!(!of_image("hello-world").unwrap().server);
    }
}
