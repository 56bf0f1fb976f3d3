//! Sums of a script: `$(( … ))`, `(( … ))` and `let`, with what they set.

use std::collections::BTreeMap;

use super::play::Play;
use super::syntax::Word;

/// Depth to which a sum may be nested.
const DEPTH_MAX: u32 = 40;
/// Operators between two numbers, by rank.
const SIGNS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const ASSIGNMENTS: [&str; 6] = ["=", "+=", "-=", "*=", "/=", "%="];

/// The rest of a sum that is not read yet, and the variables that it reads and sets.
struct Sum<'a> {
    rest: &'a str,
    vars: &'a mut BTreeMap<String, String>,
    depth: u32,
}

impl Play {
    /// The value of a sum; `None` where it is none.
    pub(super) fn sum(&mut self, word: &Word) -> Option<i64> {
        let text = self.text(word)?;
        let text = self.settled(text);
        self.sum_of(&text)
    }

    /// The value of a sum's text; `None` where it is none.
    pub(super) fn sum_of(&mut self, text: &str) -> Option<i64> {
        match (Sum { rest: text.trim(), vars: &mut self.vars, depth: 0 }).whole() {
            Some(sum) => Some(sum),
            None => self.give_up(format!("$(({text}))")),
        }
    }
}

fn applied(sign: &str, left: i64, right: i64) -> Option<i64> {
    Some(match sign {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.checked_shl(u32::try_from(right).ok()?)?,
        ">>" => left.checked_shr(u32::try_from(right).ok()?)?,
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" => left.checked_div(right)?,
        _ => left.checked_rem(right)?,
    })
}

impl Sum<'_> {
    fn whole(mut self) -> Option<i64> {
        if self.rest.is_empty() {
            return Some(0);
        }
        let mut sum = self.assigned()?;
        while self.eat(",") {
            sum = self.assigned()?;
        }
        self.rest.trim().is_empty().then_some(sum)
    }

    fn eat(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads an operator that is not the beginning of a longer one.
    fn operator(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        let longer = matches!(sign, "|" | "&" | "<" | ">") && rest.starts_with(sign);
        if !longer {
            self.rest = rest;
        }
        !longer
    }

    fn name(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        is_name.then(|| {
            self.rest = rest;
            name.to_owned()
        })
    }

    fn value(&self, name: &str) -> Option<i64> {
        match self.vars.get(name).map_or("", |value| value.trim()) {
            "" => Some(0),
            text => text.parse().ok(),
        }
    }

    fn set(&mut self, name: String, value: i64) -> i64 {
        self.vars.insert(name, value.to_string());
        value
    }

    fn assigned(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let before = self.rest;
        let value = self.assignment().or_else(|| {
            self.rest = before;
            self.chosen()
        });
        self.depth -= 1;
        value
    }

    fn assignment(&mut self) -> Option<i64> {
        let name = self.name()?;
        self.rest = self.rest.trim_start();
        if self.rest.starts_with("==") {
            return None;
        }
        let sign = ASSIGNMENTS.into_iter().find(|sign| self.rest.starts_with(sign))?;
        self.rest = self.rest.strip_prefix(sign)?;
        let right = self.assigned()?;
        let value = match sign.strip_suffix('=') {
            Some("") | None => right,
            Some(sign) => applied(sign, self.value(&name)?, right)?,
        };
        Some(self.set(name, value))
    }

    fn chosen(&mut self) -> Option<i64> {
        let test = self.ranked(0)?;
        if !self.eat("?") {
            return Some(test);
        }
        let yes = self.assigned()?;
        if !self.eat(":") {
            return None;
        }
        let no = self.assigned()?;
        Some(if test != 0 { yes } else { no })
    }

    fn ranked(&mut self, rank: usize) -> Option<i64> {
        let Some(signs) = SIGNS.get(rank) else { return self.one() };
        let mut left = self.ranked(rank + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.operator(sign)) {
            let right = self.ranked(rank + 1)?;
            left = applied(sign, left, right)?;
        }
        Some(left)
    }

    fn one(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let value = self.unary();
        self.depth -= 1;
        value
    }

    fn unary(&mut self) -> Option<i64> {
        for (sign, by) in [("++", 1), ("--", -1)] {
            if self.eat(sign) {
                let name = self.name()?;
                let value = self.value(&name)?.wrapping_add(by);
                return Some(self.set(name, value));
            }
        }
        if self.eat("(") {
            let inner = self.assigned()?;
            return self.eat(")").then_some(inner);
        }
        for (sign, make) in [("-", i64::wrapping_neg as fn(i64) -> i64), ("+", |n| n), ("~", |n| !n)] {
            if self.eat(sign) {
                return Some(make(self.one()?));
            }
        }
        if self.eat("!") {
            return Some(i64::from(self.one()? == 0));
        }
        if let Some(name) = self.name() {
            let value = self.value(&name)?;
            let by = [("++", 1), ("--", -1)].into_iter().find(|(sign, _)| self.eat(sign));
            if let Some((_, by)) = by {
                self.set(name, value.wrapping_add(by));
            }
            return Some(value);
        }
        self.number()
    }

    fn number(&mut self) -> Option<i64> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok(),
            None => digits.parse().ok(),
        }
    }
}
