//! The finalizers that Kubernetes itself knows.

/// Held by a namespace until its contents are gone.
pub const NAMESPACE: &str = "kubernetes";
/// Held by an owner until its dependents are deleted.
pub const FOREGROUND: &str = "foregroundDeletion";
/// Held by an owner until its dependents have let go of it.
pub const ORPHAN: &str = "orphan";
/// Held by a claim while pods use it.
pub const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
/// Held by a volume while it is bound.
pub const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
