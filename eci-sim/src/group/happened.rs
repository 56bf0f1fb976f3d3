//! What is told of a group's life as events, in the cloud's words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Group;
use super::container::Phase;

/// How many events a group keeps (eci-openapi.md, section 6).
pub const KEPT: usize = 50;

/// Something that happened to a group, once or several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often.
    pub count: u32,
    /// Tells events of one group apart.
    pub mark: u32,
    /// What.
    pub what: What,
}

/// What can happen to a group, as far as its owner is told; numbers are those of containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The size is the one that was asked for.
    SizeAsAsked,
    /// The size is the nearest one that is sold.
    SizeRounded,
    /// No machine was found.
    NotScheduled(Box<str>),
    /// No image cache fits.
    CacheMissed,
    /// An image cache is being made.
    CacheMade(Box<str>),
    /// An image cache fits.
    CacheHit(Box<str>),
    /// What the containers share could not be made.
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
    /// An image's name is none.
    InvalidImage(u8, Box<str>),
    /// A container was made.
    Created(u8),
    /// A container was started.
    Started(u8),
    /// A container will be started again.
    BackOff(u8),
    /// A container is being stopped.
    Killing(u8),
    /// A container is being stopped, since its liveness probe failed; and whether it will be started again.
    KillingUnhealthy(u8, bool),
    /// A container is being stopped, since what runs when it has started ended badly.
    KillingForHook(u8),
    /// A probe of a container failed: the one that says whether it is alive, or the other.
    Unhealthy(u8, bool),
    /// What runs when a container has started ended badly.
    PostStartFailed(u8),
    /// What runs before a container is stopped ended badly.
    PreStopFailed(u8),
    /// A container ran out of memory.
    OutOfMemory(u8),
    /// It was in Pending for so many minutes, which is too long.
    PendingTooLong(u32),
    /// It ran for as long as it may.
    DeadlineExceeded,
    /// It is a spot instance and will be taken back in so many minutes.
    SpotToBeReleased(u8),
}

impl What {
    /// `Normal` or `Warning`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SizeAsAsked
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
            | Self::PostStartFailed(_)
            | Self::PreStopFailed(_)
            | Self::OutOfMemory(_)
            | Self::PendingTooLong(_)
            | Self::DeadlineExceeded
            | Self::SpotToBeReleased(_) => "Warning",
        }
    }

    /// The word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SizeAsAsked => "UserInstanceTypeSpec",
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
            Self::Unhealthy(..) => "Unhealthy",
            Self::PostStartFailed(_) => "FailedPostStartHook",
            Self::PreStopFailed(_) => "FailedPreStopHook",
            Self::OutOfMemory(_) => "OOMKilled",
            Self::PendingTooLong(_) => "StartingFailed",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::SpotToBeReleased(_) => "SpotToBeReleased",
        }
    }

    /// Whether the platform tells it, and not the agent beside the containers.
    pub fn is_of_the_platform(&self) -> bool {
        matches!(
            self,
            Self::SizeAsAsked
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

    /// The sentence.
    pub fn message(&self, group: &Group) -> String {
        let container = |index: &u8| group.containers.get(usize::from(*index));
        let name = |index| container(index).map_or("", |c| &*c.spec.name);
        let image = |index| container(index).map_or("", |c| &*c.spec.image);
        let size = group.instance_spec();
        match self {
            Self::SizeAsAsked => {
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
            Self::PostStartFailed(_) => "PostStartHook failed".to_owned(),
            Self::PreStopFailed(_) => "PreStopHook failed".to_owned(),
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

/// What the first container that does not start waits for.
fn stuck(group: &Group) -> String {
    let waiting = group.containers.iter().find_map(|container| match &container.phase {
        Phase::Waiting(wait) => Some(format!(", container {}: {}", container.spec.name, wait.reason())),
        Phase::Running { .. } | Phase::Terminated(_) => None,
    });
    waiting.unwrap_or_default()
}

/// `1m41.289s`.
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
