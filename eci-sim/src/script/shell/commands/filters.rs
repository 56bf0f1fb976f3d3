//! Commands that read texts and write parts of them: `cat`, `head`, `tail`, `grep`, `cut`, `tr`, `sort`, `wc` and others.

use regex::{Regex, RegexBuilder};

use super::options::{CUT, GREP, Options, SED};
use super::sed;
use crate::script::shell::BYTES_IN_A_STEP;
use crate::script::shell::pattern::ranges;
use crate::script::shell::play::Play;

/// Characters of a regular expression, and bytes of its program, at most.
const REGEX_MAX: usize = 512;
const PROGRAM_MAX: usize = 256 << 10;
/// Bytes of all texts of one command, at most.
const TEXTS_MAX: usize = 4 << 20;
/// Steps of making a matcher of a regular expression.
pub(super) const MATCHER_STEPS: usize = 20;
/// Characters of a script of `sed`, at most.
const SED_MAX: usize = 1024;
/// Fields that `awk` prints, at most.
const PRINTED_MAX: usize = 64;

/// A regular expression, of the basic or the extended kind; `None` for one that cannot be read, or is too large.
pub(super) fn regex(text: &str, extended: bool, ignores_case: bool) -> Option<Regex> {
    if text.len() > REGEX_MAX {
        return None;
    }
    let mut out = String::new();
    let mut chars = text.chars();
    let mut in_set = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                next if "(){}|+?".contains(next) && !extended => out.push(next),
                '<' | '>' => out.push_str("\\b"),
                next => {
                    out.push('\\');
                    out.push(next);
                }
            },
            '[' if !in_set => {
                in_set = true;
                out.push(c);
                continue;
            }
            ']' if in_set => {
                in_set = false;
                out.push(c);
            }
            c if !in_set && !extended && "(){}|+?".contains(c) => {
                out.push('\\');
                out.push(c);
            }
            '[' if !text.contains("[:") => out.push_str("\\["),
            c => out.push(c),
        }
    }
    RegexBuilder::new(&out).case_insensitive(ignores_case).size_limit(PROGRAM_MAX).build().ok()
}

/// Flags of a command that reads a text, as far as they are played; `None` for one that reads its own.
fn played(name: &str) -> Option<&'static str> {
    Some(match name {
        "cat" | "more" | "less" => "nu",
        "head" => "ncq-0123456789",
        "tail" => "nfFq0123456789",
        "tee" => "a",
        "wc" => "lwcm",
        "tr" => "cCds",
        _ => return None,
    })
}

impl Play {
    /// Exit code of a command that reads a text; the inner `None` for another command, the outer one for what is not
    /// played, or never ends.
    pub(super) fn filter(&mut self, name: &str, words: &[&str]) -> Option<Option<i32>> {
        if let Some(known) = played(name) {
            let options = Options::read(words, if matches!(name, "head" | "tail") { "nc" } else { "" });
            let long = options.long.iter().any(|own| !own.starts_with("-follow") && *own != "-retry");
            let short = options.flags.chars().any(|flag| !known.contains(flag));
            let count = options.value('c');
            let bytes = count.is_some_and(|count| name == "tail" || count.parse::<usize>().is_err());
            if long || short || bytes {
                return self.give_up(format!("{name} {}", words.join(" ")));
            }
        }
        Some(Some(match name {
            "cat" | "more" | "less" => self.cat(name, words),
            "head" => self.head(words)?,
            "tail" => self.tail(words)?,
            "tee" => self.tee(words),
            "grep" | "egrep" | "fgrep" => self.grep(name, words)?,
            "sed" => self.sed(words)?,
            "cut" => self.cut(words)?,
            "tr" => self.tr(words)?,
            "wc" => self.wc(words),
            "sort" | "uniq" | "rev" | "tac" | "nl" => self.reordered(name, words)?,
            "awk" => self.awk(words)?,
            _ => return Some(None),
        }))
    }

    /// Texts of files, or of the input where none is named; complains about those that cannot be read.
    pub(super) fn texts(&mut self, name: &str, files: &[&str]) -> (Vec<(String, String)>, i32) {
        let (mut texts, mut code) = (Vec::new(), 0);
        let mut size = 0;
        if files.is_empty() {
            let input = self.input_bytes();
            self.spend(input.len() / BYTES_IN_A_STEP);
            texts.push(("-".to_owned(), String::from_utf8_lossy(&input).into_owned()));
        }
        for file in files {
            match self.content(file) {
                Ok(content) if size + content.len() > TEXTS_MAX => {
                    self.complain(&format!("{name}: {file}: File too large"));
                    return (texts, 1);
                }
                Ok(content) => {
                    size += content.len();
                    texts.push(((*file).to_owned(), String::from_utf8_lossy(&content).into_owned()))
                }
                Err(why) => {
                    self.complain(&format!("{name}: {file}: {why}"));
                    code = 1;
                }
            }
        }
        (texts, code)
    }

    fn content(&mut self, file: &str) -> Result<Vec<u8>, crate::script::files::FileError> {
        if matches!(file, "-" | "/dev/stdin") {
            return Ok(self.input_bytes());
        }
        let path = self.path(file);
        let content = self.file(|space| space.read(&path))?;
        self.spend(content.len() / BYTES_IN_A_STEP);
        Ok(content.to_vec())
    }

    fn whole(&mut self, name: &str, files: &[&str]) -> (String, i32) {
        let (texts, code) = self.texts(name, files);
        let text: String = texts.into_iter().map(|(_, text)| text).collect();
        (self.settled(text), code)
    }

    fn cat(&mut self, name: &str, words: &[&str]) -> i32 {
        let options = Options::read(words, "");
        if options.has('n') {
            let (text, code) = self.whole(name, &options.words);
            let lines: String = text
                .lines()
                .zip(1..)
                .map(|(line, number): (&str, u32)| format!("{number:>6}\t{line}\n"))
                .collect();
            self.write(&lines);
            return code;
        }
        let mut code = 0;
        let files = if options.words.is_empty() { vec!["-"] } else { options.words };
        for file in files {
            match self.content(file) {
                Ok(content) => self.write_bytes(&content),
                Err(why) => {
                    self.complain(&format!("{name}: {file}: {why}"));
                    code = 1;
                }
            }
        }
        code
    }

    fn head(&mut self, words: &[&str]) -> Option<i32> {
        let options = Options::read(words, "nc");
        let (texts, code) = self.texts("head", &options.words);
        for (_, text) in texts {
            let part = match (options.value('c').map(str::parse), options.value('n').unwrap_or("10")) {
                (Some(Ok(bytes)), _) => self.settled(text).chars().take(bytes).collect(),
                (_, lines) => {
                    let count = text.lines().count();
                    let most = match lines.strip_prefix('-') {
                        Some(fewer) => count.saturating_sub(fewer.parse().ok()?),
                        None => lines.parse().ok()?,
                    };
                    text.split_inclusive('\n').take(most).collect::<String>()
                }
            };
            self.write(&part);
        }
        Some(code)
    }

    fn tail(&mut self, words: &[&str]) -> Option<i32> {
        let options = Options::read(words, "nc");
        let follows = words.iter().any(|word| word.starts_with("--follow") || *word == "--retry");
        let follows = follows || options.has('f') || options.has('F');
        let most = if follows { 1 } else { options.words.len() };
        let files: Vec<&str> = options.words.iter().copied().take(most).collect();
        let (texts, code) = match follows && !options.has('f') {
            // -F waits for a file that is not there yet
            true => (self.quiet_texts(&files), 0),
            false => self.texts("tail", &files),
        };
        let lines = options.value('n').unwrap_or("10");
        for (_, text) in &texts {
            let all: Vec<&str> = text.split_inclusive('\n').collect();
            let from = match lines.strip_prefix('+') {
                Some(from) => from.parse::<usize>().ok()?.saturating_sub(1),
                None => all.len().saturating_sub(lines.trim_start_matches('-').parse().ok()?),
            };
            let part = all.get(from..).unwrap_or_default().concat();
            self.write(&part);
        }
        if !follows {
            return Some(code);
        }
        let file = files.first().filter(|file| !matches!(**file, "-" | "/dev/null"))?;
        self.follow(file)
    }

    fn quiet_texts(&mut self, files: &[&str]) -> Vec<(String, String)> {
        let text = files.first().map(|file| self.content(file).unwrap_or_default());
        let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
        vec![(String::new(), text)]
    }

    /// Writes what is added to a file, each time at its time; never ends.
    fn follow(&mut self, file: &str) -> Option<i32> {
        let path = self.path(file);
        let mut read = self.file(|space| space.read(&path)).map_or(0, |content| content.len());
        loop {
            self.step()?;
            self.now = self.now.max(self.timeline.next()?);
            let content = self.file(|space| space.read(&path)).unwrap_or_default();
            let from = if content.len() < read { 0 } else { read };
            read = content.len();
            let more = content.get(from..).unwrap_or_default().to_vec();
            self.write_bytes(&more);
        }
    }

    fn tee(&mut self, words: &[&str]) -> i32 {
        let options = Options::read(words, "");
        let input = self.input_bytes();
        let mut code = 0;
        for file in &options.words {
            let path = self.path(file);
            if let Err(why) = self.file(|space| space.write(&path, &input, options.has('a'))) {
                self.complain(&format!("tee: {file}: {why}"));
                code = 1;
            }
        }
        self.write_bytes(&input);
        code
    }

    fn grep(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let words: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--color")).collect();
        let words = words.as_slice();
        let Some(mut options) =
            Options::shortened(words, &GREP, "emABC…").filter(|own| own.only("qivcnoFEPwxlsh"))
        else {
            return self.give_up(format!("{name} {}", words.join(" ")));
        };
        if options.values.iter().filter(|(flag, _)| *flag == 'e').count() > 1 {
            return self.give_up(format!("{name} {}", words.join(" ")));
        }
        let pattern = match options.value('e') {
            Some(pattern) => pattern,
            None if options.words.is_empty() => return Some(2),
            None => options.words.remove(0),
        };
        let around = ['A', 'B', 'C'].iter().any(|flag| options.value(*flag).is_some());
        if around {
            return self.give_up(format!("{name} {}", words.join(" ")));
        }
        let fixed = name == "fgrep" || options.has('F');
        let extended = name == "egrep" || options.has('E') || options.has('P');
        let source = if fixed { regex::escape(pattern) } else { pattern.to_owned() };
        let source = match (options.has('x'), options.has('w')) {
            (true, _) => format!("^{source}$"),
            (_, true) => format!("\\b{source}\\b"),
            _ => source,
        };
        self.more_steps(MATCHER_STEPS)?;
        let Some(matcher) = regex(&source, extended || fixed, options.has('i')) else {
            return self.give_up(format!("{name} {pattern}"));
        };
        let (texts, failed) = match options.has('s') {
            true => (self.quiet_texts(&options.words), 0),
            false => self.texts(name, &options.words),
        };
        let most = options.value('m').and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
        let (mut out, mut found, several) = (String::new(), 0, texts.len() > 1);
        for (file, text) in texts {
            let text = self.settled(text);
            let lines = text.lines().zip(1u32..);
            let hits: Vec<_> =
                lines.filter(|(line, _)| matcher.is_match(line) != options.has('v')).take(most).collect();
            found += hits.len();
            let lead = if several && !options.has('h') { format!("{file}:") } else { String::new() };
            match (options.has('c'), options.has('l'), options.has('o')) {
                (true, ..) => out.push_str(&format!("{lead}{}\n", hits.len())),
                (_, true, _) if !hits.is_empty() => out.push_str(&format!("{file}\n")),
                (_, true, _) => {}
                (_, _, only) => {
                    for (line, number) in hits {
                        let number = if options.has('n') { format!("{number}:") } else { String::new() };
                        let parts: Vec<&str> = match only {
                            true => matcher.find_iter(line).map(|part| part.as_str()).collect(),
                            false => vec![line],
                        };
                        parts.iter().for_each(|part| out.push_str(&format!("{lead}{number}{part}\n")));
                    }
                }
            }
        }
        if !options.has('q') {
            self.write(&out);
        }
        Some(if found > 0 { 0 } else { 1 + failed })
    }

    fn sed(&mut self, words: &[&str]) -> Option<i32> {
        let Some(mut options) = Options::shortened(words, &SED, "ef…").filter(|own| own.only("nEriuzs"))
        else {
            return self.give_up(format!("sed {}", words.join(" ")));
        };
        if options.has('z') || options.value('f').is_some() {
            return self.give_up(format!("sed {}", words.join(" ")));
        }
        let mut scripts: Vec<&str> =
            options.values.iter().filter(|(flag, _)| *flag == 'e').map(|(_, s)| *s).collect();
        if scripts.is_empty() && !options.words.is_empty() {
            scripts.push(options.words.remove(0));
        }
        let extended = options.has('E') || options.has('r');
        let source = scripts.join("\n");
        self.more_steps(MATCHER_STEPS + source.len() / 8)?;
        let Some(script) = sed::read(&source, extended).filter(|_| source.len() <= SED_MAX) else {
            return self.give_up(format!("sed {}", words.join(" ")));
        };
        let (texts, code) = self.texts("sed", &options.words);
        for (file, text) in texts {
            let text = self.settled(text);
            self.more_steps(text.len() * source.len() / 65_536)?;
            let edited = sed::apply(&script, &text, options.has('n'));
            match options.has('i') {
                true => {
                    let path = self.path(&file);
                    if let Err(why) = self.file(|space| space.write(&path, edited.as_bytes(), false)) {
                        self.complain(&format!("sed: {file}: {why}"));
                        return Some(1);
                    }
                }
                false => self.write(&edited),
            }
        }
        Some(code)
    }

    fn cut(&mut self, words: &[&str]) -> Option<i32> {
        let Some(options) = Options::shortened(words, &CUT, "dfcb…").filter(|own| own.only("ns")) else {
            return self.give_up(format!("cut {}", words.join(" ")));
        };
        let delimiter = options.value('d').and_then(|text| text.chars().next()).unwrap_or('\t');
        let list = options.value('f').or(options.value('c')).or(options.value('b')).unwrap_or("1-");
        let Some(wanted) = list.split(',').map(bounds).collect::<Option<Vec<_>>>() else {
            return self.give_up(format!("cut {}", words.join(" ")));
        };
        let takes = |number: usize| wanted.iter().any(|(from, to)| (*from..=*to).contains(&number));
        let (text, code) = self.whole("cut", &options.words);
        let mut out = String::new();
        for line in text.lines() {
            match options.value('f') {
                Some(_) if !line.contains(delimiter) => {
                    out.push_str(if options.has('s') { "" } else { line })
                }
                Some(_) => {
                    let parts = line.split(delimiter).zip(1..).filter(|(_, number)| takes(*number));
                    out.push_str(
                        &parts.map(|(part, _)| part).collect::<Vec<_>>().join(&delimiter.to_string()),
                    );
                }
                None => {
                    out.extend(line.chars().zip(1..).filter(|(_, number)| takes(*number)).map(|(c, _)| c))
                }
            }
            out.push('\n');
        }
        self.write(&out);
        Some(code)
    }

    fn tr(&mut self, words: &[&str]) -> Option<i32> {
        let options = Options::read(words, "");
        let input = self.input_bytes();
        let text = self.settled(String::from_utf8_lossy(&input).into_owned());
        let all = |text: &str| -> Vec<char> {
            let ranges = ranges(&super::escaped(text));
            ranges.into_iter().flat_map(|(from, to)| from..=to).take(1 << 12).collect()
        };
        self.spend(text.len() / BYTES_IN_A_STEP);
        let complement = options.has('c') || options.has('C');
        let (from, to) = match options.words.as_slice() {
            [from] => (all(from), Vec::new()),
            [from, to] => (all(from), all(to)),
            _ => return self.give_up(format!("tr {}", words.join(" "))),
        };
        self.more_steps(text.len() * from.len() / 65_536)?;
        let is_of = |c: char| from.contains(&c) != complement;
        let mut out = String::new();
        let mut last = None;
        for c in text.chars() {
            if options.has('d') && is_of(c) {
                continue;
            }
            let place = from.iter().position(|own| *own == c);
            let new = match (options.has('d') || to.is_empty(), complement, place) {
                (true, ..) | (_, false, None) => c,
                (_, false, Some(at)) => *to.get(at).or(to.last())?,
                (_, true, None) => *to.last()?,
                (_, true, Some(_)) => c,
            };
            let squeezes = options.has('s') && (if to.is_empty() { is_of(new) } else { to.contains(&new) });
            if !(squeezes && last == Some(new)) {
                out.push(new);
            }
            last = Some(new);
        }
        self.write(&out);
        Some(0)
    }

    fn wc(&mut self, words: &[&str]) -> i32 {
        let options = Options::read(words, "");
        let (texts, code) = self.texts("wc", &options.words);
        let mut out = String::new();
        for (file, text) in texts {
            let text = self.settled(text);
            let counts = [
                ('l', text.matches('\n').count()),
                ('w', text.split_whitespace().count()),
                ('c', text.len()),
                ('m', text.chars().count()),
            ];
            let shown = counts
                .iter()
                .filter(|(flag, _)| if options.flags.is_empty() { *flag != 'm' } else { options.has(*flag) });
            let numbers: Vec<String> = shown.map(|(_, count)| count.to_string()).collect();
            let name = if file == "-" { String::new() } else { format!(" {file}") };
            out.push_str(&format!("{}{name}\n", numbers.join(" ")));
        }
        self.write(&out);
        code
    }

    /// `sort`, `uniq`, `rev`, `tac`, `nl`
    fn reordered(&mut self, name: &str, words: &[&str]) -> Option<i32> {
        let options = Options::read(words, "");
        let known = match name {
            "sort" => "nru",
            "uniq" => "cd",
            _ => "",
        };
        if options.flags.chars().any(|flag| !known.contains(flag)) || !options.long.is_empty() {
            return self.give_up(format!("{name} {}", words.join(" ")));
        }
        let (text, code) = self.whole(name, &options.words);
        self.more_steps(text.len() / 256)?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        match name {
            "sort" => {
                let number = |line: &String| {
                    let digits = line.trim_start();
                    let end =
                        digits.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(digits.len());
                    digits.get(..end).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0)
                };
                lines.sort();
                if options.has('n') {
                    lines.sort_by_key(number);
                }
                if options.has('r') {
                    lines.reverse();
                }
                if options.has('u') {
                    lines.dedup();
                }
            }
            "uniq" => {
                let groups = lines.chunk_by(|one, other| one == other);
                let groups = groups.filter(|group| !options.has('d') || group.len() > 1);
                let counted = |group: &[String]| {
                    let line = group.first().cloned().unwrap_or_default();
                    if options.has('c') { format!("{:>7} {line}", group.len()) } else { line }
                };
                lines = groups.map(counted).collect();
            }
            "rev" => lines = lines.iter().map(|line| line.chars().rev().collect()).collect(),
            "tac" => lines.reverse(),
            _ => {
                lines =
                    lines.iter().zip(1u32..).map(|(line, number)| format!("{number:>6}\t{line}")).collect()
            }
        }
        let out: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.write(&out);
        Some(code)
    }

    /// `awk '{print $1, $NF}'`; nothing else is played.
    fn awk(&mut self, words: &[&str]) -> Option<i32> {
        let mut options = Options::read(words, "F");
        let program = if options.words.is_empty() { "" } else { options.words.remove(0).trim() };
        let printed = program.strip_prefix("{").and_then(|rest| rest.strip_suffix("}"));
        let printed = printed.and_then(|inner| inner.trim().trim_end_matches(';').strip_prefix("print"));
        let field = |text: &str| match text.trim() {
            "" | "$0" => Some(Some(0)),
            "$NF" => Some(None),
            text => text.strip_prefix('$').and_then(|number| number.parse::<usize>().ok()).map(Some),
        };
        let wanted = printed.and_then(|list| list.split(',').map(field).collect::<Option<Vec<_>>>());
        let Some(wanted) = wanted.filter(|wanted| wanted.len() <= PRINTED_MAX) else {
            return self.give_up(format!("awk {program}"));
        };
        let (text, code) = self.whole("awk", &options.words);
        let mut out = String::new();
        for line in text.lines() {
            let fields: Vec<&str> = match options.value('F') {
                Some(separator) => line.split(separator).collect(),
                None => line.split_whitespace().collect(),
            };
            let one = |number: &Option<usize>| match number {
                Some(0) => line,
                Some(number) => fields.get(number - 1).copied().unwrap_or_default(),
                None => fields.last().copied().unwrap_or_default(),
            };
            out.push_str(&wanted.iter().map(one).collect::<Vec<_>>().join(" "));
            out.push('\n');
        }
        self.write(&out);
        Some(code)
    }
}

/// First and last number of a range such as `2-4`, `-3` or `5-`.
fn bounds(text: &str) -> Option<(usize, usize)> {
    match text.split_once('-') {
        None => text.parse().ok().map(|number| (number, number)),
        Some(("", to)) => Some((1, to.parse().ok()?)),
        Some((from, "")) => Some((from.parse().ok()?, usize::MAX)),
        Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
    }
}
