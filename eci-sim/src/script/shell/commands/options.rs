//! Options of commands: flags, their values, and options of two dashes that say the same.

/// Options of two dashes that are played, with the flags that say the same.
pub(super) const GREP: [(&str, char); 15] = [
    ("quiet", 'q'),
    ("silent", 'q'),
    ("ignore-case", 'i'),
    ("invert-match", 'v'),
    ("count", 'c'),
    ("line-number", 'n'),
    ("only-matching", 'o'),
    ("fixed-strings", 'F'),
    ("extended-regexp", 'E'),
    ("word-regexp", 'w'),
    ("line-regexp", 'x'),
    ("files-with-matches", 'l'),
    ("no-messages", 's'),
    ("max-count", 'm'),
    ("regexp", 'e'),
];
pub(super) const SED: [(&str, char); 7] = [
    ("quiet", 'n'),
    ("silent", 'n'),
    ("regexp-extended", 'E'),
    ("in-place", 'i'),
    ("expression", 'e'),
    ("unbuffered", 'u'),
    ("separate", 's'),
];
pub(super) const CUT: [(&str, char); 5] =
    [("delimiter", 'd'), ("fields", 'f'), ("characters", 'c'), ("bytes", 'b'), ("only-delimited", 's')];

/// Options of a command: its flags, their values, and its other words.
pub(super) struct Options<'a> {
    pub flags: String,
    pub values: Vec<(char, &'a str)>,
    pub words: Vec<&'a str>,
    /// Options of two dashes, without the first.
    pub long: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// Reads flags; those of `valued` take a value, in the same word or in the next one.
    pub fn read(words: &[&'a str], valued: &str) -> Self {
        let mut options =
            Self { flags: String::new(), values: Vec::new(), words: Vec::new(), long: Vec::new() };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let flags = word.strip_prefix('-').filter(|flags| !flags.is_empty());
            let Some(flags) = flags.filter(|_| options.words.is_empty() || valued.contains('…')) else {
                options.words.push(word);
                continue;
            };
            if flags.len() > 1 && flags.starts_with('-') {
                options.long.push(flags);
                continue;
            }
            if flags == "-" {
                options.words.extend(rest.by_ref());
                break;
            }
            if flags.starts_with(|c: char| c.is_ascii_digit()) && valued.contains('n') {
                options.values.push(('n', flags));
                continue;
            }
            for (at, flag) in flags.char_indices() {
                if !valued.contains(flag) {
                    options.flags.push(flag);
                    continue;
                }
                let own = flags.get(at + flag.len_utf8()..).filter(|own| !own.is_empty());
                if let Some(value) = own.or_else(|| rest.next().copied()) {
                    options.values.push((flag, value));
                }
                break;
            }
        }
        options
    }

    /// Reads flags, and options of two dashes that say the same; `None` for one that is not known.
    pub fn shortened(words: &[&'a str], known: &[(&str, char)], valued: &str) -> Option<Self> {
        let mut options = Self::read(words, valued);
        for long in std::mem::take(&mut options.long) {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let (_, flag) = known.iter().find(|(own, _)| *own == name.trim_start_matches('-'))?;
            match (valued.contains(*flag), value) {
                (true, Some(value)) => options.values.push((*flag, value)),
                (false, None) => options.flags.push(*flag),
                // a value in the next word is not read here
                (true, None) | (false, Some(_)) => return None,
            }
        }
        Some(options)
    }

    /// True if all flags are among these.
    pub fn only(&self, known: &str) -> bool {
        self.flags.chars().all(|flag| known.contains(flag))
    }

    pub fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    pub fn value(&self, flag: char) -> Option<&'a str> {
        self.values.iter().rev().find(|(own, _)| *own == flag).map(|(_, value)| *value)
    }
}
