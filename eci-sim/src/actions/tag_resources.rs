//! `TagResources`: more tags for groups, or other values; all of the groups, or none.

use eci_api::actions::{TagResources, TagResourcesReply};

use super::{Caller, Serve, tagged_kind};
use crate::group::order;
use crate::refusal::Refusal;
use crate::world::World;

/// How many tags a resource may have.
const TAGS_MAX: usize = 20;

impl Serve for TagResources {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        tagged_kind(self.resource_type.as_deref())?;
        let new = order::tags(self.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let mut changes = Vec::new();
        for id in &self.resource_id {
            let card = &caller.group(world, Some(id))?.card;
            let mut tags = card.tags.clone();
            tags.retain(|(key, _)| new.iter().all(|(other, _)| key != other));
            tags.extend(new.iter().cloned());
            if tags.len() > TAGS_MAX {
                return Err(Refusal::TooManyTags);
            }
            changes.push((card.number, tags));
        }
        for (number, tags) in changes {
            world.change(number, |_, card| card.tags = tags);
        }
        Ok(TagResourcesReply { request_id: caller.request_id.clone() })
    }
}
