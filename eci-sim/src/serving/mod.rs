//! What all operations are served with: their caller, the rule of client tokens, and what several of them do alike.

pub mod acceptable;
pub(crate) mod addresses;
pub(crate) mod assets;
pub(crate) mod container_log;
pub(crate) mod data_cache;
pub(crate) mod deferred;
pub(crate) mod image_cache;
pub(crate) mod object_names;
pub(crate) mod placement;
pub(crate) mod resized;
pub(crate) mod selection;
pub(crate) mod states;
pub(crate) mod tagged;
pub(crate) mod template;
pub(crate) mod times;
pub(crate) mod usage;

use std::sync::Arc;

use eci_api::Action;
use eci_api::query::Pairs;
use eci_api::signature::acs3::sha256_hex;
use serde::Serialize;

use crate::catalog::{CATALOG, Region};
use crate::group::Group;
use crate::group::container::Container;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::tokens::StoredReply;

pub use deferred::DeferredReply;

/// Caller of an operation, and the circumstances of the call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Account whose resources are meant.
    pub account: Arc<str>,
    /// Region that the call's own `RegionId` names, or else the endpoint's.
    pub region: Arc<str>,
    /// Id of the call, as the reply gives it.
    pub request_id: String,
    /// Host that the call came to; empty within the process.
    pub host: String,
    /// True if the call came over TLS, as all calls to the cloud do.
    pub secure: bool,
    /// Parameters as they came, for the comparison of calls with the same token.
    pub pairs: Pairs,
}

/// An operation that the simulator carries out.
pub trait Serve: Action {
    /// True if the operation changes nothing: it is not journalled, and may be answered from an older answer.
    const READ_ONLY: bool;

    /// Checks the request, changes the world, and returns the reply.
    ///
    /// # Errors
    /// [`Refusal`] when it is turned down; the world is then unchanged.
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal>;

    /// Query that completes the reply, where only a container engine can; asked after [`Serve::serve`].
    #[doc(hidden)]
    fn deferred(&self, _world: &World, _caller: &Caller) -> Option<DeferredReply> {
        None
    }
}

/// The reply of an operation, and the query that completes it.
pub struct Served<T> {
    pub(crate) reply: T,
    pub(crate) deferred: Option<DeferredReply>,
}

/// Capacity in bytes that is enough for most replies.
const USUAL_LENGTH: usize = 2048;

/// A reply that is written only when its format is known.
pub type BoxedReply = Box<dyn Render>;

/// A reply that can be written as JSON or XML.
pub trait Render: Send {
    /// The reply as JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    fn json(&self) -> serde_json::Result<Vec<u8>>;
    /// The reply as a tree, for XML.
    ///
    /// # Errors
    /// When it cannot be written.
    fn tree(&self) -> serde_json::Result<serde_json::Value>;
}

impl<T: Serialize + Send> Render for T {
    fn json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        serde_json::to_writer(&mut text, self)?;
        Ok(text)
    }

    fn tree(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.json()?)
    }
}

/// The reply to a call.
pub(crate) enum Reply<T> {
    /// The reply of a call that was carried out.
    New(T),
    /// The reply to an earlier call with the same client token, with the id of the present one.
    Repeated(serde_json::Value),
}

impl<T: serde::de::DeserializeOwned> Served<Reply<T>> {
    /// The reply by its type.
    ///
    /// # Errors
    /// [`Refusal::Undecodable`] when an earlier reply is not of this type.
    pub(crate) fn typed(self) -> Result<Served<T>, Refusal> {
        let reply = match self.reply {
            Reply::New(reply) => reply,
            Reply::Repeated(reply) => {
                serde_json::from_value(reply).map_err(|why| Refusal::Undecodable(why.to_string()))?
            }
        };
        Ok(Served { reply, deferred: self.deferred })
    }
}

/// Carries out a request, one with a client token only once: the same request again gets the same reply.
///
/// # Errors
/// [`Refusal`] when it is turned down, and when the token was used for another request.
pub(crate) fn serve_idempotent<A: Serve>(
    request: &A,
    world: &mut World,
    caller: &Caller,
) -> Result<Served<Reply<A::Reply>>, Refusal> {
    let token = caller.parameter("ClientToken").filter(|_| !A::READ_ONLY);
    if token.is_some_and(|token| !token.is_ascii()) {
        return Err(Refusal::invalid("ClientToken", "it should be at most 64 ASCII characters"));
    }
    let Some(token) = token.map(|token| (Arc::clone(&caller.account), token.to_owned())) else {
        let reply = request.serve(world, caller)?;
        return Ok(Served { reply: Reply::New(reply), deferred: request.deferred(world, caller) });
    };
    let (fingerprint, now) = (caller.fingerprint(A::NAME), world.now());
    if let Some(stored) = world.tokens.find(&token, now) {
        if stored.fingerprint != fingerprint {
            return Err(Refusal::TokenMismatch(token.1));
        }
        let reply = again(&stored.reply, caller).map_err(|why| Refusal::Undecodable(why.to_string()))?;
        return Ok(Served { reply: Reply::Repeated(reply), deferred: None });
    }
    let reply = request.serve(world, caller)?;
    if let Ok(text) = serde_json::to_string(&reply) {
        world.tokens.keep(token, StoredReply { fingerprint, reply: text }, now);
    }
    Ok(Served { reply: Reply::New(reply), deferred: request.deferred(world, caller) })
}

/// An earlier reply with the id of the present call.
fn again(reply: &str, caller: &Caller) -> serde_json::Result<serde_json::Value> {
    let mut reply: serde_json::Value = serde_json::from_str(reply)?;
    if let Some(members) = reply.as_object_mut() {
        members.insert("RequestId".to_owned(), caller.request_id.clone().into());
    }
    Ok(reply)
}

impl Caller {
    /// The region of the call.
    ///
    /// # Errors
    /// [`Refusal`] when ECI is not sold there.
    pub(crate) fn region(&self) -> Result<&'static Region, Refusal> {
        let unknown = || Refusal::NotFound { kind: "RegionId", id: self.region.to_string() };
        CATALOG.region(&self.region).ok_or_else(unknown)
    }

    /// A parameter that is present and not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// Digest of the operation and its parameters, by which requests with the same token are compared.
    pub(crate) fn fingerprint(&self, action: &str) -> String {
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort();
        sha256_hex(format!("{action}{pairs:?}").as_bytes())
    }

    /// Id, ids or name of the group that the parameters name.
    pub(crate) fn group_named(&self) -> Option<&str> {
        self.parameter("ContainerGroupId")
            .or_else(|| self.parameter("ContainerGroupIds"))
            .or_else(|| self.parameter("ContainerGroupName"))
    }

    /// The group of this id.
    ///
    /// # Errors
    /// [`Refusal`] when the caller has none such in the region.
    pub(crate) fn group<'a>(&self, world: &'a World, id: Option<&str>) -> Result<&'a Group, Refusal> {
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| Refusal::missing("ContainerGroupId"))?;
        let unknown = || Refusal::NotFound { kind: "ContainerGroupId", id: id.to_owned() };
        world.find(&self.account, &self.region, id).ok_or_else(unknown)
    }

    /// The container of this name in the group of this id, and the group.
    ///
    /// # Errors
    /// [`Refusal`] when the caller has none such in the region.
    pub(crate) fn container<'a>(
        &self,
        world: &'a World,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<(&'a Group, &'a Container), Refusal> {
        let group = self.group(world, id)?;
        let name = name.unwrap_or_default();
        let unknown = || Refusal::NotFound { kind: "ContainerName", id: name.to_owned() };
        Ok((group, group.container(name).ok_or_else(unknown)?))
    }
}
