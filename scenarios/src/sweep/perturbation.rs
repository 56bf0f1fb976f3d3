//! Perturbations of a call, an answer, a watch event, or the provider itself.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One thing that goes wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Perturbation {
    /// The provider dies before the call is sent, or before the event is read.
    KillBefore(Absence),
    /// The provider dies after the call was carried out, without its answer.
    KillAfter(Absence),
    /// The call is carried out and its answer lost.
    Lost,
    /// The answer takes so many seconds longer.
    Late(u32),
    /// The call is carried out twice, and the second answer counts.
    Doubled,
    /// Half of the answer arrives.
    Cut,
    /// A read is answered as the same read was before, so many answers ago.
    Older(u32),
    /// A page of the cloud has one group less; the rest follows under a token.
    ShortPage,
    /// A page's token, or a list's revision, is not known any more.
    Expired,
    /// Throttling of the call and the next ones to the same side, so many in all.
    Throttled(u32),
    /// Failures inside the server of the call and the next ones to the same side, so many in all.
    ServerErrors(u32),
    /// The event is lost, and the watch breaks behind it.
    Dropped,
    /// The event and all behind it come 30 s later.
    Delayed,
    /// The event comes twice.
    Twice,
    /// The event comes behind the next one.
    Swapped,
    /// The watch ends with 410 Gone instead of the event.
    Gone,
    /// Somebody else writes the newest pod's status.
    AlienStatus,
    /// Somebody else writes the newest pod's and the node's labels.
    AlienLabels,
    /// Somebody else deletes the node.
    NodeDeleted,
    /// The newest pod is deleted by force, and another one of its name is made.
    SameName,
    /// A second provider of the same identity runs for five minutes.
    TwoProviders,
}

/// The absence of a killed provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Absence {
    /// A process that is started again at once: 1 s.
    Second,
    /// About as long as a lease lasts: 41 s.
    Lease,
    /// Longer than a silent node keeps its pods: 6 min.
    Eviction,
    /// Longer than the cloud remembers tokens or an operator sleeps: 61 min.
    Hour,
}

/// The error of a text that is no perturbation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no perturbation; they are: {known}", known = all_words())]
pub struct NoPerturbation {
    text: String,
}

impl Absence {
    /// All, the shortest first.
    pub const ALL: [Self; 4] = [Self::Second, Self::Lease, Self::Eviction, Self::Hour];

    /// The length.
    pub fn span(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Lease => 41,
            Self::Eviction => 360,
            Self::Hour => 3660,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Second => "1s",
            Self::Lease => "41s",
            Self::Eviction => "6m",
            Self::Hour => "61m",
        }
    }
}

impl Perturbation {
    /// The eight ways of being killed.
    pub fn all_kills() -> impl Iterator<Item = Self> {
        let before = Absence::ALL.into_iter().map(Self::KillBefore);
        before.chain(Absence::ALL.into_iter().map(Self::KillAfter))
    }

    /// Everything that can become of a call.
    pub fn of_calls() -> Vec<Self> {
        let others = [
            Self::Lost,
            Self::Late(8),
            Self::Late(45),
            Self::Doubled,
            Self::Cut,
            Self::Older(1),
            Self::Older(3),
            Self::ShortPage,
            Self::Expired,
            Self::Throttled(5),
            Self::ServerErrors(5),
            Self::AlienStatus,
            Self::AlienLabels,
            Self::NodeDeleted,
            Self::SameName,
            Self::TwoProviders,
        ];
        Self::all_kills().chain(others).collect()
    }

    /// Everything that can become of a watch event.
    pub fn of_events() -> Vec<Self> {
        let kills = Absence::ALL.into_iter().map(Self::KillBefore);
        kills.chain([Self::Dropped, Self::Delayed, Self::Twice, Self::Swapped, Self::Gone]).collect()
    }

    /// The time for which it keeps the world from coming to rest.
    pub fn lasts(self) -> Duration {
        match self {
            Self::KillBefore(absence) | Self::KillAfter(absence) => absence.span(),
            Self::Late(seconds) => Duration::from_secs(u64::from(seconds)),
            Self::Delayed => Duration::from_secs(30),
            Self::TwoProviders => Duration::from_secs(300),
            // Requests that fail are tried again, each a little later than the one before.
            Self::Throttled(_) | Self::ServerErrors(_) => Duration::from_secs(60),
            _ => Duration::ZERO,
        }
    }

    /// True where the provider dies.
    pub fn kills(self) -> bool {
        matches!(self, Self::KillBefore(_) | Self::KillAfter(_))
    }

    /// True where the node's lease runs out, or the node is gone.
    pub fn silences_the_node(self) -> bool {
        let short = |absence| absence == Absence::Second;
        match self {
            Self::KillBefore(absence) | Self::KillAfter(absence) => !short(absence),
            Self::NodeDeleted => true,
            _ => false,
        }
    }

    /// True where the node is silent for so long that its pods are evicted, or is gone.
    pub fn costs_the_node(self) -> bool {
        let long = |absence| matches!(absence, Absence::Eviction | Absence::Hour);
        match self {
            Self::KillBefore(absence) | Self::KillAfter(absence) => long(absence),
            Self::NodeDeleted => true,
            _ => false,
        }
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillBefore(absence) => write!(f, "kill-before-{}", absence.word()),
            Self::KillAfter(absence) => write!(f, "kill-after-{}", absence.word()),
            Self::Lost => f.write_str("lost"),
            Self::Late(seconds) => write!(f, "late-{seconds}"),
            Self::Doubled => f.write_str("doubled"),
            Self::Cut => f.write_str("cut"),
            Self::Older(by) => write!(f, "older-{by}"),
            Self::ShortPage => f.write_str("short-page"),
            Self::Expired => f.write_str("expired"),
            Self::Throttled(calls) => write!(f, "throttled-{calls}"),
            Self::ServerErrors(calls) => write!(f, "server-errors-{calls}"),
            Self::Dropped => f.write_str("dropped"),
            Self::Delayed => f.write_str("delayed"),
            Self::Twice => f.write_str("twice"),
            Self::Swapped => f.write_str("swapped"),
            Self::Gone => f.write_str("gone"),
            Self::AlienStatus => f.write_str("alien-status"),
            Self::AlienLabels => f.write_str("alien-labels"),
            Self::NodeDeleted => f.write_str("node-deleted"),
            Self::SameName => f.write_str("same-name"),
            Self::TwoProviders => f.write_str("two-providers"),
        }
    }
}

impl FromStr for Perturbation {
    type Err = NoPerturbation;

    fn from_str(text: &str) -> Result<Self, NoPerturbation> {
        let known = Self::of_calls().into_iter().chain(Self::of_events());
        known
            .into_iter()
            .find(|known| known.to_string() == text)
            .ok_or_else(|| NoPerturbation { text: text.to_owned() })
    }
}

fn all_words() -> String {
    let mut words: Vec<_> = Perturbation::of_calls().iter().map(ToString::to_string).collect();
    words.extend(Perturbation::of_events().iter().map(ToString::to_string));
    words.dedup();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_perturbation_reads_as_it_is_written_and_no_two_are_written_alike() {
        let all: BTreeSet<_> =
            Perturbation::of_calls().into_iter().chain(Perturbation::of_events()).collect();
        let words: BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), all.len());
        for perturbation in all {
            assert_eq!(perturbation.to_string().parse(), Ok(perturbation));
        }
    }

    #[test]
    fn a_slip_is_answered_with_all_there_are() {
        let why = "kill".parse::<Perturbation>().unwrap_err().to_string();
        assert!(why.contains("kill-before-41s") && why.contains("swapped"), "{why}");
    }
}
