//! Sets of fields, as `fieldsV1` writes them: a tree of steps, of which some are members.
//!
//! A step is `f:name`, `k:{"name":"a"}` or `v:"x"`. Trees share what they have in common, so that a copy costs nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

/// The step to a field, an item or a value.
pub type Step = Arc<str>;

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FieldSet(Option<Arc<BTreeMap<Step, Node>>>);

/// A field of a set, or the way to some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Node {
    /// True when the field itself is in the set.
    pub member: bool,
    /// The fields below it.
    pub below: FieldSet,
}

impl Node {
    /// True when neither the field nor anything below it is in the set.
    pub fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl FieldSet {
    /// True for a set without fields.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|nodes| nodes.is_empty())
    }

    /// The steps at the root, and what is below each.
    pub fn nodes(&self) -> impl Iterator<Item = (&Step, &Node)> {
        self.0.iter().flat_map(|nodes| nodes.iter())
    }

    /// The node at a step.
    pub fn get(&self, step: &str) -> Option<&Node> {
        self.0.as_ref()?.get(step)
    }

    /// Puts a node at a step; an empty one is left out.
    pub fn put(&mut self, step: impl Into<Step>, node: Node) {
        if !node.is_empty() {
            Arc::make_mut(self.0.get_or_insert_default()).insert(step.into(), node);
        }
    }

    /// Takes the node at a step out.
    pub fn take(&mut self, step: &str) -> Option<Node> {
        self.get(step)?;
        let nodes = Arc::make_mut(self.0.as_mut()?);
        let taken = nodes.remove(step);
        if nodes.is_empty() {
            self.0 = None;
        }
        taken
    }

    /// Adds the fields of another set.
    pub fn add(&mut self, other: &Self) {
        if self.is_empty() {
            *self = other.clone();
            return;
        }
        if self.includes(other) {
            return;
        }
        for (step, node) in other.nodes() {
            let mut own = self.take(step).unwrap_or_default();
            own.member |= node.member;
            own.below.add(&node.below);
            self.put(step.clone(), own);
        }
    }

    /// Takes the fields of another set out; fields below them stay.
    pub fn subtract(&mut self, other: &Self) {
        if !self.meets(other) {
            return;
        }
        for (step, node) in other.nodes() {
            let Some(mut own) = self.take(step) else { continue };
            own.member &= !node.member;
            own.below.subtract(&node.below);
            self.put(step.clone(), own);
        }
    }

    /// The fields that are in both sets.
    pub fn common(&self, other: &Self) -> Self {
        let mut found = Self::default();
        for (step, node) in self.nodes() {
            if let Some(theirs) = other.get(step) {
                let below = node.below.common(&theirs.below);
                found.put(step.clone(), Node { member: node.member && theirs.member, below });
            }
        }
        found
    }

    /// True when a field is in both sets.
    pub fn meets(&self, other: &Self) -> bool {
        other.nodes().any(|(step, theirs)| {
            self.get(step).is_some_and(|own| own.member && theirs.member || own.below.meets(&theirs.below))
        })
    }

    /// True when all fields of another set are in this one.
    pub fn includes(&self, other: &Self) -> bool {
        other.nodes().all(|(step, theirs)| {
            self.get(step)
                .is_some_and(|own| (own.member || !theirs.member) && own.below.includes(&theirs.below))
        })
    }

    /// The way to each field, in order.
    pub fn paths(&self) -> Vec<Vec<&str>> {
        let mut paths = Vec::new();
        self.walk(&mut Vec::new(), &mut paths);
        paths
    }

    /// The way to each step that is wanted, whether it is a member or not.
    pub fn paths_to(&self, wanted: impl Fn(&str) -> bool) -> Vec<Vec<Step>> {
        let mut paths = Vec::new();
        self.seek(&wanted, &mut Vec::new(), &mut paths);
        paths
    }

    fn seek<'a>(
        &'a self,
        wanted: &impl Fn(&str) -> bool,
        path: &mut Vec<&'a Step>,
        paths: &mut Vec<Vec<Step>>,
    ) {
        for (step, node) in self.nodes() {
            path.push(step);
            if wanted(step) {
                paths.push(path.iter().map(|step| (*step).clone()).collect());
            }
            node.below.seek(wanted, path, paths);
            path.pop();
        }
    }

    /// The set with another name for the last step of a path.
    #[must_use]
    pub fn renamed(mut self, path: &[Step], name: &str) -> Self {
        if let Some((first, rest)) = path.split_first()
            && let Some(mut node) = self.take(first)
        {
            match rest.is_empty() {
                true => self.put(name, node),
                false => {
                    node.below = node.below.renamed(rest, name);
                    self.put(first.clone(), node);
                }
            }
        }
        self
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, paths: &mut Vec<Vec<&'a str>>) {
        for (step, node) in self.nodes() {
            path.push(step);
            if node.member {
                paths.push(path.clone());
            }
            node.below.walk(path, paths);
            path.pop();
        }
    }

    /// Reads a set from `fieldsV1`; `None` for what is none.
    pub fn read(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (step, inner) in fields.as_object()?.iter().filter(|(step, _)| *step != ".") {
            let known = ["f:", "k:", "v:", "i:"].iter().any(|start| step.starts_with(start));
            let members = inner.as_object().filter(|_| known)?;
            let member = members.is_empty() || members.contains_key(".");
            set.put(step.as_str(), Node { member, below: Self::read(inner)? });
        }
        Some(set)
    }

    /// The set as `fieldsV1`.
    pub fn to_value(&self) -> Value {
        let write = |(step, node): (&Step, &Node)| {
            let mut inner = Map::new();
            if node.member && !node.below.is_empty() {
                inner.insert(".".to_owned(), Value::Object(Map::new()));
            }
            if let Value::Object(mut below) = node.below.to_value() {
                inner.append(&mut below);
            }
            (step.to_string(), Value::Object(inner))
        };
        Value::Object(self.nodes().map(write).collect())
    }
}

/// A path as conflicts show it: `.spec.containers[name="a"].image`.
pub fn shown(path: &[impl AsRef<str>]) -> String {
    let step = |step: &str| {
        if let Some(key) = step.strip_prefix("k:") {
            let key: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
            let parts: Vec<_> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
            return format!("[{}]", parts.join(","));
        }
        match step.strip_prefix("v:") {
            Some(value) => format!("[={value}]"),
            None => format!(".{}", step.strip_prefix("f:").unwrap_or(step)),
        }
    };
    path.iter().map(|part| step(part.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(fields: Value) -> FieldSet {
        FieldSet::read(&fields).unwrap()
    }

    #[test]
    fn a_set_is_written_as_it_was_read() {
        let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}, "f:finalizers": {"v:\"x\"": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}}});
        assert_eq!(set(fields.clone()).to_value(), fields);
        let shown: Vec<_> = set(fields).paths().iter().map(|path| shown(path)).collect();
        let wanted = [
            ".metadata.finalizers[=\"x\"]",
            ".metadata.labels",
            ".metadata.labels.a",
            ".spec.containers[name=\"c\"]",
            ".spec.containers[name=\"c\"].image",
        ];
        assert_eq!(shown, wanted);
        assert_eq!(FieldSet::read(&json!({"a": {}})), None);
        assert_eq!(FieldSet::read(&json!({"f:a": 1})), None);
    }

    #[test]
    fn a_field_and_what_is_below_it_are_different_fields() {
        let (whole, parts) = (json!({"f:a": {".": {}, "f:b": {}, "f:c": {}}}), json!({"f:a": {"f:b": {}}}));
        let mut left = set(whole.clone());
        left.subtract(&set(parts.clone()));
        assert_eq!(left.to_value(), json!({"f:a": {".": {}, "f:c": {}}}));
        assert_eq!(set(whole.clone()).common(&set(parts.clone())).to_value(), parts);
        left.add(&set(parts.clone()));
        assert_eq!(left.to_value(), whole);
        assert!(left.includes(&set(parts.clone())) && left.meets(&set(parts.clone())));
        assert!(!set(json!({"f:a": {}})).meets(&set(parts)));
    }
}
