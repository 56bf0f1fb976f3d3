//! A question: what does doing this once cost?

use anyhow::Result;

use crate::questions::{cloud, kubernetes, provider};

/// The work of one ask, prepared so that nothing but it is measured.
pub type Ask = Box<dyn FnMut() -> Result<()>>;

/// A question under the name that stands in the table of instructions.
pub struct Question {
    /// The name, as `pod-to-request`.
    pub name: &'static str,
    /// Prepares at most so many asks.
    pub prepare: fn(usize) -> Result<Ask>,
}

/// The questions whose instructions are counted: the hot paths.
pub const COUNTED: [Question; 11] = [
    Question { name: "describe-signed-acs3", prepare: cloud::signed_describe },
    Question { name: "describe-signed-rpc", prepare: cloud::describe_by_rpc },
    Question { name: "describe-by-id", prepare: |_| cloud::by_id() },
    Question { name: "page-of-20", prepare: |_| cloud::page() },
    Question { name: "pod-to-request", prepare: |_| provider::request() },
    Question { name: "group-to-status", prepare: |_| provider::status() },
    Question { name: "admission-review", prepare: |_| provider::review() },
    Question { name: "patch-of-a-status", prepare: |_| kubernetes::status_patch() },
    Question { name: "apply-of-labels", prepare: |_| kubernetes::apply() },
    Question { name: "change-seen-by-100", prepare: |_| kubernetes::change_seen_by(100) },
    Question { name: "list-of-100-pods", prepare: |_| kubernetes::list(100) },
];
