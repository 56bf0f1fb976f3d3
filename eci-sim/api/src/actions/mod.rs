//! One file an operation, written from `data/actions.json` by `cargo ci generate`.

pub mod commit_container;
pub mod copy_data_cache;
pub mod create_container_group;
pub mod create_container_group_from_template;
pub mod create_data_cache;
pub mod create_image_cache;
pub mod create_instance_ops_task;
pub mod create_virtual_node;
pub mod delete_container_group;
pub mod delete_container_groups;
pub mod delete_data_cache;
pub mod delete_image_cache;
pub mod delete_virtual_node;
pub mod describe_available_resource;
pub mod describe_commit_container_task;
pub mod describe_container_group_events;
pub mod describe_container_group_metric;
pub mod describe_container_group_price;
pub mod describe_container_group_status;
pub mod describe_container_groups;
pub mod describe_container_log;
pub mod describe_data_caches;
pub mod describe_image_caches;
pub mod describe_instance_ops_records;
pub mod describe_multi_container_group_metric;
pub mod describe_regions;
pub mod describe_virtual_nodes;
pub mod exec_container_command;
pub mod export_container_group_template;
pub mod list_tag_resources;
pub mod list_usage;
pub mod resize_container_group_ephemeral_storage;
pub mod resize_container_group_volume;
pub mod restart_container_group;
pub mod tag_resources;
pub mod untag_resources;
pub mod update_container_group;
pub mod update_container_group_by_template;
pub mod update_data_cache;
pub mod update_image_cache;
pub mod update_virtual_node;
pub use commit_container::{CommitContainer, CommitContainerReply};
pub use copy_data_cache::{CopyDataCache, CopyDataCacheReply};
pub use create_container_group::{CreateContainerGroup, CreateContainerGroupReply};
pub use create_container_group_from_template::{
    CreateContainerGroupFromTemplate, CreateContainerGroupFromTemplateReply,
};
pub use create_data_cache::{CreateDataCache, CreateDataCacheReply};
pub use create_image_cache::{CreateImageCache, CreateImageCacheReply};
pub use create_instance_ops_task::{CreateInstanceOpsTask, CreateInstanceOpsTaskReply};
pub use create_virtual_node::{CreateVirtualNode, CreateVirtualNodeReply};
pub use delete_container_group::{DeleteContainerGroup, DeleteContainerGroupReply};
pub use delete_container_groups::{DeleteContainerGroups, DeleteContainerGroupsReply};
pub use delete_data_cache::{DeleteDataCache, DeleteDataCacheReply};
pub use delete_image_cache::{DeleteImageCache, DeleteImageCacheReply};
pub use delete_virtual_node::{DeleteVirtualNode, DeleteVirtualNodeReply};
pub use describe_available_resource::{DescribeAvailableResource, DescribeAvailableResourceReply};
pub use describe_commit_container_task::{DescribeCommitContainerTask, DescribeCommitContainerTaskReply};
pub use describe_container_group_events::{DescribeContainerGroupEvents, DescribeContainerGroupEventsReply};
pub use describe_container_group_metric::{DescribeContainerGroupMetric, DescribeContainerGroupMetricReply};
pub use describe_container_group_price::{DescribeContainerGroupPrice, DescribeContainerGroupPriceReply};
pub use describe_container_group_status::{DescribeContainerGroupStatus, DescribeContainerGroupStatusReply};
pub use describe_container_groups::{DescribeContainerGroups, DescribeContainerGroupsReply};
pub use describe_container_log::{DescribeContainerLog, DescribeContainerLogReply};
pub use describe_data_caches::{DescribeDataCaches, DescribeDataCachesReply};
pub use describe_image_caches::{DescribeImageCaches, DescribeImageCachesReply};
pub use describe_instance_ops_records::{DescribeInstanceOpsRecords, DescribeInstanceOpsRecordsReply};
pub use describe_multi_container_group_metric::{
    DescribeMultiContainerGroupMetric, DescribeMultiContainerGroupMetricReply,
};
pub use describe_regions::{DescribeRegions, DescribeRegionsReply};
pub use describe_virtual_nodes::{DescribeVirtualNodes, DescribeVirtualNodesReply};
pub use exec_container_command::{ExecContainerCommand, ExecContainerCommandReply};
pub use export_container_group_template::{ExportContainerGroupTemplate, ExportContainerGroupTemplateReply};
pub use list_tag_resources::{ListTagResources, ListTagResourcesReply};
pub use list_usage::{ListUsage, ListUsageReply};
pub use resize_container_group_ephemeral_storage::{
    ResizeContainerGroupEphemeralStorage, ResizeContainerGroupEphemeralStorageReply,
};
pub use resize_container_group_volume::{ResizeContainerGroupVolume, ResizeContainerGroupVolumeReply};
pub use restart_container_group::{RestartContainerGroup, RestartContainerGroupReply};
pub use tag_resources::{TagResources, TagResourcesReply};
pub use untag_resources::{UntagResources, UntagResourcesReply};
pub use update_container_group::{UpdateContainerGroup, UpdateContainerGroupReply};
pub use update_container_group_by_template::{
    UpdateContainerGroupByTemplate, UpdateContainerGroupByTemplateReply,
};
pub use update_data_cache::{UpdateDataCache, UpdateDataCacheReply};
pub use update_image_cache::{UpdateImageCache, UpdateImageCacheReply};
pub use update_virtual_node::{UpdateVirtualNode, UpdateVirtualNodeReply};

/// Applies a macro to the list of all operations' request types.
#[macro_export]
macro_rules! every_action { ($apply:ident) => { $apply! { $crate::actions::CommitContainer, $crate::actions::CopyDataCache, $crate::actions::CreateContainerGroup, $crate::actions::CreateContainerGroupFromTemplate, $crate::actions::CreateDataCache, $crate::actions::CreateImageCache, $crate::actions::CreateInstanceOpsTask, $crate::actions::CreateVirtualNode, $crate::actions::DeleteContainerGroup, $crate::actions::DeleteContainerGroups, $crate::actions::DeleteDataCache, $crate::actions::DeleteImageCache, $crate::actions::DeleteVirtualNode, $crate::actions::DescribeAvailableResource, $crate::actions::DescribeCommitContainerTask, $crate::actions::DescribeContainerGroupEvents, $crate::actions::DescribeContainerGroupMetric, $crate::actions::DescribeContainerGroupPrice, $crate::actions::DescribeContainerGroupStatus, $crate::actions::DescribeContainerGroups, $crate::actions::DescribeContainerLog, $crate::actions::DescribeDataCaches, $crate::actions::DescribeImageCaches, $crate::actions::DescribeInstanceOpsRecords, $crate::actions::DescribeMultiContainerGroupMetric, $crate::actions::DescribeRegions, $crate::actions::DescribeVirtualNodes, $crate::actions::ExecContainerCommand, $crate::actions::ExportContainerGroupTemplate, $crate::actions::ListTagResources, $crate::actions::ListUsage, $crate::actions::ResizeContainerGroupEphemeralStorage, $crate::actions::ResizeContainerGroupVolume, $crate::actions::RestartContainerGroup, $crate::actions::TagResources, $crate::actions::UntagResources, $crate::actions::UpdateContainerGroup, $crate::actions::UpdateContainerGroupByTemplate, $crate::actions::UpdateDataCache, $crate::actions::UpdateImageCache, $crate::actions::UpdateVirtualNode } } }
