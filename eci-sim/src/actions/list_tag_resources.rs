//! `ListTagResources`: which tags groups have, one row a tag.

use eci_api::actions::list_tag_resources as tell;
use eci_api::actions::{ListTagResources, ListTagResourcesReply};

use super::selection::{Filter, limit, tags};
use super::{Caller, Serve, tagged_kind};
use crate::refusal::Refusal;
use crate::world::World;

/// How many groups a page looks at, usually and at most; `ours`, since no number is published.
const PAGE: usize = 50;

impl Serve for ListTagResources {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let kind = tagged_kind(self.resource_type.as_deref())?;
        caller.region()?;
        let ids = serde_json::to_string(&self.resource_id).unwrap_or_default();
        let filter = Filter {
            ids: (!self.resource_id.is_empty()).then_some(ids.as_str()),
            tags: tags(self.tag.iter().map(|tag| (&tag.key, &tag.value))),
            ..Filter::default()
        };
        let asked = self.limit.as_deref().and_then(|text| text.parse().ok());
        let page = filter.page(world, caller, self.next_token.as_deref(), limit(asked, PAGE, PAGE))?;
        let rows = page.groups.iter().flat_map(|group| {
            group.card.tags.iter().map(|(key, value)| tell::TagResource {
                resource_id: group.card.id.to_string(),
                resource_type: kind.to_owned(),
                tag_key: key.to_string(),
                tag_value: value.to_string(),
            })
        });
        Ok(ListTagResourcesReply {
            tag_resources: rows.collect(),
            next_token: page.next,
            request_id: caller.request_id.clone(),
        })
    }
}
