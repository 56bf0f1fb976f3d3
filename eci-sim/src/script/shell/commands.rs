//! Commands that a script's reader knows. An unknown one stops it, but for the programs of known servers.

use std::time::Duration;

use super::play::{Flow, Play};
use super::{DATE, LINES_MAX, MARK, MARK_END, is_shell, span};
use crate::script::images;

/// Numbers that `seq` writes, at most.
const NUMBERS_MAX: i64 = 1000;
/// Words that `test` takes, at most.
const TESTED_MAX: usize = 64;

impl Play {
    /// Runs one command; `None` for one that runs for ever or is unknown, after which nothing comes.
    pub fn run(&mut self, name: &str, rest: &[String]) -> Option<Flow> {
        let name = name.rsplit('/').next().unwrap_or(name);
        let words: Vec<&str> = rest.iter().map(String::as_str).collect();
        match name {
            "exit" | "return" => {
                self.code = words.first().and_then(|code| code.parse().ok()).unwrap_or(self.code);
                Some(Flow::Exit)
            }
            "break" => Some(Flow::Break(rounds(&words))),
            "continue" => Some(Flow::Continue(rounds(&words))),
            "env" | "printenv" => self.nested(|play| play.environment(&words, rest)),
            "exec" if !words.is_empty() => {
                self.run_another(rest)?;
                self.at_exit = None;
                Some(Flow::Exit)
            }
            "nohup" | "time" | "command" | "nice" if !words.is_empty() => self.run_another(rest),
            "eval" => self.inside(&words.join(" ")),
            "timeout" => self.nested(|play| play.within(&words, rest)),
            _ if is_shell(name) => self.shell(rest),
            _ => {
                self.code = self.plain(name, &words)?;
                Some(Flow::Next)
            }
        }
    }

    /// Runs the command that another one was given.
    fn run_another(&mut self, words: &[String]) -> Option<Flow> {
        let (name, rest) = words.split_first()?;
        self.nested(|play| play.run(name, rest))
    }

    /// Exit code of a command that runs no other; `None` for one that runs for ever or is unknown.
    fn plain(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        Some(match name {
            "true" | ":" | "set" | "shopt" | "alias" | "unalias" | "ulimit" | "umask" | "cd" | "mkdir"
            | "touch" | "rm" | "mv" | "cp" | "ln" | "chmod" | "chown" | "sync" | "tee" | "exec" | "cat"
            | "head" => 0,
            "false" | "read" => 1,
            "export" | "readonly" | "local" | "declare" | "typeset" => self.export(words),
            "unset" => {
                words.iter().for_each(|name| drop(self.vars.remove(*name)));
                0
            }
            "sleep" if words.is_empty() => 1,
            "sleep" => {
                if words.iter().any(|text| matches!(*text, "infinity" | "inf")) {
                    return None;
                }
                let spans: Option<Vec<Duration>> = words.iter().map(|text| span(text)).collect();
                let Some(spans) = spans else { return Some(1) };
                let total = spans.into_iter().fold(Duration::ZERO, Duration::saturating_add);
                self.now = self.now.saturating_add(total);
                0
            }
            "echo" => {
                self.echo(words);
                0
            }
            "printf" => {
                let (format, rest) = words.split_first()?;
                self.write(&formatted(format, rest));
                0
            }
            "test" => tested(words),
            "[" | "[[" => match words.split_last() {
                Some((&("]" | "]]"), rest)) => tested(rest),
                _ => 2,
            },
            "date" => {
                let format = words.iter().find_map(|word| word.strip_prefix('+')).unwrap_or(DATE);
                self.write(&format!("{MARK}{format}{MARK_END}\n"));
                0
            }
            "tail" if !words.iter().any(|word| follows(word)) => 0,
            "seq" => {
                let numbers: Option<Vec<i64>> = words.iter().map(|word| word.parse().ok()).collect();
                let Some(text) = numbers.and_then(|numbers| sequence(&numbers)) else {
                    return self.give_up(format!("seq {}", words.join(" ")));
                };
                self.write(&text);
                0
            }
            "trap" => {
                if let [text, signals @ ..] = words
                    && signals.iter().any(|signal| matches!(*signal, "EXIT" | "0"))
                {
                    self.at_exit = Some((*text).to_owned()).filter(|text| text != "-");
                }
                0
            }
            "wait" => {
                self.wait()?;
                0
            }
            "tail" => return None,
            _ => return self.server(name, words),
        })
    }

    /// `sh -c 'text' name arguments`; a shell that reads its commands elsewhere runs for ever.
    pub fn shell(&mut self, words: &[String]) -> Option<Flow> {
        let flags = words.iter().take_while(|word| word.starts_with('-')).count();
        if !words[..flags].iter().any(|flag| !flag.starts_with("--") && flag.ends_with('c')) {
            return self.give_up(format!("sh {}", words.join(" ")));
        }
        let (text, args) = words.get(flags..)?.split_first()?;
        let args = args.get(1..).unwrap_or_default().to_vec();
        let args = std::mem::replace(&mut self.args, args);
        let at_exit = self.at_exit.take();
        let flow = self.apart(|play| play.inside(text));
        (self.args, self.at_exit) = (args, self.at_exit.take().or(at_exit));
        flow
    }

    /// A program of a known server runs for ever; any other is not played.
    fn server(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let Some(known) = images::of_program(name) else {
            return self.give_up(format!("{name} {}", words.join(" ")).trim_end());
        };
        if !known.log.is_empty() {
            self.write(&format!("{}\n", known.log));
        }
        if known.server { None } else { Some(0) }
    }

    fn export(&mut self, words: &[&str]) -> i32 {
        for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
            self.vars.insert(name.to_owned(), value.to_owned());
        }
        0
    }

    fn echo(&mut self, words: &[&str]) {
        let is_flag = |word: &&str| {
            word.len() > 1 && word.strip_prefix('-').is_some_and(|f| f.chars().all(|c| "neE".contains(c)))
        };
        let flags: Vec<&&str> = words.iter().take_while(|word| is_flag(word)).collect();
        let text = escaped(&words[flags.len()..].join(" "));
        let stays = flags.iter().any(|flag| flag.contains('n'));
        self.write(&if stays { text } else { format!("{text}\n") });
    }

    fn environment(&mut self, words: &[&str], rest: &[String]) -> Option<Flow> {
        let sets = words.iter().take_while(|word| word.contains('=')).count();
        self.export(&words[..sets]);
        if let Some((name, rest)) = rest[sets..].split_first() {
            if let Some(value) = self.vars.get(name).filter(|_| rest.is_empty()) {
                let line = format!("{value}\n");
                self.write(&line);
                self.code = 0;
                return Some(Flow::Next);
            }
            return self.run(name, rest);
        }
        let all: String = self.vars.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        self.write(&all);
        self.code = 0;
        Some(Flow::Next)
    }

    /// `timeout 5 command`: output after the limit is dropped, and the exit code is 124.
    fn within(&mut self, words: &[&str], rest: &[String]) -> Option<Flow> {
        let Some(limit) = words.iter().position(|word| span(word).is_some()) else {
            return self.give_up(format!("timeout {}", words.join(" ")));
        };
        let until = self.now.saturating_add(span(words[limit])?);
        let (name, inner) = rest.get(limit + 1..)?.split_first()?;
        let before = self.run.again.take();
        let flow = self.run(name, inner);
        let again = std::mem::replace(&mut self.run.again, before);
        if flow.is_some() && self.now <= until {
            return flow;
        }
        self.run.says.retain(|(after, _)| *after <= until);
        let room = LINES_MAX.saturating_sub(self.run.says.len());
        let rounds = again.iter().flat_map(|again| again.forwards()).take_while(|(after, _)| *after <= until);
        self.run.says.extend(rounds.take(room).map(|(after, line)| (after, line.to_owned())));
        (self.now, self.code) = (until, 124);
        Some(Flow::Next)
    }
}

fn rounds(words: &[&str]) -> u32 {
    words.first().and_then(|word| word.parse().ok()).unwrap_or(1)
}

fn follows(flag: &str) -> bool {
    flag.starts_with("--follow")
        || !flag.starts_with("--") && flag.starts_with('-') && flag.to_lowercase().contains('f')
}

/// Exit code of `test`: 0 or 1, or 2 with too many words.
fn tested(words: &[&str]) -> i32 {
    if words.len() > TESTED_MAX { 2 } else { i32::from(!holds(words)) }
}

/// True if `test` succeeds; of files it is only known that `/dev/null` exists.
fn holds(words: &[&str]) -> bool {
    for (joins, all) in [(["-o", "||"], false), (["-a", "&&"], true)] {
        if let Some(at) = words.iter().position(|word| joins.contains(word)).filter(|at| *at > 0) {
            let (left, right) = (holds(&words[..at]), holds(&words[at + 1..]));
            return if all { left && right } else { left || right };
        }
    }
    match words {
        [] => false,
        ["!", rest @ ..] => !holds(rest),
        [text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        ["-n", text] => !text.is_empty(),
        ["-e" | "-c" | "-r" | "-w", file] => *file == "/dev/null",
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, sign, right] => {
            let (Ok(left), Ok(right)) = (left.trim().parse::<i64>(), right.trim().parse::<i64>()) else {
                return false;
            };
            match *sign {
                "-eq" => left == right,
                "-ne" => left != right,
                "-lt" => left < right,
                "-le" => left <= right,
                "-gt" => left > right,
                "-ge" => left >= right,
                _ => false,
            }
        }
        _ => false,
    }
}

/// Output of `seq`; `None` for too many numbers.
fn sequence(numbers: &[i64]) -> Option<String> {
    let (first, by, last) = match *numbers {
        [last] => (1, 1, last),
        [first, last] => (first, 1, last),
        [first, by, last] if by != 0 => (first, by, last),
        _ => return None,
    };
    let within = |number: &i64| if by > 0 { *number <= last } else { *number >= last };
    let all = std::iter::successors(Some(first), |number| number.checked_add(by)).take_while(within);
    let text: Vec<String> =
        all.take(usize::try_from(NUMBERS_MAX).ok()? + 1).map(|n| format!("{n}\n")).collect();
    (i64::try_from(text.len()).ok()? <= NUMBERS_MAX).then(|| text.concat())
}

/// A text with `\n`, `\t`, `\r` and `\\` replaced by their characters.
fn escaped(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('n' | 't' | 'r' | '\\'))) => {
                chars.next();
                out.push(match next {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    _ => '\\',
                });
            }
            _ => out.push(c),
        }
    }
    out
}

/// Output of `printf`: the format again and again until no argument is left.
fn formatted(format: &str, args: &[&str]) -> String {
    let format = escaped(format);
    let (mut out, mut left) = (String::new(), args);
    loop {
        let before = left.len();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let (mut flags, mut kind) = (String::new(), None);
            for c in chars.by_ref() {
                if c.is_ascii_digit() || ".-+".contains(c) {
                    flags.push(c);
                } else {
                    kind = Some(c);
                    break;
                }
            }
            if kind == Some('%') {
                out.push('%');
                continue;
            }
            let (arg, rest) = left.split_first().map_or(("", left), |(arg, rest)| (*arg, rest));
            left = rest;
            let arg = if arg.is_empty() && matches!(kind, Some('d' | 'i' | 'u')) { "0" } else { arg };
            out.push_str(&padded(arg, &flags));
        }
        if left.is_empty() || left.len() == before || out.len() > super::TEXT_MAX {
            return out;
        }
    }
}

fn padded(text: &str, flags: &str) -> String {
    let (left, zeros) = (flags.starts_with('-'), flags.starts_with('0'));
    let width: usize =
        flags.trim_start_matches(['-', '+', '0']).split('.').next().and_then(|w| w.parse().ok()).unwrap_or(0);
    let pad = if zeros { "0" } else { " " }.repeat(width.min(200).saturating_sub(text.chars().count()));
    if left { format!("{text}{pad}") } else { format!("{pad}{text}") }
}
