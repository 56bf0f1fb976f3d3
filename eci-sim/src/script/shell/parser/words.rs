//! Words of a script: quotes, variables and what else is filled in.

use super::{DEPTH_MAX, Parser};
use crate::script::shell::commands::escaped;
use crate::script::shell::syntax::{Change, Filling, Piece, Word};

impl Parser {
    pub(super) fn word(&mut self) -> Option<Word> {
        let mut word = Word::new();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    self.at += 1;
                    let end = self.chars[self.at..].iter().position(|c| *c == '\'')?;
                    word.push(Piece::Quoted(self.chars[self.at..self.at + end].iter().collect()));
                    self.at += end + 1;
                }
                '$' if self.sees("$'") => {
                    self.at += 2;
                    let end = self.chars[self.at..].iter().position(|c| *c == '\'')?;
                    let text: String = self.chars[self.at..self.at + end].iter().collect();
                    word.push(Piece::Quoted(escaped(&text)));
                    self.at += end + 1;
                }
                '"' => {
                    self.at += 1;
                    word.push(Piece::Quoted(String::new()));
                    word.extend(self.quoted(Some('"'))?);
                }
                '\\' if self.sees("\\\n") => self.at += 2,
                '\\' => {
                    self.at += 1;
                    word.push(Piece::Quoted(self.peek()?.to_string()));
                    self.at += 1;
                }
                '$' | '`' => word.push(self.filled(false)?),
                c => {
                    self.at += 1;
                    match word.last_mut() {
                        Some(Piece::Text(text)) => text.push(c),
                        _ => word.push(Piece::Text(c.to_string())),
                    }
                }
            }
        }
        Some(word).filter(|word| !word.is_empty())
    }

    /// A word up to the closing double quote, or to the end of all.
    pub fn quoted(&mut self, end: Option<char>) -> Option<Word> {
        let mut word = Word::new();
        loop {
            let Some(c) = self.peek() else { return end.is_none().then_some(word) };
            if Some(c) == end {
                self.at += 1;
                return Some(word);
            }
            let text = match c {
                '$' | '`' => {
                    word.push(self.filled(true)?);
                    continue;
                }
                '\\' => {
                    let next = self.chars.get(self.at + 1).copied();
                    self.at += 1;
                    match next {
                        Some('\n') => {
                            self.at += 1;
                            continue;
                        }
                        Some(next @ ('"' | '\\' | '$' | '`')) => next,
                        _ => {
                            self.at -= 1;
                            '\\'
                        }
                    }
                }
                c => c,
            };
            self.at += 1;
            match word.last_mut() {
                Some(Piece::Quoted(known)) => known.push(text),
                _ => word.push(Piece::Quoted(text.to_string())),
            }
        }
    }

    fn filled(&mut self, quoted: bool) -> Option<Piece> {
        let filled = |filling| Some(Piece::Filled(filling, quoted));
        if self.eat("`") {
            let inner = self.chars[self.at..].iter().position(|c| *c == '`')?;
            let text: String = self.chars[self.at..self.at + inner].iter().collect();
            self.at += inner + 1;
            return filled(Filling::Command(self.inside(&text, |parser| parser.list(&[]))?));
        }
        self.at += 1;
        if self.eat("((") {
            let text = self.balanced('(', ')')?;
            return match self.eat(")") {
                true => filled(Filling::Sum(self.inside(&text, |parser| parser.quoted(None))?)),
                false => None,
            };
        }
        if self.eat("(") {
            let list = self.list(&[])?;
            return if self.eat(")") { filled(Filling::Command(list)) } else { None };
        }
        if self.eat("{") {
            let text = self.balanced('{', '}')?;
            return filled(self.inside(&text, Self::braced)?);
        }
        let name = self.name();
        if !name.is_empty() {
            return filled(Filling::Variable(name, None));
        }
        match self.peek() {
            Some(c) if "?$!#@*".contains(c) || c.is_ascii_digit() => {
                self.at += 1;
                filled(Filling::Variable(c.to_string(), None))
            }
            _ => Some(if quoted { Piece::Quoted("$".to_owned()) } else { Piece::Text("$".to_owned()) }),
        }
    }

    fn braced(&mut self) -> Option<Filling> {
        if self.chars.len() > 1 && self.eat("#") {
            return Some(Filling::Length(self.name()));
        }
        let mut name = self.name();
        if name.is_empty() {
            name = self.peek()?.to_string();
            self.at += 1;
        }
        if self.is_over() {
            return Some(Filling::Variable(name, None));
        }
        let colon = self.eat(":");
        let kind = self.peek()?;
        self.at += 1;
        let change = match kind {
            '-' | '=' | '+' | '?' => Change::Otherwise(kind, colon, self.pattern()?),
            _ if colon => {
                self.at -= 1;
                let text: String = self.chars[self.at..].iter().collect();
                let (from, length) =
                    text.split_once(':').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
                let read = |text: &str| self.inside(text, |parser| parser.quoted(None));
                let length = match length {
                    Some(text) => Some(read(text)?),
                    None => None,
                };
                Change::Part(read(from)?, length)
            }
            '#' | '%' => {
                let most = self.eat(&kind.to_string());
                Change::Cut { end: kind == '%', most, pattern: self.pattern()? }
            }
            '/' => {
                let everywhere = self.eat("/");
                let text: String = self.chars[self.at..].iter().collect();
                let (pattern, by) = text.split_once('/').unwrap_or((&text, ""));
                let read = |text: &str| self.inside(text, Self::pattern);
                Change::Replaced { everywhere, pattern: read(pattern)?, by: read(by)? }
            }
            _ => return None,
        };
        Some(Filling::Variable(name, Some(change)))
    }

    /// The rest as a pattern, in which what is quoted stands for itself.
    fn pattern(&mut self) -> Option<Word> {
        let mut word = Word::new();
        while !self.is_over() {
            match self.word() {
                Some(more) => word.extend(more),
                None => {
                    word.push(Piece::Text(self.peek()?.to_string()));
                    self.at += 1;
                }
            }
        }
        Some(word)
    }

    pub(super) fn inside<T>(&self, text: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut parser = Self { depth: self.depth + 1, ..Self::new(text) };
        if parser.depth > DEPTH_MAX { None } else { read(&mut parser) }
    }

    pub(super) fn balanced(&mut self, open: char, close: char) -> Option<String> {
        let (begin, mut depth) = (self.at, 1);
        while let Some(c) = self.peek() {
            self.at += 1;
            depth += i32::from(c == open) - i32::from(c == close);
            if depth == 0 {
                return Some(self.chars[begin..self.at - 1].iter().collect());
            }
        }
        None
    }

    pub(super) fn name(&mut self) -> String {
        let is = |c: &&char| c.is_ascii_alphanumeric() || **c == '_';
        let first = self.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let length = if first { self.chars[self.at..].iter().take_while(is).count() } else { 0 };
        self.at += length;
        self.chars[self.at - length..self.at].iter().collect()
    }
}
