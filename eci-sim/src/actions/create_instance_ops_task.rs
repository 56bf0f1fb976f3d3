//! `CreateInstanceOpsTask`: turns core dumps on or off, or captures packets.

use std::time::Duration;

use eci_api::ErrorCode;
use eci_api::actions::{CreateInstanceOpsTask, CreateInstanceOpsTaskReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::Detail;

/// Time that a task takes; `ours`.
const TAKES: Duration = Duration::from_secs(10);

impl Serve for CreateInstanceOpsTask {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let id = self.container_group_id.clone().unwrap_or_default();
        if world.find(&caller.account, &caller.region, &id).is_none() {
            return Err(Refusal::by_rule(ErrorCode::INVALID_INSTANCE_NOT_FOUND.as_str(), None, None));
        }
        let (kind, value) =
            (self.ops_type.clone().unwrap_or_default(), self.ops_value.as_deref().unwrap_or_default());
        let fine = match kind.as_str() {
            "coredump" => matches!(value, "enable" | "disable"),
            "tcpdump" => {
                serde_json::from_str::<serde_json::Value>(value).is_ok_and(|value| value.is_object())
            }
            other => {
                let why = format!("`{other}` should be coredump or tcpdump");
                return Err(Refusal::invalid("OpsType", why));
            }
        };
        if !fine {
            let why =
                format!("`{value}` should be enable or disable for coredump, a JSON object for tcpdump");
            return Err(Refusal::invalid("OpsValue", why));
        }
        let detail = Detail::Ops { group: id, kind };
        assets::make(world, caller, "ops", None, std::iter::empty(), None, (TAKES, detail))?;
        Ok(CreateInstanceOpsTaskReply { result: "success".to_owned(), request_id: caller.request_id.clone() })
    }
}
