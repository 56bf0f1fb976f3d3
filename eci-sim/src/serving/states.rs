//! What the state of a group allows an operation.

use crate::group::Group;
use crate::lifecycle::Event;
use crate::refusal::Refusal;
use crate::world::World;

/// Begins a restart or an update of a group, which only some states allow.
pub(crate) fn start_over(world: &mut World, number: u64, event: Event) -> Result<(), Refusal> {
    let Some(group) = world.group(number) else { return Ok(()) };
    let refusal = wrong_state(group, "only a group that is Pending or Running can start over");
    world.start_over(number, event).map_err(|_| refusal)
}

/// The refusal for a group in a state other than the operation wants.
pub(crate) fn wrong_state(group: &Group, wanted: &'static str) -> Refusal {
    Refusal::WrongState { id: group.record.id.to_string(), state: group.state, wanted }
}
