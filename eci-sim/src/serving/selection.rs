//! Selection of groups by a call's ids and filter, and its pages.

use super::Caller;
use crate::group::Group;
use crate::lifecycle::State;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::index::Key;

/// Filter of a call; a field that is `None` or empty does not filter.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    pub ids: Option<&'a str>,
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub status: Option<&'a str>,
    pub tags: Vec<(&'a str, &'a str)>,
    pub vswitch: Option<&'a str>,
    pub zone: Option<&'a str>,
    pub security_group: Option<&'a str>,
    pub resource_group: Option<&'a str>,
    pub category: Option<&'a str>,
    pub since_seconds: Option<i32>,
}

/// A page of the selection.
pub struct Page<'a> {
    pub groups: Vec<&'a Group>,
    pub total: i32,
    /// Token of the next page; empty when nothing is left.
    pub next: String,
}

impl Filter<'_> {
    fn is_empty(&self) -> bool {
        let texts = [self.name, self.status, self.vswitch, self.zone, self.security_group];
        texts.iter().all(|t| unset(*t))
            && unset(self.resource_group)
            && unset(self.category)
            && self.tags.is_empty()
            && self.since_seconds.is_none()
    }

    fn takes(&self, group: &Group, world: &World) -> bool {
        let is = |wanted: Option<&str>, own: &str| unset(wanted) || wanted == Some(own);
        let optional = group.spec.optional.as_deref();
        let category = group.record.terms.category().wire_name();
        let tagged = |(key, value): &(&str, &str)| {
            let fits = |(k, v): &(Box<str>, Box<str>)| **k == **key && (value.is_empty() || **v == **value);
            group.record.tags.iter().any(fits)
        };
        let recent = |seconds: i32| group.changed.as_second() >= world.now().as_second() - i64::from(seconds);
        is(self.name, &group.record.name)
            && is(self.status, group.state.name())
            && is(self.vswitch, &group.spec.vswitch)
            && is(self.zone, &group.spec.zone)
            && is(self.security_group, &group.spec.security_group)
            && is(self.resource_group, optional.map_or("", |optional| optional.resource_group.as_str()))
            && is(self.category, category)
            && self.tags.iter().all(tagged)
            && self.since_seconds.is_none_or(recent)
    }

    /// The page that begins after `token`, of at most `limit` groups.
    pub fn page<'w>(
        &self,
        world: &'w World,
        caller: &Caller,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page<'w>, Refusal> {
        let after = position(token)?;
        let (account, region) = (&caller.account, &caller.region);
        if let Some(ids) = self.listed()? {
            let mut found: Vec<&Group> =
                ids.iter().filter_map(|id| world.find(account, region, id)).collect();
            found.retain(|group| self.takes(group, world));
            found.sort_by_key(|group| group.record.number);
            found.dedup_by_key(|group| group.record.number);
            let total = found.len();
            found.retain(|group| group.record.number > after);
            return Ok(cut(found, total, limit));
        }
        if self.is_empty() {
            let total =
                world.find_account_region(account, region).map_or(0, |account_region| account_region.count());
            let groups = world.groups_after(account, region, after).take(limit + 1).collect();
            return Ok(cut(groups, total, limit));
        }
        let Some(account_region) = world.find_account_region(account, region) else {
            return Ok(cut(Vec::new(), 0, limit));
        };
        let keys = self.keys();
        let Some(key) = keys.iter().copied().min_by_key(|key| account_region.index.count(*key)) else {
            let all = world.groups_after(account, region, 0).filter(|group| self.takes(group, world));
            return Ok(after_of(all, after, limit));
        };
        if self.is_only_by(&keys) {
            let total = account_region.index.count(key);
            let found = world.groups_with(account, region, key, after);
            return Ok(cut(found.take(limit + 1).collect(), total, limit));
        }
        let all = world.groups_with(account, region, key, 0).filter(|group| self.takes(group, world));
        Ok(after_of(all, after, limit))
    }

    /// The parts of the filter that the world keeps an index of.
    fn keys(&self) -> Vec<Key<'_>> {
        let state = self.status.and_then(|name| State::ALL.into_iter().find(|state| state.name() == name));
        let places = [
            set(self.vswitch).map(Key::VSwitch),
            set(self.zone).map(Key::Zone),
            set(self.security_group).map(Key::SecurityGroup),
        ];
        let name = set(self.name).map(Key::Name);
        self.tags
            .iter()
            .map(|(key, value)| Key::of_tag(key, value))
            .chain(name)
            .chain(state.map(Key::State))
            .chain(places.into_iter().flatten())
            .collect()
    }

    /// True if a single field filters, and there is an index of it.
    fn is_only_by(&self, keys: &[Key<'_>]) -> bool {
        let set = [self.name, self.status, self.vswitch, self.zone, self.security_group];
        let set = set.iter().chain([&self.resource_group, &self.category]).filter(|text| !unset(**text));
        keys.len() == 1 && set.count() + self.tags.len() == 1 && self.since_seconds.is_none()
    }

    fn listed(&self) -> Result<Option<Vec<String>>, Refusal> {
        let many = id_list("ContainerGroupIds", self.ids, 20)?;
        let one = self.id.filter(|id| !id.is_empty()).map(|id| vec![id.to_owned()]);
        Ok(many.or(one))
    }
}

fn set(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn unset(text: Option<&str>) -> bool {
    text.is_none_or(str::is_empty)
}

/// The page after a number, of all that were found.
fn after_of<'w>(all: impl Iterator<Item = &'w Group>, after: u64, limit: usize) -> Page<'w> {
    let (mut total, mut page) = (0, Vec::with_capacity(limit + 1));
    for group in all {
        total += 1;
        if group.record.number > after && page.len() <= limit {
            page.push(group);
        }
    }
    cut(page, total, limit)
}

fn cut(mut groups: Vec<&Group>, total: usize, limit: usize) -> Page<'_> {
    let more = groups.len() > limit;
    groups.truncate(limit);
    let last = groups.last().map_or(0, |group| group.record.number);
    let next = if more { token(last) } else { String::new() };
    Page { groups, total: i32::try_from(total).unwrap_or(i32::MAX), next }
}

/// The token for the position after a number.
pub fn token(number: u64) -> String {
    format!("{:016x}", number.rotate_left(20) ^ SCRAMBLE)
}

/// The position that a token stands for; 0, the beginning, for none.
pub fn position(token: Option<&str>) -> Result<u64, Refusal> {
    match token.filter(|token| !token.is_empty()) {
        None => Ok(0),
        Some(token) => u64::from_str_radix(token, 16)
            .map(|raw| (raw ^ SCRAMBLE).rotate_right(20))
            .map_err(|_| Refusal::invalid("NextToken", "it should be a token of an earlier answer")),
    }
}

/// Mask that makes a token opaque, so that nobody counts in it.
const SCRAMBLE: u64 = 0x5ec1_5a11_ab1e_70c5;

/// A list of ids from the text of a JSON array, or from ids joined by commas; `None` where none is given.
///
/// # Errors
/// [`Refusal`] when it is neither, or has more than `most`.
pub fn id_list(name: &str, text: Option<&str>, most: usize) -> Result<Option<Vec<String>>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let ids: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text)
            .map_err(|_| Refusal::invalid(name, "it should be a JSON array such as [\"eci-…\"]"))?
    } else {
        text.split(',').map(|id| id.trim().to_owned()).collect()
    };
    if ids.len() > most {
        return Err(Refusal::invalid(name, format!("{} ids; {most} at most", ids.len())));
    }
    Ok(Some(ids))
}

/// Page size of a call: between 1 and `most`, `usual` where the request gives none.
pub fn limit(requested: Option<i32>, usual: usize, most: usize) -> usize {
    requested
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0)
        .unwrap_or(usual)
        .min(most)
}

/// The tags of a filter: keys and values.
pub fn tags<'a>(
    tags: impl Iterator<Item = (&'a Option<String>, &'a Option<String>)>,
) -> Vec<(&'a str, &'a str)> {
    tags.map(|(key, value)| (key.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_leads_back_to_its_place(number in any::<u64>()) {
            prop_assert_eq!(position(Some(&token(number))), Ok(number));
        }
    }
}
