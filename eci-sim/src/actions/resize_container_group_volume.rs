//! `ResizeContainerGroupVolume`: grows a disk; no other volume can be resized.

use eci_api::actions::{ResizeContainerGroupVolume, ResizeContainerGroupVolumeReply};

use crate::lifecycle::State;
use crate::refusal::Refusal;
use crate::serving::states::wrong_state;
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for ResizeContainerGroupVolume {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let group = caller.group(world, self.container_group_id.as_deref())?;
        let number = group.record.number;
        if group.state != State::Running {
            return Err(wrong_state(group, "a volume is resized only while the group is Running"));
        }
        let name = self.volume_name.as_deref().unwrap_or_default();
        let position = group.spec.volumes.iter().position(|volume| volume.name == name);
        let position =
            position.ok_or_else(|| Refusal::NotFound { kind: "VolumeName", id: name.to_owned() })?;
        let volume = &group.spec.volumes[position];
        if volume.flex_volume_driver != "alicloud/disk" {
            return Err(Refusal::NotADisk(name.to_owned()));
        }
        let mut options: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&volume.flex_volume_options).unwrap_or_default();
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let size = options.get("volumeSize").map(text).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let new = self.new_size.unwrap_or_default();
        if new < size {
            return Err(Refusal::invalid(
                "NewSize",
                format!("{new} GiB is less than the volume has, {size} GiB"),
            ));
        }
        options.insert("volumeSize".to_owned(), new.to_string().into());
        let options = serde_json::Value::Object(options).to_string();
        world.change(number, |group, _| group.spec.volumes[position].flex_volume_options = options);
        Ok(ResizeContainerGroupVolumeReply { request_id: caller.request_id.clone() })
    }
}
