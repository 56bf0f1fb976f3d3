//! Patterns of a shell: `*` for any text, `?` for a character, `[a-z]` for one of several, `\` before what stands for
//! itself.

/// A step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Of(bool, Vec<(char, char)>),
    Exactly(char),
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

/// The text with a `\` before each character that means something in a pattern.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "*?[]\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// True if a text has a character that means something in a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Pattern {
    /// Reads a pattern.
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let (mut parts, mut at) = (Vec::new(), 0);
        while let Some(c) = chars.get(at) {
            at += 1;
            parts.push(match c {
                '*' => Part::Any,
                '?' => Part::One,
                '\\' => {
                    at += 1;
                    Part::Exactly(chars.get(at - 1).copied().unwrap_or('\\'))
                }
                '[' => match set(&chars[at..]) {
                    Some((part, length)) => {
                        at += length;
                        part
                    }
                    None => Part::Exactly('['),
                },
                c => Part::Exactly(*c),
            });
        }
        Self(parts)
    }

    /// Number of its steps.
    pub fn steps(&self) -> usize {
        self.0.len()
    }

    /// The text that the pattern stands for, where it stands for one alone.
    pub fn literal(&self) -> Option<String> {
        let one = |part: &Part| if let Part::Exactly(c) = part { Some(*c) } else { None };
        self.0.iter().map(one).collect()
    }

    /// True if the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(part) {
                Some(Part::Any) => {
                    retry = Some((part, at));
                    part += 1;
                }
                Some(fits) if fits.is(text[at]) => (part, at) = (part + 1, at + 1),
                _ => match retry {
                    Some((star, from)) => {
                        retry = Some((star, from + 1));
                        (part, at) = (star + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0[part..].iter().all(|part| *part == Part::Any)
    }
}

impl Part {
    fn is(&self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Of(not, ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *not,
            Self::Exactly(own) => *own == c,
        }
    }
}

/// Characters of a set, at most; a `[` with a longer one is itself.
const SET_MAX: usize = 128;

/// A set behind its `[`, and its length; `None` where it has no end.
fn set(chars: &[char]) -> Option<(Part, usize)> {
    let chars = &chars[..chars.len().min(SET_MAX)];
    let not = matches!(chars.first(), Some('!' | '^'));
    let from = usize::from(not);
    let mut end = from;
    loop {
        let rest = chars.get(end..)?;
        match *rest.first()? {
            '[' if rest.get(1) == Some(&':') => {
                let length = rest.windows(2).position(|pair| pair == [':', ']']);
                end += length.map_or(1, |length| length + 2);
            }
            ']' if end > from => break,
            _ => end += 1,
        }
    }
    let text: String = chars[from..end].iter().collect();
    Some((Part::Of(not, ranges(&text)), end + 1))
}

/// The ranges of characters in a set such as `a-z_` or `[:digit:]`.
pub fn ranges(text: &str) -> Vec<(char, char)> {
    let classes: [(&str, &[(char, char)]); 6] = [
        ("[:digit:]", &[('0', '9')]),
        ("[:lower:]", &[('a', 'z')]),
        ("[:upper:]", &[('A', 'Z')]),
        ("[:alpha:]", &[('A', 'Z'), ('a', 'z')]),
        ("[:alnum:]", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        ("[:space:]", &[(' ', ' '), ('\t', '\r')]),
    ];
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        if let Some((name, own)) = classes.iter().find(|(name, _)| rest.starts_with(name)) {
            found.extend_from_slice(own);
            rest = &rest[name.len()..];
            continue;
        }
        let mut chars = rest.chars().skip(1);
        match (chars.next(), chars.next()) {
            (Some('-'), Some(to)) => {
                found.push((c, to));
                rest = &rest[c.len_utf8() + 1 + to.len_utf8()..];
            }
            _ => {
                found.push((c, c));
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_a_shell_says() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*.yaml", "x.yaml", true),
            ("?[0-9]", "a7", true),
            ("[!a]x", "ax", false),
            ("[[:digit:]]*", "7up", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[a", "[a", true),
            ("a", "ab", false),
        ] {
            assert_eq!(Pattern::of(pattern).matches(text), wanted, "{pattern} {text}");
        }
    }
}
