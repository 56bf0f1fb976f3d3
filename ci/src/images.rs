//! Builds the images of provider and simulator from nothing: one program each with the C library it was linked with, no
//! base, no daemon, no pulling.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::command::run as run_command;
use crate::workspace::{release_programs, target_folder};

/// An image, and the program that it runs.
struct Image {
    program: &'static str,
    arguments: &'static [&'static str],
    ports: &'static [u16],
}

const IMAGES: [Image; 2] = [
    Image { program: "provider", arguments: &[], ports: &[10250, 8443] },
    Image { program: "eci-sim", arguments: &["--listen", "0.0.0.0:8088"], ports: &[8088] },
];

/// Prefix of the images' names, before the program's name.
const REPOSITORY: &str = "virtual-node";
/// An ordinary user, by number, since a cluster can only tell from a number that it is not root.
const USER: &str = "65532:65532";
/// Path of the trusted certificates on the usual distributions, and in the image.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Copyright of the C library that is in the image.
const COPYRIGHT: &str = "/usr/share/doc/libc6/copyright";

/// Builds both images as archives, prints where they are, and gives them to the Docker Engine when `load` is set.
pub fn run(root: &Path, load: bool) -> Result<()> {
    for archive in build(root)? {
        println!("{}", archive.display());
        if load {
            let mut docker = Command::new("docker");
            run_command(docker.args(["load", "--quiet", "--input"]).arg(&archive))?;
        }
    }
    Ok(())
}

/// The archives of both images, as `docker load`, `kind load image-archive` and `ctr images import` take them.
pub fn build(root: &Path) -> Result<Vec<PathBuf>> {
    let programs = release_programs(root)?;
    let folder = target_folder(root).join("images");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    IMAGES.iter().map(|image| archive(image, programs.path("bin", image.program)?, &folder)).collect()
}

/// The name and tag of a program's image.
pub fn tag(program: &str) -> String {
    format!("{REPOSITORY}/{program}:{}", env!("CARGO_PKG_VERSION"))
}

fn archive(image: &Image, binary: &Path, folder: &Path) -> Result<PathBuf> {
    let root = folder.join(format!("{}.root", image.program));
    clear(&root)?;
    populate(image.program, binary, &root)?;
    let packed =
        pack(&root, Owners::Root, &[tag(image.program)], &configuration(image), &folder.join(image.program))?;
    fs::remove_dir_all(&root)?;
    Ok(packed)
}

/// The image's whole file system.
fn populate(program: &str, binary: &Path, root: &Path) -> Result<()> {
    fs::create_dir_all(root.join("etc/ssl/certs"))?;
    fs::copy(binary, root.join(program))
        .with_context(|| format!("{} was built but is not there", binary.display()))?;
    for library in libraries(binary)? {
        let to = root.join(library.strip_prefix("/").unwrap_or(&library));
        fs::create_dir_all(to.parent().context("a library lies in a folder")?)?;
        fs::copy(&library, &to).with_context(|| format!("cannot copy {}", library.display()))?;
    }
    if Path::new(COPYRIGHT).exists() {
        let to = root.join(COPYRIGHT.trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("it lies in a folder")?)?;
        fs::copy(COPYRIGHT, to)?;
    }
    fs::write(root.join("etc/passwd"), "nonroot:x:65532:65532:nonroot:/:/none\n")?;
    fs::write(root.join("etc/group"), "nonroot:x:65532:\n")?;
    if Path::new(TRUSTED).exists() {
        fs::copy(TRUSTED, root.join(TRUSTED.trim_start_matches('/')))?;
    } else {
        println!("{TRUSTED} is not here: the image of {program} will trust no public authority");
    }
    Ok(())
}

/// The files that the loader loads with a program, itself included; none where it is linked statically.
///
/// Names are resolved by /etc/hosts and DNS without any other file, since glibc 2.34 has both in it.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(binary).output().context("ldd is not installed")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(!said.contains("not found"), "{} needs what is not on this machine:\n{said}", binary.display());
    Ok(listed(&said))
}

/// Paths in the output of ldd: `libc.so.6 => /lib/…/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`, and one
/// without a file, which is the kernel's.
fn listed(said: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let path = line.rsplit_once(" (0x")?.0.rsplit("=> ").next()?.trim();
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    said.lines().filter_map(path).collect()
}

fn configuration(image: &Image) -> Value {
    let ports: serde_json::Map<_, _> =
        image.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    json!({
        "User": USER,
        "Entrypoint": [format!("/{}", image.program)],
        "Cmd": image.arguments,
        "ExposedPorts": ports,
        "WorkingDir": "/",
        "Labels": {
            "org.opencontainers.image.title": image.program,
            "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
            "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
            "org.opencontainers.image.source": env!("CARGO_PKG_REPOSITORY"),
        },
    })
}

/// Owners of an image's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// root owns every file, and everybody may read it.
    Root,
    /// Owners as they are in the folder.
    AsTheyAre,
}

/// Packs a folder as an image of one layer: `to` with the ending `.tar`, as `docker load` takes it.
pub fn pack(
    root: &Path,
    owners: Owners,
    tags: &[String],
    configuration: &Value,
    to: &Path,
) -> Result<PathBuf> {
    let work = to.with_extension("partial");
    clear(&work)?;
    let layer = work.join("layer.tar");
    tar(root, owners, &layer, &["."])?;
    let created = "1970-01-01T00:00:00Z";
    let configuration = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "created": created,
        "config": configuration,
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer)?)] },
        "history": [{ "created": created, "created_by": "cargo ci" }],
    });
    let unnamed = work.join("configuration");
    fs::write(&unnamed, configuration.to_string())?;
    let configuration = format!("{}.json", digest(&unnamed)?);
    fs::rename(&unnamed, work.join(&configuration))?;
    let manifest = json!([{ "Config": configuration, "RepoTags": tags, "Layers": ["layer.tar"] }]);
    fs::write(work.join("manifest.json"), manifest.to_string())?;
    let archive = to.with_extension("tar");
    tar(&work, Owners::Root, &archive, &["manifest.json", &configuration, "layer.tar"])?;
    fs::remove_dir_all(&work)?;
    Ok(archive)
}

/// Makes a folder, or empties it.
fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Packs files into an archive; the same files give the same archive, byte for byte.
fn tar(from: &Path, owners: Owners, to: &Path, names: &[&str]) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--format=gnu", "--sort=name", "--mtime=@0", "--numeric-owner"]);
    if owners == Owners::Root {
        tar.args(["--owner=0", "--group=0", "--mode=u=rwX,go=rX"]);
    }
    tar.arg("--file").arg(to).arg("--directory").arg(from).args(names);
    let status = tar.status().context("tar is not installed")?;
    ensure!(status.success(), "tar ended with {status}");
    Ok(())
}

/// SHA-256; by coreutils, since a file may be large and this program is not built to be fast.
fn digest(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(file).output().context("sha256sum is not installed")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let digest = said.split_whitespace().next().unwrap_or_default();
    ensure!(digest.len() == 64, "sha256sum says nothing about {}", file.display());
    Ok(digest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in(folder: &Path) -> Vec<u8> {
        fs::create_dir_all(folder).unwrap();
        let binary = folder.join("binary");
        fs::write(&binary, "a program").unwrap(); // which needs no library
        let archive = archive(&IMAGES[0], &binary, folder).unwrap();
        fs::read(archive).unwrap()
    }

    #[test]
    fn the_same_program_gives_the_same_image() {
        let folder = target_folder(Path::new("..")).join("images-tested");
        let (left, right) = (built_in(&folder.join("left")), built_in(&folder.join("right")));
        fs::remove_dir_all(folder).unwrap();
        assert!(left == right, "the archives differ");
        let text = String::from_utf8_lossy(&left).into_owned();
        assert!(text.contains("virtual-node/provider:") && text.contains("a program"));
    }

    #[test]
    fn the_libraries_are_those_that_are_files() {
        let said = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f01)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f02)\n";
        assert_eq!(
            listed(said),
            [Path::new("/lib/x86_64-linux-gnu/libc.so.6"), Path::new("/lib64/ld-linux-x86-64.so.2")]
        );
        assert_eq!(listed("\tstatically linked\n"), [] as [&Path; 0]);
    }

    #[test]
    fn an_image_runs_as_an_ordinary_user() {
        for image in &IMAGES {
            assert_eq!(configuration(image)["User"], USER);
        }
    }
}
