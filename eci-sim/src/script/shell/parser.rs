//! Parser of a shell's script, character by character.

mod compound;
mod redirections;
mod words;

use super::syntax::{Command, Link, List, Piece, Word};

/// Depth to which a script may be nested.
const DEPTH_MAX: u32 = 40;

/// A script and a position in it.
pub struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: u32,
    /// Number of here-documents that were read.
    documents: usize,
}

impl Parser {
    /// A parser at the beginning of a script.
    pub fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0, depth: 0, documents: 0 }
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
                ';' if ends_too && !self.sees(";;") => self.at += 1,
                '\n' if ends_too => self.at += 1,
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

    /// Commands up to one of these words, a closing bracket, the end of an arm of `case`, or the end.
    pub fn list(&mut self, ends: &[&str]) -> Option<List> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut list = List::new();
        loop {
            self.blank(true);
            let ended = matches!(self.peek(), None | Some(')')) || self.sees(";;");
            if ended || ends.iter().any(|end| self.sees_keyword(end)) {
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
        let mut parts = vec![self.command()?];
        self.blank(false);
        while self.peek() == Some('|') && !self.sees("||") {
            self.at += 1;
            // `|&` sends the errors along, which are all the same here
            let _errors_too = self.eat("&");
            self.blank(true);
            parts.push(self.command()?);
            self.blank(false);
        }
        let whole = if parts.len() > 1 { Command::Pipe(parts) } else { parts.pop()? };
        Some(if turned { Command::Not(Box::new(whole)) } else { whole })
    }

    fn command(&mut self) -> Option<Command> {
        let Some(command) = self.compound()? else { return self.simple() };
        let mut redirections = Vec::new();
        loop {
            self.blank(false);
            match self.redirection()? {
                Some(redirection) => redirections.push(redirection),
                None => return Some(redirected(command, redirections)),
            }
        }
    }

    fn simple(&mut self) -> Option<Command> {
        let (mut sets, mut words, mut redirections) = (Vec::new(), Vec::<Word>::new(), Vec::new());
        loop {
            self.blank(false);
            let tests = matches!(words.first().map(Vec::as_slice), Some([Piece::Text(text)]) if text == "[[");
            if tests {
                words.push(self.tested()?);
                if matches!(words.last().map(Vec::as_slice), Some([Piece::Text(text)]) if text == "]]") {
                    break;
                }
                continue;
            }
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
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
        if words.is_empty() && sets.is_empty() && redirections.is_empty() {
            return None;
        }
        Some(redirected(Command::Simple(sets, words), redirections))
    }

    /// A word between `[[` and `]]`, where operators are words.
    fn tested(&mut self) -> Option<Word> {
        self.blank(true);
        for sign in ["&&", "||", "(", ")", "<", ">"] {
            if self.eat(sign) {
                return Some(vec![Piece::Text(sign.to_owned())]);
            }
        }
        self.word()
    }
}

fn redirected(command: Command, redirections: Vec<super::syntax::Redirection>) -> Command {
    match redirections.is_empty() {
        true => command,
        false => Command::Redirected(Box::new(command), redirections),
    }
}

/// Name and value of an assignment; `None` for another word.
fn set(word: &Word) -> Option<(String, Word)> {
    let (Piece::Text(first), rest) = word.split_first()? else { return None };
    let (name, value) = first.split_once('=')?;
    let (name, adds) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
    let ordinary = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    if !ordinary || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let mut word = Word::new();
    if adds {
        word.push(Piece::Filled(super::syntax::Filling::Variable(name.to_owned(), None), true));
    }
    word.push(Piece::Quoted(value.to_owned()));
    word.extend(rest.iter().cloned());
    Some((name.to_owned(), word))
}
