//! Commands that a script's reader knows. An unknown one stops it, but for the programs of known servers.

mod client;
mod fetch;
mod files;
mod filters;
mod listing;
mod network;
mod options;
mod sed;
mod tested;
mod text;

use std::rc::Rc;
use std::time::Duration;

use super::marks::mark;
use super::play::{Flow, Play};
use super::{DATE, LINES_MAX, is_shell, span};
use crate::script::files::image::PROGRAMS;
use crate::script::files::ports::port_of;
use crate::script::images;

pub use text::escaped;

impl Play {
    /// Runs one command; `None` for one that runs for ever or is unknown, after which nothing comes.
    pub fn run(&mut self, name: &str, rest: &[String]) -> Option<Flow> {
        if std::mem::take(&mut self.breaks) {
            self.code = 2;
            return Some(Flow::Exit);
        }
        if let Some(body) = self.functions.get(name).map(Rc::clone) {
            return self.call(&body, rest);
        }
        if name.contains('/')
            && let Some(flow) = self.run_file(name, rest)
        {
            return flow;
        }
        let name = name.rsplit('/').next().unwrap_or(name);
        let words: Vec<&str> = rest.iter().map(String::as_str).collect();
        match name {
            "exit" | "return" => {
                self.code = words.first().and_then(|code| code.parse().ok()).unwrap_or(self.code);
                Some(if name == "exit" { Flow::Exit } else { Flow::Return })
            }
            "break" => Some(Flow::Break(rounds(&words))),
            "continue" => Some(Flow::Continue(rounds(&words))),
            "env" => self.nested(|play| play.environment(&words, rest)),
            "exec" if !words.is_empty() => {
                self.run_another(rest)?;
                self.at_exit = None;
                Some(Flow::Exit)
            }
            "command" | "type" | "which"
                if matches!(words.first(), Some(&("-v" | "-V"))) || name != "command" =>
            {
                self.find_command(&words);
                Some(Flow::Next)
            }
            "nohup" | "time" | "command" | "builtin" | "nice" | "busybox" | "stdbuf" | "setsid" | "tini"
            | "dumb-init"
                if !words.is_empty() =>
            {
                let options = rest.iter().take_while(|word| word.starts_with('-')).count();
                self.run_another(rest.get(options..)?)
            }
            "eval" => self.inside(&words.join(" ")),
            "." | "source" => self.source(&words),
            "timeout" => self.nested(|play| play.within(&words, rest)),
            "xargs" => self.nested(|play| play.with_arguments(rest)),
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
            "true" | ":" | "shopt" | "alias" | "unalias" | "ulimit" | "umask" | "sync" | "exec" | "jobs"
            | "disown" | "chown" | "chgrp" | "renice" | "stty" | "clear" | "history" => 0,
            "false" => 1,
            "set" => self.set(words),
            "export" | "readonly" | "local" | "declare" | "typeset" => self.export(words),
            "unset" => {
                for name in words.iter().filter(|name| !name.starts_with('-')) {
                    self.vars.remove(*name);
                    self.functions.remove(*name);
                }
                0
            }
            "shift" => {
                let by = words.first().and_then(|by| by.parse().ok()).unwrap_or(1);
                let fits = by <= self.args.len();
                self.args.drain(..if fits { by } else { 0 });
                i32::from(!fits)
            }
            "sleep" => self.sleep(words)?,
            "date" if words.iter().any(|word| names_a_time(word)) => {
                return self.give_up(format!("date {}", words.join(" ")));
            }
            "date" => self.date(words),
            "trap" => self.trap(words),
            "wait" => {
                self.wait()?;
                0
            }
            "let" => {
                let mut value = 0;
                for word in words {
                    value = self.sum_of(word)?;
                }
                i32::from(value == 0)
            }
            "test" => self.tested(words, false),
            "[" | "[[" => match words.split_last() {
                Some((&("]" | "]]"), rest)) => self.tested(rest, name == "[["),
                _ => 2,
            },
            _ => {
                let known = self.text_command(name, words)?;
                let known = if known.is_none() { self.filter(name, words)? } else { known };
                let known = if known.is_none() { self.file_command(name, words)? } else { known };
                let known = if known.is_none() { self.client(name, words)? } else { known };
                match known {
                    Some(code) => code,
                    None => self.server(name, words)?,
                }
            }
        })
    }

    fn sleep(&mut self, words: &[&str]) -> Option<i32> {
        if words.iter().any(|text| matches!(*text, "infinity" | "inf")) {
            return None;
        }
        let spans: Option<Vec<Duration>> = words.iter().map(|text| span(text)).collect();
        let Some(spans) = spans.filter(|spans| !spans.is_empty()) else {
            self.complain(&format!("sleep: invalid time interval '{}'", words.join(" ")));
            return Some(1);
        };
        let total = spans.into_iter().fold(Duration::ZERO, Duration::saturating_add);
        self.now = self.now.saturating_add(total);
        Some(0)
    }

    fn date(&mut self, words: &[&str]) -> i32 {
        let format = words.iter().find_map(|word| word.strip_prefix('+')).unwrap_or(match words {
            [.., "-Iseconds" | "--iso-8601=seconds"] => "%FT%T+00:00",
            [.., "-I" | "--iso-8601"] => "%F",
            [.., "-R"] => "%a, %d %b %Y %T +0000",
            _ => DATE,
        });
        self.write(&format!("{}\n", mark(self.now, format)));
        0
    }

    fn set(&mut self, words: &[&str]) -> i32 {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some("-") => {
                    self.args = words.map(|word| (*word).to_owned()).collect();
                    return 0;
                }
                Some(flags) => {
                    self.stops_at_failure |= flags.contains('e');
                    if flags.ends_with('o') {
                        self.stops_at_failure |= words.next() == Some(&"errexit");
                    }
                }
                None if word.starts_with('+') => {
                    self.stops_at_failure &= !word.contains('e');
                    if word.ends_with('o') {
                        let _option = words.next();
                    }
                }
                None => {
                    self.args = std::iter::once(word).chain(words).map(|word| (*word).to_owned()).collect();
                    return 0;
                }
            }
        }
        0
    }

    fn trap(&mut self, words: &[&str]) -> i32 {
        if let [text, signals @ ..] = words
            && signals.iter().any(|signal| matches!(*signal, "EXIT" | "0"))
        {
            self.at_exit = Some((*text).to_owned()).filter(|text| text != "-");
        }
        0
    }

    /// `sh -c 'text' name arguments`, `sh file arguments`, or commands from the input.
    pub fn shell(&mut self, words: &[String]) -> Option<Flow> {
        let flags = words.iter().take_while(|word| word.starts_with('-')).count();
        let (options, rest) = words.split_at(flags);
        let has = |letter: char| options.iter().any(|flag| !flag.starts_with("--") && flag.contains(letter));
        let (text, args) = match rest.split_first() {
            Some((text, args)) if has('c') => (text.clone(), args.get(1..).unwrap_or_default()),
            Some((file, args)) if !has('c') => match self.script(file) {
                Some(text) => (text, args),
                None => return Some(Flow::Next),
            },
            Some(_) => return None,
            None if self.input.is_none() && self.is_open => return None,
            None => (String::from_utf8_lossy(&self.input_bytes()).into_owned(), rest),
        };
        let stops = std::mem::replace(&mut self.stops_at_failure, has('e'));
        let flow = self.script_with(&text, args);
        self.stops_at_failure = stops;
        flow
    }

    /// Plays a script in a shell of its own.
    fn script_with(&mut self, text: &str, args: &[String]) -> Option<Flow> {
        let args = std::mem::replace(&mut self.args, args.to_vec());
        let at_exit = self.at_exit.take();
        let flow = self.apart(|play| play.inside(text));
        (self.args, self.at_exit) = (args, self.at_exit.take().or(at_exit));
        flow
    }

    /// Text of a file that is a script; complains where there is none.
    fn script(&mut self, file: &str) -> Option<String> {
        let path = self.path(file);
        match self.file(|space| space.read(&path)) {
            Ok(content) => Some(String::from_utf8_lossy(&content).into_owned()),
            Err(why) => {
                self.complain(&format!("sh: can't open '{file}': {why}"));
                self.code = 127;
                None
            }
        }
    }

    /// Runs a file that is a shell's script; the outer `None` where it is none, or not there.
    fn run_file(&mut self, name: &str, rest: &[String]) -> Option<Option<Flow>> {
        let path = self.path(name);
        let stat =
            self.file(|space| space.stat(&path)).ok().filter(|stat| stat.is_file() && stat.size() > 0)?;
        if stat.mode() & 0o111 == 0 {
            self.complain(&format!("sh: {name}: Permission denied"));
            self.code = 126;
            return Some(Some(Flow::Next));
        }
        let text = self.script(name)?;
        let interpreter = text.strip_prefix("#!").and_then(|rest| rest.lines().next()).unwrap_or("/bin/sh");
        let is_read = interpreter.split_whitespace().filter(|word| !word.starts_with('-')).any(is_shell);
        if !is_read {
            return Some(self.give_up(format!("{name}, a script of {interpreter}")));
        }
        let stops = std::mem::replace(&mut self.stops_at_failure, interpreter.ends_with(" -e"));
        let flow = self.script_with(&text, rest);
        self.stops_at_failure = stops;
        Some(flow)
    }

    fn source(&mut self, words: &[&str]) -> Option<Flow> {
        let Some(text) = words.first().and_then(|file| self.script(file)) else { return Some(Flow::Next) };
        match self.inside(&text)? {
            Flow::Return => Some(Flow::Next),
            other => Some(other),
        }
    }

    /// `command -v`, `type`, `which`: where a command is.
    fn find_command(&mut self, words: &[&str]) {
        let names: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
        self.code = i32::from(names.is_empty());
        for name in names {
            if self.functions.contains_key(*name) {
                self.write(&format!("{name}\n"));
            } else if PROGRAMS.contains(name) || images::of_program(name).is_some() {
                self.write(&format!("/bin/{name}\n"));
            } else {
                self.code = 1;
            }
        }
    }

    /// `xargs command`: the command with the words of the input.
    fn with_arguments(&mut self, rest: &[String]) -> Option<Flow> {
        let input = self.input_bytes();
        let input = self.settled(String::from_utf8_lossy(&input).into_owned());
        let mut words = rest.to_vec();
        let mut each = None;
        while let Some(flag) = words.first().filter(|word| word.starts_with('-')).cloned() {
            words.remove(0);
            match flag.split_at_checked(2) {
                Some((kind @ ("-n" | "-I"), "")) if !words.is_empty() => {
                    each = Some((kind.to_owned(), words.remove(0)));
                }
                Some((kind @ ("-n" | "-I"), own)) if !own.is_empty() => {
                    each = Some((kind.to_owned(), own.to_owned()));
                }
                Some(("-r", "")) => {}
                _ => return self.give_up(format!("xargs {flag}")),
            }
        }
        if words.is_empty() {
            words.push("echo".to_owned());
        }
        let all: Vec<String> = input.split_whitespace().map(str::to_owned).collect();
        match each {
            Some((flag, mark)) if flag == "-I" => {
                for line in input.lines() {
                    let filled: Vec<String> = words.iter().map(|word| word.replace(&mark, line)).collect();
                    self.step()?;
                    self.run_another(&filled)?;
                }
                Some(Flow::Next)
            }
            each => {
                let size = each.and_then(|(_, size)| size.parse().ok()).unwrap_or(all.len()).max(1);
                for part in all.chunks(size) {
                    self.step()?;
                    self.run_another(&[&words, part].concat())?;
                }
                Some(Flow::Next)
            }
        }
    }

    fn export(&mut self, words: &[&str]) -> i32 {
        for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
            self.vars.insert(name.to_owned(), value.to_owned());
        }
        0
    }

    fn environment(&mut self, words: &[&str], rest: &[String]) -> Option<Flow> {
        let sets = words.iter().take_while(|word| word.contains('=') || word.starts_with('-')).count();
        self.export(words.get(..sets).unwrap_or_default());
        if let Some((name, rest)) = rest.get(sets..).and_then(<[String]>::split_first) {
            return self.run(name, rest);
        }
        let all: String = self.vars.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        self.write(&all);
        self.code = 0;
        Some(Flow::Next)
    }

    /// `timeout 5 command`: what it would do after the limit is dropped, and the exit code is 124. Commands in the
    /// background that were begun before keep theirs.
    fn within(&mut self, words: &[&str], rest: &[String]) -> Option<Flow> {
        let Some(limit) = words.iter().position(|word| span(word).is_some()) else {
            return self.give_up(format!("timeout {}", words.join(" ")));
        };
        let until = self.now.saturating_add(span(words.get(limit)?)?);
        let (name, inner) = rest.get(limit + 1..)?.split_first()?;
        let (said, written) = (self.run.says.len(), self.run.writes.len());
        let (rounds, timeline) = (self.run.again.len(), self.timeline.clone());
        let flow = self.run(name, inner);
        if flow.is_some() && self.now <= until {
            return flow;
        }
        let is_in_time = |at: &Duration| *at <= until;
        let mut says = self.run.says.split_off(said);
        let mut writes = self.run.writes.split_off(written);
        says.retain(|(at, _)| is_in_time(at));
        writes.retain(|(at, _)| is_in_time(at));
        let room = LINES_MAX.saturating_sub(said + says.len());
        for again in self.run.again.split_off(rounds) {
            let lines = again.forwards().take_while(|(at, _)| is_in_time(at));
            says.extend(lines.take(room).map(|(at, line)| (at, line.to_owned())));
            for (at, change) in again.changes(None, until).filter(|(at, _)| is_in_time(at)) {
                self.space.apply(change);
                writes.push((at, change.clone()));
            }
        }
        says.truncate(LINES_MAX.saturating_sub(said));
        let opened: Vec<u16> = writes.iter().filter_map(|(_, change)| port_of(change)).collect();
        self.run.says.append(&mut says);
        self.run.writes.append(&mut writes);
        (self.now, self.code) = (until, 124);
        self.timeline = timeline;
        for port in opened {
            // a port that was opened can be closed
            let _closed = self.file(|space| space.close_port(port));
        }
        Some(Flow::Next)
    }
}

/// True for an argument by which `date` tells another time than the present.
fn names_a_time(word: &str) -> bool {
    ["-d", "-r", "-s", "--d", "--r", "--s"].iter().any(|own| word.starts_with(own))
}

fn rounds(words: &[&str]) -> u32 {
    words.first().and_then(|word| word.parse().ok()).unwrap_or(1)
}
