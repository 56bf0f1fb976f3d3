//! Resources that can have tags: groups, caches and virtual nodes, each by its id.

use super::Caller;
use crate::ledger::Tags;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail};

/// Tags of a resource, at most.
const TAGS_MAX: usize = 20;

/// A kind of resource that can be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Group,
    ImageCache,
    DataCache,
    VirtualNode,
}

/// A resource: its number among those of its kind, its id, and its tags.
pub struct Tagged {
    pub number: u64,
    pub id: String,
    pub tags: Tags,
}

impl Kind {
    /// The kind of this name, in any case of its letters.
    pub fn named(name: Option<&str>) -> Result<Self, Refusal> {
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "containergroup" => Ok(Self::Group),
            "imagecache" => Ok(Self::ImageCache),
            "datacache" => Ok(Self::DataCache),
            "virtualnode" => Ok(Self::VirtualNode),
            other => {
                let why = format!("`{other}` should be ContainerGroup, ImageCache, DataCache or VirtualNode");
                Err(Refusal::invalid("ResourceType", why))
            }
        }
    }

    /// Name of the kind in requests and replies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "ContainerGroup",
            Self::ImageCache => "ImageCache",
            Self::DataCache => "DataCache",
            Self::VirtualNode => "VirtualNode",
        }
    }

    /// True if an asset is of this kind.
    pub fn is(self, asset: &Asset) -> bool {
        matches!(
            (self, &asset.detail),
            (Self::ImageCache, Detail::ImageCache { .. })
                | (Self::DataCache, Detail::DataCache { .. })
                | (Self::VirtualNode, Detail::VirtualNode { .. })
        )
    }

    fn id_name(self) -> &'static str {
        match self {
            Self::Group => "ContainerGroupId",
            Self::ImageCache => "ImageCacheId",
            Self::DataCache => "DataCacheId",
            Self::VirtualNode => "VirtualNodeId",
        }
    }

    /// The caller's resources of this kind in the region, in order of creation.
    pub fn all(self, world: &World, caller: &Caller) -> Vec<Tagged> {
        let (account, region) = (&caller.account, &caller.region);
        if self == Self::Group {
            let groups = world.groups_after(account, region, 0);
            let one = |group: &crate::group::Group| Tagged {
                number: group.record.number,
                id: group.record.id.to_string(),
                tags: group.record.tags.clone(),
            };
            return groups.map(one).collect();
        }
        let one = |(number, asset): (u64, &Asset)| Tagged {
            number,
            id: asset.id.clone(),
            tags: asset.tags.clone(),
        };
        world.assets.list(account, region, world.now(), |asset| self.is(asset)).map(one).collect()
    }
}

/// Changes the tags of all resources that are named, or of none.
pub fn change(
    world: &mut World,
    caller: &Caller,
    (kind, ids): (Kind, &[String]),
    change: impl Fn(&mut Tags),
) -> Result<(), Refusal> {
    let ids: Vec<&String> = ids.iter().filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err(Refusal::missing("ResourceId.N"));
    }
    let all = kind.all(world, caller);
    let mut changes = Vec::new();
    for id in ids {
        let unknown = || Refusal::NotFound { kind: kind.id_name(), id: id.clone() };
        let found = all.iter().find(|tagged| tagged.id == *id).ok_or_else(unknown)?;
        let mut tags = found.tags.clone();
        change(&mut tags);
        if tags.len() > TAGS_MAX {
            return Err(Refusal::TooManyTags);
        }
        changes.push((found.number, tags));
    }
    for (number, tags) in changes {
        if kind == Kind::Group {
            world.change(number, |_, record| record.tags = tags);
        } else if let Some(asset) = world.assets.get_mut(number) {
            asset.tags = tags;
        }
    }
    Ok(())
}
