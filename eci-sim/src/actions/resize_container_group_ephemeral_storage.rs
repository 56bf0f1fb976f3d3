//! `ResizeContainerGroupEphemeralStorage`: grows the paid storage to so many GiB; known to older clients only.

use eci_api::actions::{ResizeContainerGroupEphemeralStorage, ResizeContainerGroupEphemeralStorageReply};

use crate::lifecycle::State;
use crate::refusal::Refusal;
use crate::serving::states::wrong_state;
use crate::serving::{Caller, Serve};
use crate::world::World;

/// GiB of storage, at most (CreateContainerGroup, `EphemeralStorage`).
const STORAGE_MAX: u32 = 5000;

impl Serve for ResizeContainerGroupEphemeralStorage {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let group = caller.group(world, self.container_group_id.as_deref())?;
        let (number, now) = (group.record.number, group.record.terms.extra_storage());
        if group.state != State::Running {
            return Err(wrong_state(group, "storage is resized only while the group is Running"));
        }
        let text = self.new_size.as_deref().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Refusal::missing("NewSize"))?;
        let fits = |size: &u32| (now..=STORAGE_MAX).contains(size);
        let why = || Refusal::invalid("NewSize", format!("`{text}` should be {now} to {STORAGE_MAX} GiB"));
        let new = text.parse::<u32>().ok().filter(fits).ok_or_else(why)?;
        world.change(number, |_, record| {
            if let Some(terms) = record.terms.instance_mut() {
                terms.extra_storage = new;
            }
        });
        Ok(ResizeContainerGroupEphemeralStorageReply { request_id: caller.request_id.clone() })
    }
}
