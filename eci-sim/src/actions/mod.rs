//! The operations: one file each, and the table of them.

mod billing;
mod commit_container;
mod copy_data_cache;
mod create_container_group;
mod create_container_group_from_template;
mod create_data_cache;
mod create_image_cache;
mod create_instance_ops_task;
mod create_virtual_node;
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
mod list_tag_resources;
mod list_usage;
mod resize_container_group_ephemeral_storage;
mod resize_container_group_volume;
mod restart_container_group;
mod tag_resources;
mod untag_resources;
mod update_container_group;
mod update_container_group_by_template;
mod update_data_cache;
mod update_image_cache;
mod update_virtual_node;

use eci_api::Product;
use eci_api::actions as api;

use crate::refusal::Refusal;
use crate::serving::{BoxedReply, Caller, Reply, Serve, Served, serve_idempotent};
use crate::world::World;

pub use exec_container_command::EXEC_PATH;

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

    /// A product's operation of this name.
    ///
    /// # Errors
    /// [`Refusal`] when it does not exist, or is not simulated.
    pub fn named(product: Product, name: &str) -> Result<&'static Self, Refusal> {
        if product == Product::Billing {
            return billing::named(name);
        }
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
