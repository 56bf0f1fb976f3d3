//! The approval of kubelets' client certificates: of nodes that renew their own, and of those that join.

use jiff::Timestamp;
use serde_json::Value;

use super::sign::{self, KUBELET_CLIENT};
use super::with_condition;
use crate::authn::User;
use crate::kinds::certificate_signing_request::{GROUP, condition, request};
use crate::object::field::{list, text};
use crate::rbac::{self, Deed};
use crate::sim::KubeSim;

/// The request, approved; `None` where somebody has to look at it.
pub fn approve(sim: &KubeSim, asked: &Value, now: Timestamp) -> Option<Value> {
    if text(asked, "/spec/signerName") != KUBELET_CLIENT {
        return None;
    }
    let read = request(asked).ok()?;
    sign::check(KUBELET_CLIENT, &read, list(asked, "/spec/usages")).ok()?;
    let username = text(asked, "/spec/username");
    let own = ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.");
    let joins = ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.");
    let known = [own, joins].into_iter().filter(|(below, _)| *below != own.0 || read.common_name == username);
    let user = User {
        name: username.to_owned(),
        uid: text(asked, "/spec/uid").to_owned(),
        groups: list(asked, "/spec/groups").iter().filter_map(|g| g.as_str().map(str::to_owned)).collect(),
    };
    let allowed = |below: &str| {
        let resource = format!("certificatesigningrequests/{below}");
        let deed =
            Deed::Resource { verb: "create", group: GROUP, resource: &resource, name: "", namespace: "" };
        rbac::is_allowed(sim, &user, deed)
    };
    let (_, message) = known.into_iter().find(|(below, _)| allowed(below))?;
    Some(with_condition(asked, condition("Approved", "AutoApproved", message, now)))
}
