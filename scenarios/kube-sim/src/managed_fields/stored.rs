//! Entries of `managedFields` as they are stored: a number for the manager and its fields, and a time.
//!
//! The pods of a workload have the same managers with the same fields, and an entry takes kilobytes as JSON. So each
//! combination is kept once in this process, and an object holds `[number, time, values…]` an entry; the values are IP
//! addresses and uids, which would make each combination another one. What finds no room is stored as it is shown.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::field_set::FieldSet;
use super::owner::{Operation, Owner};
use super::shapes::{intern, shape};
use crate::object::field::text;
use crate::object::timestamp;

/// The member of stored metadata that holds the entries; no client sees it.
pub const KEY: &str = "managers";

/// One entry: a manager, the fields that it owns, and when it last changed one.
#[derive(Debug, Clone)]
pub struct Entry {
    owner: Arc<Owner>,
    /// The time of the manager's last change; `None` when the client that wrote the entry said none.
    pub time: Option<Timestamp>,
    fields: FieldSet,
    /// Number and values of the combination, while the fields are those.
    known: Option<(u64, Vec<String>)>,
}

impl Entry {
    /// A new entry.
    pub fn new(owner: Owner, time: Timestamp, fields: FieldSet) -> Self {
        Self { owner: owner.into(), time: Some(time), fields, known: None }
    }

    /// The manager.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Hands the fields over to another manager.
    pub fn transfer_to(&mut self, owner: Owner) {
        self.owner = owner.into();
        self.known = None;
    }

    /// The fields that the manager owns.
    pub fn fields(&self) -> &FieldSet {
        &self.fields
    }

    /// Gives fields to the manager.
    pub fn add(&mut self, fields: &FieldSet) {
        if !self.fields.includes(fields) {
            self.fields.add(fields);
            self.known = None;
        }
    }

    /// Takes fields from the manager.
    pub fn subtract(&mut self, fields: &FieldSet) {
        if self.fields.meets(fields) {
            self.fields.subtract(fields);
            self.known = None;
        }
    }

    /// Reads an entry as clients write it; `None` for what is none.
    pub fn read(entry: &Value) -> Option<Self> {
        let operation = match text(entry, "/operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        let owner = Owner {
            manager: text(entry, "/manager").to_owned(),
            operation,
            api_version: text(entry, "/apiVersion").to_owned(),
            subresource: text(entry, "/subresource").to_owned(),
        };
        let is_version_1 = text(entry, "/fieldsType") == "FieldsV1" && !owner.api_version.is_empty();
        let fields = FieldSet::read(entry.get("fieldsV1").filter(|_| is_version_1)?)?;
        Some(Self { owner: owner.into(), time: timestamp::read(entry, "/time"), fields, known: None })
    }

    /// The entry as clients see it.
    fn to_value(&self) -> Value {
        let owner = &self.owner;
        let mut entry = json!({"manager": owner.manager, "operation": owner.operation.as_str(),
            "apiVersion": owner.api_version, "time": self.time.map(timestamp::seconds), "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_value(), "subresource": owner.subresource});
        if let Some(members) = entry.as_object_mut() {
            members.retain(|_, value| !value.is_null() && *value != "");
        }
        entry
    }

    /// The entry as it is stored.
    pub fn to_stored(&self) -> Value {
        let known = self.known.clone().or_else(|| intern(&self.owner, &self.fields));
        let Some((number, values)) = known else { return self.to_value() };
        let time = self.time.map_or(Value::Null, |time| time.as_second().into());
        let mut stored = vec![number.into(), time];
        stored.extend(values.into_iter().map(Value::String));
        Value::Array(stored)
    }

    /// An entry as it was stored.
    pub fn from_stored(stored: &Value) -> Option<Self> {
        let Value::Array(parts) = stored else { return Self::read(stored) };
        let [number, time, values @ ..] = parts.as_slice() else { return None };
        let number = number.as_u64()?;
        let values: Vec<String> = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let shape = shape(number)?;
        let fields = shape.fields(&values);
        let time = time.as_i64().and_then(|time| Timestamp::from_second(time).ok());
        Some(Self { owner: Arc::clone(&shape.owner), time, fields, known: Some((number, values)) })
    }
}

/// Appends a stored entry as JSON.
pub fn write(stored: &Value, out: &mut String) {
    let Value::Array(parts) = stored else { return out.push_str(&stored.to_string()) };
    if let [number, time, values @ ..] = parts.as_slice()
        && let Some(shape) = number.as_u64().and_then(shape)
    {
        let time = time.as_i64().and_then(|time| Timestamp::from_second(time).ok());
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        shape.write(time, &values, out);
    }
}

/// The entries of a stored object.
pub fn entries(object: &Value) -> Vec<Entry> {
    let stored = object.get("metadata").and_then(|metadata| metadata.get(KEY)).and_then(Value::as_array);
    stored.into_iter().flatten().filter_map(Entry::from_stored).collect()
}

/// Puts entries into an object, in the order of the real server; those without fields are left out.
pub fn put(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    let order = |entry: &Entry| {
        let owner = &entry.owner;
        let words = (owner.manager.clone(), owner.api_version.clone(), owner.subresource.clone());
        (owner.operation, entry.time.map(Timestamp::as_second), words)
    };
    entries.sort_by_cached_key(order);
    let stored: Vec<Value> = entries.iter().map(Entry::to_stored).collect();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        match stored.is_empty() {
            true => metadata.shift_remove(KEY),
            false => metadata.insert(KEY.to_owned(), json!(stored)),
        };
    }
}

/// Sets the time of the last of `count` entries, as it is stored; false, and nothing is done, where it is not one of so many
/// that is stored with a number.
pub fn put_last_time(object: &mut Value, count: usize, time: Option<Timestamp>) -> bool {
    let stored = object.get_mut("metadata").and_then(|metadata| metadata.get_mut(KEY));
    let Some(stored) = stored.and_then(Value::as_array_mut).filter(|stored| stored.len() == count) else {
        return false;
    };
    let Some([_, own, ..]) = stored.last_mut().and_then(Value::as_array_mut).map(Vec::as_mut_slice) else {
        return false;
    };
    *own = time.map_or(Value::Null, |time| time.as_second().into());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ip: &str) -> Value {
        json!({"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-01-05T01:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:podIPs": {".": {}, format!("k:{{\"ip\":{ip:?}}}"): {".": {}, "f:ip": {}}}}},
            "subresource": "status"})
    }

    #[test]
    fn pods_that_differ_in_their_address_share_what_is_stored() {
        let stored: Vec<Value> =
            ["10.0.0.1", "10.0.0.2"].iter().map(|ip| Entry::read(&entry(ip)).unwrap().to_stored()).collect();
        assert_eq!(stored[0][0], stored[1][0]);
        assert_eq!(stored[1][2], "10.0.0.2");
        for (stored, ip) in stored.iter().zip(["10.0.0.1", "10.0.0.2"]) {
            let mut shown = String::new();
            write(stored, &mut shown);
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), entry(ip));
            let back = Entry::from_stored(stored).unwrap();
            assert_eq!(back.fields().to_value(), entry(ip)["fieldsV1"]);
            assert_eq!(&back.to_stored(), stored);
        }
    }

    #[test]
    fn a_key_that_looks_like_a_place_for_a_value_is_stored_as_it_is() {
        let mut odd = entry("10.0.0.1");
        odd["fieldsV1"] = json!({"f:data": {"f:\u{1}é": {}, "f:\u{1}0": {}}});
        let stored = Entry::read(&odd).unwrap().to_stored();
        assert_eq!(stored, odd);
        assert_eq!(Entry::from_stored(&stored).unwrap().to_stored(), odd);
    }

    #[test]
    fn what_is_no_entry_is_not_read() {
        for (key, value) in
            [("operation", json!("Patch")), ("fieldsType", json!("V2")), ("fieldsV1", json!({"x": 1}))]
        {
            let mut wrong = entry("10.0.0.1");
            wrong[key] = value;
            assert!(Entry::read(&wrong).is_none(), "{wrong}");
        }
    }
}
