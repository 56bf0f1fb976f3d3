//! `TagResources`: adds tags to resources, or changes their values; for all of the resources, or none.

use eci_api::actions::{TagResources, TagResourcesReply};

use crate::group::order;
use crate::refusal::Refusal;
use crate::serving::tagged::{self, Kind};
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for TagResources {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let kind = Kind::named(self.resource_type.as_deref())?;
        let new = order::tags(self.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        if new.is_empty() {
            return Err(Refusal::missing("Tag.1.Key"));
        }
        tagged::change(world, caller, (kind, &self.resource_id), |tags| {
            tags.retain(|(key, _)| new.iter().all(|(other, _)| key != other));
            tags.extend(new.iter().cloned());
        })?;
        Ok(TagResourcesReply { request_id: caller.request_id.clone() })
    }
}
