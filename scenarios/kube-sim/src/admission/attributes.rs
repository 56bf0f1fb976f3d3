//! A request's attributes as admission sees them: operation, object, user, options.

use std::sync::Arc;

use serde_json::Value;

/// The operation that a webhook's rules select by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// An object is created.
    Create,
    /// A stored object, its status or another subresource is changed.
    Update,
    /// An object is deleted.
    Delete,
    /// A subresource that is opened, such as `pods/exec`.
    Connect,
}

impl Operation {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// A request on its way to the store, without the object itself.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    /// The operation; `CREATE` and its like on the wire.
    pub operation: Operation,
    /// The API group; empty for the core.
    pub group: &'a str,
    /// The API version without its group, as in `v1`.
    pub version: &'a str,
    /// The plural resource, as in `pods`.
    pub resource: &'a str,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// The object's kind, as in `Pod`.
    pub kind: &'a str,
    /// True for a kind whose objects live in namespaces.
    pub namespaced: bool,
    /// The object's namespace; empty for cluster-scoped ones.
    pub namespace: &'a str,
    /// The object's name; empty while it is still to be generated.
    pub name: &'a str,
    /// The object as it is stored; absent on create.
    pub old: Option<&'a Value>,
    /// True when the request is a dry run and nothing is stored.
    pub dry_run: bool,
    /// The requesting user: `username`, `uid`, `groups`, `extra`.
    pub user: &'a Value,
    /// The options of the verb, as an object.
    pub options: &'a Value,
}

impl Attributes<'_> {
    /// True for a request on pods themselves, not on a subresource.
    pub fn is_pod(&self) -> bool {
        self.group.is_empty() && self.resource == "pods" && self.subresource.is_empty()
    }

    /// True for a new object of this core resource.
    pub fn creates(&self, resource: &str) -> bool {
        self.operation == Operation::Create
            && self.group.is_empty()
            && self.resource == resource
            && self.subresource.is_empty()
    }
}

/// The objects that admission looks up.
pub trait ObjectReader: Send + Sync {
    /// One object; `namespace` is empty for cluster-scoped ones.
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>>;
    /// All objects of a resource, in all namespaces.
    fn list(&self, group: &str, resource: &str) -> Vec<Arc<Value>>;
}
