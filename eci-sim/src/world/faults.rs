//! Effects of fault rules on the world.

use super::World;
use crate::faults::FaultVerdict;
use crate::group::Group;

impl World {
    /// Applies a verdict's effect on the world, if it has one. A call's group is its id, its name, or a list of ids
    /// that has its id; where the call names none, the newest is meant.
    pub(crate) fn apply(&mut self, verdict: &FaultVerdict, group: Option<&str>) {
        match verdict {
            FaultVerdict::SoldOut(what) => drop(self.sold_out.insert(what.clone())),
            FaultVerdict::Reclaim(minutes) => {
                if let Some(number) = self.meant(group) {
                    self.announce_reclaim(number, *minutes);
                }
            }
            FaultVerdict::Crash { container, exit_code } => {
                if let Some(number) = self.meant(group) {
                    self.crash(number, container, *exit_code);
                }
            }
            FaultVerdict::Pass
            | FaultVerdict::Refuse { .. }
            | FaultVerdict::DelayMs(_)
            | FaultVerdict::DropBefore
            | FaultVerdict::DropAfter
            | FaultVerdict::Truncate(_)
            | FaultVerdict::StaleMs(_) => {}
        }
    }

    fn meant(&self, group: Option<&str>) -> Option<u64> {
        let named = group.and_then(|text| {
            let fits = |group: &&Group| text.contains(group.id()) || *group.record.name == *text;
            self.groups().rev().find(fits)
        });
        named.or_else(|| self.groups().next_back()).map(|group| group.record.number)
    }
}
