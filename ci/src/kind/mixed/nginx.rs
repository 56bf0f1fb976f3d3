//! An image of nginx from Debian's package, with a shell to call it from: no image registry, no Engine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::cache;
use crate::command::{build, retry_once};
use crate::images::{Owners, pack};
use crate::kubernetes::module;

/// Name of the image.
pub const TAG: &str = "virtual-node.test/nginx:bookworm";
/// Debian's packages in it, without those that they need.
const PACKAGES: &str = "nginx,busybox-static";
const SUITE: &str = "bookworm";
/// Names of busybox's programs in it.
const APPLETS: [&str; 10] =
    ["cat", "echo", "hostname", "ip", "ls", "nslookup", "sh", "sleep", "timeout", "wget"];
/// Configuration of nginx, which answers with its host's name.
const CONFIGURATION: &str = "\
user root;
daemon off;
pid /run/nginx.pid;
error_log /dev/stderr;
events {}
http {
	access_log /dev/stdout;
	server { listen 80; location / { return 200 \"nginx of $hostname\\n\"; } }
}
";

/// Archive with the image, made first where it is missing.
pub fn archive() -> Result<PathBuf> {
    let fingerprint = module::fingerprint(&[TAG, PACKAGES, CONFIGURATION, &APPLETS.concat()]);
    let folder = cache::entry(&format!("kind/nginx-{SUITE}-{fingerprint:016x}"), make)?;
    Ok(folder.join("nginx.tar"))
}

fn make(folder: &Path) -> Result<()> {
    let asked = Command::new("mmdebstrap").arg("--version").output();
    ensure!(asked.is_ok(), "mmdebstrap is not installed: `apt-get install mmdebstrap`");
    let root = folder.join("root");
    retry_once("bringing Debian's nginx", || {
        let mut bring = Command::new("mmdebstrap");
        bring.args(["--quiet", "--mode=root", "--variant=extract"]);
        build(bring.arg(format!("--include={PACKAGES}")).arg(SUITE).arg(&root))
    })?;
    populate(&root)?;
    let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    let configuration = json!({ "Env": [path], "Entrypoint": ["/usr/sbin/nginx"], "StopSignal": "SIGQUIT" });
    pack(&root, Owners::Root, &[TAG.to_owned()], &configuration, &folder.join("nginx"))?;
    fs::remove_dir_all(&root).with_context(|| format!("cannot clear {}", root.display()))
}

/// Does the work of the packages' scripts, as far as it is needed here.
fn populate(root: &Path) -> Result<()> {
    for folder in ["var/log/nginx", "var/lib/nginx", "run", "tmp", "root"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for applet in APPLETS {
        let link = root.join("bin").join(applet);
        // some are there as programs of their own, whose libraries need not be
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).with_context(|| format!("cannot remove {}", link.display()))?;
        }
        symlink("busybox", &link).with_context(|| format!("cannot make {}", link.display()))?;
    }
    for (file, text) in [
        ("etc/nginx/nginx.conf", CONFIGURATION),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
    ] {
        fs::write(root.join(file), text).with_context(|| format!("cannot write {file}"))?;
    }
    for unused in ["usr/share/man", "usr/share/locale", "var/lib/apt", "var/cache/apt"] {
        let unused = root.join(unused);
        if unused.exists() {
            fs::remove_dir_all(&unused).with_context(|| format!("cannot clear {}", unused.display()))?;
        }
    }
    Ok(())
}
