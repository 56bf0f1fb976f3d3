//! Reasons for which admission turns a request down.

/// The rest of the sentence "… is forbidden: …", or one of the few other answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The namespace is not there; answered as not found.
    #[error("namespaces {0:?} not found")]
    NamespaceNotFound(String),
    /// The namespace is being deleted.
    #[error("unable to create new content in namespace {0} because it is being terminated")]
    NamespaceTerminating(String),
    /// The namespace is one of the system's.
    #[error("this namespace may not be deleted")]
    ProtectedNamespace,
    /// The pod's account is not there.
    #[error("error looking up service account {namespace}/{account}: serviceaccount {account:?} not found")]
    ServiceAccountNotFound {
        /// Namespace of the pod and of the account.
        namespace: String,
        /// Name of the account that the pod asks for.
        account: String,
    },
    /// Administrators get no certificate of this signer.
    #[error("use of {0} signer with system:masters group is not allowed")]
    Masters(&'static str),
    /// Somebody approves or signs who may not do so for this signer.
    #[error("user not permitted to {verb} requests with signerName {signer:?}")]
    Signer {
        /// `approve` or `sign`.
        verb: &'static str,
        /// Name of the signer.
        signer: String,
    },
    /// A mirror of a static pod may not use an account or secrets.
    #[error("a mirror pod may not reference {0}")]
    MirrorPod(&'static str),
    /// The priority class is not there.
    #[error("no PriorityClass with name {0} was found")]
    PriorityClassNotFound(String),
    /// The pod brings a number that is not its class's.
    #[error(
        "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
         computed {computed} from the given PriorityClass name"
    )]
    PriorityGiven {
        /// Value in the pod's spec.
        given: i64,
        /// Value of the pod's priority class.
        computed: i64,
    },
    /// The pod brings a preemption policy that is not its class's.
    #[error(
        "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
         controller computed {computed} from the given PriorityClass name"
    )]
    PreemptionGiven {
        /// Value in the pod's spec.
        given: String,
        /// Value of the pod's priority class.
        computed: String,
    },
}
