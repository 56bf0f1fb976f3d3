//! `DescribeMultiContainerGroupMetric`: the use of several groups, the latest record of each.

use eci_api::actions::describe_multi_container_group_metric::MonitorData;
use eci_api::actions::{DescribeMultiContainerGroupMetric, DescribeMultiContainerGroupMetricReply};

use crate::refusal::Refusal;
use crate::serving::selection::id_list;
use crate::serving::{Caller, Serve, usage};
use crate::world::World;

/// Interval between records in seconds.
const PERIOD: i64 = 15;

impl Serve for DescribeMultiContainerGroupMetric {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let ids = id_list("ContainerGroupIds", self.container_group_ids.as_deref(), 20)?.unwrap_or_default();
        let latest = world.now().as_second().div_euclid(PERIOD) * PERIOD;
        let in_group = |group: &&crate::group::Group| {
            let wanted = self.resource_group_id.as_deref().filter(|id| !id.is_empty());
            let own = group.spec.optional.as_ref().map_or("", |optional| optional.resource_group.as_str());
            wanted.is_none_or(|wanted| wanted == own)
        };
        let known =
            ids.iter().filter_map(|id| world.find(&caller.account, &caller.region, id)).filter(in_group);
        let data = known.map(|group| MonitorData {
            container_group_id: group.record.id.to_string(),
            // the use of containers that an Engine runs is unknown, and nothing is invented
            records: match world.runtime.is_real() {
                true => Vec::new(),
                false => usage::several(group, &world.scripts, latest).into_iter().collect(),
            },
        });
        Ok(DescribeMultiContainerGroupMetricReply {
            monitor_datas: data.collect(),
            request_id: caller.request_id.clone(),
        })
    }
}
