//! Commands that write texts: `echo`, `printf`, `seq`, `expr`, `read`, names of the container.

use crate::script::shell::TEXT_MAX;
use crate::script::shell::marks::MARK;
use crate::script::shell::play::Play;

/// Numbers that `seq` writes, at most.
const NUMBERS_MAX: i64 = 1000;

impl Play {
    /// Exit code of a command that writes a text; the inner `None` for another command, the outer one for what is not
    /// played.
    pub(super) fn text_command(&mut self, name: &str, words: &[&str]) -> Option<Option<i32>> {
        let text = match name {
            "echo" => {
                self.echo(words);
                return Some(Some(0));
            }
            "printf" => match words.split_first() {
                Some((&"-v", [name, format, rest @ ..])) => {
                    self.vars.insert((*name).to_owned(), formatted(format, rest));
                    String::new()
                }
                Some((format, rest)) => formatted(format, rest),
                None => return Some(Some(2)),
            },
            "seq" => match sequence(words) {
                Some(text) => text,
                None => return self.give_up(format!("seq {}", words.join(" "))),
            },
            "expr" => return self.expr(words).map(Some),
            "read" => return Some(Some(self.read(words))),
            "hostname" => {
                let name = self.file(|space| space.read("/etc/hostname"));
                let name = name.map(|name| String::from_utf8_lossy(&name).into_owned());
                let name = name.ok().filter(|name| !name.trim().is_empty());
                let text = name.unwrap_or_else(|| self.vars.get("HOSTNAME").cloned().unwrap_or_default());
                if words.first() == Some(&"-i") {
                    self.vars.get("POD_IP").cloned().unwrap_or(text)
                } else {
                    text
                }
            }
            "printenv" => return Some(Some(self.printenv(words))),
            "pwd" => self.directory.clone(),
            "whoami" => "root".to_owned(),
            "id" => match words.first() {
                Some(&"-u" | &"-g") => "0".to_owned(),
                Some(&"-un" | &"-gn") => "root".to_owned(),
                _ => "uid=0(root) gid=0(root) groups=0(root)".to_owned(),
            },
            "uname" => match words.first() {
                None | Some(&"-s") => "Linux".to_owned(),
                Some(&"-m" | &"-p") => "x86_64".to_owned(),
                Some(&"-n") => self.vars.get("HOSTNAME").cloned().unwrap_or_default(),
                Some(_) => "Linux x86_64 GNU/Linux".to_owned(),
            },
            "nproc" => "1".to_owned(),
            "basename" => match words {
                [path] => base(path).to_owned(),
                [path, ending] => base(path).trim_end_matches(*ending).to_owned(),
                _ => return Some(Some(1)),
            },
            "dirname" => {
                let path = words.first().map_or("", |path| path.trim_end_matches('/'));
                let parent = path.rsplit_once('/').map_or(".", |(parent, _)| parent);
                if parent.is_empty() { "/".to_owned() } else { parent.to_owned() }
            }
            _ => return Some(None),
        };
        let ends = matches!(name, "printf" | "seq") || text.ends_with('\n');
        self.write(&if ends { text } else { format!("{text}\n") });
        Some(Some(0))
    }

    fn echo(&mut self, words: &[&str]) {
        let is_flag = |word: &&str| {
            word.len() > 1 && word.strip_prefix('-').is_some_and(|f| f.chars().all(|c| "neE".contains(c)))
        };
        let flags: Vec<&&str> = words.iter().take_while(|word| is_flag(word)).collect();
        let text = escaped(&words.get(flags.len()..).unwrap_or_default().join(" "));
        let stays = flags.iter().any(|flag| flag.contains('n'));
        self.write(&if stays { text } else { format!("{text}\n") });
    }

    fn printenv(&mut self, words: &[&str]) -> i32 {
        let mut code = 0;
        if words.is_empty() {
            let all: String = self.vars.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            self.write(&all);
        }
        for name in words {
            match self.vars.get(*name).cloned() {
                Some(value) => self.write(&format!("{value}\n")),
                None => code = 1,
            }
        }
        code
    }

    /// `read a b`: a line of the input, its last words together.
    fn read(&mut self, words: &[&str]) -> i32 {
        let mut names = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some(flags) => {
                    if flags.ends_with(['p', 't', 'n', 'd', 'u', 'a']) {
                        let _value = words.next();
                    }
                }
                None => names.push((*word).to_owned()),
            }
        }
        if names.is_empty() {
            names.push("REPLY".to_owned());
        }
        let line = self.input_line();
        let ended = line.is_none();
        let line = line.unwrap_or_default();
        let separator = self.vars.get("IFS").cloned();
        let separator = separator.as_deref().unwrap_or(" \t\n");
        let is_blank = |c: char| separator.contains(c);
        let mut rest = line.trim_end_matches('\n');
        if !separator.is_empty() {
            rest = rest.trim_matches(|c: char| is_blank(c) && c.is_whitespace());
        }
        let last = names.len() - 1;
        for (index, name) in names.into_iter().enumerate() {
            let (word, more) = match rest.find(is_blank) {
                Some(at) if index < last => (&rest[..at], &rest[at..]),
                _ => (rest, ""),
            };
            self.vars.insert(name, word.to_owned());
            let mut chars = more.chars();
            let _separator = chars.next();
            rest = chars.as_str().trim_start_matches(|c: char| is_blank(c) && c.is_whitespace());
        }
        i32::from(ended)
    }

    /// `expr 1 + 2`, and what else it compares.
    fn expr(&mut self, words: &[&str]) -> Option<i32> {
        let words: Vec<String> = words.iter().map(|word| self.settled((*word).to_owned())).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let value = match words.as_slice() {
            [left, "=", right] => i64::from(left == right).to_string(),
            [left, "!=", right] => i64::from(left != right).to_string(),
            ["length", text] => text.chars().count().to_string(),
            ["substr", text, from, length] => {
                let number = |text: &str| text.parse::<usize>().unwrap_or(0);
                text.chars().skip(number(from).saturating_sub(1)).take(number(length)).collect()
            }
            [text, ":", pattern] => {
                self.more_steps(super::filters::MATCHER_STEPS)?;
                let matcher = super::filters::regex(&format!("^\\({pattern}\\)"), false, false);
                let Some(matcher) = matcher else { return self.give_up("expr with a pattern") };
                let found = matcher.captures(text);
                let inner = found.as_ref().and_then(|found| found.get(2));
                match (inner, found.as_ref().and_then(|found| found.get(1))) {
                    (Some(inner), _) => inner.as_str().to_owned(),
                    (None, Some(whole)) => whole.as_str().chars().count().to_string(),
                    (None, None) => "0".to_owned(),
                }
            }
            [one] => (*one).to_owned(),
            words => self.sum_of(&words.join(" "))?.to_string(),
        };
        let nothing = matches!(value.as_str(), "" | "0");
        self.write(&format!("{value}\n"));
        Some(i32::from(nothing))
    }
}

fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// Output of `seq`; `None` for too many numbers, and for what is none.
fn sequence(words: &[&str]) -> Option<String> {
    let (mut joint, mut numbers) = ("\n".to_owned(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-s" => joint = escaped(words.next()?),
            "-w" => {}
            word => numbers.push(word.parse::<i64>().ok()?),
        }
    }
    let (first, by, last) = match *numbers.as_slice() {
        [last] => (1, 1, last),
        [first, last] => (first, 1, last),
        [first, by, last] if by != 0 => (first, by, last),
        _ => return None,
    };
    let within = |number: &i64| if by > 0 { *number <= last } else { *number >= last };
    let all = std::iter::successors(Some(first), |number| number.checked_add(by)).take_while(within);
    let texts: Vec<String> =
        all.take(usize::try_from(NUMBERS_MAX).ok()? + 1).map(|n| n.to_string()).collect();
    if i64::try_from(texts.len()).ok()? > NUMBERS_MAX {
        return None;
    }
    Some(if texts.is_empty() { String::new() } else { format!("{}\n", texts.join(&joint)) })
}

/// A text with `\n`, `\t`, `\r` and `\\` replaced by their characters.
pub fn escaped(text: &str) -> String {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('n' | 't' | 'r' | 'a' | 'e' | '\\'))) => {
                chars.next();
                out.push(match next {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' => '\u{7}',
                    'e' => '\u{1b}',
                    _ => '\\',
                });
            }
            ('\\', Some('0')) if chars.as_str().starts_with("033") => {
                chars.nth(2);
                out.push('\u{1b}');
            }
            _ => out.push(c),
        }
    }
    out
}

/// Output of `printf`: the format again and again until no argument is left.
fn formatted(format: &str, args: &[&str]) -> String {
    let format = escaped(format);
    let (mut out, mut left) = (String::new(), args);
    loop {
        let before = left.len();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let (mut flags, mut kind) = (String::new(), None);
            for c in chars.by_ref() {
                if c.is_ascii_digit() || ".-+".contains(c) {
                    flags.push(c);
                } else {
                    kind = Some(c);
                    break;
                }
            }
            if kind == Some('%') {
                out.push('%');
                continue;
            }
            let (arg, rest) = left.split_first().map_or(("", left), |(arg, rest)| (*arg, rest));
            left = rest;
            out.push_str(&padded(&converted(arg, kind, &flags), &flags));
        }
        if left.is_empty() || left.len() == before || out.len() > TEXT_MAX {
            return out;
        }
    }
}

fn converted(arg: &str, kind: Option<char>, flags: &str) -> String {
    let number = || arg.trim().parse::<i64>().unwrap_or(0);
    match kind {
        Some('d' | 'i' | 'u') if !arg.contains(MARK) => number().to_string(),
        Some('x') => format!("{:x}", number()),
        Some('X') => format!("{:X}", number()),
        Some('o') => format!("{:o}", number()),
        Some('c') => arg.chars().take(1).collect(),
        Some('b') => escaped(arg),
        Some('f') => {
            let places =
                flags.split_once('.').and_then(|(_, places)| places.parse().ok()).unwrap_or(6usize).min(20);
            format!("{:.places$}", arg.trim().parse::<f64>().unwrap_or(0.0))
        }
        Some('s') if flags.contains('.') && !arg.contains(MARK) => {
            let most = flags.split_once('.').and_then(|(_, most)| most.parse().ok()).unwrap_or(0usize);
            arg.chars().take(most).collect()
        }
        _ => arg.to_owned(),
    }
}

fn padded(text: &str, flags: &str) -> String {
    let (left, zeros) = (flags.starts_with('-'), flags.starts_with('0'));
    let width: usize =
        flags.trim_start_matches(['-', '+', '0']).split('.').next().and_then(|w| w.parse().ok()).unwrap_or(0);
    let pad = if zeros { "0" } else { " " }.repeat(width.min(200).saturating_sub(text.chars().count()));
    if left { format!("{text}{pad}") } else { format!("{pad}{text}") }
}
