//! The Go module beside this file: its programs, its version, and the folder of its builds.
//!
//! `cargo ci` builds into these folders, the launcher looks for programs in them. Neither depends on the other; both
//! compile this file.

use std::path::PathBuf;

/// Programs that a cluster needs before it has a node.
pub const CONTROL_PLANE: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// Files that decide about the content of a build.
const SOURCES: [&str; 6] = [
    include_str!("../go.mod"),
    include_str!("../go.sum"),
    include_str!("../main.go"),
    include_str!("../programs/control_plane.go"),
    include_str!("../node/main.go"),
    include_str!("../node/crictl.go"),
];

/// The Kubernetes version that the module is pinned to, as `v1.2.3`.
#[must_use]
pub fn kubernetes_version() -> &'static str {
    required_version("k8s.io/kubernetes")
}

/// Version of a module that the Go module requires; empty when it does not.
#[must_use]
pub fn required_version(module: &str) -> &'static str {
    let lines = SOURCES[0].lines().filter_map(|line| line.trim().split_once(' '));
    lines.filter(|(name, _)| *name == module).map(|(_, version)| version).next().unwrap_or_default()
}

/// The name of the folder that holds a build of these very sources.
#[must_use]
pub fn key() -> String {
    format!("{}-{:016x}", kubernetes_version(), fingerprint(&SOURCES))
}

/// Folder of builds: outside the clone, so that a fresh one finds them again.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|base| !base.is_empty()).map(PathBuf::from);
    let base = given.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    Some(base.join("virtual-node"))
}

/// The folder of this version's control plane, whether or not it has been built.
#[must_use]
pub fn control_plane_folder() -> Option<PathBuf> {
    Some(cache_folder()?.join("control-plane").join(key()))
}

/// Fingerprint that tells sources apart; not safe against an attacker (64-bit FNV-1a over the texts and their lengths).
#[must_use]
pub fn fingerprint(texts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for text in texts {
        for byte in text.bytes().chain((text.len() as u64).to_be_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_module() {
        assert!(kubernetes_version().starts_with("v1."), "{:?}", kubernetes_version());
        assert_eq!(required_version("k8s.io/no-such-module"), "");
    }

    #[test]
    fn other_sources_have_another_key() {
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["ab", ""]));
        assert_ne!(fingerprint(&["a"]), fingerprint(&["b"]));
    }
}
