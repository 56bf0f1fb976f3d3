//! The namespaces whose pods the node runs: all, or some that are named; and pods of others that come to notice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

/// The namespaces that are served; clones share what they noticed.
#[derive(Debug, Clone)]
pub struct ServedNamespaces(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The namespaces' names; empty for all.
    names: Vec<String>,
    noticed: Mutex<BTreeSet<String>>,
    tell: mpsc::UnboundedSender<String>,
}

/// The most namespaces that are noticed: whoever asks may name any number of them.
const NOTICED_MAX: usize = 256;

/// Sentences about namespaces that are not served, one for each, as they come to notice.
pub type Notices = mpsc::UnboundedReceiver<String>;

impl ServedNamespaces {
    /// The namespaces called `names`, or all when there are none.
    pub fn new(names: &[String]) -> (Self, Notices) {
        let (tell, notices) = mpsc::unbounded_channel();
        (Self(Arc::new(Inner { names: names.to_vec(), noticed: Mutex::default(), tell })), notices)
    }

    /// The namespaces' names; `None` for all.
    pub fn names(&self) -> Option<&[String]> {
        (!self.0.names.is_empty()).then_some(&*self.0.names)
    }

    /// Fails with a sentence for a namespace that is not served, whose pods therefore stay Pending. The log and the node
    /// are told of each such namespace once.
    ///
    /// # Errors
    /// [`NotServed`].
    pub fn check(&self, namespace: &str) -> Result<(), NotServed> {
        let inner = &self.0;
        if inner.names.is_empty() || inner.names.iter().any(|name| name == namespace) {
            return Ok(());
        }
        let not = NotServed { namespace: namespace.to_owned(), served: inner.names.join(", ") };
        let mut noticed = inner.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        // whoever asks may write anything for a name
        let is_name = namespace.len() <= 63
            && namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_name && noticed.len() < NOTICED_MAX && noticed.insert(namespace.to_owned()) {
            tracing::warn!("{not}");
            // nobody listens once the node is not kept any more
            let _ = inner.tell.send(not.to_string());
        }
        Err(not)
    }
}

/// A namespace outside those that are served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the virtual node runs no pods of namespace `{namespace}`, so they stay Pending there: it has rights in {served} \
     only (--namespaces, the chart's value namespaces)"
)]
pub struct NotServed {
    namespace: String,
    served: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_that_is_not_served_is_told_of_once() {
        let (served, mut notices) = ServedNamespaces::new(&["web".into(), "ci".into()]);
        assert_eq!(served.check("web"), Ok(()));
        for _ in 0..3 {
            let said = served.check("other").unwrap_err().to_string();
            assert!(said.contains("`other`") && said.contains("web, ci"), "{said}");
        }
        assert!(notices.try_recv().unwrap().contains("`other`"));
        assert!(notices.try_recv().is_err());
    }

    #[test]
    fn where_none_is_named_all_are_served() {
        let (served, _notices) = ServedNamespaces::new(&[]);
        assert_eq!((served.check("any"), served.names()), (Ok(()), None));
    }

    #[test]
    fn what_is_remembered_of_others_is_bounded() {
        let (served, mut notices) = ServedNamespaces::new(&["web".into()]);
        let long = ["a".repeat(64), "new\nline".to_owned()];
        for name in long.into_iter().chain((0..2 * NOTICED_MAX).map(|number| format!("n{number}"))) {
            assert!(served.check(&name).is_err());
        }
        let told = std::iter::from_fn(|| notices.try_recv().ok()).count();
        assert_eq!(told, NOTICED_MAX);
    }
}
