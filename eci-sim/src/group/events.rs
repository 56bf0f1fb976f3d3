//! Events of a group's life, in the cloud's words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Group;
use super::container::Phase;
use crate::agenda::ProbeKind;

/// Number of events that a group keeps; the oldest goes first (eci-openapi.md, section 6).
pub const EVENTS_MAX: usize = 50;

/// An event of a group, once or several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEvent {
    /// Time of the first occurrence.
    pub first: Timestamp,
    /// Time of the last occurrence, equal to the first for a single one.
    pub last: Timestamp,
    /// Number of occurrences, 1 at least.
    pub count: u32,
    /// Number of the event in its group, counted from 0; part of its name.
    pub mark: u32,
    /// Kind of the event, with its details.
    pub kind: EventKind,
}

/// Kinds of events that a group's owner sees; a `u8` is the index of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// The size is the requested one.
    #[serde(alias = "SizeAsAsked")]
    SizeAsRequested,
    /// The size is the nearest one that is sold.
    SizeRounded,
    /// No machine was found, for this reason.
    NotScheduled(Box<str>),
    /// No image cache fits the group's images.
    CacheMissed,
    /// An image cache with this id is being made.
    CacheMade(Box<str>),
    /// The image cache with this id fits.
    CacheHit(Box<str>),
    /// The sandbox, which the containers share, could not be made.
    SandboxFailed(Box<str>),
    /// A container could not be started.
    StartFailed(u8, Box<str>),
    /// An image is being pulled.
    Pulling(u8),
    /// An image was pulled within so many milliseconds.
    Pulled(u8, u32),
    /// An image was there already.
    Present(u8),
    /// An image could not be pulled.
    PullFailed(u8, Box<str>),
    /// An image will be tried again.
    PullBackOff(u8),
    /// An image's name is malformed.
    InvalidImage(u8, Box<str>),
    /// A container was created, and will be started.
    Created(u8),
    /// A container was started.
    Started(u8),
    /// A container failed, and will be started again after a back-off.
    BackOff(u8),
    /// A container is being stopped.
    Killing(u8),
    /// A container is being stopped because its liveness probe failed; true if it will be started again.
    KillingUnhealthy(u8, bool),
    /// A container is being stopped because its post-start hook failed.
    KillingForHook(u8),
    /// A probe of a container failed: true for the liveness probe, false for the readiness probe.
    Unhealthy(u8, bool),
    /// A probe of a container was asked and failed, for this reason.
    ProbeFailed(u8, ProbeKind, Box<str>),
    /// The post-start hook of a container failed.
    PostStartFailed(u8),
    /// The pre-stop hook of a container failed.
    PreStopFailed(u8),
    /// The command of a container is not played, and something is assumed; the message says what.
    NotPlayed(u8, Box<str>),
    /// A container ran out of memory.
    OutOfMemory(u8),
    /// The group was in Pending for so many minutes, the most that it may be.
    PendingTooLong(u32),
    /// The group ran for as long as its active deadline allows.
    DeadlineExceeded,
    /// The group is a spot instance, and is reclaimed in so many minutes.
    SpotToBeReleased(u8),
}

impl EventKind {
    /// Type of the event: `Normal` or `Warning`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SizeAsRequested
            | Self::SizeRounded
            | Self::CacheMade(_)
            | Self::CacheHit(_)
            | Self::Pulling(_)
            | Self::Pulled(..)
            | Self::Present(_)
            | Self::Created(_)
            | Self::Started(_)
            | Self::Killing(_)
            | Self::KillingUnhealthy(..)
            | Self::KillingForHook(_) => "Normal",
            Self::PullBackOff(_) => "Normal",
            Self::NotScheduled(_)
            | Self::CacheMissed
            | Self::SandboxFailed(_)
            | Self::StartFailed(..)
            | Self::PullFailed(..)
            | Self::InvalidImage(..)
            | Self::BackOff(_)
            | Self::Unhealthy(..)
            | Self::ProbeFailed(..)
            | Self::PostStartFailed(_)
            | Self::PreStopFailed(_)
            | Self::NotPlayed(..)
            | Self::OutOfMemory(_)
            | Self::PendingTooLong(_)
            | Self::DeadlineExceeded
            | Self::SpotToBeReleased(_) => "Warning",
        }
    }

    /// Reason of the event, in the cloud's or the kubelet's word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SizeAsRequested => "UserInstanceTypeSpec",
            Self::SizeRounded => "AutoInstanceTypeMatch",
            Self::NotScheduled(_) => "FailedScheduling",
            Self::CacheMissed => "ImageCacheMissed",
            Self::CacheMade(_) => "ImageCacheAutoCreated",
            Self::CacheHit(_) => "SuccessfulHitImageCache",
            Self::Pulling(_) => "Pulling",
            Self::Pulled(..) | Self::Present(_) => "Pulled",
            Self::SandboxFailed(_) => "FailedCreatePodSandBox",
            Self::PullFailed(..) | Self::StartFailed(..) => "Failed",
            Self::PullBackOff(_) | Self::BackOff(_) => "BackOff",
            Self::InvalidImage(..) => "InspectFailed",
            Self::Created(_) => "Created",
            Self::Started(_) => "Started",
            Self::Killing(_) | Self::KillingUnhealthy(..) | Self::KillingForHook(_) => "Killing",
            Self::Unhealthy(..) | Self::ProbeFailed(..) => "Unhealthy",
            Self::PostStartFailed(_) => "FailedPostStartHook",
            Self::PreStopFailed(_) => "FailedPreStopHook",
            Self::NotPlayed(..) => "CommandNotPlayed",
            Self::OutOfMemory(_) => "OOMKilled",
            Self::PendingTooLong(_) => "StartingFailed",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::SpotToBeReleased(_) => "SpotToBeReleased",
        }
    }

    /// True if the platform reports it, false if the agent beside the containers does.
    pub fn is_of_the_platform(&self) -> bool {
        matches!(
            self,
            Self::SizeAsRequested
                | Self::SizeRounded
                | Self::NotScheduled(_)
                | Self::CacheMissed
                | Self::CacheMade(_)
                | Self::CacheHit(_)
                | Self::PendingTooLong(_)
                | Self::SpotToBeReleased(_)
                | Self::OutOfMemory(_)
        )
    }

    /// Message of the event, with the names and images of `group`.
    pub fn message(&self, group: &Group) -> String {
        let container = |index: &u8| group.containers.get(usize::from(*index));
        let name = |index| container(index).map_or("", |c| &*c.spec.name);
        let image = |index| container(index).map_or("", |c| &*c.spec.image);
        let size = group.instance_spec();
        match self {
            Self::SizeAsRequested => {
                format!(
                    "[eci.containergroup]The user-specified instanceType for current eci instance is {size}"
                )
            }
            Self::SizeRounded => {
                format!(
                    "[eci.containergroup]The most-matched instanceType for current eci instance is {size}"
                )
            }
            Self::NotScheduled(why) => format!("Schedule eci failed:{why}"),
            Self::CacheMissed => "[eci.imagecache]Missed image cache.".to_owned(),
            Self::CacheMade(id) => format!("[eci.imagecache]Image cache {id} is auto created"),
            Self::CacheHit(id) => format!(
                "[eci.imagecache]Successfully hit image cache {id}, eci will be scheduled with this image cache."
            ),
            Self::Pulling(index) => format!("Pulling image \"{}\"", image(index)),
            Self::Pulled(index, millis) => {
                let span = span(*millis);
                format!("Successfully pulled image \"{}\" in {span} ({span} including waiting)", image(index))
            }
            Self::Present(index) => {
                format!("Container image \"{}\" already present on machine", image(index))
            }
            Self::PullFailed(index, why) => format!("Failed to pull image \"{}\": {why}", image(index)),
            Self::SandboxFailed(why) => format!("Failed to create pod sandbox: {why}"),
            Self::StartFailed(index, why) => format!("Error: container {}: {why}", name(index)),
            Self::PullBackOff(index) => format!("Back-off pulling image \"{}\"", image(index)),
            Self::InvalidImage(_, why) => why.to_string(),
            Self::Created(index) => format!("Created container {}", name(index)),
            Self::Started(index) => format!("Started container {}", name(index)),
            Self::BackOff(_) => "Back-off restarting failed container".to_owned(),
            Self::Killing(index) => format!("Stopping container {}", name(index)),
            Self::KillingUnhealthy(index, again) => {
                let then = if *again { ", will be restarted" } else { "" };
                format!("Container {} failed liveness probe{then}", name(index))
            }
            Self::KillingForHook(_) => "FailedPostStartHook".to_owned(),
            Self::Unhealthy(index, alive) => {
                let kind = if *alive { "Liveness" } else { "Readiness" };
                format!("{kind} probe failed: container {} does not answer as it should", name(index))
            }
            Self::ProbeFailed(_, kind, why) => format!("{kind:?} probe failed: {why}"),
            Self::PostStartFailed(_) => "PostStartHook failed".to_owned(),
            Self::PreStopFailed(_) => "PreStopHook failed".to_owned(),
            Self::NotPlayed(index, why) => format!("Container {}: {why}", name(index)),
            Self::OutOfMemory(_) => "Out of memory".to_owned(),
            Self::PendingTooLong(minutes) => {
                format!("eci starting failed: not running after {minutes} minutes in Pending{}", stuck(group))
            }
            Self::DeadlineExceeded => {
                "Pod was active on the node longer than the specified deadline".to_owned()
            }
            Self::SpotToBeReleased(minutes) => format!("Spot ECI will be released in {minutes} minutes"),
        }
    }
}

/// The first container that is waiting and its reason, as the end of a message; empty where none waits.
fn stuck(group: &Group) -> String {
    let waiting = group.containers.iter().find_map(|container| match &container.phase {
        Phase::Waiting(wait) => Some(format!(", container {}: {}", container.spec.name, wait.reason())),
        Phase::Running { .. } | Phase::Terminated(_) => None,
    });
    waiting.unwrap_or_default()
}

/// A time in milliseconds as the kubelet writes it: `1m41.289s`.
fn span(millis: u32) -> String {
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let seconds = format!("{}.{:03}s", rest / 1000, rest % 1000);
    if minutes > 0 { format!("{minutes}m{seconds}") } else { seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_the_kubelet_does() {
        assert_eq!(span(101_289), "1m41.289s");
        assert_eq!(span(4_005), "4.005s");
    }
}
