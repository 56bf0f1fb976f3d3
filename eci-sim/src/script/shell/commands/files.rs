//! Commands that change files: `touch`, `mkdir`, `rm`, `cp`, `mv`, `chmod`, `ln`, `mktemp`, `cd`, and `tar`.

use crate::script::files::{FileError, Kind, Node, Space, joined, normal, parent};
use crate::script::shell::play::Play;
use crate::script::shell::tar;

/// Bytes and entries that `tar` packs, at most.
const PACKED_MAX: usize = 4 << 20;
const PACKED_ENTRIES_MAX: usize = 4000;

/// Flags of a command about files that are played; `None` for one that reads its own.
fn played(name: &str) -> Option<&'static str> {
    Some(match name {
        "touch" | "rmdir" | "chmod" | "cd" | "install" => "",
        "mkdir" => "p",
        "rm" => "rRfv",
        "ln" => "sfn",
        "cp" => "rRapfv",
        "mv" => "fv",
        "mktemp" => "d",
        "ls" => "aAld1h",
        _ => return None,
    })
}

impl Play {
    /// Exit code of a command about files; the inner `None` for another command, the outer one for what is not played.
    pub(super) fn file_command(&mut self, name: &str, words: &[&str]) -> Option<Option<i32>> {
        let (flags, files): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| word.len() > 1 && word.starts_with('-'));
        if let Some(known) = played(name) {
            let is_known =
                |flag: &&str| *flag == "--parents" || flag.chars().skip(1).all(|c| known.contains(c));
            if !flags.iter().all(is_known) {
                return self.give_up(format!("{name} {}", words.join(" ")));
            }
        }
        let has = |letter: char| flags.iter().any(|flag| !flag.starts_with("--") && flag.contains(letter));
        let code = match name {
            "touch" => self.each_file(name, &files, |space, path| match space.stat(path) {
                Ok(_) => Ok(()),
                Err(_) => space.write(path, b"", true),
            }),
            "mkdir" => {
                let parents = has('p') || flags.contains(&"--parents");
                self.each_file(name, &files, |space, path| space.make_directory(path, parents))
            }
            "rmdir" => self.each_file(name, &files, |space, path| match space.list(path)?.is_empty() {
                true => space.remove(path, true),
                false => Err(FileError::NotEmpty),
            }),
            "rm" => {
                let (all, forced) = (has('r') || has('R'), has('f'));
                self.each_file(name, &files, |space, path| match space.remove(path, all) {
                    Err(FileError::NotFound) if forced => Ok(()),
                    done => done,
                })
            }
            "chmod" => self.chmod(&files)?,
            "ln" => self.link(&files, has('f')),
            "cp" | "install" => self.copy(name, &files, has('r') || has('R') || has('a'), false),
            "mv" => self.copy(name, &files, true, true),
            "mktemp" if files.is_empty() => self.temporary(has('d')),
            "truncate" if flags == ["-s"] && files.first() == Some(&"0") => {
                let files = files.get(1..).unwrap_or_default();
                self.each_file(name, files, |space, path| space.write(path, b"", false))
            }
            "cd" => self.change_directory(files.first().copied()),
            "ls" | "find" | "stat" | "readlink" | "realpath" | "du" => self.list_command(name, words)?,
            "tar" => self.tar(words)?,
            _ => return Some(None),
        };
        Some(Some(code))
    }

    fn each_file(
        &mut self,
        name: &str,
        files: &[&str],
        mut act: impl FnMut(&mut Space, &str) -> Result<(), FileError>,
    ) -> i32 {
        let mut code = i32::from(files.is_empty());
        for file in files {
            let path = self.path(file);
            if let Err(why) = self.file(|space| act(space, &path)) {
                self.complain(&format!("{name}: {file}: {why}"));
                code = 1;
            }
        }
        code
    }

    fn chmod(&mut self, files: &[&str]) -> Option<i32> {
        let Some((mode, files)) = files.split_first() else { return Some(1) };
        let octal = u16::from_str_radix(mode, 8).ok();
        let (adds, bits) = match (octal, mode.split_once(['+', '-']).filter(|_| !mode.contains(['=', ',']))) {
            (Some(mode), _) => (None, mode),
            (None, Some((who, bits))) => {
                let bits = bits.chars().fold(0, |all, bit| {
                    all | match bit {
                        'r' => 4,
                        'w' => 2,
                        'x' => 1,
                        _ => 0,
                    }
                });
                let share = |letter: char, shift: u32| {
                    if who.is_empty() || who.contains(['a', letter]) { bits << shift } else { 0 }
                };
                (Some(!mode.contains('-')), share('u', 6) | share('g', 3) | share('o', 0))
            }
            (None, None) => return self.give_up(format!("chmod {mode}")),
        };
        Some(self.each_file("chmod", files, |space, path| {
            let crate::script::files::Stat::Node(node) = space.stat(path)? else { return Ok(()) };
            let mode = match adds {
                None => bits,
                Some(true) => node.mode | bits,
                Some(false) => node.mode & !bits,
            };
            space.put(path, Node { mode, ..node })
        }))
    }

    fn link(&mut self, files: &[&str], forced: bool) -> i32 {
        let (Some(target), Some(name)) = (files.first(), files.get(1)) else { return 1 };
        let target: Box<str> = (*target).into();
        let path = self.path(name);
        let base = target.rsplit('/').next().unwrap_or(&target).to_owned();
        self.each_file("ln", &[&path], |space, path| {
            let is_directory = space.stat(path).is_ok_and(|stat| stat.is_directory());
            let path = if is_directory { joined(path, &base) } else { path.to_owned() };
            if space.stat(&path).is_ok() && !forced {
                return Err(FileError::Exists);
            }
            space.put(&path, Node { kind: Kind::Link(target.clone()), mode: 0o777 })
        })
    }

    /// `cp` and `mv`: each file, or directory with all in it, to a place or into a directory.
    fn copy(&mut self, name: &str, files: &[&str], all: bool, moves: bool) -> i32 {
        let Some((target, sources)) = files.split_last().filter(|(_, sources)| !sources.is_empty()) else {
            self.complain(&format!("{name}: missing file operand"));
            return 1;
        };
        let to = self.path(target);
        let is_directory = self.file(|space| space.stat(&to)).is_ok_and(|stat| stat.is_directory());
        let mut code = 0;
        for source in sources {
            let from = self.path(source);
            let base = from.rsplit('/').next().unwrap_or_default();
            let whole = source.ends_with("/.");
            let place = if is_directory && !whole { joined(&to, base) } else { to.clone() };
            let done = self.file(|space| {
                let tree = space.tree(&from)?;
                if tree.len() > 1 && !all {
                    return Err(FileError::IsDirectory);
                }
                if place == from || place.starts_with(&format!("{from}/")) {
                    return Err(FileError::Exists);
                }
                for (below, node) in tree {
                    put(space, &format!("{place}{below}"), node, all)?;
                }
                if moves { space.remove(&from, true) } else { Ok(()) }
            });
            if let Err(why) = done {
                self.complain(&format!("{name}: {source}: {why}"));
                code = 1;
            }
        }
        code
    }

    fn temporary(&mut self, directory: bool) -> i32 {
        let path = format!("/tmp/tmp.{:06}", self.steps);
        let made = self.file(|space| match directory {
            true => space.make_directory(&path, false),
            false => space.write(&path, b"", false),
        });
        self.write(&format!("{path}\n"));
        i32::from(made.is_err())
    }

    fn change_directory(&mut self, to: Option<&str>) -> i32 {
        let home = self.vars.get("HOME").cloned().unwrap_or_else(|| "/root".to_owned());
        let before = self.vars.get("OLDPWD").cloned().unwrap_or_else(|| self.directory.clone());
        let to = match to {
            None => home,
            Some("-") => before,
            Some(to) => to.to_owned(),
        };
        let path = self.path(&to);
        match self.file(|space| space.stat(&path)) {
            Ok(stat) if stat.is_directory() => {
                let before = std::mem::replace(&mut self.directory, path);
                self.vars.insert("OLDPWD".to_owned(), before);
                0
            }
            Ok(_) => {
                self.complain(&format!("cd: {to}: {}", FileError::NotDirectory));
                1
            }
            Err(why) => {
                self.complain(&format!("cd: {to}: {why}"));
                1
            }
        }
    }

    /// `tar cf - path` and `tar xf - -C directory`, as `kubectl cp` asks for; also with files.
    fn tar(&mut self, words: &[&str]) -> Option<i32> {
        let mut words = words.iter();
        let first = words.next().map_or("", |word| word.trim_start_matches('-')).to_owned();
        let (mut flags, mut files, mut directory) = (first.clone(), Vec::new(), self.directory.clone());
        let mut archive = if first.ends_with('f') { words.next().copied() } else { None };
        while let Some(word) = words.next() {
            match *word {
                "-C" => directory = self.path(words.next()?),
                "-f" => archive = words.next().copied(),
                word if word.starts_with("--") => {}
                word if word.starts_with('-') && word.len() > 1 => flags.push_str(word),
                word => files.push(word),
            }
        }
        let archive = archive.filter(|file| *file != "-");
        if flags.contains(['z', 'j', 'J']) || !flags.contains(['x', 'c', 't']) {
            return self.give_up(format!("tar {flags}"));
        }
        if flags.contains('c') {
            return Some(self.pack(&directory, &files, archive));
        }
        let bytes = match archive {
            Some(file) => {
                let path = self.path(file);
                self.file(|space| space.read(&path)).map(|content| content.to_vec()).unwrap_or_default()
            }
            None => self.input_bytes(),
        };
        let Some(entries) = tar::read(&bytes) else {
            self.complain("tar: This does not look like a tar archive");
            return Some(2);
        };
        if flags.contains('t') {
            let names: String = entries.iter().map(|(name, _)| format!("{name}\n")).collect();
            self.write(&names);
            return Some(0);
        }
        for (name, node) in entries {
            let path = normal(&directory, name.trim_start_matches('/'));
            let done = self.file(|space| {
                if parent(&path) != "/" {
                    space.make_directory(parent(&path), true)?;
                }
                put(space, &path, node, true)
            });
            if let Err(why) = done {
                self.complain(&format!("tar: {name}: {why}"));
                return Some(2);
            }
        }
        Some(0)
    }

    fn pack(&mut self, directory: &str, files: &[&str], archive: Option<&str>) -> i32 {
        let (mut entries, mut code) = (Vec::new(), 0);
        let mut size = 0;
        for file in files {
            let path = normal(directory, file);
            let tree = self.file(|space| space.tree(&path));
            let contents = tree.iter().flatten().filter_map(|(_, node)| node.content());
            size += contents.map(|content| content.len()).sum::<usize>();
            if size > PACKED_MAX || entries.len() > PACKED_ENTRIES_MAX {
                self.complain("tar: the archive is too large");
                return 2;
            }
            match tree {
                Ok(tree) => {
                    let name = file.trim_end_matches('/').trim_start_matches('/');
                    entries.extend(tree.into_iter().map(|(below, node)| (format!("{name}{below}"), node)));
                }
                Err(why) => {
                    self.complain(&format!("tar: {file}: {why}"));
                    code = 2;
                }
            }
        }
        let bytes = match tar::write(&entries) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.complain(&format!("tar: {why}"));
                return 2;
            }
        };
        match archive {
            None => self.write_bytes(&bytes),
            Some(file) => {
                let path = self.path(file);
                if self.file(|space| space.write(&path, &bytes, false)).is_err() {
                    code = 2;
                }
            }
        }
        code
    }
}

/// Puts a node at a path; a directory that is there already stays.
fn put(space: &mut Space, path: &str, node: Node, all: bool) -> Result<(), FileError> {
    let stat = space.stat(path);
    match (&node.kind, stat) {
        (Kind::Directory, Ok(stat)) if stat.is_directory() => Ok(()),
        (Kind::Directory, _) if !all => Err(FileError::IsDirectory),
        (Kind::File(_), Ok(stat)) if stat.is_directory() => Err(FileError::IsDirectory),
        _ => space.put(path, node),
    }
}
