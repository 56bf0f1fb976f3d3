//! Paths of etcd and the programs of Kubernetes on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::module;

/// The four programs of a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Path of the store.
    pub etcd: PathBuf,
    /// Path of the API server.
    pub apiserver: PathBuf,
    /// Path of the controllers: service accounts, Deployments, Jobs, node lifecycle, garbage collection.
    pub controller_manager: PathBuf,
    /// Path of the scheduler, which binds pods to nodes.
    pub scheduler: PathBuf,
}

/// Error for a machine on which no place holds all four programs.
#[derive(Debug, thiserror::Error)]
#[error(
    "no control plane on this machine: {missing} is neither in KUBEBUILDER_ASSETS, nor built, nor in PATH; \
     run `cargo ci control-plane` (it needs Go 1.24 and about ten minutes, once), or point KUBEBUILDER_ASSETS at a \
     folder with {}",
    module::CONTROL_PLANE.join(", ")
)]
pub struct NotFound {
    /// Name of the first program that is nowhere.
    pub missing: &'static str,
}

impl Binaries {
    /// Looks into `KUBEBUILDER_ASSETS`, then for the build of `cargo ci control-plane`, then into `PATH`.
    ///
    /// A place counts only when it has all four: programs of different versions are not mixed unawares.
    ///
    /// # Errors
    /// when no place has them
    pub fn find() -> Result<Self, NotFound> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty());
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::find_in(assets.as_deref(), module::control_plane_folder().as_deref(), &path)
    }

    fn find_in(assets: Option<&OsStr>, built: Option<&Path>, path: &OsStr) -> Result<Self, NotFound> {
        let folders = [assets.map(Path::new), built];
        if let Some(found) = folders.into_iter().flatten().find_map(|folder| Self::in_places(&[folder]).ok())
        {
            return Ok(found);
        }
        let places: Vec<_> = std::env::split_paths(path).collect();
        Self::in_places(&places.iter().map(PathBuf::as_path).collect::<Vec<_>>())
    }

    fn in_places(places: &[&Path]) -> Result<Self, NotFound> {
        let find = |missing: &'static str| {
            let mut candidates = places.iter().map(|place| place.join(missing));
            candidates.find(|candidate| candidate.is_file()).ok_or(NotFound { missing })
        };
        Ok(Self {
            etcd: find("etcd")?,
            apiserver: find("kube-apiserver")?,
            controller_manager: find("kube-controller-manager")?,
            scheduler: find("kube-scheduler")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(programs: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for program in programs {
            std::fs::write(folder.path().join(program), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_folder_that_was_pointed_at_goes_before_what_was_built_and_that_before_the_path() {
        let full = [(); 3].map(|()| folder_with(&module::CONTROL_PLANE));
        let [assets, built, path] = full.each_ref().map(tempfile::TempDir::path);
        let found = |assets: Option<&Path>, built: Option<&Path>| {
            let found = Binaries::find_in(assets.map(Path::as_os_str), built, path.as_os_str()).unwrap();
            found.etcd.parent().unwrap().to_owned()
        };
        assert_eq!(found(Some(assets), Some(built)), assets);
        assert_eq!(found(None, Some(built)), built);
        assert_eq!(found(None, None), path);
    }

    #[test]
    fn half_a_control_plane_is_passed_over() {
        let half = folder_with(&["etcd", "kube-apiserver"]);
        let full = folder_with(&module::CONTROL_PLANE);
        let found = Binaries::find_in(None, Some(half.path()), full.path().as_os_str()).unwrap();
        assert_eq!(found.etcd, full.path().join("etcd"));
    }

    #[test]
    fn what_is_missing_is_named_and_so_is_the_way_out() {
        let error = Binaries::find_in(None, None, folder_with(&["etcd"]).path().as_os_str()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("kube-apiserver") && text.contains("cargo ci control-plane"), "{text}");
    }
}
