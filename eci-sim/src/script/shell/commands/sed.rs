//! `sed`, in its common forms: `s`, `p`, `d`, `q`, with lines and patterns as addresses.

use regex::{Captures, Regex};

use super::filters::regex;

/// Characters of a line that is edited, at most.
const LINE_MAX: usize = 16 << 10;

/// A command of `sed`, and the lines for which it is.
#[derive(Debug)]
pub(super) struct Edit {
    from: Option<Address>,
    to: Option<Address>,
    not: bool,
    action: Action,
}

#[derive(Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Regex),
}

#[derive(Debug)]
enum Action {
    Substitute { pattern: Regex, by: String, everywhere: bool, prints: bool },
    Print,
    Delete,
    Quit,
}

/// Reads a script; `None` for one that has another command.
pub(super) fn read(script: &str, extended: bool) -> Option<Vec<Edit>> {
    let mut rest = script.trim_start_matches([' ', '\n', ';']);
    let mut edits = Vec::new();
    while !rest.is_empty() {
        let (from, after) = address(rest, extended)?;
        let (to, after) = match after.strip_prefix(',').filter(|_| from.is_some()) {
            Some(after) => address(after, extended)?,
            None => (None, after),
        };
        let after = after.trim_start();
        let (not, after) = after.strip_prefix('!').map_or((false, after), |after| (true, after));
        let mut chars = after.chars();
        let action = match chars.next()? {
            's' => {
                let (action, after) = substitute(chars.as_str(), extended)?;
                rest = after;
                action
            }
            letter @ ('p' | 'd' | 'q') => {
                rest = chars.as_str();
                match letter {
                    'p' => Action::Print,
                    'd' => Action::Delete,
                    _ => Action::Quit,
                }
            }
            _ => return None,
        };
        edits.push(Edit { from, to, not, action });
        let next = rest.trim_start_matches([' ', '\n', ';']);
        if next.len() == rest.len() && !rest.is_empty() {
            return None;
        }
        rest = next;
    }
    Some(edits)
}

fn address(text: &str, extended: bool) -> Option<(Option<Address>, &str)> {
    if let Some(rest) = text.strip_prefix('$') {
        return Some((Some(Address::Last), rest));
    }
    if let Some(rest) = text.strip_prefix('/') {
        let (pattern, rest) = part(rest, '/')?;
        return Some((Some(Address::Match(regex(&pattern, extended, false)?)), rest));
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok().map(Address::Line), rest))
}

/// A part up to an unescaped separator, and what follows.
fn part(text: &str, separator: char) -> Option<(String, &str)> {
    let (mut out, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        if c == separator {
            return Some((out, &text[at + c.len_utf8()..]));
        }
        if c == '\\' {
            let (_, next) = chars.next()?;
            if next != separator {
                out.push('\\');
            }
            out.push(next);
        } else {
            out.push(c);
        }
    }
    None
}

fn substitute(text: &str, extended: bool) -> Option<(Action, &str)> {
    let separator = text.chars().next()?;
    let (pattern, rest) = part(&text[separator.len_utf8()..], separator)?;
    let (by, rest) = part(rest, separator)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (flags, rest) = rest.split_at(end);
    if flags.chars().any(|flag| !"gipI".contains(flag)) {
        return None;
    }
    let ignores_case = flags.contains(['i', 'I']);
    let pattern = regex(&pattern, extended, ignores_case)?;
    let action =
        Action::Substitute { pattern, by, everywhere: flags.contains('g'), prints: flags.contains('p') };
    Some((action, rest))
}

/// The replacement with `&` and `\1` filled in.
fn filled(by: &str, found: &Captures<'_>) -> String {
    let (mut out, mut chars) = (String::new(), by.chars());
    let group = |number: usize| found.get(number).map_or("", |group| group.as_str());
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str(group(0)),
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(digit) if digit.is_ascii_digit() => {
                    out.push_str(group(digit.to_digit(10).map_or(0, |digit| digit as usize)));
                }
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// The text after a script; `quiet` writes only what the script prints.
pub(super) fn apply(script: &[Edit], text: &str, quiet: bool) -> String {
    let count = text.lines().count();
    let mut within = vec![false; script.len()];
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        let mut line = line.to_owned();
        let (mut deleted, mut ended) = (false, false);
        for (edit, within) in script.iter().zip(&mut within) {
            if !edit.is_for(&line, index + 1, count, within) {
                continue;
            }
            match &edit.action {
                Action::Substitute { pattern, by, everywhere, prints } => {
                    let limit = usize::from(!everywhere);
                    if pattern.is_match(&line) {
                        line = pattern
                            .replacen(&line, limit, |found: &Captures<'_>| filled(by, found))
                            .into_owned();
                        line = line.chars().take(LINE_MAX).collect();
                        if *prints {
                            out.push_str(&format!("{line}\n"));
                        }
                    }
                }
                Action::Print => out.push_str(&format!("{line}\n")),
                Action::Delete => {
                    deleted = true;
                    break;
                }
                Action::Quit => ended = true,
            }
        }
        if !deleted && !quiet {
            out.push_str(&format!("{line}\n"));
        }
        if ended {
            break;
        }
    }
    out
}

impl Edit {
    fn is_for(&self, line: &str, number: usize, count: usize, within: &mut bool) -> bool {
        let fits = |address: &Address| match address {
            Address::Line(own) => *own == number,
            Address::Last => number == count,
            Address::Match(pattern) => pattern.is_match(line),
        };
        let chosen = match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => fits(from),
            (Some(from), Some(to)) => {
                let begins = !*within && fits(from);
                let is_in = *within || begins;
                let past = matches!(to, Address::Line(last) if *last <= number);
                *within = is_in && !(past || !begins && fits(to));
                is_in
            }
        };
        chosen != self.not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_scripts_edit_as_they_say() {
        let text = "one\ntwo\nthree\n";
        for (script, quiet, wanted) in [
            ("s/o/0/", false, "0ne\ntw0\nthree\n"),
            ("s|e|E|g; s/$/!/", false, "onE!\ntwo!\nthrEE!\n"),
            ("s/\\(t\\)\\(.\\)/\\2\\1/", false, "one\nwto\nhtree\n"),
            ("2p", true, "two\n"),
            ("/two/d", false, "one\nthree\n"),
            ("2,$d", false, "one\n"),
            ("/one/,/two/s/^/- /", false, "- one\n- two\nthree\n"),
            ("$!d", false, "three\n"),
            ("2q", false, "one\ntwo\n"),
        ] {
            assert_eq!(apply(&read(script, false).unwrap(), text, quiet), wanted, "{script}");
        }
        assert!(read("y/a/b/", false).is_none());
    }
}
