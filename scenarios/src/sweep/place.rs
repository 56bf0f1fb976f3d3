//! The places at which a run can be perturbed: the provider's k-th call, or the k-th event of its watches.

use std::fmt;
use std::str::FromStr;

/// A place in a run; the same number is the same moment in every run of the same case and seed up to that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The call of this number, to Kubernetes or to the cloud; the provider's first is 1.
    Call(u32),
    /// The watch event of this number, of all watches together; the first is 1.
    Event(u32),
}

/// The error of a text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place; write `call-17` or `event-3`, as a reference run numbers them")]
pub struct NoPlace(String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(number) => write!(f, "call-{number}"),
            Self::Event(number) => write!(f, "event-{number}"),
        }
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let numbered = |prefix| text.strip_prefix(prefix).and_then(|number: &str| number.parse().ok());
        let call = numbered("call-").map(Self::Call);
        call.or_else(|| numbered("event-").map(Self::Event)).ok_or_else(|| NoPlace(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written() {
        for place in [Place::Call(17), Place::Event(3)] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        assert!("17".parse::<Place>().unwrap_err().to_string().contains("`call-17`"));
    }
}
