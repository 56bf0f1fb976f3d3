//! A volume that the annotation `eci-set-diskvolume` gives a new disk: an emptyDir stands in its place until that is applied.

use std::borrow::Cow;

use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, Pod, PodSpec, Volume};

use crate::pods::annotations;

/// The pod's spec, in which a hostPath that is given a disk is an emptyDir: nothing of a host is read.
pub(super) fn spec_of(pod: &Pod) -> Cow<'_, PodSpec> {
    let Some(spec) = &pod.spec else { return Cow::Owned(PodSpec::default()) };
    let value = annotations::of(pod, "eci-set-diskvolume");
    let name = value.and_then(|value| value.split(':').next()).map(str::trim);
    let is_given =
        |volume: &Volume| volume.host_path.is_some() && name.is_some_and(|name| volume.name == name);
    let volumes = spec.volumes.as_deref().unwrap_or_default();
    let Some(at) = volumes.iter().position(is_given) else { return Cow::Borrowed(spec) };
    let mut volumes = volumes.to_vec();
    if let Some(volume) = volumes.get_mut(at) {
        let empty_dir = Some(EmptyDirVolumeSource::default());
        *volume = Volume { name: volume.name.clone(), empty_dir, ..Volume::default() };
    }
    Cow::Owned(PodSpec { volumes: Some(volumes), ..spec.clone() })
}

/// The volumes that may be given a disk, where no other part of the request is made.
pub(super) fn places(spec: &PodSpec) -> Vec<wire::Volume> {
    let empty = spec.volumes.iter().flatten().filter(|volume| volume.empty_dir.is_some());
    let place = |volume: &Volume| wire::Volume {
        name: Some(volume.name.clone()),
        empty_dir_volume: Some(wire::EmptyDirVolume::default()),
        ..wire::Volume::default()
    };
    empty.map(place).collect()
}
