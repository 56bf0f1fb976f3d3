//! Errors of calls to the cloud: refused, unreachable, or answered with something unreadable.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Unit};

use super::meaning::Meaning;

/// The most characters of an error that are shown on a pod.
const PLAIN_MAX: usize = 512;

/// The part of `SignatureDoesNotMatch` that differs in each call.
const STRING_TO_SIGN: &str = " server string to sign is:";

/// An error of a call to the cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EciError {
    /// The cloud answered, and said no.
    #[error("{message}{} ({code}, {action}, request {request_id})", Skew(*clock_skew))]
    Refused {
        /// The operation.
        action: &'static str,
        /// The cloud's code, as `OperationDenied.NoStock`.
        code: String,
        /// The HTTP status.
        status: u16,
        /// The cloud's sentence for a person.
        message: String,
        /// The number under which the cloud's support finds the call.
        request_id: Box<str>,
        /// The wait that the cloud asks for, from `x-acs-retry-after` or `Retry-After`.
        retry_after: Option<Duration>,
        /// The cloud's clock less this machine's, measured by the answer's Date when the time stamp was refused.
        clock_skew: Option<SignedDuration>,
    },
    /// No answer: whether anything happened is unknown.
    #[error("ECI cannot be reached at {why} ({action})")]
    Unreachable {
        /// The operation.
        action: &'static str,
        /// The address and the cause of the failure, as the transport tells them.
        why: String,
    },
    /// An answer that cannot be read, or a request that cannot be written.
    #[error("ECI's answer cannot be read: {why} ({action})")]
    Garbled {
        /// The operation.
        action: &'static str,
        /// The fault of the text and its place.
        why: String,
    },
}

impl EciError {
    pub(super) fn unreachable(action: &'static str, why: String) -> Self {
        Self::Unreachable { action, why }
    }

    /// A refusal with `code` and HTTP status `status`, and nothing else known of it.
    pub fn refused(action: &'static str, code: impl Into<String>, status: u16) -> Self {
        Self::Refused {
            action,
            code: code.into(),
            status,
            message: String::new(),
            request_id: Box::default(),
            retry_after: None,
            clock_skew: None,
        }
    }

    /// The operation.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Refused { action, .. }
            | Self::Unreachable { action, .. }
            | Self::Garbled { action, .. } => action,
        }
    }

    /// The cloud's code, when it answered.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The meaning of a refusal; `None` when there was no readable answer.
    pub fn meaning(&self) -> Option<Meaning> {
        let Self::Refused { code, status, .. } = self else { return None };
        Some(Meaning::of(code, *status))
    }

    /// The wait that the cloud asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        let Self::Refused { retry_after, .. } = self else { return None };
        *retry_after
    }

    /// Returns true when the cloud positively said that the thing does not exist.
    pub fn is_not_found(&self) -> bool {
        self.meaning() == Some(Meaning::NotFound)
    }

    /// Returns true when the answer, though no success, shows a cloud that is there and speaks to this account.
    pub fn shows_presence(&self) -> bool {
        !matches!(self.meaning(), None | Some(Meaning::Fault))
            && !self.meaning().is_some_and(Meaning::bars_all_calls)
    }

    /// The error without what differs from call to call (request id, nonce, seconds of skew), at most 512 characters:
    /// the same refusal again is the same text, so that telling it again is not a write.
    pub fn plain(&self) -> impl fmt::Display + '_ {
        Plain(self)
    }
}

struct Plain<'a>(&'a EciError);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EciError::Refused { action, code, message, request_id, clock_skew, .. } = self.0 else {
            return write!(f, "{:.PLAIN_MAX$}", self.0.to_string());
        };
        let message = message.split(STRING_TO_SIGN).next().unwrap_or_default();
        let message = match &**request_id {
            "" => message.to_owned(),
            id if planted!(WordsNameTheRequest) => format!("{message} {id}"),
            id => message.replace(id, "…"),
        };
        let whole = clock_skew.map(|skew| skew.round((Unit::Minute, 1)).unwrap_or(skew));
        write!(f, "{message:.PLAIN_MAX$}{} ({code}, {action})", Skew(whole))
    }
}

/// The words for a measured skew of the clocks; nothing when none was measured.
struct Skew(Option<SignedDuration>);

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(skew) = self.0 else { return Ok(()) };
        let seconds = skew.unsigned_abs().as_secs();
        match (seconds, skew.is_negative()) {
            (0, _) => write!(f, " This machine's clock agrees with the cloud's."),
            (_, false) => write!(f, " This machine's clock is {seconds} s behind the cloud's."),
            (_, true) => write!(f, " This machine's clock is {seconds} s ahead of the cloud's."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str, skew: Option<i64>, request_id: &str) -> EciError {
        let mut error = EciError::refused("DeleteContainerGroup", code, 400);
        if let EciError::Refused { message: m, clock_skew, request_id: id, .. } = &mut error {
            (*m, *clock_skew, *id) =
                (message.to_owned(), skew.map(SignedDuration::from_secs), request_id.into());
        }
        error
    }

    #[test]
    fn a_wrong_key_is_never_taken_for_a_group_that_is_gone() {
        assert!(
            !EciError::refused("DeleteContainerGroup", "InvalidAccessKeyId.NotFound", 404).is_not_found()
        );
    }

    #[test]
    fn a_refused_time_stamp_says_how_far_the_clocks_are_apart() {
        for (skew, words) in [
            (3600, "Expired. This machine's clock is 3600 s behind the cloud's."),
            (-3595, "Expired. This machine's clock is 3595 s ahead of the cloud's."),
            (0, "Expired. This machine's clock agrees with the cloud's."),
        ] {
            let text = refused("InvalidTimeStamp.Expired", "Expired.", Some(skew), "R").to_string();
            assert!(text.starts_with(words), "{text}");
        }
    }

    #[test]
    fn the_plain_words_are_the_same_each_time() {
        let first = "no match. server string to sign is:POST&%2F&nonce=1";
        let second = "no match. server string to sign is:POST&%2F&nonce=2";
        for (one, other) in [
            (
                refused("NoStock", "none, request R-1", None, "R-1"),
                refused("NoStock", "none, request R-2", None, "R-2"),
            ),
            (
                refused("SignatureDoesNotMatch", first, None, "A"),
                refused("SignatureDoesNotMatch", second, None, "B"),
            ),
            (
                refused("InvalidTimeStamp", "", Some(3597), "A"),
                refused("InvalidTimeStamp", "", Some(3602), "B"),
            ),
        ] {
            assert_eq!(one.plain().to_string(), other.plain().to_string());
        }
        assert_eq!(
            refused("NoStock", "none", None, "R").plain().to_string(),
            "none (NoStock, DeleteContainerGroup)"
        );
    }

    #[test]
    fn the_plain_words_are_bounded() {
        let long = refused("NoStock", &"é".repeat(9000), None, "R");
        assert!(long.plain().to_string().chars().count() < PLAIN_MAX + 64);
    }
}
