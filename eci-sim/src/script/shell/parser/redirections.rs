//! Redirections of a command, here-documents included.

use super::Parser;
use crate::script::shell::syntax::{Piece, Redirection, Stream, Target, Word};

/// Here-documents in a script, at most.
const DOCUMENTS_MAX: usize = 50;

impl Parser {
    /// Reads a redirection; the inner `None` where no redirection stands, the outer one where it cannot be read.
    pub(super) fn redirection(&mut self) -> Option<Option<Redirection>> {
        let begin = self.at;
        let both = self.eat("&>");
        while !both && self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let number: String = self.chars[begin..self.at].iter().filter(|c| c.is_ascii_digit()).collect();
        let stream = |usual| match number.as_str() {
            _ if both => Stream::Both,
            "" => usual,
            "0" => Stream::Input,
            "1" => Stream::Output,
            "2" => Stream::Errors,
            _ => Stream::Other,
        };
        if self.eat("<<<") {
            self.blank(false);
            let mut text = self.word()?;
            text.push(Piece::Quoted("\n".to_owned()));
            return Some(Some(Redirection { stream: stream(Stream::Input), target: Target::Text(text) }));
        }
        if self.eat("<<") {
            let target = Target::Text(self.document()?);
            return Some(Some(Redirection { stream: stream(Stream::Input), target }));
        }
        let appends = if both { self.eat(">") } else { self.eat(">>") };
        let duplicates = !both && !appends && self.eat(">&");
        let writes = both || appends || duplicates || self.eat(">|") || self.eat(">");
        if !writes {
            if self.sees("<(") || self.sees("<>") {
                return None;
            }
            if !self.eat("<&") && !self.eat("<") {
                self.at = begin;
                return Some(None);
            }
        }
        self.blank(false);
        let word = self.word()?;
        let stream = stream(if writes { Stream::Output } else { Stream::Input });
        let target = match word.as_slice() {
            [Piece::Text(text)]
                if duplicates && (text == "-" || text.bytes().all(|b| b.is_ascii_digit())) =>
            {
                Target::Stream(text.parse().unwrap_or(0))
            }
            _ => Target::File(word, appends),
        };
        // `>& file` is that of both
        let stream = match &target {
            Target::File(..) if duplicates => Stream::Both,
            _ => stream,
        };
        Some(Some(Redirection { stream, target }))
    }

    /// The lines of a here-document, which begin on the next line and are cut out of the script.
    fn document(&mut self) -> Option<Word> {
        self.documents += 1;
        if self.documents > DOCUMENTS_MAX {
            return None;
        }
        let indented = self.eat("-");
        self.blank(false);
        let end = self.word()?;
        let plain = end.iter().all(|piece| matches!(piece, Piece::Text(_)));
        let end: String = end
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Quoted(text) => text,
                Piece::Filled(..) => String::new(),
            })
            .collect();
        let begin = self.at + self.chars[self.at..].iter().position(|c| *c == '\n')? + 1;
        let (mut text, mut at) = (String::new(), begin);
        loop {
            let rest = self.chars.get(at..)?;
            if rest.is_empty() {
                return None;
            }
            let length = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
            let line: String = rest[..length].iter().collect();
            let line = if indented { line.trim_start_matches('\t') } else { &line };
            at += (length + 1).min(rest.len());
            if line == end {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        self.chars.drain(begin..at);
        match plain {
            true => self.inside(&text, |parser| parser.document_text()),
            false => Some(vec![Piece::Quoted(text)]),
        }
    }

    /// The whole text as in double quotes, but for the quotes themselves.
    fn document_text(&mut self) -> Option<Word> {
        let mut word = self.quoted(None)?;
        word.insert(0, Piece::Quoted(String::new()));
        Some(word)
    }
}
