//! `UntagResources`: removes tags, those named or, with `All` and no names, every one.

use eci_api::actions::{UntagResources, UntagResourcesReply};

use crate::refusal::Refusal;
use crate::serving::tagged::{self, Kind};
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for UntagResources {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let kind = Kind::named(self.resource_type.as_deref())?;
        let every = self.tag_key.is_empty() && self.all == Some(true);
        tagged::change(world, caller, (kind, &self.resource_id), |tags| {
            tags.retain(|(key, _)| !every && !self.tag_key.iter().any(|named| **named == **key));
        })?;
        Ok(UntagResourcesReply { request_id: caller.request_id.clone() })
    }
}
