//! Chance under a name: the same seed tells the same story, and a new draw here does not shift the draws there.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const MOODS: [&str; 32] = [
    "amber", "brave", "brisk", "calm", "clear", "cosy", "crisp", "eager", "early", "fair", "fleet", "fond",
    "gentle", "glad", "grand", "keen", "kind", "late", "light", "lively", "lucky", "mellow", "merry", "neat",
    "noble", "plain", "proud", "quick", "quiet", "sharp", "sunny", "warm",
];
const BEINGS: [&str; 32] = [
    "badger", "beaver", "bison", "crane", "curlew", "dolphin", "falcon", "finch", "fox", "gecko", "hare",
    "heron", "ibis", "jackal", "lark", "lemur", "lynx", "magpie", "marten", "newt", "ocelot", "osprey",
    "otter", "panda", "plover", "puffin", "raven", "robin", "seal", "stork", "tapir", "wren",
];
const NUMBERS: u32 = 100;

/// Source of a whole run's chance; printed as three words, as in `quiet-otter-17`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(u32);

/// A generator of one named purpose, made by [`Seed::chance`].
///
/// Its state can be written down, and goes on from there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Position", from = "Position")]
pub struct Chance(ChaCha8Rng);

/// Position of a generator: its seed, and the number of words drawn so far.
#[derive(Serialize, Deserialize)]
struct Position {
    from: [u8; 32],
    words: [u64; 2],
}

/// Error for a text that is no seed: none at all, or three words with a slip in them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a seed; a seed is three words such as `quiet-otter-17`, as a run prints them, or any number or other text"
)]
pub struct NotASeed(String);

impl Seed {
    /// The seed of runs that name none: always the same, so that two runs can be compared.
    pub const DEFAULT: Self = Self::of(28, 22, 17);

    const fn of(mood: u32, being: u32, number: u32) -> Self {
        Self((mood * BEINGS.len() as u32 + being) * NUMBERS + number)
    }

    /// A seed nobody chose, from the machine's entropy.
    ///
    /// # Errors
    /// When the machine has no entropy to give.
    pub fn from_entropy() -> std::io::Result<Self> {
        let mut raw = [0; 4];
        getrandom::fill(&mut raw).map_err(std::io::Error::from)?;
        let all = MOODS.len() as u32 * BEINGS.len() as u32 * NUMBERS;
        Ok(Self(u32::from_le_bytes(raw) % all))
    }

    /// The seed of this number, for whoever goes through them one by one; there are 102,400, and then they begin again.
    pub const fn numbered(number: u32) -> Self {
        Self(number % (MOODS.len() as u32 * BEINGS.len() as u32 * NUMBERS))
    }

    /// The seed of any text: the same for the same text.
    fn drawn_from(text: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        Self::numbered(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]))
    }

    /// The generator called `name`; the same name always draws the same sequence.
    pub fn chance(self, name: &str) -> Chance {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(name.as_bytes());
        Chance(ChaCha8Rng::from_seed(hash.finalize().into()))
    }
}

impl From<Chance> for Position {
    fn from(Chance(generator): Chance) -> Self {
        let words = generator.get_word_pos();
        // both halves of the position
        let words = [(words >> 64) as u64, words as u64];
        Self { from: generator.get_seed(), words }
    }
}

impl From<Position> for Chance {
    fn from(Position { from, words: [high, low] }: Position) -> Self {
        let mut generator = ChaCha8Rng::from_seed(from);
        generator.set_word_pos(u128::from(high) << 64 | u128::from(low));
        Self(generator)
    }
}

impl Chance {
    /// A number from `low` to `high`, both included; `low` when the range is empty.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        if low >= high { low } else { self.0.random_range(low..=high) }
    }

    /// True in `numerator` of `denominator` draws.
    pub fn one_in(&mut self, numerator: u32, denominator: u32) -> bool {
        denominator > 0 && self.0.random_range(0..denominator) < numerator
    }

    /// One element; `None` of an empty slice.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.0.random_range(0..from.len())])
    }

    /// `length` characters of `alphabet`, which must be ASCII and not empty.
    pub fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..length).filter_map(|_| self.pick(letters).map(|&b| char::from(b))).collect()
    }

    /// A random (version 4) UUID.
    pub fn uuid(&mut self) -> Uuid {
        let mut raw = [0; 16];
        self.0.fill_bytes(&mut raw);
        uuid::Builder::from_random_bytes(raw).into_uuid()
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rest, number) = (self.0 / NUMBERS, self.0 % NUMBERS);
        let (mood, being) = (rest as usize / BEINGS.len(), rest as usize % BEINGS.len());
        write!(f, "{}-{}-{number}", MOODS[mood], BEINGS[being])
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({self})")
    }
}

/// Three words in any case, with dashes, underscores or spaces between them; else a number, as [`Seed::numbered`]; else
/// any text, of which a seed is drawn. What looks like three words and is not is an error, since a slip would go unseen.
impl FromStr for Seed {
    type Err = NotASeed;

    fn from_str(text: &str) -> Result<Self, NotASeed> {
        let typed = text.trim().to_lowercase();
        let words: Vec<&str> = typed
            .split(|c: char| c == '-' || c == '_' || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .collect();
        if let [mood, being, number] = words.as_slice()
            && let Some(mood) = MOODS.iter().position(|known| known == mood)
            && let Some(being) = BEINGS.iter().position(|known| known == being)
            && let Some(number) = number.parse::<u32>().ok().filter(|number| *number < NUMBERS)
        {
            return Ok(Self::of(mood as u32, being as u32, number));
        }
        if let Ok(number) = typed.parse::<u32>() {
            return Ok(Self::numbered(number));
        }
        match typed.is_empty() || is_nearly_three_words(&words) {
            true => Err(NotASeed(text.to_owned())),
            false => Ok(Self::drawn_from(&typed)),
        }
    }
}

/// True for words of which one is from a seed, and for two words and a number.
fn is_nearly_three_words(words: &[&str]) -> bool {
    let is_known = |word: &&str| MOODS.contains(word) || BEINGS.contains(word);
    let is_number = |word: &str| word.parse::<u32>().is_ok();
    let has_their_form =
        matches!(words, [one, two, three] if !is_number(one) && !is_number(two) && is_number(three));
    words.len() > 1 && (has_their_form || words.iter().any(is_known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_seed_is_quiet_otter_17() {
        assert_eq!(Seed::DEFAULT.to_string(), "quiet-otter-17");
    }

    #[test]
    fn the_same_name_draws_the_same_and_another_name_something_else() {
        let draw = |name| Seed::DEFAULT.chance(name).uuid();
        assert_eq!(draw("ids"), draw("ids"));
        assert_ne!(draw("ids"), draw("delays"));
    }

    #[test]
    fn what_is_no_seed_is_told_what_one_looks_like() {
        for text in
            ["", " ", "quiet-otter", "quiet-otter-100", "quiet-otter-17-1", "loud-otter-17", "quite-oter-17"]
        {
            let error = text.parse::<Seed>().unwrap_err().to_string();
            assert!(error.contains("quiet-otter-17"), "{error}");
        }
    }

    #[test]
    fn a_seed_is_taken_as_a_person_types_it() {
        for text in ["Quiet-Otter-17", "quiet otter 17", " quiet_otter_17\n"] {
            assert_eq!(text.parse(), Ok(Seed::DEFAULT), "{text}");
        }
        assert_eq!("42".parse(), Ok(Seed::numbered(42)));
        assert_eq!("4294967295".parse(), Ok(Seed::numbered(u32::MAX)));
        for text in ["monday", "2026-11-29", "release 1.2", "99999999999999", "-1", "é"] {
            let seed: Seed = text.parse().unwrap();
            assert_eq!(text.to_uppercase().parse(), Ok(seed), "{text}");
            assert_eq!(seed.to_string().parse(), Ok(seed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_seed_reads_back(raw in 0..(32 * 32 * NUMBERS)) {
            let seed = Seed(raw);
            prop_assert_eq!(seed.to_string().parse::<Seed>(), Ok(seed));
        }

        #[test]
        fn a_generator_that_was_written_down_goes_on_where_it_was(lengths in prop::collection::vec(0usize..40, 0..5)) {
            let mut chance = Seed::DEFAULT.chance("any");
            for length in lengths {
                chance.text("abc", length);
            }
            let written = serde_json::to_string(&chance).unwrap();
            let mut again: Chance = serde_json::from_str(&written).unwrap();
            prop_assert_eq!((again.uuid(), again.text("abcdef", 9)), (chance.uuid(), chance.text("abcdef", 9)));
        }

        #[test]
        fn between_stays_between(low in 0u64..1000, span in 0u64..1000) {
            let drawn = Seed::DEFAULT.chance("any").between(low, low + span);
            prop_assert!((low..=low + span).contains(&drawn));
        }
    }
}
