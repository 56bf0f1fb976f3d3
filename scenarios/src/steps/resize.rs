//! `resize: { pod: vk/web, vcpu: 2, memory: 4 }`: somebody gives a pod's group another size at the cloud.

use std::fmt;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Miss;
use crate::scenario::names::PodName;
use crate::stage::World;

/// Gives a pod's container group another size, as by hand in the cloud's console; whatever type it had ends with that.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resize {
    /// The pod: `vk/nginx`.
    pub(super) pod: PodName,
    /// The size from now on, in vCPU.
    #[schemars(with = "f64")]
    vcpu: Decimal,
    /// The memory from now on, in GiB.
    #[schemars(with = "f64")]
    memory: Decimal,
}

impl Resize {
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let groups = world.cloud().groups().await?;
        let group = groups.iter().rev().find(|group| group.belongs_to(&self.pod));
        let group =
            group.ok_or_else(|| Miss::one("group", format!("one of {}", self.pod), "no such group"))?;
        world.cloud().resize(&group.id, self.vcpu, self.memory).await
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resize the group of {} to {} vCPU and {} GiB", self.pod, self.vcpu, self.memory)
    }
}
