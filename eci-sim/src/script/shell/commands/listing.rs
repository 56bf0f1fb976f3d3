//! Commands that tell of files: `ls`, `find`, `stat`, `readlink`.

use crate::script::files::{Kind, Node, joined};
use crate::script::shell::pattern::Pattern;
use crate::script::shell::play::Play;

impl Play {
    /// Exit code of a command that tells of files; `None` for what is not played.
    pub(super) fn list_command(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        match name {
            "ls" => Some(self.ls(words)),
            "find" => self.find(words),
            "stat" if matches!(words, ["-c", "%s", _]) => {
                let path = self.path(words.last()?);
                Some(match self.file(|space| space.stat(&path)) {
                    Ok(stat) => {
                        self.write(&format!("{}\n", stat.size()));
                        0
                    }
                    Err(why) => {
                        self.complain(&format!("stat: can't stat '{path}': {why}"));
                        1
                    }
                })
            }
            "readlink" | "realpath" => {
                let path = self.path(words.last().copied().unwrap_or_default());
                self.write(&format!("{path}\n"));
                Some(0)
            }
            _ => self.give_up(format!("{name} {}", words.join(" "))),
        }
    }

    fn ls(&mut self, words: &[&str]) -> i32 {
        let (flags, files): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('-'));
        let has = |letter: char| flags.iter().any(|flag| flag.contains(letter));
        let files = if files.is_empty() { vec!["."] } else { files };
        let several = files.len() > 1;
        let mut code = 0;
        for file in &files {
            let path = self.path(file);
            let names = match self.file(|space| space.stat(&path)) {
                Ok(stat) if stat.is_directory() && !has('d') => {
                    if several {
                        self.write(&format!("{file}:\n"));
                    }
                    let names = self.file(|space| space.list(&path)).unwrap_or_default();
                    let shown = |name: &String| has('a') || has('A') || !name.starts_with('.');
                    names.into_iter().filter(shown).map(|name| (joined(&path, &name), name)).collect()
                }
                Ok(_) => vec![(path, (*file).to_owned())],
                Err(why) => {
                    self.complain(&format!("ls: {file}: {why}"));
                    code = 1;
                    Vec::new()
                }
            };
            for (path, name) in names {
                let line = if has('l') { self.long(&path, &name) } else { name };
                self.write(&format!("{line}\n"));
            }
        }
        code
    }

    /// A line of `ls -l`.
    fn long(&mut self, path: &str, name: &str) -> String {
        let stat = self.file(|space| space.stat(path));
        let (mode, size, kind) = stat.map_or((0o777, 0, "-"), |stat| {
            let kind = match (stat.is_directory(), stat.is_file()) {
                (true, _) => "d",
                (_, true) => "-",
                _ => "c",
            };
            (stat.mode(), stat.size(), kind)
        });
        let bits: String = (0..9)
            .rev()
            .map(|bit| if mode >> bit & 1 == 1 { ["x", "w", "r"][bit % 3] } else { "-" })
            .collect();
        format!("{kind}{bits}    1 root     root     {size:>9} Jan  1 00:00 {name}")
    }

    /// `find directory -name pattern -type f`; nothing else is played.
    fn find(&mut self, words: &[&str]) -> Option<i32> {
        let options = words.iter().position(|word| word.starts_with('-')).unwrap_or(words.len());
        let (roots, options) = words.split_at(options);
        let (mut name, mut kind) = (None, None);
        for pair in options.chunks(2) {
            match pair {
                ["-name", pattern] => name = Some(Pattern::of(pattern)),
                ["-type", letter] => kind = Some(*letter),
                ["-print"] => {}
                _ => return self.give_up(format!("find {}", words.join(" "))),
            }
        }
        let mut code = 0;
        for root in if roots.is_empty() { &["."] } else { roots } {
            let path = self.path(root);
            let tree = match self.file(|space| space.tree(&path)) {
                Ok(tree) => tree,
                Err(why) => {
                    self.complain(&format!("find: {root}: {why}"));
                    code = 1;
                    continue;
                }
            };
            self.more_steps(tree.len() / 10)?;
            let fits = |(below, node): &(String, Node)| {
                let own = below.rsplit('/').next().filter(|own| !own.is_empty()).unwrap_or(root);
                let is_kind = matches!(
                    (kind, &node.kind),
                    (None, _)
                        | (Some("f"), Kind::File(_))
                        | (Some("d"), Kind::Directory)
                        | (Some("l"), Kind::Link(_))
                );
                is_kind && name.as_ref().is_none_or(|name| name.matches(own))
            };
            let lines: String = tree
                .iter()
                .filter(|entry| fits(entry))
                .map(|(below, _)| format!("{root}{below}\n"))
                .collect();
            self.write(&lines);
        }
        Some(code)
    }
}
