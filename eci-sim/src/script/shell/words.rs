//! Expansion of a script's words: variables, outputs of commands, sums, and names of files.

use super::TEXT_MAX;
use super::marks::{MARK, dated};
use super::pattern::{Pattern, is_pattern, quoted};
use super::play::Play;
use super::syntax::{Change, Filling, Piece, Word};
use crate::script::files::joined;

/// What is not played where a word grows beyond its bounds.
const TOO_LARGE: &str = "a text of more than 64 KiB, or of more than 1000 words";
/// Words into which one word may split, at most.
const FIELDS_MAX: usize = 1000;
/// Characters of a value from which a pattern is cut, at most.
const CUT_MAX: usize = 256;

/// A word that is being put together: its text, and the same as a pattern of names of files.
#[derive(Debug, Default)]
struct Field {
    text: String,
    pattern: String,
}

impl Field {
    fn push(&mut self, text: &str, is_quoted: bool) {
        self.text.push_str(text);
        self.pattern.push_str(&if is_quoted { quoted(text) } else { text.to_owned() });
    }
}

impl Play {
    /// The words into which a word splits; `None` where a part of it is not understood or grows too large.
    pub(super) fn fields(&mut self, word: &Word) -> Option<Vec<String>> {
        if let [Piece::Text(text)] = word.as_slice()
            && let Some(range) = range(text)
        {
            return Some(range);
        }
        let mut fields = Vec::new();
        let mut open: Option<Field> = None;
        for (index, piece) in word.iter().enumerate() {
            match piece {
                Piece::Text(text) if index == 0 && text.starts_with('~') => {
                    let home = self.vars.get("HOME").cloned().unwrap_or_else(|| "/root".to_owned());
                    let rest = text.trim_start_matches('~');
                    open.get_or_insert_default().push(&format!("{home}{rest}"), false);
                }
                Piece::Text(text) => open.get_or_insert_default().push(text, false),
                Piece::Quoted(text) => open.get_or_insert_default().push(text, true),
                Piece::Filled(Filling::Variable(name, None), true) if name == "@" => {
                    for (index, arg) in self.args.iter().enumerate() {
                        if index > 0 {
                            fields.extend(open.take());
                        }
                        open.get_or_insert_default().push(arg, true);
                    }
                }
                Piece::Filled(filling, true) => {
                    let text = self.fill(filling)?;
                    open.get_or_insert_default().push(&text, true);
                }
                Piece::Filled(filling, false) => {
                    let text = self.fill(filling)?;
                    split(&text, &mut open, &mut fields);
                }
            }
        }
        fields.extend(open);
        let mut words = Vec::new();
        for Field { text, pattern } in fields {
            match is_pattern(&pattern) {
                true => words.extend(self.names(&pattern, text)?),
                false => words.push(text),
            }
        }
        let size: usize = words.iter().map(String::len).sum();
        match words.len() <= FIELDS_MAX && size <= TEXT_MAX {
            true => Some(words),
            false => self.give_up(TOO_LARGE),
        }
    }

    /// The names of files that match a pattern, in order; the text itself where none does.
    fn names(&mut self, pattern: &str, text: String) -> Option<Vec<String>> {
        let unescaped = |part: &str| Pattern::of(part).literal();
        if unescaped(pattern).is_some() {
            return Some(vec![text]);
        }
        let mut found = vec![if pattern.starts_with('/') { "/".to_owned() } else { String::new() }];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            self.more_steps(found.len())?;
            let mut next = Vec::new();
            for base in &found {
                let at = |name: &str| if base.is_empty() { name.to_owned() } else { joined(base, name) };
                if let Some(name) = unescaped(part) {
                    let path = self.path(&at(&name));
                    if self.file(|space| space.stat(&path)).is_ok() {
                        next.push(at(&name));
                    }
                    continue;
                }
                let directory = self.path(base);
                let names = self.file(|space| space.list(&directory)).unwrap_or_default();
                let matcher = Pattern::of(part);
                let shown = |name: &String| part.starts_with('.') || !name.starts_with('.');
                next.extend(
                    names.iter().filter(|name| shown(name) && matcher.matches(name)).map(|name| at(name)),
                );
            }
            if next.len() > FIELDS_MAX {
                return self.give_up(TOO_LARGE);
            }
            found = next;
        }
        Some(if found.is_empty() { vec![text] } else { found })
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

    /// A word as a pattern, in which what is quoted stands for itself.
    pub(super) fn pattern(&mut self, word: &Word) -> Option<Pattern> {
        let mut whole = String::new();
        for piece in word {
            match piece {
                Piece::Text(text) => whole.push_str(text),
                Piece::Quoted(text) => whole.push_str(&quoted(text)),
                Piece::Filled(filling, in_quotes) => {
                    let text = self.fill(filling)?;
                    whole.push_str(&if *in_quotes { quoted(&text) } else { text });
                }
            }
        }
        if whole.len() > CUT_MAX {
            return self.give_up("a pattern of more than 256 characters");
        }
        Some(Pattern::of(&whole))
    }

    /// A text whose dates are filled in, since what follows depends on them.
    pub(super) fn settled(&mut self, text: String) -> String {
        if !text.contains(MARK) {
            return text;
        }
        self.clock_reads += 1;
        dated(&text, self.started, self.now).into_owned()
    }

    fn fill(&mut self, filling: &Filling) -> Option<String> {
        match filling {
            Filling::Variable(name, None) => Some(self.value(name).unwrap_or_default()),
            Filling::Variable(name, Some(change)) => self.changed(name, change),
            Filling::Length(name) => {
                let value = self.value(name).unwrap_or_default();
                Some(self.settled(value).chars().count().to_string())
            }
            Filling::Command(list) => {
                let caught = self.catch(|play| play.list(list))?;
                Some(caught.trim_end_matches('\n').to_owned())
            }
            Filling::Sum(word) => self.sum(word).map(|sum| sum.to_string()),
        }
    }

    /// A variable's value after what is done with it.
    fn changed(&mut self, name: &str, change: &Change) -> Option<String> {
        let value = self.value(name);
        let (pattern, end, most) = match change {
            Change::Otherwise(kind, colon, word) => {
                let is_set = value.as_ref().is_some_and(|value| !colon || !value.is_empty());
                return match *kind {
                    '+' if is_set => self.text(word),
                    '+' => Some(String::new()),
                    _ if is_set => value,
                    '?' => {
                        let why = self.text(word)?;
                        let why = if why.is_empty() { "parameter not set" } else { why.as_str() };
                        self.complain(&format!("sh: {name}: {why}"));
                        self.breaks = true;
                        Some(String::new())
                    }
                    _ => {
                        let text = self.text(word)?;
                        if *kind == '=' {
                            self.vars.insert(name.to_owned(), text.clone());
                        }
                        Some(text)
                    }
                };
            }
            Change::Part(from, length) => {
                let (from, length) = (self.sum(from)?, length.as_ref().map(|word| self.sum(word)));
                let chars: Vec<char> = self.settled(value.unwrap_or_default()).chars().collect();
                let count = i64::try_from(chars.len()).ok()?;
                let from = if from < 0 { (count + from).max(0) } else { from.min(count) };
                let length = match length {
                    Some(length) => length?,
                    None => count,
                };
                let to = if length < 0 { count + length } else { from.saturating_add(length).min(count) };
                let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to.max(from)).ok()?);
                return Some(chars.get(from..to).unwrap_or_default().iter().collect());
            }
            Change::Replaced { everywhere, pattern, by } => {
                let (pattern, by) = (self.pattern(pattern)?, self.text(by)?);
                let value = self.settled(value.unwrap_or_default());
                let Some(literal) = pattern.literal().filter(|literal| !literal.is_empty()) else {
                    return self.give_up("${NAME/PATTERN/TEXT} with a pattern");
                };
                let times = if *everywhere { usize::MAX } else { 1 };
                let grown = value.matches(&literal).count().min(times).saturating_mul(by.len());
                if value.len().saturating_add(grown) > TEXT_MAX {
                    return self.give_up(TOO_LARGE);
                }
                return Some(value.replacen(&literal, &by, times));
            }
            Change::Cut { end, most, pattern } => (self.pattern(pattern)?, *end, *most),
        };
        let value = self.settled(value.unwrap_or_default());
        if value.len() > CUT_MAX && pattern.literal().is_none() {
            return self.give_up("a pattern that is cut off more than 256 characters");
        }
        if pattern.literal().is_none() {
            self.more_steps((value.len() * value.len() * pattern.steps()) >> 16)?;
        }
        Some(cut(&value, &pattern, end, most).to_owned())
    }

    pub(super) fn value(&mut self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.code.to_string()),
            "$" => Some("1".to_owned()),
            "#" => Some(self.args.len().to_string()),
            "@" | "*" => Some(self.args.join(" ")),
            "0" => Some("sh".to_owned()),
            "PWD" => Some(self.directory.clone()),
            "SECONDS" => {
                self.clock_reads += 1;
                Some(self.now.as_secs().to_string())
            }
            "RANDOM" => {
                self.clock_reads += 1;
                Some(
                    (self.steps.wrapping_mul(7919).wrapping_add(self.now.as_millis() as usize) % 32_768)
                        .to_string(),
                )
            }
            _ => match name.parse::<usize>() {
                Ok(number) => self.args.get(number.checked_sub(1)?).cloned(),
                Err(_) => self.vars.get(name).cloned(),
            },
        }
    }
}

/// Splits the text of an expansion at its blanks.
fn split(text: &str, open: &mut Option<Field>, fields: &mut Vec<Field>) {
    for (index, part) in text.split_whitespace().enumerate() {
        if index > 0 || text.starts_with(char::is_whitespace) {
            fields.extend(open.take());
        }
        open.get_or_insert_default().push(part, false);
    }
    if text.ends_with(char::is_whitespace) {
        fields.extend(open.take());
    }
}

/// A value without what a pattern matches at one of its ends: as little or as much as it does.
fn cut<'a>(value: &'a str, pattern: &Pattern, end: bool, most: bool) -> &'a str {
    if let Some(literal) = pattern.literal() {
        let rest =
            if end { value.strip_suffix(literal.as_str()) } else { value.strip_prefix(literal.as_str()) };
        return rest.unwrap_or(value);
    }
    let mut places: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    // the smallest piece first: from the end for what is cut there
    if end != most {
        places.reverse();
    }
    let fits = |at: &&usize| pattern.matches(if end { &value[**at..] } else { &value[..**at] });
    match places.iter().find(fits) {
        Some(at) if end => &value[..*at],
        Some(at) => &value[*at..],
        None => value,
    }
}

/// Numbers of a range as in `{1..5}`, or the words of a list as in `{a,b}`; `None` for another text, and for too many.
fn range(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let (from, to) = inner.split_once("..")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_little_or_as_much_is_cut_off_as_is_said() {
        for (pattern, end, most, wanted) in [
            ("*/", false, false, "b/c.tar.gz"),
            ("*/", false, true, "c.tar.gz"),
            (".*", true, false, "a/b/c.tar"),
            (".*", true, true, "a/b/c"),
            ("a/", false, false, "b/c.tar.gz"),
            ("x", true, true, "a/b/c.tar.gz"),
        ] {
            assert_eq!(cut("a/b/c.tar.gz", &Pattern::of(pattern), end, most), wanted, "{pattern}");
        }
    }
}
