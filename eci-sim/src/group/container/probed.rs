//! What the probes of a container have found in its present run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agenda::ProbeKind;
use crate::script::files::Looks;

/// Both kinds, in the order in which they are asked at the same time.
pub const KINDS: [ProbeKind; 2] = [ProbeKind::Liveness, ProbeKind::Readiness];

/// What the probes of a container have found in its present run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    liveness: Findings,
    readiness: Findings,
}

/// What a probe has found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Time after the start of the run at which it was last asked; `None` before the first.
    pub latest: Option<Duration>,
    /// Failures in a row.
    pub failures: u32,
    /// True if it would find the same until that changes at which it looked.
    pub settled: bool,
    /// Layers and paths at which it looked.
    pub looks: Looks,
}

impl Probed {
    /// Findings of the probe of a kind.
    pub fn of(&mut self, kind: ProbeKind) -> &mut Findings {
        match kind {
            ProbeKind::Liveness => &mut self.liveness,
            ProbeKind::Readiness => &mut self.readiness,
        }
    }
}
