//! `DescribeInstanceOpsRecords`: operation tasks and their results.

use eci_api::actions::describe_instance_ops_records as tell;
use eci_api::actions::{DescribeInstanceOpsRecords, DescribeInstanceOpsRecordsReply};
use jiff::SignedDuration;

use crate::refusal::Refusal;
use crate::serving::times::written;
use crate::serving::{Caller, Serve};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

/// Time for which a task's result can be fetched; `ours`.
const RECORD_TTL: SignedDuration = SignedDuration::from_hours(24);

impl Serve for DescribeInstanceOpsRecords {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let (id, wanted) = (self.container_group_id.as_deref(), self.ops_type.as_deref());
        let now = world.now();
        let fits = |asset: &Asset| matches!(&asset.detail, Detail::Ops { group, kind } if Some(group.as_str()) == id && Some(kind.as_str()) == wanted);
        let told = |(_, asset): (u64, &Asset)| {
            let Detail::Ops { kind, .. } = &asset.detail else { return None };
            let expires = asset.done_at().saturating_add(RECORD_TTL).unwrap_or(now);
            let status = match asset.progress(now) {
                Progress::Underway(_) => "Ready",
                Progress::Done if expires <= now => "Expired",
                Progress::Done => "Success",
            };
            Some(tell::Record {
                create_time: written(asset.born),
                expire_time: written(expires),
                ops_status: status.to_owned(),
                ops_type: kind.clone(),
                result_content: String::new(),
                result_type: String::new(),
            })
        };
        let records =
            world.assets.list(&caller.account, &caller.region, now, fits).filter_map(told).collect();
        Ok(DescribeInstanceOpsRecordsReply { records, request_id: caller.request_id.clone() })
    }
}
