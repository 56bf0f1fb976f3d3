//! Streams of a script: where output goes, where input comes from, redirections and pipes.

use std::rc::Rc;

use super::play::{Flow, Play};
use super::syntax::{Command, Piece, Redirection, Stream, Target};
use super::{BYTES_IN_A_STEP, LINES_MAX, TEXT_MAX};

/// Bytes of binary output that are kept.
const RAW_MAX: usize = 2 << 20;
/// Files that are the log of the container, or its present streams.
const LOG: [&str; 5] = ["/proc/1/fd/1", "/proc/1/fd/2", "/dev/tty", "/dev/console", "/dev/log"];
const OUTPUT: [&str; 2] = ["/dev/stdout", "/dev/fd/1"];
const ERRORS: [&str; 2] = ["/dev/stderr", "/dev/fd/2"];

/// A place of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// The log of the container.
    Log,
    /// Nowhere.
    Null,
    /// The output of this number that is collected.
    Caught(usize),
    /// A file, by its absolute path.
    File(Rc<str>),
    /// Files, and another place beside them.
    Tee(Rc<[Rc<str>]>, Box<Self>),
}

/// Input of a command, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    bytes: Rc<[u8]>,
    /// Bytes that were read.
    pub at: usize,
}

impl Input {
    /// Input that was not read yet.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), at: 0 }
    }

    fn rest(&mut self) -> Vec<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default().to_vec();
        self.at = self.bytes.len();
        rest
    }

    fn line(&mut self) -> Option<String> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        self.at += end;
        Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
    }
}

impl Play {
    /// Writes to the present output; the end of a line in the log makes it a line.
    pub(super) fn write(&mut self, text: &str) {
        let sink = self.out.clone();
        self.write_to(&sink, text);
    }

    /// Writes bytes to the present output.
    pub(super) fn write_bytes(&mut self, bytes: &[u8]) {
        match (std::str::from_utf8(bytes), self.out.clone()) {
            (Ok(text), sink) if !text.contains('\0') => self.write_to(&sink, text),
            (_, Sink::Log) => {
                let raw = self.run.raw.get_or_insert_default();
                let room = RAW_MAX.saturating_sub(raw.len());
                raw.extend(bytes.iter().take(room));
            }
            (_, Sink::File(path)) => self.append(&path, bytes),
            (_, sink) => self.write_to(&sink, &String::from_utf8_lossy(bytes)),
        }
    }

    /// Writes a line to the present errors, as a program complains.
    pub(super) fn complain(&mut self, text: &str) {
        let sink = self.errors.clone();
        self.write_to(&sink, &format!("{text}\n"));
    }

    fn append(&mut self, path: &Rc<str>, bytes: &[u8]) {
        // a full disk loses what is written, as it does for a program that does not look
        let _lost = self.file(|space| space.write(path, bytes, true));
    }

    pub(super) fn write_to(&mut self, sink: &Sink, text: &str) {
        self.spend(text.len() / BYTES_IN_A_STEP);
        match sink {
            Sink::Null => {}
            Sink::Caught(number) => {
                if let Some(caught) = self.caught.get_mut(*number).filter(|caught| caught.len() < TEXT_MAX) {
                    caught.push_str(text);
                }
            }
            Sink::File(path) => self.append(path, text.as_bytes()),
            Sink::Tee(paths, rest) => {
                for path in paths.iter() {
                    self.append(path, text.as_bytes());
                }
                self.write_to(rest, text);
            }
            Sink::Log => self.log(text),
        }
    }

    fn log(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            if self.line.len() < TEXT_MAX {
                self.line.push_str(piece.trim_end_matches('\n'));
            }
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.line);
                if self.run.says.len() < LINES_MAX {
                    self.run.says.push((self.now, line));
                }
            }
        }
    }

    /// All of the present input.
    pub(super) fn input_bytes(&mut self) -> Vec<u8> {
        match &mut self.input {
            Some(input) => input.rest(),
            None => {
                self.run.wants_input = true;
                Vec::new()
            }
        }
    }

    /// A line of the present input with its end; `None` at the end of the input.
    pub(super) fn input_line(&mut self) -> Option<String> {
        match &mut self.input {
            Some(input) => input.line(),
            None => {
                self.run.wants_input = true;
                None
            }
        }
    }

    /// The output of commands, without the ends of lines at its end.
    pub(super) fn catch(&mut self, play: impl FnOnce(&mut Self) -> Option<Flow>) -> Option<String> {
        self.caught.push(String::new());
        let out = std::mem::replace(&mut self.out, Sink::Caught(self.caught.len() - 1));
        let flow = self.apart(play);
        self.out = out;
        let caught = self.caught.pop().unwrap_or_default();
        flow.map(|_| caught)
    }

    /// Plays a command with its redirections.
    pub(super) fn redirected(&mut self, redirections: &[Redirection], inner: &Command) -> Option<Flow> {
        let before = (self.out.clone(), self.errors.clone(), self.input.clone());
        let reads = redirections.iter().any(|redirection| redirection.stream == Stream::Input);
        let is_opened = self.open(redirections)?;
        let keeps = matches!(inner, Command::Simple(_, words)
            if matches!(words.as_slice(), [word] if matches!(word.as_slice(), [Piece::Text(name)] if name == "exec")));
        let flow = match is_opened {
            true => self.command(inner),
            false => {
                self.code = 1;
                Some(Flow::Next)
            }
        };
        if !keeps {
            (self.out, self.errors) = (before.0, before.1);
            if reads {
                self.input = before.2;
            }
        }
        flow
    }

    /// Opens what a command is redirected to; false where that fails.
    fn open(&mut self, redirections: &[Redirection]) -> Option<bool> {
        for Redirection { stream, target } in redirections {
            match target {
                Target::Text(word) => self.input = Some(Input::of(self.text(word)?.as_bytes())),
                Target::Stream(number) => {
                    let sink = match number {
                        1 => self.out.clone(),
                        2 => self.errors.clone(),
                        _ => Sink::Null,
                    };
                    self.redirect(*stream, sink);
                }
                Target::File(word, appends) => {
                    let name = self.text(word)?;
                    let opened = match stream {
                        Stream::Input => self.open_input(&name),
                        Stream::Other => true,
                        _ => self.open_output(*stream, &name, *appends),
                    };
                    if !opened {
                        return Some(false);
                    }
                }
            }
        }
        Some(true)
    }

    fn redirect(&mut self, stream: Stream, sink: Sink) {
        match stream {
            Stream::Output => self.out = sink,
            Stream::Errors => self.errors = sink,
            Stream::Both => (self.out, self.errors) = (sink.clone(), sink),
            Stream::Input | Stream::Other => {}
        }
    }

    fn open_input(&mut self, name: &str) -> bool {
        let path = self.path(name);
        if path == "/dev/stdin" {
            return true;
        }
        match self.file(|space| space.read(&path)) {
            Ok(content) => {
                self.spend(content.len() / BYTES_IN_A_STEP);
                self.input = Some(Input::of(&content));
            }
            Err(why) => {
                self.complain(&format!("sh: can't open {name}: {}", lower(why)));
                return false;
            }
        }
        true
    }

    fn open_output(&mut self, stream: Stream, name: &str, appends: bool) -> bool {
        let path = self.path(name);
        let sink = match path.as_str() {
            "/dev/null" => Sink::Null,
            path if LOG.contains(&path) => Sink::Log,
            path if OUTPUT.contains(&path) => self.out.clone(),
            path if ERRORS.contains(&path) => self.errors.clone(),
            _ => match self.file(|space| space.write(&path, b"", appends)) {
                Ok(()) => Sink::File(path.as_str().into()),
                Err(why) => {
                    self.complain(&format!("sh: can't create {name}: {}", lower(why)));
                    return false;
                }
            },
        };
        self.redirect(stream, sink);
        true
    }

    /// Plays commands of which each reads what the one before writes.
    pub(super) fn pipe(&mut self, parts: &[Command]) -> Option<Flow> {
        let Some((first, others)) = parts.split_first() else { return Some(Flow::Next) };
        if let Some((files, appends)) = passing(others) {
            return self.pass(first, &files, appends);
        }
        let input = self.input.clone();
        let Some((last, first)) = parts.split_last() else { return Some(Flow::Next) };
        for part in first {
            let Some(text) = self.catch(|play| play.command(part)) else {
                return self.give_up("a pipe from a command that never ends");
            };
            self.input = Some(Input::of(text.as_bytes()));
        }
        let flow = self.apart(|play| play.command(last));
        self.input = input;
        flow
    }

    /// Plays a command whose output only passes through `cat` and `tee`, each line at its time.
    fn pass(&mut self, first: &Command, files: &[String], appends: bool) -> Option<Flow> {
        let mut paths: Vec<Rc<str>> = Vec::new();
        for name in files {
            let path = self.path(name);
            match self.file(|space| space.write(&path, b"", appends)) {
                Ok(()) => paths.push(path.as_str().into()),
                Err(why) => self.complain(&format!("tee: {name}: {why}")),
            }
        }
        let out = self.out.clone();
        self.out =
            if paths.is_empty() { out.clone() } else { Sink::Tee(paths.into(), Box::new(out.clone())) };
        let flow = self.apart(|play| play.command(first));
        self.out = out;
        self.code = if flow.is_some() { 0 } else { self.code };
        flow
    }
}

/// The files of commands that are all `cat` or `tee`, and true if they are added to; `None` where another is among them.
fn passing(commands: &[Command]) -> Option<(Vec<String>, bool)> {
    let (mut files, mut appends) = (Vec::new(), false);
    for command in commands {
        let Command::Simple(sets, words) = command else { return None };
        let plain = |word: &Vec<Piece>| match word.as_slice() {
            [Piece::Text(text) | Piece::Quoted(text)] if !super::pattern::is_pattern(text) => {
                Some(text.clone())
            }
            _ => None,
        };
        let words: Vec<String> = words.iter().map(plain).collect::<Option<_>>()?;
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["cat"] if sets.is_empty() => {}
            ["tee", rest @ ..] if sets.is_empty() => {
                appends |= rest.contains(&"-a");
                files
                    .extend(rest.iter().filter(|word| !word.starts_with('-')).map(|word| (*word).to_owned()));
            }
            _ => return None,
        }
    }
    Some((files, appends))
}

/// An error as a shell says it: with a small letter.
fn lower(why: crate::script::files::FileError) -> String {
    let text = why.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), chars.as_str()))
}
