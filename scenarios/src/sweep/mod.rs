//! The sweep: every case again with one perturbation at each place, and oracles over what became of it.
//!
//! A reference run numbers the provider's calls and watch events: its places. A run branches off it at its first perturbation
//! ([`branches`]), as a process of its own; played from the beginning, it is the reference run to the byte up to there. What must always hold is asked of the journal of
//! both sides ([`oracles`]).

pub mod branches;
pub mod choice;
pub(crate) mod cloud_tap;
pub mod end;
pub mod injection_point;
pub(crate) mod intruder;
pub mod journal;
pub(crate) mod kube_tap;
pub(crate) mod observer;
pub mod oracles;
pub mod perturbation;
pub mod plan;
pub mod played;
pub mod processes;
pub mod sweeping;
pub mod tap;
mod watch_tap;
