//! The node object's facts that the pods' work depends on, and the pods' doubt that the node shows.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::AccountLimits;

/// The node object as it was found at this process's first registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeFound {
    /// The object stood, and nothing on it says that another identity kept it: the identity recorded there is ours, or
    /// an older provider recorded none.
    Same,
    /// The object was missing and is made by this process; who deleted it, and what else they deleted, is unknown.
    New,
    /// An earlier process made the object where it was missing, and ended before every group was a pod's or gone.
    AdoptionPending,
    /// An earlier provider kept the object with another region, account or cluster id.
    IdentityChanged {
        /// The differences, for a person: `the region was cn-beijing and is cn-hangzhou`.
        what: String,
    },
}

/// A reason why absence from the cloud's answers proves nothing just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The node condition's reason, in CamelCase.
    pub reason: &'static str,
    /// The node condition's message, for a person: without request ids, since each change is a write.
    pub message: String,
}

/// Facts shared between the node's controller and the pods' work; clones share one state.
#[derive(Clone, Default)]
pub struct NodeFacts(Arc<Shared>);

struct Shared {
    found: watch::Sender<Option<NodeFound>>,
    doubt: watch::Sender<Option<Doubt>>,
    identity_confirmed: watch::Sender<bool>,
    account_limits: watch::Sender<AccountLimits>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            found: watch::Sender::new(None),
            doubt: watch::Sender::new(None),
            identity_confirmed: watch::Sender::new(false),
            account_limits: watch::Sender::new(AccountLimits::default()),
        }
    }
}

impl NodeFacts {
    /// The node object as found at the first registration; `None` until then.
    pub fn found(&self) -> Option<NodeFound> {
        self.0.found.borrow().clone()
    }

    /// Waits for the first registration.
    pub async fn wait_found(&self) -> NodeFound {
        let mut receiver = self.0.found.subscribe();
        loop {
            if let Some(found) = receiver.borrow_and_update().clone() {
                return found;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Records the first registration; later ones, of a node deleted while its provider ran, change nothing.
    pub fn set_found(&self, found: NodeFound) {
        self.0.found.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(found);
            }
            first
        });
    }

    /// Sets or lifts the doubt; the node condition `CloudViewComplete` follows at once.
    pub fn set_doubt(&self, doubt: Option<Doubt>) {
        self.0.doubt.send_if_modified(|known| {
            let differs = *known != doubt;
            if differs {
                *known = doubt;
            }
            differs
        });
    }

    /// The doubt that holds now.
    pub fn doubt(&self) -> Option<Doubt> {
        self.0.doubt.borrow().clone()
    }

    /// Declares this process's identity right, so that the node object records it in place of the one found there.
    ///
    /// To be called on proof alone (a group named by a pod's `containerID` answers with this owner's tags) or on an
    /// operator's word (`--accept-loss`): until then [`NodeFound::IdentityChanged`] outlives restarts.
    pub fn confirm_identity(&self) {
        self.0.identity_confirmed.send_if_modified(|confirmed| !std::mem::replace(confirmed, true));
    }

    /// The account's quota and the region's stock, as far as they are known.
    pub fn account_limits(&self) -> AccountLimits {
        *self.0.account_limits.borrow()
    }

    /// Sets the account's quota and the region's stock; the node's capacity follows at once.
    pub fn set_account_limits(&self, limits: AccountLimits) {
        self.0.account_limits.send_if_modified(|known| std::mem::replace(known, limits) != limits);
    }

    pub(super) fn is_identity_confirmed(&self) -> bool {
        *self.0.identity_confirmed.borrow()
    }

    /// Waits for the next change of doubt or confirmation.
    pub(super) async fn changed(&self, seen: &mut Changes) {
        tokio::select! {
            biased;
            Ok(()) = seen.doubt.changed() => {}
            Ok(()) = seen.identity_confirmed.changed() => {}
            Ok(()) = seen.account_limits.changed() => {}
            else => std::future::pending().await,
        }
    }

    pub(super) fn changes(&self) -> Changes {
        Changes {
            doubt: self.0.doubt.subscribe(),
            identity_confirmed: self.0.identity_confirmed.subscribe(),
            account_limits: self.0.account_limits.subscribe(),
        }
    }
}

/// The changes that one reader of [`NodeFacts`] has seen.
pub(super) struct Changes {
    doubt: watch::Receiver<Option<Doubt>>,
    identity_confirmed: watch::Receiver<bool>,
    account_limits: watch::Receiver<AccountLimits>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_registration_is_waited_for_and_stays_whatever_is_registered_later() {
        let facts = NodeFacts::default();
        assert_eq!(facts.found(), None);
        let waiting = tokio::spawn({
            let facts = facts.clone();
            async move { facts.wait_found().await }
        });
        tokio::task::yield_now().await;
        facts.set_found(NodeFound::Same);
        assert_eq!(waiting.await.unwrap(), NodeFound::Same);
        facts.set_found(NodeFound::New);
        assert_eq!((facts.found(), facts.wait_found().await), (Some(NodeFound::Same), NodeFound::Same));
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubt_is_shared_by_clones_and_repeating_it_is_no_change() {
        let facts = NodeFacts::default();
        let mut seen = facts.changes();
        let doubt = Doubt { reason: "TooManyMissing", message: "9 of 10 groups are missing".to_owned() };
        facts.clone().set_doubt(Some(doubt.clone()));
        assert_eq!(facts.doubt(), Some(doubt.clone()));
        facts.changed(&mut seen).await;
        facts.set_doubt(Some(doubt));
        let second = tokio::time::timeout(std::time::Duration::from_secs(60), facts.changed(&mut seen));
        assert!(second.await.is_err(), "the same doubt again wakes nobody");
        facts.set_doubt(None);
        facts.changed(&mut seen).await;
        assert_eq!(facts.doubt(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_identity_that_is_confirmed_again_wakes_nobody() {
        let facts = NodeFacts::default();
        let mut seen = facts.changes();
        facts.confirm_identity();
        facts.changed(&mut seen).await;
        facts.confirm_identity();
        let second = tokio::time::timeout(std::time::Duration::from_secs(60), facts.changed(&mut seen));
        assert!(second.await.is_err());
    }
}
