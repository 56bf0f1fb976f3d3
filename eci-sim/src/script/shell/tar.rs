//! Archives as `tar` packs them: files, directories and links, read and written within bounds.

use std::io::{self, Read};
use std::path::Path;

use tar::{Archive, Builder, EntryType, Header};

use crate::script::files::{Kind, Node};

/// Entries that are read, and bytes of a file, at most.
const ENTRIES_MAX: usize = 2000;
const FILE_MAX: u64 = 2 << 20;

/// The entries of an archive, by their names; `None` for what is none.
pub fn read(bytes: &[u8]) -> Option<Vec<(String, Node)>> {
    let mut archive = Archive::new(bytes);
    let mut entries = Vec::new();
    for entry in archive.entries().ok()?.take(ENTRIES_MAX) {
        let entry = entry.ok()?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mode = u16::try_from(entry.header().mode().ok()? & 0o777).ok()?;
        let kind = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous if !name.ends_with('/') => {
                let mut content = Vec::new();
                entry.take(FILE_MAX).read_to_end(&mut content).ok()?;
                Kind::File(content.into())
            }
            EntryType::Directory | EntryType::Regular => Kind::Directory,
            EntryType::Symlink => {
                let target = entry.link_name_bytes()?;
                Kind::Link(String::from_utf8_lossy(&target).into())
            }
            _ => continue,
        };
        entries.push((name.trim_end_matches('/').to_owned(), Node { kind, mode }));
    }
    Some(entries)
}

/// An archive of entries.
///
/// # Errors
/// The first name that an archive cannot have, such as one with `..`.
pub fn write(entries: &[(String, Node)]) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for (name, node) in entries {
        let mut header = Header::new_gnu();
        header.set_mode(node.mode.into());
        header.set_username("root")?;
        header.set_groupname("root")?;
        header.set_size(0);
        match &node.kind {
            Kind::Directory => {
                header.set_entry_type(EntryType::Directory);
                archive.append_data(&mut header, format!("{name}/"), io::empty())?;
            }
            Kind::File(content) => {
                header.set_size(content.len() as u64);
                archive.append_data(&mut header, name, content.as_slice())?;
            }
            Kind::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                archive.append_link(&mut header, name, Path::new(&**target))?;
            }
        }
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_read_as_it_was_written() {
        let entries = vec![
            ("a".to_owned(), Node::directory()),
            ("a/b".to_owned(), Node::file([0, 255, 10], 0o755)),
            (format!("a/{}", "long".repeat(40)), Node::file("x".repeat(513), 0o644)),
            ("a/link".to_owned(), Node { kind: Kind::Link("b".into()), mode: 0o777 }),
        ];
        assert_eq!(read(&write(&entries).unwrap()).unwrap(), entries);
        assert!(read(b"no archive at all").is_none_or(|entries| entries.is_empty()));
        assert!(write(&[("../a".to_owned(), Node::directory())]).is_err());
    }
}
