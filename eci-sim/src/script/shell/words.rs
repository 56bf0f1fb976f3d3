//! Expansion of a script's words: variables, outputs of commands, and sums.

use super::TEXT_MAX;
use super::play::Play;
use super::syntax::{Filling, Piece, Word};

/// What is not played where a word grows beyond its bounds.
const TOO_LARGE: &str = "a text of more than 64 KiB, or of more than 1000 words";
/// Words into which one word may split, at most.
const FIELDS_MAX: usize = 1000;

impl Play {
    /// The words into which a word splits; `None` where a part of it is not understood or grows too large.
    pub(super) fn fields(&mut self, word: &Word) -> Option<Vec<String>> {
        if let [Piece::Text(text)] = word.as_slice()
            && let Some(range) = range(text)
        {
            return Some(range);
        }
        let mut fields = Vec::new();
        let mut open: Option<String> = None;
        for piece in word {
            match piece {
                Piece::Text(text) | Piece::Quoted(text) => open.get_or_insert_default().push_str(text),
                Piece::Filled(Filling::Variable(name, None), true) if name == "@" => {
                    for (index, arg) in self.args.iter().enumerate() {
                        if index > 0 {
                            fields.extend(open.take());
                        }
                        open.get_or_insert_default().push_str(arg);
                    }
                }
                Piece::Filled(filling, true) => {
                    let text = self.fill(filling)?;
                    open.get_or_insert_default().push_str(&text);
                }
                Piece::Filled(filling, false) => {
                    let text = self.fill(filling)?;
                    for (index, part) in text.split_whitespace().enumerate() {
                        if index > 0 || text.starts_with(char::is_whitespace) {
                            fields.extend(open.take());
                        }
                        open.get_or_insert_default().push_str(part);
                    }
                    if text.ends_with(char::is_whitespace) {
                        fields.extend(open.take());
                    }
                }
            }
        }
        fields.extend(open);
        let size: usize = fields.iter().map(String::len).sum();
        match fields.len() <= FIELDS_MAX && size <= TEXT_MAX {
            true => Some(fields),
            false => self.give_up(TOO_LARGE),
        }
    }

    /// A word as one text; `None` where a part of it is not understood or grows too large.
    pub(super) fn text(&mut self, word: &Word) -> Option<String> {
        let mut whole = String::new();
        for piece in word {
            match piece {
                Piece::Text(text) | Piece::Quoted(text) => whole.push_str(text),
                Piece::Filled(filling, _) => whole.push_str(&self.fill(filling)?),
            }
        }
        match whole.len() <= TEXT_MAX {
            true => Some(whole),
            false => self.give_up(TOO_LARGE),
        }
    }

    fn fill(&mut self, filling: &Filling) -> Option<String> {
        match filling {
            Filling::Variable(name, otherwise) => {
                let value = self.value(name);
                let is_set = value.as_ref().is_some_and(|value| !value.is_empty());
                match otherwise {
                    Some(('+', word)) if is_set => self.text(word),
                    Some(('+', _)) => Some(String::new()),
                    Some((kind, word)) if !is_set => {
                        let text = self.text(word)?;
                        if *kind == '=' {
                            self.vars.insert(name.clone(), text.clone());
                        }
                        Some(text)
                    }
                    _ => Some(value.unwrap_or_default()),
                }
            }
            Filling::Length(name) => Some(self.value(name).unwrap_or_default().chars().count().to_string()),
            Filling::Command(list) => self.catch(list),
            Filling::Sum(word) => {
                let text = self.text(word)?;
                let value = |name: &str| {
                    let value = self.value(name).unwrap_or_default();
                    if value.trim().is_empty() { Some(0) } else { value.trim().parse().ok() }
                };
                match (Sum { rest: text.trim(), value: &value }).whole() {
                    Some(sum) => Some(sum.to_string()),
                    None => self.give_up(format!("$(({text}))")),
                }
            }
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.code.to_string()),
            "$" => Some("1".to_owned()),
            "#" => Some(self.args.len().to_string()),
            "@" | "*" => Some(self.args.join(" ")),
            "0" => Some("sh".to_owned()),
            _ => match name.parse::<usize>() {
                Ok(number) => self.args.get(number.checked_sub(1)?).cloned(),
                Err(_) => self.vars.get(name).cloned(),
            },
        }
    }
}

/// Numbers of a range as in `{1..5}`; `None` for another text, and for too many.
fn range(text: &str) -> Option<Vec<String>> {
    let (from, to) = text.strip_prefix('{')?.strip_suffix('}')?.split_once("..")?;
    let (from, to): (i32, i32) = (from.parse().ok()?, to.parse().ok()?);
    if usize::try_from(i64::from(from).abs_diff(i64::from(to))).ok()? >= FIELDS_MAX {
        return None;
    }
    let up = from <= to;
    let numbers = from.min(to)..=from.max(to);
    Some(if up {
        numbers.map(|n| n.to_string()).collect()
    } else {
        numbers.rev().map(|n| n.to_string()).collect()
    })
}

/// The rest of a sum that is not read yet, and the values of its names.
struct Sum<'a> {
    rest: &'a str,
    value: &'a dyn Fn(&str) -> Option<i64>,
}

/// Operators between two numbers, by rank; longer ones before those that they begin with.
const SIGNS: [&[&str]; 6] =
    [&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

impl Sum<'_> {
    fn whole(mut self) -> Option<i64> {
        if self.rest.is_empty() {
            return Some(0);
        }
        let sum = self.ranked(0, 0)?;
        self.rest.trim().is_empty().then_some(sum)
    }

    fn eat(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn ranked(&mut self, rank: usize, depth: u32) -> Option<i64> {
        let Some(signs) = SIGNS.get(rank) else { return self.one(depth) };
        let mut left = self.ranked(rank + 1, depth)?;
        while let Some(sign) = signs.iter().find(|sign| self.eat(sign)) {
            let right = self.ranked(rank + 1, depth)?;
            left = match *sign {
                "||" => i64::from(left != 0 || right != 0),
                "&&" => i64::from(left != 0 && right != 0),
                "==" => i64::from(left == right),
                "!=" => i64::from(left != right),
                "<=" => i64::from(left <= right),
                ">=" => i64::from(left >= right),
                "<" => i64::from(left < right),
                ">" => i64::from(left > right),
                "+" => left.wrapping_add(right),
                "-" => left.wrapping_sub(right),
                "*" => left.wrapping_mul(right),
                "/" => left.checked_div(right)?,
                _ => left.checked_rem(right)?,
            };
        }
        Some(left)
    }

    fn one(&mut self, depth: u32) -> Option<i64> {
        if depth > 40 {
            return None;
        }
        if self.eat("(") {
            let inner = self.ranked(0, depth + 1)?;
            return self.eat(")").then_some(inner);
        }
        if self.eat("-") {
            return Some(self.one(depth + 1)?.wrapping_neg());
        }
        if self.eat("!") {
            return Some(i64::from(self.one(depth + 1)? == 0));
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word.chars().next()? {
            first if first.is_ascii_digit() => word.parse().ok(),
            _ => (self.value)(word),
        }
    }
}
