//! The volumes of a group: empty folders, files made from ConfigMaps, Secrets, fields and tokens, NFS, and what is bound to
//! claims.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::{
    ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, PodSpec, Secret, Volume, VolumeProjection,
};

use super::claims;
use super::environment::{self, EnvContext};
use super::error::{Remark, RequestError};
use super::size::{self, Size};
use super::variables::EnvValue;
use crate::pods::sources::{Sources, TokenSpec, claim_name};

/// The largest file that the cloud takes.
const FILE_LIMIT: usize = 32 * 1024;
/// The most that all files of a group may hold together.
const ALL_FILES_LIMIT: usize = 60 * 1024;
/// The files that a volume may have: one fewer than the published schema says (`actions.json`, eci-openapi.md 5).
const FILES_MAX: usize = 89;
const DEFAULT_MODE: i32 = 0o644;
/// The beginning of the name of the volume that the API server adds to pods.
pub const ADDED_VOLUME: &str = "kube-api-access-";

/// A file to be.
struct File {
    path: String,
    content: Vec<u8>,
    mode: Option<i32>,
}

/// All volumes of a pod.
///
/// # Errors
/// [`RequestError`].
pub fn of_pod(
    pod: &Pod,
    spec: &PodSpec,
    sources: &Sources,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<wire::Volume>, RequestError> {
    let size = size::of_pod(pod);
    let mut builder = VolumeBuilder { pod, spec, sources, size, held: 0, remarks };
    spec.volumes.iter().flatten().map(|volume| builder.volume(volume)).collect()
}

struct VolumeBuilder<'a> {
    pod: &'a Pod,
    spec: &'a PodSpec,
    sources: &'a Sources,
    size: Size,
    held: usize,
    remarks: &'a mut Vec<Remark>,
}

impl VolumeBuilder<'_> {
    fn volume(&mut self, volume: &Volume) -> Result<wire::Volume, RequestError> {
        let name = &volume.name;
        let mut made = wire::Volume { name: Some(name.clone()), ..wire::Volume::default() };
        if let Some(claim) = claim_name(self.pod, volume) {
            let of_pod = volume.ephemeral.as_ref().map(|_| self.pod);
            let found = self.sources.claims.get(&claim);
            made = wire::Volume {
                name: made.name,
                ..claims::bound((name, &claim), of_pod, found, self.remarks)?
            };
        } else if let Some(csi) = &volume.csi {
            let keys = csi.node_publish_secret_ref.as_ref();
            let keys = keys.and_then(|secret| self.sources.secrets.get(&secret.name));
            made = wire::Volume { name: made.name, ..claims::inline(name, csi, keys, self.remarks)? };
        } else if let Some(empty) = &volume.empty_dir {
            made.type_ = Some("EmptyDirVolume".to_owned());
            made.empty_dir_volume = Some(wire::EmptyDirVolume {
                medium: empty.medium.clone().filter(|medium| !medium.is_empty()),
                size_limit: empty.size_limit.as_ref().map(|limit| limit.0.clone()),
                enable: None,
            });
        } else if let Some(nfs) = &volume.nfs {
            made.type_ = Some("NFSVolume".to_owned());
            made.nfs_volume = Some(wire::NFSVolume {
                server: Some(nfs.server.clone()),
                path: Some(nfs.path.clone()),
                read_only: nfs.read_only,
            });
        } else if let Some(flex) =
            volume.flex_volume.as_ref().filter(|flex| flex.driver.starts_with("alicloud/"))
        {
            let options = flex.options.clone().unwrap_or_default();
            made = wire::Volume {
                name: made.name,
                ..claims::flex_volume(&flex.driver, flex.fs_type.as_ref(), &options)
            };
        } else {
            let (files, default_mode) = self.files(volume)?;
            made.type_ = Some("ConfigFileVolume".to_owned());
            made.config_file_volume = Some(self.config_files(name, files, default_mode)?);
        }
        Ok(made)
    }

    fn files(&mut self, volume: &Volume) -> Result<(Vec<File>, Option<i32>), RequestError> {
        let name = &volume.name;
        if let Some(source) = &volume.config_map {
            let files = self.config_map(name, &source.name, source.items.as_deref(), source.optional)?;
            Ok((files, source.default_mode))
        } else if let Some(source) = &volume.secret {
            let secret = source.secret_name.as_deref().unwrap_or_default();
            Ok((self.secret(name, secret, source.items.as_deref(), source.optional)?, source.default_mode))
        } else if let Some(source) = &volume.downward_api {
            Ok((self.downward(source.items.as_deref())?, source.default_mode))
        } else if let Some(source) = &volume.projected {
            let mut files: BTreeMap<String, File> = BTreeMap::new();
            for projection in source.sources.iter().flatten() {
                let projected = self.projected(name, projection)?;
                files.extend(projected.into_iter().map(|file| (file.path.clone(), file)));
            }
            Ok((files.into_values().collect(), source.default_mode))
        } else {
            // `fields::volume` names and refuses every other kind before.
            Err(RequestError::Unsupported(format!("volume {name} is of no known kind")))
        }
    }

    fn projected(&mut self, name: &str, projection: &VolumeProjection) -> Result<Vec<File>, RequestError> {
        if let Some(source) = &projection.config_map {
            self.config_map(name, &source.name, source.items.as_deref(), source.optional)
        } else if let Some(source) = &projection.secret {
            self.secret(name, &source.name, source.items.as_deref(), source.optional)
        } else if let Some(source) = &projection.downward_api {
            self.downward(source.items.as_deref())
        } else if let Some(source) = &projection.service_account_token {
            let token = self.sources.tokens.get(&TokenSpec::of(source)).cloned().unwrap_or_default();
            Ok(vec![File { path: source.path.clone(), content: token.into_bytes(), mode: None }])
        } else {
            Err(RequestError::Unsupported(format!(
                "volume {name} projects something that the virtual node does not have"
            )))
        }
    }

    fn config_map(
        &mut self,
        volume: &str,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<Vec<File>, RequestError> {
        let Some(ConfigMap { data, binary_data, .. }) = self.sources.config_maps.get(name) else {
            return self.absent(
                volume,
                format!("configmap \"{name}\" not found"),
                "OptionalConfigMapNotFound",
                optional,
            );
        };
        let text = data.iter().flatten().map(|(key, value)| (key.clone(), value.clone().into_bytes()));
        let binary = binary_data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone()));
        self.chosen(
            volume,
            "configmap references non-existent config key: ",
            text.chain(binary).collect(),
            items,
            optional,
        )
    }

    fn secret(
        &mut self,
        volume: &str,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<Vec<File>, RequestError> {
        let Some(Secret { data, .. }) = self.sources.secrets.get(name) else {
            return self.absent(
                volume,
                format!("secret \"{name}\" not found"),
                "OptionalSecretNotFound",
                optional,
            );
        };
        let data = data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone())).collect();
        self.chosen(volume, "references non-existent secret key: ", data, items, optional)
    }

    fn absent(
        &mut self,
        volume: &str,
        why: String,
        reason: &'static str,
        optional: Option<bool>,
    ) -> Result<Vec<File>, RequestError> {
        if optional != Some(true) {
            return Err(RequestError::Mount { volume: volume.to_owned(), why });
        }
        self.remarks.push(Remark { reason, message: why });
        Ok(Vec::new())
    }

    fn chosen(
        &self,
        volume: &str,
        missing: &str,
        data: BTreeMap<String, Vec<u8>>,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<Vec<File>, RequestError> {
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            return Ok(data.into_iter().map(|(path, content)| File { path, content, mode: None }).collect());
        };
        let mut files = Vec::new();
        for item in items {
            match data.get(&item.key) {
                Some(content) => {
                    files.push(File { path: item.path.clone(), content: content.clone(), mode: item.mode });
                }
                None if optional == Some(true) => {}
                None => {
                    let why = format!("{missing}{}", item.key);
                    return Err(RequestError::Mount { volume: volume.to_owned(), why });
                }
            }
        }
        Ok(files)
    }

    fn downward(&self, items: Option<&[DownwardAPIVolumeFile]>) -> Result<Vec<File>, RequestError> {
        let file = |item: &DownwardAPIVolumeFile| {
            let text = if let Some(field) = &item.field_ref {
                self.field(&field.field_path)?
            } else if let Some(resource) = &item.resource_field_ref {
                let context = EnvContext { pod: self.pod, sources: self.sources, size: &self.size };
                let first = self.spec.containers.first().cloned().unwrap_or_default();
                environment::resource(resource, &first, &context)?
            } else {
                String::new()
            };
            Ok(File { path: item.path.clone(), content: text.into_bytes(), mode: item.mode })
        };
        items.unwrap_or_default().iter().map(file).collect()
    }

    fn field(&self, path: &str) -> Result<String, RequestError> {
        let lines = |map: &Option<BTreeMap<String, String>>| {
            let lines = map.iter().flatten().map(|(key, value)| format!("{key}={value:?}"));
            Ok(lines.collect::<Vec<_>>().join("\n"))
        };
        match path {
            "metadata.labels" => lines(&self.pod.metadata.labels),
            "metadata.annotations" => lines(&self.pod.metadata.annotations),
            _ => match environment::field(path, self.pod)? {
                EnvValue::Text(text) => Ok(text),
                EnvValue::PodIp => {
                    let why = format!(
                        "field {path} is known only after the files of an instance are written; use a variable"
                    );
                    Err(RequestError::Unsupported(why))
                }
            },
        }
    }

    fn config_files(
        &mut self,
        volume: &str,
        files: Vec<File>,
        default_mode: Option<i32>,
    ) -> Result<wire::ConfigFileVolume, RequestError> {
        let too_large = |why: String| RequestError::Mount { volume: volume.to_owned(), why };
        if files.len() > FILES_MAX {
            return Err(too_large(format!(
                "it has {} files; ECI takes {FILES_MAX} a volume, and `items` chooses among them",
                files.len()
            )));
        }
        let mut to_path = Vec::new();
        for file in files {
            let length = file.content.len();
            if length > FILE_LIMIT {
                return Err(too_large(format!(
                    "file {} has {length} bytes; ECI takes 32 KiB a file",
                    file.path
                )));
            }
            self.held += length;
            if self.held > ALL_FILES_LIMIT {
                let added = self.spec.volumes.iter().flatten().any(|it| it.name.starts_with(ADDED_VOLUME));
                let hint = match added {
                    true => "; automountServiceAccountToken: false saves the token's",
                    false => "",
                };
                return Err(too_large(format!(
                    "the pod's files have more than 60 KiB together, which is all that ECI takes{hint}"
                )));
            }
            to_path.push(wire::ConfigFileToPath {
                path: Some(file.path),
                content: Some(BASE64_STANDARD.encode(&file.content)),
                mode: file.mode.filter(|mode| *mode != DEFAULT_MODE).map(octal_digits),
            });
        }
        let default_mode = default_mode.filter(|mode| *mode != DEFAULT_MODE).map(octal_digits);
        Ok(wire::ConfigFileVolume { config_file_to_path: to_path, default_mode, default_model: None })
    }
}

/// The cloud reads a mode by its octal digits, Kubernetes gives it as a number: 420 becomes 644.
fn octal_digits(mode: i32) -> i32 {
    format!("{mode:o}").parse().unwrap_or(644)
}
