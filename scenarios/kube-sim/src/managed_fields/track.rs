//! The managers of an object's fields, brought up to date with each write.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::compare::{Changes, changes};
use super::field_set::FieldSet;
use super::owner::{Operation, Owner};
use super::stored::{Entry, KEY, entries, put, put_last_time};
use crate::kinds::Kind;

/// Most entries of updates; the oldest are one beyond.
const UPDATERS_MAX: usize = 10;
/// Manager of the entry that stands for the oldest.
const OLDEST: &str = "ancient-changes";
/// Fields that the server fills in after the writer's are noted, by group and resource.
const FILLED_IN: [(&str, &str, &[&str]); 3] = [
    ("", "namespaces", &["/spec/finalizers"]),
    ("", "services", &["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies", "/spec/ipFamilyPolicy"]),
    (
        "batch",
        "jobs",
        &[
            "/metadata/labels",
            "/spec/selector",
            "/spec/template/metadata/labels",
            "/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid",
            "/spec/template/metadata/labels/batch.kubernetes.io~1job-name",
            "/spec/template/metadata/labels/controller-uid",
            "/spec/template/metadata/labels/job-name",
        ],
    ),
];
/// The subresource whose writes the real server notes without a time.
const TIMELESS: &str = "scale";

/// Somebody who writes, and what.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The manager's name.
    pub name: &'a str,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// The present.
    pub now: Timestamp,
}

impl Writer<'_> {
    fn owner(&self, kind: &Kind) -> Owner {
        Owner {
            manager: self.name.to_owned(),
            operation: Operation::Update,
            api_version: kind.api_version(),
            subresource: self.subresource.to_owned(),
        }
    }
}

/// Fields that a new object does not have yet and that the server will fill in.
pub fn filled_in(kind: &Kind, object: &Value) -> Vec<&'static str> {
    let known =
        FILLED_IN.iter().find(|(group, resource, _)| (*group, *resource) == (kind.group, kind.resource));
    let paths = known.map_or(&[][..], |(_, _, paths)| paths);
    paths.iter().copied().filter(|path| object.pointer(path).is_none_or(Value::is_null)).collect()
}

/// Notes the writer of a new object, all of whose fields are its own but for these.
pub fn created(kind: &Kind, object: &mut Value, writer: Writer<'_>, filled_in: &[&str]) {
    let mut own = differences(kind, &Value::Null, object).taken;
    if kind.subresources.iter().any(|below| below.name == "status") {
        own.take("f:status");
    }
    for path in filled_in {
        let steps = path.split('/').skip(1).map(|name| format!("f:{}", name.replace("~1", "/")));
        let steps: Vec<String> = steps.collect();
        forget(&mut own, &steps);
    }
    put(object, vec![Entry::new(writer.owner(kind), writer.now, own)]);
}

/// Compares two states of an object in the words of its kind, which may be stored in those of another.
fn differences(kind: &Kind, old: &Value, new: &Value) -> Changes {
    if kind.conversion.is_none() {
        return changes(kind, old, new);
    }
    let old = if old.is_null() { Value::Null } else { kind.to_shown(old.clone()) };
    changes(kind, &old, &kind.to_shown(new.clone()))
}

/// Takes a field and all below it out of a set.
fn forget(set: &mut FieldSet, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    if let Some(mut node) = set.take(first)
        && !rest.is_empty()
    {
        forget(&mut node.below, rest);
        set.put(first.as_str(), node);
    }
}

/// Notes the writer of each field that an update changed; nothing for an object without managers, as one has become whose
/// managers somebody reset.
pub fn updated(kind: &Kind, old: &Value, next: &mut Value, writer: Writer<'_>) {
    if next.get("metadata").and_then(|metadata| metadata.get(KEY)).is_none() {
        return;
    }
    let changes = differences(kind, old, next);
    if changes.taken.is_empty() && changes.removed.is_empty() {
        return;
    }
    let all = entries(next);
    let owner = writer.owner(kind);
    let time = (writer.subresource != TIMELESS).then_some(writer.now);
    if !(owns_last(&all, &changes, &owner, time) && put_last_time(next, all.len(), time)) {
        note(all, &changes, &owner, writer, next);
    }
}

/// Notes what changed in the entries of all managers.
fn note(mut all: Vec<Entry>, changes: &Changes, owner: &Owner, writer: Writer<'_>, next: &mut Value) {
    give(&mut all, changes, owner, writer.now);
    if writer.subresource == TIMELESS
        && let Some(own) = all.iter_mut().find(|entry| entry.owner().is_same(owner))
    {
        own.time = None;
    }
    bound(&mut all);
    put(next, all);
}

/// True where all that changed is the last manager's already and stays in its place: then its time alone is another one, as
/// with each heartbeat.
fn owns_last(all: &[Entry], changes: &Changes, owner: &Owner, time: Option<Timestamp>) -> bool {
    let Some((own, others)) = all.split_last() else { return false };
    let second = |time: Option<Timestamp>| time.map(Timestamp::as_second);
    let stays_last =
        |entry: &Entry| entry.owner().operation == Operation::Apply || second(entry.time) < second(time);
    own.owner().is_same(owner)
        && !changes.taken.is_empty()
        && own.fields().includes(&changes.taken)
        && all.len() <= UPDATERS_MAX
        && others.last().is_none_or(stays_last)
        && others.iter().all(|entry| !entry.owner().is_same(owner) && !entry.fields().meets(&changes.taken))
        && all.iter().all(|entry| !entry.fields().is_empty() && !entry.fields().meets(&changes.removed))
}

/// Notes the manager of each field that changed, in an entry of its own where it is of the status: a controller writes the
/// status by itself.
pub fn updated_with_status(kind: &Kind, old: &Value, next: &mut Value, manager: &str, now: Timestamp) {
    if next.get("metadata").and_then(|metadata| metadata.get(KEY)).is_none() {
        return;
    }
    let mut own = differences(kind, old, next);
    let mut of_status = Changes::default();
    if kind.subresources.iter().any(|below| below.name == "status") {
        for (set, status) in
            [(&mut own.taken, &mut of_status.taken), (&mut own.removed, &mut of_status.removed)]
        {
            if let Some(node) = set.take("f:status") {
                status.put("f:status", node);
            }
        }
    }
    let parts =
        [(own, ""), (of_status, "status")].into_iter().filter(|(part, _)| *part != Changes::default());
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return;
    }
    let mut all = entries(next);
    for (changes, subresource) in parts {
        give(&mut all, &changes, &Writer { name: manager, subresource, now }.owner(kind), now);
    }
    bound(&mut all);
    put(next, all);
}

/// Gives what changed to its writer, and takes it from everybody else.
pub fn give(all: &mut Vec<Entry>, changes: &Changes, owner: &Owner, now: Timestamp) {
    for entry in all.iter_mut() {
        entry.subtract(&changes.removed);
        if !entry.owner().is_same(owner) {
            entry.subtract(&changes.taken);
        }
    }
    if changes.taken.is_empty() {
        return;
    }
    match all.iter_mut().find(|entry| entry.owner().is_same(owner)) {
        Some(own) => {
            own.add(&changes.taken);
            own.time = Some(now);
        }
        None => all.push(Entry::new(owner.clone(), now, changes.taken.clone())),
    }
}

/// Merges the oldest updaters into one entry when there are too many.
fn bound(all: &mut Vec<Entry>) {
    let is_update = |entry: &Entry| entry.owner().operation == Operation::Update;
    let mut surplus = all.iter().filter(|entry| is_update(entry)).count().saturating_sub(UPDATERS_MAX);
    // With the oldest, the next to it; both become one entry.
    let mut oldest: Option<Entry> = None;
    while surplus > 0 || oldest.as_ref().is_some_and(|oldest| oldest.owner().manager != OLDEST) {
        let next = (0..all.len()).filter(|at| is_update(&all[*at])).min_by_key(|at| all[*at].time);
        let Some(next) = next.map(|at| all.remove(at)) else { break };
        oldest = Some(match oldest {
            None => next,
            Some(mut merged) => {
                merged.add(next.fields());
                merged.time = next.time;
                let owner = Owner {
                    manager: OLDEST.to_owned(),
                    subresource: String::new(),
                    ..merged.owner().clone()
                };
                merged.transfer_to(owner);
                surplus = surplus.saturating_sub(1);
                merged
            }
        });
    }
    all.extend(oldest);
}

/// Carries the managers over to `next`, unless the client brings its own, or resets them by an empty list or a single empty
/// entry.
pub fn carry(old: &Value, next: &mut Value, subresource: &str) {
    let given = next.get_mut("metadata").and_then(Value::as_object_mut);
    let given = given.and_then(|metadata| metadata.shift_remove("managedFields"));
    let given = given.as_ref().and_then(Value::as_array).filter(|_| subresource.is_empty());
    match given.map(Vec::as_slice) {
        Some([]) => return put(next, Vec::new()),
        Some([entry]) if entry.as_object().is_some_and(Map::is_empty) => return put(next, Vec::new()),
        _ => {}
    }
    if next["metadata"].get(KEY).is_some() {
        return;
    }
    let read: Option<Vec<Entry>> = given.into_iter().flatten().map(Entry::read).collect();
    match read.filter(|entries| !entries.is_empty()) {
        Some(entries) => put(next, entries),
        None => {
            if let Some(kept) = old["metadata"].get(KEY) {
                next["metadata"][KEY] = kept.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::managed_fields::shown;
    use crate::object::field::list;

    fn by<'a>(name: &'a str, minute: i8) -> Writer<'a> {
        let now = jiff::civil::date(2026, 1, 5).at(1, minute, 0, 0).in_tz("UTC").unwrap().timestamp();
        Writer { name, subresource: "", now }
    }

    proptest! {
        #[test]
        fn managers_are_the_same_whichever_way_they_are_noted(
            writes in prop::collection::vec((0usize..3, 0usize..3, 0i8..3, prop::collection::btree_map("[abc]", 0u8..2, 0..4)), 1..14),
        ) {
            let mut object = json!({"metadata": {"name": "c"}, "data": {}});
            created(config_maps(), &mut object, by("m0", 0), &[]);
            let mut minute = 0;
            for (name, subresource, later, data) in writes {
                minute += later;
                let subresource = ["", "", TIMELESS][subresource];
                let writer = Writer { subresource, ..by(["m0", "m1", "m2"][name], minute) };
                let mut next = object.clone();
                next["data"] = json!(data);
                let mut other = next.clone();
                updated(config_maps(), &object, &mut next, writer);
                let changes = differences(config_maps(), &object, &other);
                if changes != Changes::default() {
                    note(entries(&other), &changes, &writer.owner(config_maps()), writer, &mut other);
                }
                prop_assert_eq!(&next, &other);
                object = next;
            }
        }
    }

    fn config_maps() -> &'static Kind {
        crate::kinds::find("", "configmaps").unwrap()
    }

    /// `manager@minute: fields` of each entry.
    fn managers(object: &Value) -> Vec<String> {
        let shown = shown::metadata(object);
        let entries = list(&shown, "/managedFields").iter();
        let said = entries.map(|entry| {
            let set = FieldSet::read(&entry["fieldsV1"]).unwrap();
            let paths: Vec<_> =
                set.paths().iter().map(|path| crate::managed_fields::field_set::shown(path)).collect();
            format!(
                "{}@{}: {}",
                entry["manager"].as_str().unwrap(),
                &entry["time"].as_str().unwrap()[14..16],
                paths.join(" ")
            )
        });
        said.collect()
    }

    fn step(old: &Value, data: Value, writer: Writer<'_>) -> Value {
        let mut next = old.clone();
        next["data"] = data;
        updated(config_maps(), old, &mut next, writer);
        next
    }

    #[test]
    fn a_field_is_of_who_changed_it_last() {
        let mut first = json!({"metadata": {"name": "c"}, "data": {"a": "1", "b": "1", "c": "1"}});
        created(config_maps(), &mut first, by("m1", 0), &[]);
        assert_eq!(managers(&first), ["m1@00: .data .data.a .data.b .data.c"]);
        let second = step(&first, json!({"a": "2", "b": "1", "d": "1"}), by("m2", 1));
        assert_eq!(managers(&second), ["m1@00: .data .data.b", "m2@01: .data.a .data.d"]);
        let same = step(&second, json!({"a": "2", "b": "1", "d": "1"}), by("m3", 2));
        assert_eq!(same, second);
        let third = step(&second, json!({"a": "3", "b": "1"}), by("m1", 3));
        assert_eq!(managers(&third), ["m1@03: .data .data.a .data.b"]);
    }

    #[test]
    fn more_than_ten_updaters_are_ten() {
        let mut object = json!({"metadata": {"name": "c"}, "data": {}});
        created(config_maps(), &mut object, by("m0", 0), &[]);
        for at in 1..15 {
            let mut data = object["data"].clone();
            data[format!("k{at}")] = "1".into();
            object = step(&object, data, by(&format!("m{at}"), at));
        }
        let all = managers(&object);
        assert_eq!(all.len(), UPDATERS_MAX);
        assert!(all[0].starts_with("ancient-changes@05: .data .data.k1 "), "{all:?}");
    }

    #[test]
    fn managers_are_reset_by_an_empty_list_or_entry_and_by_nothing_else() {
        let mut old = json!({"metadata": {"name": "c"}, "data": {"a": "1"}});
        created(config_maps(), &mut old, by("m1", 0), &[]);
        let own = json!([{"manager": "x", "operation": "Update", "apiVersion": "v1", "time": "2026-01-05T01:09:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}]);
        for (given, below, wanted) in [
            (json!([]), "", vec![]),
            (Value::Null, "", vec!["m1@00: .data .data.a"]),
            (json!([{}]), "", vec![]),
            (own.clone(), "", vec!["x@09: .data.a"]),
            (own, "status", vec!["m1@00: .data .data.a"]),
            (json!([{"manager": "x"}]), "", vec!["m1@00: .data .data.a"]),
        ] {
            let mut next = json!({"metadata": {"name": "c", "managedFields": given}, "data": {"a": "1"}});
            carry(&old, &mut next, below);
            assert_eq!(managers(&next), wanted);
            assert!(next["metadata"].get("managedFields").is_none());
        }
    }

    #[test]
    fn an_object_whose_managers_were_reset_has_none_until_somebody_applies() {
        let bare = json!({"metadata": {"name": "c"}, "data": {"a": "1"}});
        assert_eq!(managers(&step(&bare, json!({"a": "2"}), by("m", 1))), Vec::<String>::new());
    }
}
