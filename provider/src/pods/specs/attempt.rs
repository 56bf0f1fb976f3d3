//! The place in a pod's list of specs at which its creation is.

/// The creation that is tried now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The spec, counted from 0.
    pub spec: usize,
    /// The vSwitch that is tried alone, counted from 1; 0 for all of them.
    pub vswitch: usize,
}
