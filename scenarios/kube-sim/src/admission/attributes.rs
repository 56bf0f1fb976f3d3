//! What admission knows of a request: what is done to which object, by whom, and what else there is.

use std::sync::Arc;

use serde_json::Value;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed one.
    Update,
    /// One that goes.
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
    /// What is done.
    pub operation: Operation,
    /// The API group; empty for the core.
    pub group: &'a str,
    /// The API version.
    pub version: &'a str,
    /// The plural resource.
    pub resource: &'a str,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// The object's kind.
    pub kind: &'a str,
    /// Whether objects of the kind live in namespaces.
    pub namespaced: bool,
    /// The object's namespace; empty for cluster-scoped ones.
    pub namespace: &'a str,
    /// The object's name; empty while it is still to be generated.
    pub name: &'a str,
    /// The object as it is stored; absent on create.
    pub old: Option<&'a Value>,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
    /// Who asks: `username`, `uid`, `groups`, `extra`.
    pub user: &'a Value,
    /// The options of the verb, as an object.
    pub options: &'a Value,
}

impl Attributes<'_> {
    /// Whether the request is for pods themselves.
    pub fn is_pod(&self) -> bool {
        self.group.is_empty() && self.resource == "pods" && self.subresource.is_empty()
    }

    /// Whether the request is a new object of this core resource.
    pub fn creates(&self, resource: &str) -> bool {
        self.operation == Operation::Create
            && self.group.is_empty()
            && self.resource == resource
            && self.subresource.is_empty()
    }
}

/// The objects that admission looks up.
pub trait Objects: Send + Sync {
    /// One object; `namespace` is empty for cluster-scoped ones.
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>>;
    /// All objects of a resource, in all namespaces.
    fn list(&self, group: &str, resource: &str) -> Vec<Arc<Value>>;
}
