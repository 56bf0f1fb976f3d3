//! NamespaceLifecycle: no new objects in a missing or deleted namespace, and no deletion of the system's namespaces.

use super::attributes::{Attributes, ObjectReader, Operation};
use super::denial::Denial;
use crate::object::field::{is_terminating, text};

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Checks the request's namespace.
///
/// # Errors
/// [`Denial`] when it is missing, being deleted, or one of the system's.
pub fn check(request: &Attributes<'_>, objects: &dyn ObjectReader) -> Result<(), Denial> {
    let is_namespace = request.group.is_empty() && request.resource == "namespaces";
    if is_namespace {
        let goes = request.operation == Operation::Delete && request.subresource.is_empty();
        return if goes && IMMORTAL.contains(&request.name) {
            Err(Denial::ProtectedNamespace)
        } else {
            Ok(())
        };
    }
    let is_review = request.group == "authorization.k8s.io";
    if request.operation != Operation::Create || !request.namespaced || is_review {
        return Ok(());
    }
    match objects.get("", "namespaces", "", request.namespace) {
        None => Err(Denial::NamespaceNotFound(request.namespace.to_owned())),
        Some(namespace)
            if is_terminating(&namespace) || text(&namespace, "/status/phase") == "Terminating" =>
        {
            Err(Denial::NamespaceTerminating(request.namespace.to_owned()))
        }
        Some(_) => Ok(()),
    }
}
