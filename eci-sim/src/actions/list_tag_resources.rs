//! `ListTagResources`: the tags of resources, one row for each tag.

use eci_api::actions::list_tag_resources as tell;
use eci_api::actions::{ListTagResources, ListTagResourcesReply};

use crate::refusal::Refusal;
use crate::serving::selection::{limit, position, token};
use crate::serving::tagged::{Kind, Tagged};
use crate::serving::{Caller, Serve};
use crate::world::World;

/// Resources of a page, default and maximum; `ours`, since no number is published.
const PAGE: usize = 50;

impl Serve for ListTagResources {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let kind = Kind::named(self.resource_type.as_deref())?;
        caller.region()?;
        let asked = match self.limit.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => Some(text.parse::<i32>().ok().filter(|limit| *limit > 0).ok_or_else(|| {
                Refusal::invalid("Limit", format!("`{text}` should be a whole number of 1 or more"))
            })?),
            None => None,
        };
        let (size, after) = (limit(asked, PAGE, PAGE), position(self.next_token.as_deref())?);
        let has = |tagged: &Tagged, key: &str, value: &str| {
            tagged.tags.iter().any(|(k, v)| **k == *key && (value.is_empty() || **v == *value))
        };
        let fits = |tagged: &Tagged| {
            (self.resource_id.is_empty() || self.resource_id.contains(&tagged.id))
                && self.tag.iter().all(|tag| {
                    let (key, value) = (tag.key.as_deref(), tag.value.as_deref());
                    key.is_none_or(|key| has(tagged, key, value.unwrap_or_default()))
                })
        };
        let all = kind.all(world, caller).into_iter().filter(|tagged| tagged.number > after && fits(tagged));
        let mut page: Vec<Tagged> = all.take(size + 1).collect();
        let more = page.len() > size;
        page.truncate(size);
        let next = page.last().filter(|_| more).map(|last| token(last.number)).unwrap_or_default();
        let rows = page.iter().flat_map(|tagged| {
            tagged.tags.iter().map(|(key, value)| tell::TagResource {
                resource_id: tagged.id.clone(),
                resource_type: kind.name().to_owned(),
                tag_key: key.to_string(),
                tag_value: value.to_string(),
            })
        });
        Ok(ListTagResourcesReply {
            tag_resources: rows.collect(),
            next_token: next,
            request_id: caller.request_id.clone(),
        })
    }
}
