//! Injection points of a run: the provider's k-th call, or the k-th event of its watches.

use std::fmt;
use std::str::FromStr;

/// A place in a run; the same number is the same moment in every run of the same case and seed up to that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InjectionPoint {
    /// The call of this number, to Kubernetes or to the cloud; the provider's first is 1.
    Call(u32),
    /// The watch event of this number, of all watches together; the first is 1.
    Event(u32),
}

/// The error of a text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place; write `call-17` or `event-3`, as a reference run numbers them")]
pub struct UnknownInjectionPoint(String);

impl fmt::Display for InjectionPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(number) => write!(f, "call-{number}"),
            Self::Event(number) => write!(f, "event-{number}"),
        }
    }
}

impl FromStr for InjectionPoint {
    type Err = UnknownInjectionPoint;

    fn from_str(text: &str) -> Result<Self, UnknownInjectionPoint> {
        let numbered = |prefix| text.strip_prefix(prefix).and_then(|number: &str| number.parse().ok());
        let call = numbered("call-").map(Self::Call);
        call.or_else(|| numbered("event-").map(Self::Event))
            .ok_or_else(|| UnknownInjectionPoint(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written() {
        for place in [InjectionPoint::Call(17), InjectionPoint::Event(3)] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        assert!("17".parse::<InjectionPoint>().unwrap_err().to_string().contains("`call-17`"));
    }
}
