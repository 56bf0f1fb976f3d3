//! Faults of a pod for which there is no request, and those that are worth a warning only.

/// Something worth a warning on the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The event's reason.
    pub reason: &'static str,
    /// The event's text.
    pub message: String,
}

/// Errors for which there is no request for a pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A variable's source is not there yet.
    #[error("{message}")]
    Source {
        /// The event's reason, as virtual-kubelet names it.
        reason: &'static str,
        /// The kubelet's words for it.
        message: String,
    },
    /// A volume's source is not there yet, or does not fit.
    #[error("MountVolume.SetUp failed for volume \"{volume}\" : {why}")]
    Mount {
        /// The volume.
        volume: String,
        /// The fault of the source, in the kubelet's words.
        why: String,
    },
    /// An annotation's value cannot be used.
    #[error("annotation {key} is `{value}`, which is not {should}")]
    Annotation {
        /// The annotation.
        key: String,
        /// The annotation's value.
        value: String,
        /// A noun phrase for the values that can be used.
        should: &'static str,
    },
    /// Something that this node can never do.
    #[error("{0}")]
    Unsupported(String),
}
