//! What changed of one kind since it was looked at last, so that a round looks at that alone.

use std::sync::Arc;

use serde_json::Value;

use crate::object::field::{name, namespace};
use crate::store::{Change, GroupResource, Store};

/// Namespace and name of an object.
pub type Key = (String, String);

/// The key of an object.
pub fn key_of(object: &Value) -> Key {
    (namespace(object).to_owned(), name(object).to_owned())
}

/// A reader of the changes of one kind.
#[derive(Debug)]
pub struct Follower {
    resource: GroupResource,
    seen: u64,
}

/// What there is to look at.
#[derive(Debug)]
pub enum News {
    /// The changes since the last look, in their order.
    Changes(Vec<Change>),
    /// All objects, since history begins later than the last look.
    Everything(Vec<Arc<Value>>),
}

impl Follower {
    /// A reader that has seen nothing yet.
    pub fn new(resource: GroupResource) -> Self {
        Self { resource, seen: 0 }
    }

    /// What there is to look at since the last call.
    pub fn news(&mut self, store: &Store) -> News {
        if let Ok((changes, revision)) = store.progress(self.resource, self.seen) {
            self.seen = revision;
            return News::Changes(changes);
        }
        let (objects, revision) = store.list(self.resource, None);
        self.seen = revision;
        News::Everything(objects)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MAPS: GroupResource = ("", "configmaps");

    #[test]
    fn each_change_is_told_once_and_everything_after_history_was_cut_off() {
        let store = Store::default();
        let mut follower = Follower::new(MAPS);
        let mut seen = |store: &Store| match follower.news(store) {
            News::Changes(changes) => (true, changes.len()),
            News::Everything(objects) => (false, objects.len()),
        };
        let made = |name: &str| json!({"metadata": {"namespace": "default", "name": name}});
        store.create(MAPS, made("a")).unwrap();
        assert_eq!(seen(&store), (true, 1));
        assert_eq!(seen(&store), (true, 0));
        store.create(MAPS, made("b")).unwrap();
        store.compact();
        assert_eq!(seen(&store), (false, 2));
        assert_eq!(seen(&store), (true, 0));
    }
}
