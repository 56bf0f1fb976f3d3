//! Volumes of a request: parsed and checked.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eci_api::actions::create_container_group as ask;
use eci_api::actions::describe_container_groups as tell;

use super::{PARTS_MAX, text};
use crate::group::container::Container;
use crate::group::{FILE_MODE, FileMode};
use crate::refusal::Refusal;

/// Size of all files of a group together in bytes, at most (eci-openapi.md, section 9).
const FILES_MAX: usize = 60 * 1024;

/// The volumes as describe gives them back.
///
/// # Errors
/// [`Refusal`] for the first that cannot be, and for two of the same name.
pub fn all(request: &ask::CreateContainerGroup) -> Result<Box<[tell::Volume]>, Refusal> {
    if request.volume.len() > PARTS_MAX {
        return Err(Refusal::invalid("Volume", format!("{PARTS_MAX} volumes at most")));
    }
    let mut names = BTreeSet::new();
    let mut files = 0;
    let mut all = Vec::new();
    for (index, asked) in request.volume.iter().enumerate() {
        let volume = one(asked, &format!("Volume.{}", index + 1), &mut files)?;
        if !names.insert(volume.name.clone()) {
            return Err(Refusal::DuplicateVolume(volume.name));
        }
        all.push(volume);
    }
    Ok(all.into())
}

/// Permission bits of the request's configuration files: a file's own, else its volume's; those of 0o644 are left out.
pub fn modes(request: &ask::CreateContainerGroup) -> Vec<FileMode> {
    let mut modes = Vec::new();
    for volume in &request.volume {
        let Some(config) = &volume.config_file_volume else { continue };
        for file in &config.config_file_to_path {
            // the request has the octal digits as they are written, as in 644
            let digits = file.mode.or(config.default_mode).filter(|digits| *digits > 0);
            let mode = digits.and_then(|digits| u16::from_str_radix(&digits.to_string(), 8).ok());
            if let Some(mode) = mode.map(|mode| mode & 0o777).filter(|mode| *mode != FILE_MODE) {
                let (volume, path) = (text(volume.name.as_ref()).into(), text(file.path.as_ref()).into());
                modes.push(FileMode { volume, path, mode });
            }
        }
    }
    modes
}

/// Checks that each mount has a volume.
///
/// # Errors
/// [`Refusal`] for the first mount without a name, or with the name of no volume.
pub fn mounts(containers: &[Container], volumes: &[tell::Volume]) -> Result<(), Refusal> {
    for mount in containers.iter().flat_map(|container| &container.spec.mounts) {
        if mount.name.is_empty() {
            return Err(Refusal::missing("VolumeMount.Name"));
        }
        if !volumes.iter().any(|volume| volume.name == mount.name) {
            let why = format!("`{}` is none of the group's volumes", mount.name);
            return Err(Refusal::invalid("VolumeMount.Name", why));
        }
    }
    Ok(())
}

fn one(asked: &ask::Volume, place: &str, files: &mut usize) -> Result<tell::Volume, Refusal> {
    let kinds = [
        ("EmptyDirVolume", asked.empty_dir_volume.is_some()),
        ("ConfigFileVolume", asked.config_file_volume.is_some()),
        ("NFSVolume", asked.nfs_volume.is_some()),
        ("FlexVolume", asked.flex_volume.is_some()),
        ("HostPathVolume", asked.host_path_volume.is_some()),
        ("DiskVolume", asked.disk_volume.is_some()),
    ];
    let named = asked.type_.clone().filter(|kind| !kind.is_empty());
    let there = kinds.iter().find(|(_, there)| *there).map(|(kind, _)| (*kind).to_owned());
    let kind = named.or(there).ok_or_else(|| Refusal::missing(format!("{place}.Type")))?;
    let (empty, nfs) = (asked.empty_dir_volume.as_ref(), asked.nfs_volume.as_ref());
    let (flex, disk) = (asked.flex_volume.as_ref(), asked.disk_volume.as_ref());
    let name = text(asked.name.as_ref());
    if name.is_empty() {
        return Err(Refusal::missing(format!("{place}.Name")));
    }
    Ok(tell::Volume {
        name,
        type_: kind,
        empty_dir_volume_medium: text(empty.and_then(|v| v.medium.as_ref())),
        empty_dir_volume_size_limit: text(empty.and_then(|v| v.size_limit.as_ref())),
        nfs_volume_path: text(nfs.and_then(|v| v.path.as_ref())),
        nfs_volume_server: text(nfs.and_then(|v| v.server.as_ref())),
        nfs_volume_read_only: nfs.and_then(|v| v.read_only).unwrap_or_default(),
        flex_volume_driver: text(flex.and_then(|v| v.driver.as_ref())),
        flex_volume_fs_type: text(flex.and_then(|v| v.fs_type.as_ref())),
        flex_volume_options: text(flex.and_then(|v| v.options.as_ref())),
        disk_volume_disk_id: text(disk.and_then(|v| v.disk_id.as_ref())),
        disk_volume_fs_type: text(disk.and_then(|v| v.fs_type.as_ref())),
        config_file_volume_config_file_to_paths: match &asked.config_file_volume {
            Some(volume) => config_files(volume, place, files)?,
            None => Vec::new(),
        },
    })
}

/// The files, their content as text, as in the sample of describe.
fn config_files(
    asked: &ask::ConfigFileVolume,
    place: &str,
    files: &mut usize,
) -> Result<Vec<tell::ConfigFileVolumeConfigFileToPath>, Refusal> {
    let mut all = Vec::new();
    for (index, file) in asked.config_file_to_path.iter().enumerate() {
        let name = || format!("{place}.ConfigFileVolume.ConfigFileToPath.{}.Content", index + 1);
        let raw: String = text(file.content.as_ref()).split_whitespace().collect();
        let content = STANDARD.decode(raw).map_err(|_| Refusal::invalid(name(), "it should be base64"))?;
        *files += content.len();
        if *files > FILES_MAX {
            return Err(Refusal::invalid(name(), "all files together are larger than 60 KiB"));
        }
        let content = String::from_utf8_lossy(&content).into_owned();
        all.push(tell::ConfigFileVolumeConfigFileToPath { content, path: text(file.path.as_ref()) });
    }
    Ok(all)
}
