//! Common parts of the operations on caches, virtual nodes and tasks: creation, search, pages.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Caller;
use super::times::written;
use crate::group::order;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail};

/// A tag of a request, key and value, from any operation's own type.
pub type RequestTag<'a> = (&'a Option<String>, &'a Option<String>);

/// Makes an asset, and returns its id and number.
pub fn make<'a>(
    world: &mut World,
    caller: &Caller,
    kind: &str,
    name: Option<&String>,
    tags: impl Iterator<Item = RequestTag<'a>>,
    resource_group: Option<&String>,
    (takes, detail): (Duration, Detail),
) -> Result<(String, u64), Refusal> {
    let prefix = &caller.region()?.id_prefix;
    let tags = order::tags(tags.map(|(key, value)| (key.as_deref(), value.as_deref())))?;
    let id = world.new_id(kind, prefix);
    let now = world.now();
    let number = world.assets.add(Asset {
        id: id.clone(),
        account: caller.account.clone(),
        region: caller.region.clone(),
        name: name.cloned().unwrap_or_default(),
        tags,
        resource_group: resource_group.cloned().unwrap_or_default(),
        born: now,
        since: now,
        takes,
        updating: false,
        matched: None,
        expires: None,
        detail,
    });
    world.charge(number);
    Ok((id, number))
}

/// The number of the caller's asset with this id that fits; a refusal where there is none.
pub fn find(
    world: &World,
    caller: &Caller,
    (kind, id): (&'static str, &str),
    fits: impl Fn(&Asset) -> bool,
) -> Result<u64, Refusal> {
    let found =
        world.assets.list(&caller.account, &caller.region, world.now(), |a| fits(a) && a.id == id).next();
    found.map(|(number, _)| number).ok_or_else(|| Refusal::NotFound { kind, id: id.to_owned() })
}

/// A page of the assets that fit: the assets, their total number, and the token for the rest.
pub fn page<'w>(
    world: &'w World,
    caller: &'w Caller,
    token: Option<&str>,
    limit: usize,
    fits: impl Fn(&Asset) -> bool + 'w,
) -> Result<(Vec<&'w Asset>, i32, String), Refusal> {
    caller.region()?;
    let after = super::selection::position(token)?;
    let all: Vec<(u64, &Asset)> =
        world.assets.list(&caller.account, &caller.region, world.now(), fits).collect();
    let total = i32::try_from(all.len()).unwrap_or(i32::MAX);
    let rest: Vec<_> = all.into_iter().filter(|(number, _)| *number > after).collect();
    let next = match rest.get(limit) {
        Some(_) => {
            rest.get(limit - 1).map_or_else(String::new, |(number, _)| super::selection::token(*number))
        }
        None => String::new(),
    };
    Ok((rest.into_iter().take(limit).map(|(_, asset)| asset).collect(), total, next))
}

/// True if a field of a filter selects this value; one that is unset or empty selects any.
pub fn selects(wanted: &Option<String>, own: &str) -> bool {
    wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == own)
}

/// True if an asset has all these tags; a tag without a value matches any value.
pub fn tagged(asset: &Asset, wanted: &[(&str, &str)]) -> bool {
    wanted.iter().all(|(key, value)| {
        asset.tags.iter().any(|(k, v)| **k == **key && (value.is_empty() || **v == **value))
    })
}

/// Time at which an asset that is kept for so many days is dropped; `None` without a positive number.
pub fn expiry(now: Timestamp, days: Option<i32>) -> Option<Timestamp> {
    let days = days.filter(|days| *days > 0)?;
    now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
}

/// Expiry of an asset as the cloud writes it; empty for none.
pub fn written_expiry(asset: &Asset) -> String {
    asset.expires.map(written).unwrap_or_default()
}
