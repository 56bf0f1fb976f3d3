//! The operations: one file each, and the table of them.

mod assets;
mod commit_container;
mod copy_data_cache;
mod create_container_group;
mod create_container_group_from_template;
mod create_data_cache;
mod create_image_cache;
mod create_instance_ops_task;
mod create_virtual_node;
mod data_cache;
mod deferred;
mod delete_container_group;
mod delete_container_groups;
mod delete_data_cache;
mod delete_image_cache;
mod delete_virtual_node;
mod describe_available_resource;
mod describe_commit_container_task;
mod describe_container_group_events;
mod describe_container_group_metric;
mod describe_container_group_price;
mod describe_container_group_status;
mod describe_container_groups;
mod describe_container_log;
mod describe_data_caches;
mod describe_image_caches;
mod describe_instance_ops_records;
mod describe_multi_container_group_metric;
mod describe_regions;
mod describe_virtual_nodes;
mod exec_container_command;
mod export_container_group_template;
mod image_cache;
mod list_tag_resources;
mod list_usage;
mod placement;
mod resize_container_group_ephemeral_storage;
mod resize_container_group_volume;
mod restart_container_group;
mod selection;
mod tag_resources;
mod tagged;
mod template;
mod untag_resources;
mod update_container_group;
mod update_container_group_by_template;
mod update_data_cache;
mod update_image_cache;
mod update_virtual_node;
mod usage;

use std::sync::Arc;

use eci_api::Action;
use eci_api::actions as api;
use eci_api::query::Pairs;
use eci_api::signature::acs3::sha256_hex;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use crate::catalog::{CATALOG, Region};
use crate::group::Group;
use crate::lifecycle::Event;
use crate::money::Currency;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::tokens::StoredReply;

pub use deferred::DeferredReply;
pub use exec_container_command::EXEC_PATH;

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
    /// Currency of prices in replies.
    pub currency: Currency,
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

fn run<A: Serve>(world: &mut World, caller: &Caller) -> Result<Served<BoxedReply>, Refusal> {
    let request: A =
        eci_api::query::from_pairs(&caller.pairs).map_err(|error| Refusal::Undecodable(error.to_string()))?;
    let Served { reply, deferred } = serve_idempotent(&request, world, caller)?;
    let reply: BoxedReply = match reply {
        Reply::New(reply) => Box::new(reply),
        Reply::Repeated(reply) => Box::new(reply),
    };
    Ok(Served { reply, deferred })
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

/// An operation that is carried out.
#[derive(Debug)]
pub(crate) struct Operation {
    pub name: &'static str,
    /// As [`Serve::READ_ONLY`].
    pub read_only: bool,
    /// Carries a call out.
    pub run: fn(&mut World, &Caller) -> Result<Served<BoxedReply>, Refusal>,
}

impl Operation {
    const fn of<A: Serve>() -> Self {
        Self { name: A::NAME, read_only: A::READ_ONLY, run: run::<A> }
    }

    /// The operation of this name.
    ///
    /// # Errors
    /// [`Refusal`] when it does not exist, or is not simulated.
    pub fn named(name: &str) -> Result<&'static Self, Refusal> {
        let known = || eci_api::validate::actions().any(|known| known == name);
        TABLE.iter().find(|operation| operation.name == name).ok_or_else(|| match known() {
            true => Refusal::NotSimulated(name.to_owned()),
            false => Refusal::UnknownAction(name.to_owned()),
        })
    }
}

macro_rules! table {
    ($($action:ident),* $(,)?) => {
        /// Operations that are carried out.
        const TABLE: &[Operation] = &[$(Operation::of::<api::$action>()),*];
    };
}

table! {
    CommitContainer,
    CopyDataCache,
    CreateContainerGroup,
    CreateContainerGroupFromTemplate,
    CreateDataCache,
    CreateImageCache,
    CreateInstanceOpsTask,
    CreateVirtualNode,
    DeleteContainerGroup,
    DeleteContainerGroups,
    DeleteDataCache,
    DeleteImageCache,
    DeleteVirtualNode,
    DescribeAvailableResource,
    DescribeCommitContainerTask,
    DescribeContainerGroupEvents,
    DescribeContainerGroupMetric,
    DescribeContainerGroupPrice,
    DescribeContainerGroupStatus,
    DescribeContainerGroups,
    DescribeContainerLog,
    DescribeDataCaches,
    DescribeImageCaches,
    DescribeInstanceOpsRecords,
    DescribeMultiContainerGroupMetric,
    DescribeRegions,
    DescribeVirtualNodes,
    ExecContainerCommand,
    ExportContainerGroupTemplate,
    ListTagResources,
    ListUsage,
    ResizeContainerGroupEphemeralStorage,
    ResizeContainerGroupVolume,
    RestartContainerGroup,
    TagResources,
    UntagResources,
    UpdateContainerGroup,
    UpdateContainerGroupByTemplate,
    UpdateDataCache,
    UpdateImageCache,
    UpdateVirtualNode,
}

/// Names of the operations that are carried out.
pub fn served() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|operation| operation.name)
}

impl Caller {
    /// The region of the call.
    ///
    /// # Errors
    /// [`Refusal`] when ECI is not sold there.
    fn region(&self) -> Result<&'static Region, Refusal> {
        let unknown = || Refusal::NotFound { kind: "RegionId", id: self.region.to_string() };
        CATALOG.region(&self.region).ok_or_else(unknown)
    }

    /// A parameter that is present and not empty.
    fn parameter(&self, name: &str) -> Option<&str> {
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
    fn group<'a>(&self, world: &'a World, id: Option<&str>) -> Result<&'a Group, Refusal> {
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| Refusal::missing("ContainerGroupId"))?;
        let unknown = || Refusal::NotFound { kind: "ContainerGroupId", id: id.to_owned() };
        world.find(&self.account, &self.region, id).ok_or_else(unknown)
    }
}

/// A time as the cloud writes it, to the second: `2026-01-01T00:00:00Z`.
fn written(at: Timestamp) -> String {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let civil = Offset::UTC.to_datetime(at);
    let Ok(year) = u16::try_from(civil.year()) else { return at.to_string() };
    let [century, of_century] = [year / 100, year % 100].map(|part| u8::try_from(part).unwrap_or_default());
    let mut text = String::with_capacity("2026-01-01T00:00:00Z".len());
    push_two(&mut text, century);
    push_two(&mut text, of_century);
    let date = [('-', civil.month()), ('-', civil.day())];
    let time = [('T', civil.hour()), (':', civil.minute()), (':', civil.second())];
    for (before, part) in date.into_iter().chain(time) {
        text.push(before);
        push_two(&mut text, part.unsigned_abs());
    }
    text.push('Z');
    text
}

fn push_two(text: &mut String, number: u8) {
    text.push(char::from(b'0' + number / 10 % 10));
    text.push(char::from(b'0' + number % 10));
}

/// A time as the cloud writes it; empty for none.
fn written_or_empty(at: Option<Timestamp>) -> String {
    at.map(written).unwrap_or_default()
}

/// A list of ids from the text of a JSON array, or from ids joined by commas; `None` where none is given.
///
/// # Errors
/// [`Refusal`] when it is neither, or has more than `most`.
fn id_list(name: &str, text: Option<&str>, most: usize) -> Result<Option<Vec<String>>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let ids: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text)
            .map_err(|_| Refusal::invalid(name, "it should be a JSON array such as [\"eci-…\"]"))?
    } else {
        text.split(',').map(|id| id.trim().to_owned()).collect()
    };
    if ids.len() > most {
        return Err(Refusal::invalid(name, format!("{} ids; {most} at most", ids.len())));
    }
    Ok(Some(ids))
}

/// Begins a restart or an update of a group, which only some states allow.
fn start_over(world: &mut World, number: u64, event: Event) -> Result<(), Refusal> {
    let Some(group) = world.group(number) else { return Ok(()) };
    let refusal = wrong_state(group, "only a group that is Pending or Running can start over");
    world.start_over(number, event).map_err(|_| refusal)
}

fn wrong_state(group: &Group, wanted: &'static str) -> Refusal {
    Refusal::WrongState { id: group.record.id.to_string(), state: group.state, wanted }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_instant_is_written_as_the_standard_says(second in -377_705_023_201i64..=253_402_207_200, nano in 0i32..1_000_000_000) {
            let at = Timestamp::new(second, 0).unwrap();
            let later = Timestamp::new(second, nano).unwrap_or(at);
            prop_assert_eq!(written(at), at.to_string());
            if second >= 0 {
                prop_assert_eq!(written(later), at.to_string());
            }
        }
    }
}
