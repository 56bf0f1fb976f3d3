//! `UntagResources`: tags are taken away, those named or, with `All` and no names, every one.

use eci_api::actions::{UntagResources, UntagResourcesReply};

use super::{Caller, Serve, tagged_kind};
use crate::refusal::Refusal;
use crate::world::World;

impl Serve for UntagResources {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        tagged_kind(self.resource_type.as_deref())?;
        let every = self.tag_key.is_empty() && self.all == Some(true);
        let mut changes = Vec::new();
        for id in &self.resource_id {
            let card = &caller.group(world, Some(id))?.card;
            let mut tags = card.tags.clone();
            tags.retain(|(key, _)| !every && !self.tag_key.iter().any(|named| **named == **key));
            changes.push((card.number, tags));
        }
        for (number, tags) in changes {
            world.change(number, |_, card| card.tags = tags);
        }
        Ok(UntagResourcesReply { request_id: caller.request_id.clone() })
    }
}
