//! Volumes of Alibaba Cloud's CSI drivers, bound to claims or given inline, as the volumes that ECI mounts (eci-openapi.md, 9).

use std::collections::BTreeMap;

use eci_api::actions::create_container_group as wire;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{
    CSIPersistentVolumeSource, CSIVolumeSource, PersistentVolume, PersistentVolumeSpec, Pod, Secret,
};

use super::error::{Remark, RequestError};
use crate::pods::sources::{ClaimSource, csi};

/// What can be bound to a claim that ECI mounts.
pub const MOUNTABLE: &str =
    "disks, NAS and OSS of Alibaba Cloud's CSI drivers, nfs and flexVolume alicloud/*";
/// Attributes of NAS volumes that say what the other parameters say already, or what an instance does anyway.
const NAS_KNOWN: [&str; 4] = ["server", "path", "vers", "options"];
/// Attributes of OSS volumes that ECI takes.
const OSS_KNOWN: [&str; 7] = ["bucket", "url", "otherOpts", "path", "ramRole", "akId", "akSecret"];
/// Attributes that a provisioner leaves behind, and those by which a volume was made.
const WITHOUT_EFFECT: [&str; 4] =
    ["volumeAs", "subpath", "mountProtocol", "storage.kubernetes.io/csiProvisionerIdentity"];
/// Fields of a PersistentVolume's spec that say nothing of its kind.
const COMMON: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

type Attributes = BTreeMap<String, String>;

/// A volume of a CSI driver.
struct Csi<'a> {
    /// The subject of sentences, as `persistent volume data`.
    subject: String,
    driver: &'a str,
    handle: &'a str,
    fs_type: Option<&'a String>,
    attributes: Attributes,
    mount_options: &'a [String],
    read_only: bool,
    secret: Option<&'a Secret>,
}

/// The volume that is bound to a claim of `pod`; `of_pod` where the pod's own volume made the claim.
///
/// # Errors
/// [`RequestError::Mount`] for a claim without a volume yet, [`RequestError::Unsupported`] for a volume that ECI cannot mount.
pub fn bound(
    (volume, claim): (&str, &str),
    of_pod: Option<&Pod>,
    found: Option<&ClaimSource>,
    remarks: &mut Vec<Remark>,
) -> Result<wire::Volume, RequestError> {
    let not_yet = |why: String| RequestError::Mount { volume: volume.to_owned(), why };
    let found = found.ok_or_else(|| not_yet(format!("persistentvolumeclaim \"{claim}\" not found")))?;
    let metadata = &found.claim.metadata;
    if metadata.deletion_timestamp.is_some() {
        return Err(not_yet(format!("persistentvolumeclaim \"{claim}\" is being deleted")));
    }
    let owner = |pod: &Pod| {
        let uid = pod.metadata.uid.as_ref();
        metadata.owner_references.iter().flatten().any(|owner| Some(&owner.uid) == uid)
    };
    if of_pod.is_some_and(|pod| !owner(pod)) {
        return Err(not_yet(format!("persistentvolumeclaim \"{claim}\" was not made for this pod")));
    }
    let bound = found.volume.as_ref().filter(|volume| {
        let owner = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref()?.uid.as_ref());
        let phase = found.claim.status.as_ref().and_then(|status| status.phase.as_deref());
        owner == metadata.uid.as_ref() && phase == Some("Bound")
    });
    let bound = bound
        .ok_or_else(|| not_yet(format!("persistentvolumeclaim \"{claim}\" is not bound to a volume yet")))?;
    of_persistent_volume(bound, found.secret.as_ref(), remarks)
}

/// A volume that a pod gives inline.
///
/// # Errors
/// [`RequestError::Unsupported`] for what ECI cannot mount.
pub fn inline(
    volume: &str,
    source: &CSIVolumeSource,
    secret: Option<&Secret>,
    remarks: &mut Vec<Remark>,
) -> Result<wire::Volume, RequestError> {
    Csi {
        subject: format!("csi of volume {volume}"),
        driver: &source.driver,
        handle: "",
        fs_type: source.fs_type.as_ref(),
        attributes: source.volume_attributes.clone().unwrap_or_default(),
        mount_options: &[],
        read_only: source.read_only == Some(true),
        secret,
    }
    .mounted(remarks)
}

fn of_persistent_volume(
    volume: &PersistentVolume,
    secret: Option<&Secret>,
    remarks: &mut Vec<Remark>,
) -> Result<wire::Volume, RequestError> {
    let subject = format!("persistent volume {}", volume.metadata.name.as_deref().unwrap_or_default());
    let empty = PersistentVolumeSpec::default();
    let spec = volume.spec.as_ref().unwrap_or(&empty);
    if let Some(source) = &spec.csi {
        let CSIPersistentVolumeSource {
            driver, volume_handle, fs_type, volume_attributes, read_only, ..
        } = source;
        let of_volume = Csi {
            subject,
            driver,
            handle: volume_handle,
            fs_type: fs_type.as_ref(),
            attributes: volume_attributes.clone().unwrap_or_default(),
            mount_options: spec.mount_options.as_deref().unwrap_or_default(),
            read_only: *read_only == Some(true),
            secret,
        };
        return of_volume.mounted(remarks);
    }
    if let Some(nfs) = &spec.nfs {
        return Ok(nfs_volume(&nfs.server, &nfs.path, nfs.read_only));
    }
    if let Some(flex) = spec.flex_volume.as_ref().filter(|flex| flex.driver.starts_with("alicloud/")) {
        return Ok(flex_volume(
            &flex.driver,
            flex.fs_type.as_ref(),
            &flex.options.clone().unwrap_or_default(),
        ));
    }
    Err(RequestError::Unsupported(format!(
        "{subject} is not possible on the virtual node: it is {}; of claims ECI mounts {MOUNTABLE}",
        kind(spec)
    )))
}

/// The kind of a volume, by the field that holds it.
fn kind(spec: &PersistentVolumeSpec) -> String {
    let fields = serde_json::to_value(spec).ok();
    let fields = fields.as_ref().and_then(serde_json::Value::as_object);
    let own = fields.into_iter().flatten().map(|(name, _)| name.as_str());
    own.into_iter().find(|name| !COMMON.contains(name)).unwrap_or("of no known kind").to_owned()
}

impl Csi<'_> {
    fn mounted(self, remarks: &mut Vec<Remark>) -> Result<wire::Volume, RequestError> {
        match self.driver {
            csi::DISK => self.disk(),
            csi::NAS => self.nas(remarks),
            csi::OSS => self.oss(remarks),
            other => {
                Err(self.impossible(&format!("its driver is {other}; of claims ECI mounts {MOUNTABLE}")))
            }
        }
    }

    fn impossible(&self, why: &str) -> RequestError {
        RequestError::Unsupported(format!("{} is not possible on the virtual node: {why}", self.subject))
    }

    /// The disk exists, and outlives the instance.
    fn disk(self) -> Result<wire::Volume, RequestError> {
        if self.handle.is_empty() {
            return Err(self.impossible("a disk needs a claim, which tells its id"));
        }
        let options = [("volumeId", self.handle), ("deleteWithInstance", "false")];
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Ok(flex_volume("alicloud/disk", self.fs_type, &options))
    }

    fn nas(mut self, remarks: &mut Vec<Remark>) -> Result<wire::Volume, RequestError> {
        let server = self.attributes.remove("server").filter(|server| !server.is_empty());
        let Some(server) = server else { return Err(self.impossible("it names no `server`")) };
        if let Some(protocol) = self.attributes.get("mountProtocol").filter(|name| *name != "nfs") {
            return Err(self.impossible(&format!("its mountProtocol is {protocol}; ECI mounts nfs")));
        }
        let path = self.attributes.remove("path").unwrap_or_else(|| "/".to_owned());
        let (mut version, mut options) = (self.attributes.remove("vers"), Vec::new());
        options.extend(self.attributes.remove("options").filter(|options| !options.is_empty()));
        for option in self.mount_options.iter().flat_map(|options| options.split(',')).map(str::trim) {
            match option.strip_prefix("vers=").or_else(|| option.strip_prefix("nfsvers=")) {
                Some(told) => version = Some(told.to_owned()),
                None if option.is_empty() => {}
                None => options.push(option.to_owned()),
            }
        }
        self.leave_out_all_but(&NAS_KNOWN, remarks);
        if version.is_none() && options.is_empty() {
            return Ok(nfs_volume(&server, &path, Some(self.read_only).filter(|read_only| *read_only)));
        }
        let mut all = Attributes::from([("server".to_owned(), server), ("path".to_owned(), path)]);
        all.extend(version.map(|version| ("vers".to_owned(), version)));
        all.extend((!options.is_empty()).then(|| ("options".to_owned(), options.join(","))));
        Ok(flex_volume("alicloud/nas", None, &all))
    }

    fn oss(mut self, remarks: &mut Vec<Remark>) -> Result<wire::Volume, RequestError> {
        if let Some(kind) = self.attributes.remove("authType").filter(|kind| !kind.is_empty()) {
            return Err(self
                .impossible(&format!("its authType is {kind}; ECI takes a ramRole, or akId and akSecret")));
        }
        let key = |name: &str| {
            let ByteString(bytes) = self.secret?.data.as_ref()?.get(name)?;
            Some((name.to_owned(), String::from_utf8_lossy(bytes).into_owned()))
        };
        let keys: Vec<_> = ["akId", "akSecret"].into_iter().filter_map(key).collect();
        self.attributes.extend(keys);
        if let Some(missing) = ["bucket", "url"].into_iter().find(|name| !self.attributes.contains_key(*name))
        {
            return Err(self.impossible(&format!("it names no `{missing}`")));
        }
        self.leave_out_all_but(&OSS_KNOWN, remarks);
        self.attributes.retain(|name, _| OSS_KNOWN.contains(&name.as_str()));
        Ok(flex_volume("alicloud/oss", None, &self.attributes))
    }

    /// Tells of attributes that ECI does not take; never of their values.
    fn leave_out_all_but(&self, known: &[&str], remarks: &mut Vec<Remark>) {
        let others = self.attributes.keys().map(String::as_str);
        let others: Vec<_> =
            others.filter(|name| !known.contains(name) && !WITHOUT_EFFECT.contains(name)).collect();
        if !others.is_empty() {
            let names = others.join(", ");
            remarks.push(Remark::left_out(format!(
                "volumeAttributes {names} of {} is left out: ECI takes none such",
                self.subject
            )));
        }
    }
}

fn nfs_volume(server: &str, path: &str, read_only: Option<bool>) -> wire::Volume {
    let (server, path) = (Some(server.to_owned()), Some(path.to_owned()));
    wire::Volume {
        type_: Some("NFSVolume".to_owned()),
        nfs_volume: Some(wire::NFSVolume { server, path, read_only }),
        ..wire::Volume::default()
    }
}

/// A volume of ECI's own driver.
pub fn flex_volume(driver: &str, fs_type: Option<&String>, options: &Attributes) -> wire::Volume {
    wire::Volume {
        type_: Some("FlexVolume".to_owned()),
        flex_volume: Some(wire::FlexVolume {
            driver: Some(driver.to_owned()),
            fs_type: fs_type.filter(|fs_type| !fs_type.is_empty()).cloned(),
            options: Some(serde_json::json!(options).to_string()),
        }),
        ..wire::Volume::default()
    }
}

/// True where a claim's volume, or the mount of a claim, is read-only.
pub fn is_read_only(found: Option<&ClaimSource>) -> bool {
    let spec = found.and_then(|found| found.volume.as_ref()?.spec.as_ref());
    spec.is_some_and(|spec| {
        spec.csi.as_ref().is_some_and(|csi| csi.read_only == Some(true))
            || spec.nfs.as_ref().is_some_and(|nfs| nfs.read_only == Some(true))
            || spec.flex_volume.as_ref().is_some_and(|flex| flex.read_only == Some(true))
    })
}

#[cfg(test)]
mod tests;
