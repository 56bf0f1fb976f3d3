//! Parser of a shell's script, character by character.

mod words;

use super::syntax::{Command, Link, List, Piece, Word};

/// Depth to which a script may be nested.
const DEPTH_MAX: u32 = 40;
/// Targets of redirections whose output is still part of the log.
const SEEN: [&str; 7] = ["1", "2", "/dev/stdout", "/dev/stderr", "/dev/tty", "/proc/1/fd/1", "/proc/1/fd/2"];

/// A script and a position in it.
pub struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: u32,
}

impl Parser {
    /// A parser at the beginning of a script.
    pub fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0, depth: 0 }
    }

    /// True at the end of the script.
    pub fn is_over(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn sees(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, c)| self.chars.get(self.at + index) == Some(&c))
    }

    fn eat(&mut self, text: &str) -> bool {
        let sees = self.sees(text);
        if sees {
            self.at += text.chars().count();
        }
        sees
    }

    /// Passes over blanks and comments, and over ends of commands where these do not matter.
    fn blank(&mut self, ends_too: bool) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\n' | ';' if ends_too => self.at += 1,
                '\\' if self.sees("\\\n") => self.at += 2,
                '#' => self.at += self.chars[self.at..].iter().take_while(|c| **c != '\n').count(),
                _ => return,
            }
        }
    }

    fn sees_keyword(&self, word: &str) -> bool {
        let behind = self.chars.get(self.at + word.chars().count());
        self.sees(word) && behind.is_none_or(|c| c.is_whitespace() || ";&|()<>".contains(*c))
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.sees_keyword(word) && self.eat(word)
    }

    /// Commands up to one of these words, a closing bracket, or the end.
    pub fn list(&mut self, ends: &[&str]) -> Option<List> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut list = List::new();
        loop {
            self.blank(true);
            if matches!(self.peek(), None | Some(')')) || ends.iter().any(|end| self.sees_keyword(end)) {
                self.depth -= 1;
                return Some(list);
            }
            let chain = self.chain()?;
            if self.peek() == Some('&') {
                self.at += 1;
                list.push((Link::Always, Command::Background(Box::new(Command::Group(chain)))));
            } else {
                list.extend(chain);
            }
        }
    }

    fn chain(&mut self) -> Option<List> {
        let (mut chain, mut link) = (List::new(), Link::Always);
        loop {
            chain.push((link, self.pipeline()?));
            self.blank(false);
            link = match (self.eat("&&"), self.sees("||")) {
                (true, _) => Link::OnSuccess,
                (false, true) => {
                    self.at += 2;
                    Link::OnFailure
                }
                (false, false) => return Some(chain),
            };
            self.blank(true);
        }
    }

    fn pipeline(&mut self) -> Option<Command> {
        let mut turned = false;
        while self.keyword("!") {
            self.blank(false);
            turned = !turned;
        }
        let mut first = self.command()?;
        self.blank(false);
        while self.peek() == Some('|') && !self.sees("||") {
            self.at += 1;
            self.blank(true);
            let passes = |command: &Command| match command {
                Command::Simple(_, words) => match words.first().map(Vec::as_slice) {
                    Some([Piece::Text(name)]) => name == "tee" || name == "cat" && words.len() == 1,
                    _ => false,
                },
                _ => false,
            };
            if !passes(&self.command()?) {
                first = Command::Strange;
            }
            self.blank(false);
        }
        Some(if turned { Command::Not(Box::new(first)) } else { first })
    }

    fn command(&mut self) -> Option<Command> {
        let command = match self.peek()? {
            '(' => {
                self.at += 1;
                let list = self.list(&[])?;
                if !self.eat(")") {
                    return None;
                }
                Command::Subshell(list)
            }
            _ if self.keyword("{") => Command::Group(self.up_to("}")?),
            _ if self.keyword("if") => self.branches()?,
            _ if self.keyword("while") => self.rounds(false)?,
            _ if self.keyword("until") => self.rounds(true)?,
            _ if self.keyword("for") => self.each()?,
            _ if ["case", "function", "select"].iter().any(|word| self.sees_keyword(word)) => return None,
            _ => return self.simple(),
        };
        let mut quiet = false;
        loop {
            self.blank(false);
            match self.redirection()? {
                Some(hides) => quiet |= hides,
                None if quiet => return Some(Command::Quiet(Box::new(command))),
                None => return Some(command),
            }
        }
    }

    fn up_to(&mut self, end: &str) -> Option<List> {
        let list = self.list(&[end])?;
        self.keyword(end).then_some(list)
    }

    fn branches(&mut self) -> Option<Command> {
        let mut arms = Vec::new();
        loop {
            let test = self.up_to("then")?;
            arms.push((test, self.list(&["elif", "else", "fi"])?));
            if !self.keyword("elif") {
                break;
            }
        }
        let otherwise = if self.keyword("else") { self.list(&["fi"])? } else { List::new() };
        self.keyword("fi").then_some(Command::If(arms, otherwise))
    }

    fn rounds(&mut self, until: bool) -> Option<Command> {
        let test = self.up_to("do")?;
        Some(Command::Loop { until, test, body: self.up_to("done")? })
    }

    fn each(&mut self) -> Option<Command> {
        self.blank(false);
        let name = self.name();
        self.blank(true);
        let mut items = None;
        if self.keyword("in") {
            let mut words = Vec::new();
            loop {
                self.blank(false);
                if matches!(self.peek()?, ';' | '\n') {
                    break;
                }
                words.push(self.word()?);
            }
            items = Some(words);
        }
        self.blank(true);
        if name.is_empty() || !self.keyword("do") {
            return None;
        }
        Some(Command::For { name, items, body: self.up_to("done")? })
    }

    fn simple(&mut self) -> Option<Command> {
        let (mut sets, mut words, mut quiet) = (Vec::new(), Vec::<Word>::new(), false);
        loop {
            self.blank(false);
            if let Some(hides) = self.redirection()? {
                quiet |= hides;
                continue;
            }
            match self.peek() {
                None | Some('\n' | ';' | '&' | '|' | ')') => break,
                Some('(') => return None,
                Some(_) => {}
            }
            let word = self.word()?;
            match set(&word).filter(|_| words.is_empty()) {
                Some(set) => sets.push(set),
                None => words.push(word),
            }
        }
        if words.is_empty() && sets.is_empty() && !quiet {
            return None;
        }
        let command = Command::Simple(sets, words);
        Some(if quiet { Command::Quiet(Box::new(command)) } else { command })
    }

    /// Reads a redirection: true if it hides the standard output; the inner `None` where no redirection stands, the
    /// outer one where it is not understood.
    fn redirection(&mut self) -> Option<Option<bool>> {
        let begin = self.at;
        let both = self.eat("&>");
        while !both && self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let stream: String = self.chars[begin..self.at].iter().filter(|c| c.is_ascii_digit()).collect();
        let into = both || self.eat(">>") || self.eat(">|") || self.eat(">&") || self.eat(">");
        if !into {
            if self.sees("<<") || self.sees("<(") {
                return None;
            }
            if !self.eat("<&") && !self.eat("<") {
                self.at = begin;
                return Some(None);
            }
        }
        self.blank(false);
        let target = self.word()?;
        let seen =
            matches!(target.as_slice(), [Piece::Text(name)] if SEEN.contains(&name.trim_start_matches('&')));
        Some(Some(into && !seen && (both || stream.is_empty() || stream == "1")))
    }
}

/// Name and value of an assignment; `None` for another word.
fn set(word: &Word) -> Option<(String, Word)> {
    let (Piece::Text(first), rest) = word.split_first()? else { return None };
    let (name, value) = first.split_once('=')?;
    let ordinary = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    if !ordinary || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let mut word = vec![Piece::Quoted(value.to_owned())];
    word.extend(rest.iter().cloned());
    Some((name.to_owned(), word))
}
