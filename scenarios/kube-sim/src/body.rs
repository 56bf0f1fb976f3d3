//! The bodies of responses.

use bytes::Bytes;

/// An error while a body is transferred.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// The body of a response: whole, or a stream of watch events.
pub type KubeBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;
