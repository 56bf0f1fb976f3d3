//! Faults in the table of the cloud's error codes: of each meaning, one that a code could be mistaken for.

use crate::eci::meaning::Meaning;

/// The meaning that is concluded where it should be `meaning`.
pub fn misread(meaning: Meaning) -> Meaning {
    let mistakes = [
        (planted!(NotFoundIsReadAsRequest), Meaning::NotFound, Meaning::Request),
        (planted!(ThrottledIsReadAsRequest), Meaning::Throttled, Meaning::Request),
        (planted!(DailyLimitIsReadAsThrottled), Meaning::DailyLimit, Meaning::Throttled),
        (planted!(FaultIsReadAsRequest), Meaning::Fault, Meaning::Request),
        (planted!(ReplayedIsReadAsRequest), Meaning::Replayed, Meaning::Request),
        (planted!(ClockSkewIsReadAsRequest), Meaning::ClockSkew, Meaning::Request),
        (planted!(NoAccessIsReadAsNotFound), Meaning::NoAccess, Meaning::NotFound),
        (planted!(ForbiddenIsReadAsNotFound), Meaning::Forbidden, Meaning::NotFound),
        (planted!(AccountIsReadAsFault), Meaning::Account, Meaning::Fault),
        (planted!(WrongEndpointIsReadAsRequest), Meaning::WrongEndpoint, Meaning::Request),
        (planted!(NoStockIsReadAsRequest), Meaning::NoStock, Meaning::Request),
        (planted!(QuotaIsReadAsThrottled), Meaning::Quota, Meaning::Throttled),
        (planted!(SizeIsReadAsQuota), Meaning::Size, Meaning::Quota),
        (planted!(TokenUsedIsReadAsRequest), Meaning::TokenUsed, Meaning::Request),
        (planted!(BusyIsReadAsNotFound), Meaning::Busy, Meaning::NotFound),
        (planted!(RequestIsReadAsFault), Meaning::Request, Meaning::Fault),
        (planted!(UnknownIsReadAsRequest), Meaning::Unknown, Meaning::Request),
    ];
    let mistake = mistakes.into_iter().find(|(on, from, _)| *on && *from == meaning);
    mistake.map_or(meaning, |(_, _, to)| to)
}
