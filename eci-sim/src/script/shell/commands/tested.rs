//! `test`, `[` and `[[`: texts, numbers and files.

use crate::script::files::{FileError, Stat};
use crate::script::shell::pattern::Pattern;
use crate::script::shell::play::Play;

/// Words that `test` takes, at most.
const TESTED_MAX: usize = 64;

impl Play {
    /// Exit code of `test`: 0 or 1, or 2 with too many words; texts are compared with `patterns` by `[[` alone.
    pub(super) fn tested(&mut self, words: &[&str], patterns: bool) -> i32 {
        if words.len() > TESTED_MAX {
            return 2;
        }
        let words: Vec<String> = words.iter().map(|word| self.settled((*word).to_owned())).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        i32::from(!self.holds(&words, patterns))
    }

    /// True if `test` succeeds.
    fn holds(&mut self, words: &[&str], patterns: bool) -> bool {
        for (joins, all) in [(["-o", "||"], false), (["-a", "&&"], true)] {
            if let Some(at) = words.iter().position(|word| joins.contains(word)).filter(|at| *at > 0) {
                let left = self.holds(words.get(..at).unwrap_or_default(), patterns);
                return match (all, left) {
                    (true, false) | (false, true) => left,
                    _ => self.holds(words.get(at + 1..).unwrap_or_default(), patterns),
                };
            }
        }
        match words {
            [] => false,
            ["!", rest @ ..] => !self.holds(rest, patterns),
            ["(", inner @ .., ")"] => self.holds(inner, patterns),
            [text] => !text.is_empty(),
            ["-z", text] => text.is_empty(),
            ["-n", text] => !text.is_empty(),
            ["-v", name] => self.vars.contains_key(*name),
            ["-t", _] => false,
            [flag, file] if flag.starts_with('-') => self.file_is(flag, file),
            [left, "=" | "==", right] => left == right || patterns && self.fits(&Pattern::of(right), left),
            [left, "!=", right] => !(left == right || patterns && self.fits(&Pattern::of(right), left)),
            [left, "<", right] => left < right,
            [left, ">", right] => left > right,
            [left, "=~", right] => {
                self.spend(super::filters::MATCHER_STEPS + left.len() / 1024);
                match super::filters::regex(right, true, false) {
                    Some(matcher) => matcher.is_match(left),
                    None => {
                        self.pass_over(&format!("test =~ {right}"));
                        false
                    }
                }
            }
            [left, sign, right] => numbers(left, sign, right),
            _ => false,
        }
    }

    /// True if a file is what a flag of `test` asks.
    fn file_is(&mut self, flag: &str, file: &str) -> bool {
        let path = self.path(file);
        let stat: Result<Stat, FileError> = self.file(|space| space.stat(&path));
        let Ok(stat) = stat else { return false };
        match flag {
            "-e" | "-a" | "-r" | "-w" | "-O" | "-G" => true,
            "-f" => stat.is_file(),
            "-d" => stat.is_directory(),
            "-s" => stat.is_directory() || stat.size() > 0,
            "-x" => stat.is_directory() || stat.mode() & 0o111 != 0,
            "-c" => stat == Stat::Device,
            _ => {
                self.pass_over(&format!("test {flag}"));
                false
            }
        }
    }
}

fn numbers(left: &str, sign: &str, right: &str) -> bool {
    let (Ok(left), Ok(right)) = (left.trim().parse::<i64>(), right.trim().parse::<i64>()) else {
        return false;
    };
    match sign {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        "-ge" => left >= right,
        _ => false,
    }
}
