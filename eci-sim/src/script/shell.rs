//! Reads the few commands that say how long a container runs, what it says, and what it ends with.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one run of a container does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What it says, each line so long after the start.
    pub says: Vec<(Duration, String)>,
    /// When it ends, and with what; never, where nothing is said.
    pub ends: Option<(Duration, i32)>,
    /// Which run it is, where an Engine does it and knows the rest.
    pub number: Option<u32>,
}

impl Run {
    /// The last lines that a run has said which began at `started`, so long after that; so many at most.
    pub fn lines(&self, _started: Timestamp, until: Duration, most: usize) -> Vec<(Duration, Cow<'_, str>)> {
        let said = self.says.iter().filter(|(after, _)| *after <= until);
        let mut lines: Vec<_> = said.map(|(after, line)| (*after, Cow::Borrowed(line.as_str()))).collect();
        lines.drain(..lines.len().saturating_sub(most));
        lines
    }
}

/// How long a script may get before it is taken to run for ever.
const STEPS_MAX: usize = 10_000;

/// Reads a command and its arguments.
pub fn read(words: &[&str], env: &[(&str, &str)]) -> Run {
    let mut play = Play { env, run: Run::default(), now: Duration::ZERO };
    let end = match words {
        [] => None,
        [shell, rest @ ..] if is_shell(shell) => match rest {
            [flag, text, ..] if flag.starts_with('-') && flag.ends_with('c') => play.script(text),
            _ => None,
        },
        [name, rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|word| (*word).to_owned()).collect();
            play.command(name, &rest).map(Done::code)
        }
    };
    play.run.ends = end.map(|code| (play.now, code));
    play.run
}

fn is_shell(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    matches!(name, "sh" | "bash" | "ash" | "dash")
}

struct Play<'a> {
    env: &'a [(&'a str, &'a str)],
    run: Run,
    now: Duration,
}

/// How a command that is understood ends.
enum Done {
    /// With this code, and the next may follow.
    With(i32),
    /// The whole script ends with it.
    Exit(i32),
}

impl Done {
    fn code(self) -> i32 {
        match self {
            Self::With(code) | Self::Exit(code) => code,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Always,
    OnSuccess,
    OnFailure,
    /// Something that is not understood: a pipe, a subshell, a loop.
    Strange,
}

impl Play<'_> {
    /// The exit code of a script; `None` when it does not end, or is not understood from somewhere on.
    fn script(&mut self, text: &str) -> Option<i32> {
        let tokens = self.tokens(text);
        let (mut code, mut link) = (0, Token::Always);
        for (words, next) in commands(tokens)?.into_iter().take(STEPS_MAX) {
            let runs = match link {
                Token::OnSuccess => code == 0,
                Token::OnFailure => code != 0,
                _ => true,
            };
            if let (true, Some((name, rest))) = (runs, words.split_first()) {
                match self.command(name, rest)? {
                    Done::With(given) => code = given,
                    Done::Exit(given) => return Some(given),
                }
            }
            link = next;
        }
        Some(code)
    }

    fn command(&mut self, name: &str, rest: &[String]) -> Option<Done> {
        let (mut name, mut rest) = (name, rest);
        while let ("exec", [next, more @ ..]) = (name, rest) {
            (name, rest) = (next, more);
        }
        let name = name.rsplit('/').next().unwrap_or(name);
        match name {
            "true" | ":" | "set" | "export" => Some(Done::With(0)),
            "false" => Some(Done::With(1)),
            "exit" => {
                Some(Done::Exit(rest.first().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0) & 0xff))
            }
            "sleep" => {
                let spans: Option<Vec<_>> = rest.iter().map(|text| span(text)).collect();
                self.now = self.now.saturating_add(spans?.into_iter().sum());
                Some(Done::With(0))
            }
            "echo" => {
                let words = if rest.first().is_some_and(|word| word == "-n" || word == "-e") {
                    &rest[1..]
                } else {
                    rest
                };
                self.say(&words.join(" "));
                Some(Done::With(0))
            }
            "printf" if rest.len() == 1 && !rest[0].contains('%') => {
                self.say(rest[0].trim_end_matches("\\n"));
                Some(Done::With(0))
            }
            "sh" | "bash" | "ash" | "dash" => match rest {
                [flag, text, ..] if flag == "-c" => self.script(&text.clone()).map(Done::With),
                _ => None,
            },
            _ => None,
        }
    }

    fn say(&mut self, text: &str) {
        let now = self.now;
        self.run
            .says
            .extend(text.split("\\n").flat_map(|part| part.split('\n')).map(|line| (now, line.to_owned())));
    }

    fn tokens(&self, text: &str) -> Vec<Token> {
        let mut out = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(&c) = chars.peek() {
            match c {
                ' ' | '\t' | '\r' => drop(chars.next()),
                '#' => while chars.next_if(|c| *c != '\n').is_some() {},
                ';' | '\n' => {
                    chars.next();
                    out.push(Token::Always);
                }
                '&' | '|' => {
                    chars.next();
                    out.push(match (c, chars.next_if_eq(&c)) {
                        ('&', Some(_)) => Token::OnSuccess,
                        ('|', Some(_)) => Token::OnFailure,
                        _ => Token::Strange,
                    });
                }
                '(' | ')' | '`' | '{' | '}' => {
                    chars.next();
                    out.push(Token::Strange);
                }
                _ => out.push(self.word(&mut chars)),
            }
        }
        out
    }

    fn word(&self, chars: &mut Peekable<Chars<'_>>) -> Token {
        let mut word = String::new();
        while let Some(&c) = chars.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' if !word.ends_with('>') => break,
                '\'' => {
                    chars.next();
                    word.extend(std::iter::from_fn(|| chars.next_if(|c| *c != '\'')));
                    chars.next();
                }
                '"' => {
                    chars.next();
                    while let Some(c) = chars.next_if(|c| *c != '"') {
                        match c {
                            '$' => word.push_str(&self.variable(chars)),
                            '\\' => word.extend(chars.next()),
                            c => word.push(c),
                        }
                    }
                    chars.next();
                }
                '\\' => {
                    chars.next();
                    word.extend(chars.next());
                }
                '$' => {
                    chars.next();
                    if chars.peek() == Some(&'(') {
                        return Token::Strange;
                    }
                    word.push_str(&self.variable(chars));
                }
                '`' => return Token::Strange,
                c => {
                    chars.next();
                    word.push(c);
                }
            }
        }
        Token::Word(word)
    }

    fn variable(&self, chars: &mut Peekable<Chars<'_>>) -> String {
        let braced = chars.next_if_eq(&'{').is_some();
        let name: String =
            std::iter::from_fn(|| chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_')).collect();
        if braced {
            while chars.next().is_some_and(|c| c != '}') {}
        }
        let value = self.env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        value.unwrap_or_else(|| if name.is_empty() { "$".to_owned() } else { String::new() })
    }
}

/// The commands of a script, each with what stands after it; `None` when something is not understood.
fn commands(tokens: Vec<Token>) -> Option<Vec<(Vec<String>, Token)>> {
    let mut out = Vec::new();
    let mut words = Vec::new();
    for token in tokens {
        match token {
            Token::Word(word) if is_redirection(&word) => {}
            Token::Word(word) => words.push(word),
            Token::Strange => return None,
            link => out.push((std::mem::take(&mut words), link)),
        }
    }
    out.push((words, Token::Always));
    Some(out)
}

fn is_redirection(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
    word.starts_with('>') || word.starts_with('<')
}

/// `30`, `0.5`, `2m`; `None` for `infinity` and for what is no span.
fn span(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        (at, 'd') => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis = whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(digits.parse::<u64>().ok()?)?;
    Some(Duration::from_millis(millis.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shell(text: &str) -> (String, Option<(u64, i32)>) {
        let run = read(&["/bin/sh", "-c", text], &[("NAME", "ECI")]);
        let says: Vec<_> = run.says.into_iter().map(|(_, line)| line).collect();
        (says.join("|"), run.ends.map(|(after, code)| (after.as_secs(), code)))
    }

    #[test]
    fn common_scripts_are_understood() {
        for (text, says, ends) in [
            ("echo hello; sleep 3600", "hello", Some((3600, 0))),
            ("echo x; exit 3", "x", Some((0, 3))),
            ("sleep 1m && exit 0", "", Some((60, 0))),
            ("false || echo no && sleep 2", "no", Some((2, 0))),
            ("false && echo never", "", Some((0, 1))),
            ("true; false", "", Some((0, 1))),
            ("echo 'a  b' \"c $NAME\" ${NAME} '$NAME'", "a  b c ECI ECI $NAME", Some((0, 0))),
            ("echo warning >&2; sleep 1", "warning", Some((1, 0))),
            ("# nothing\necho one\necho two", "one|two", Some((0, 0))),
            ("echo a b*~+/=", "a b*~+/=", Some((0, 0))),
            ("echo up; nginx -g 'daemon off;'", "up", None),
            ("while true; do date; sleep 1; done", "", None),
            ("sleep infinity", "", None),
            ("ls | wc -l", "", None),
            ("exec sleep 5", "", Some((5, 0))),
        ] {
            assert_eq!(shell(text), (says.to_owned(), ends), "{text}");
        }
    }

    #[test]
    fn a_command_without_a_shell_is_understood() {
        for (words, ends) in [
            (&["sleep", "30"][..], Some((30, 0))),
            (&["/bin/sleep", "0.5"], Some((0, 0))),
            (&["true"], Some((0, 0))),
            (&["false"], Some((0, 1))),
            (&["echo", "hello", "there"], Some((0, 0))),
            (&["nginx"], None),
            (&[], None),
        ] {
            let run = read(words, &[]);
            assert_eq!(run.ends.map(|(after, code)| (after.as_secs(), code)), ends, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn no_script_makes_the_reader_stumble(text in "[a-z0-9 ;&|'\"$\\\\{}()>\n#.-]{0,80}") {
            shell(&text);
        }

        #[test]
        fn a_sleep_lasts_as_long_as_it_says(seconds in 0u64..1_000_000) {
            prop_assert_eq!(shell(&format!("sleep {seconds}")).1, Some((seconds, 0)));
        }
    }
}
