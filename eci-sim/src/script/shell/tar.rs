//! Archives as `tar` packs them: files, directories and links of the ustar form, with GNU's and POSIX' long names.

use crate::script::files::{Kind, Node};

/// Bytes of a block, and entries that are read at most.
const BLOCK: usize = 512;
const ENTRIES_MAX: usize = 2000;

/// The entries of an archive, by their names; `None` for what is none.
pub fn read(bytes: &[u8]) -> Option<Vec<(String, Node)>> {
    let (mut entries, mut at, mut long) = (Vec::new(), 0, None);
    while let Some(header) = bytes.get(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) || entries.len() >= ENTRIES_MAX {
            break;
        }
        let is_ustar = header.get(257..262)? == b"ustar";
        let sum: u32 = header
            .iter()
            .zip(0..)
            .map(
                |(byte, place): (&u8, usize)| {
                    if (148..156).contains(&place) { u32::from(b' ') } else { u32::from(*byte) }
                },
            )
            .sum();
        if u64::from(sum) != number(header.get(148..156)?)? {
            return None;
        }
        let size = usize::try_from(number(header.get(124..136)?)?).ok()?;
        let content = bytes.get(at + BLOCK..at.checked_add(BLOCK)?.checked_add(size)?)?;
        at = at.checked_add(BLOCK)?.checked_add(size.div_ceil(BLOCK).checked_mul(BLOCK)?)?;
        let prefix =
            if is_ustar && header.get(262) == Some(&0) { text(header.get(345..500)?) } else { String::new() };
        let short = text(header.get(..100)?);
        let name = long.take().unwrap_or(if prefix.is_empty() { short } else { format!("{prefix}/{short}") });
        let mode = u16::try_from(number(header.get(100..108)?)? & 0o777).ok()?;
        let kind = match header.get(156)? {
            b'0' | 0 if !name.ends_with('/') => Kind::File(content.to_vec().into()),
            b'5' | b'0' | 0 => Kind::Directory,
            b'2' => Kind::Link(text(header.get(157..257)?).into()),
            b'L' => {
                long = Some(text(content));
                continue;
            }
            b'x' => {
                long = path_of(content);
                continue;
            }
            _ => continue,
        };
        entries.push((name.trim_end_matches('/').to_owned(), Node { kind, mode }));
    }
    (at > 0 || bytes.is_empty()).then_some(entries)
}

/// The path in an extended header.
fn path_of(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    text.lines().find_map(|line| Some(line.split_once(" path=")?.1.to_owned()))
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// An octal number of a header.
fn number(field: &[u8]) -> Option<u64> {
    let text = text(field);
    let digits = text.trim_matches([' ', '\0']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// An archive of entries; a name of more than 100 bytes is kept by GNU's long form.
pub fn write(entries: &[(String, Node)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, node) in entries {
        let name = match node.kind {
            Kind::Directory => format!("{name}/"),
            Kind::File(_) | Kind::Link(_) => name.clone(),
        };
        if name.len() > 100 {
            block(&mut out, "././@LongLink", (0o644, b'L', ""), format!("{name}\0").as_bytes());
        }
        let shown = name.get(..name.len().min(100)).unwrap_or("long");
        match &node.kind {
            Kind::Directory => block(&mut out, shown, (node.mode, b'5', ""), b""),
            Kind::File(content) => block(&mut out, shown, (node.mode, b'0', ""), content),
            Kind::Link(target) => block(&mut out, shown, (node.mode, b'2', target), b""),
        }
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn block(out: &mut Vec<u8>, name: &str, (mode, kind, target): (u16, u8, &str), content: &[u8]) {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        let room = header.iter_mut().skip(at).zip(bytes);
        room.for_each(|(place, byte)| *place = *byte);
    };
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}\0").as_bytes());
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, target.get(..target.len().min(100)).unwrap_or_default().as_bytes());
    put(257, b"ustar\x0000");
    put(265, b"root\0");
    put(297, b"root\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let digits = format!("{sum:06o}\0 ");
    header.iter_mut().skip(148).zip(digits.as_bytes()).for_each(|(place, byte)| *place = *byte);
    out.extend_from_slice(&header);
    out.extend_from_slice(content);
    out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
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
        assert_eq!(read(&write(&entries)).unwrap(), entries);
        assert!(read(b"no archive at all").is_none_or(|entries| entries.is_empty()));
    }
}
