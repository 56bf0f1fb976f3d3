//! Compound commands: groups, branches, loops, `case`, functions, sums.

use std::rc::Rc;

use super::Parser;
use crate::script::shell::syntax::{Command, List, Word};

impl Parser {
    /// A compound command; the inner `None` where a simple one stands, the outer one where it cannot be read.
    pub(super) fn compound(&mut self) -> Option<Option<Command>> {
        let command = match self.peek()? {
            '(' => {
                let begin = self.at;
                if let Some(sum) = self.sees("((").then(|| self.sum()).flatten() {
                    return Some(Some(sum));
                }
                self.at = begin + 1;
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
            _ if self.keyword("case") => self.case()?,
            _ if self.keyword("function") => {
                self.blank(false);
                let name = self.function_name();
                self.blank(false);
                let _brackets = self.eat("()");
                self.function(name)?
            }
            _ if self.sees_keyword("select") => return None,
            _ => {
                let begin = self.at;
                let name = self.function_name();
                self.blank(false);
                if !name.is_empty() && self.eat("(") {
                    self.blank(false);
                    return if self.eat(")") { self.function(name).map(Some) } else { None };
                }
                self.at = begin;
                return Some(None);
            }
        };
        Some(Some(command))
    }

    fn function_name(&mut self) -> String {
        let is = |c: &&char| c.is_ascii_alphanumeric() || "_-.".contains(**c);
        let length = self.chars[self.at..].iter().take_while(is).count();
        self.at += length;
        self.chars[self.at - length..self.at].iter().collect()
    }

    fn function(&mut self, name: String) -> Option<Command> {
        self.blank(true);
        self.depth += 1;
        if self.depth > super::DEPTH_MAX {
            return None;
        }
        let body = self.command()?;
        self.depth -= 1;
        (!name.is_empty()).then(|| Command::Function(name, Rc::new(body)))
    }

    fn sum(&mut self) -> Option<Command> {
        self.at += 2;
        let text = self.balanced('(', ')')?;
        if !self.eat(")") {
            return None;
        }
        Some(Command::Sum(self.inside(&text, |parser| parser.quoted(None))?))
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

    fn case(&mut self) -> Option<Command> {
        self.blank(false);
        let word = self.word()?;
        self.blank(true);
        if !self.keyword("in") {
            return None;
        }
        let mut arms: Vec<(Vec<Word>, List)> = Vec::new();
        loop {
            self.blank(true);
            if self.keyword("esac") {
                return Some(Command::Case(word, arms));
            }
            self.blank(false);
            let _opened = self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.blank(false);
                patterns.push(self.word()?);
                self.blank(false);
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return None;
            }
            arms.push((patterns, self.list(&["esac"])?));
            let _ended = self.eat(";;");
        }
    }
}
