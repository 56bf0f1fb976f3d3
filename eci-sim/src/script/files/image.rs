//! What a container has without having written it: directories, programs, and files of `/etc`.

use super::layer::Node;
use super::path::joined;

/// Names of the programs in `/bin` and `/usr/bin`: those of the reader, and what else images of a shell bring.
pub const PROGRAMS: [&str; 84] = [
    "[",
    "ash",
    "awk",
    "base64",
    "basename",
    "bash",
    "busybox",
    "cat",
    "chmod",
    "chown",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "find",
    "free",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "hostname",
    "httpd",
    "id",
    "kill",
    "less",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "more",
    "mount",
    "mv",
    "nc",
    "nice",
    "nohup",
    "nproc",
    "nslookup",
    "od",
    "paste",
    "ping",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "split",
    "stat",
    "sync",
    "tac",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "top",
    "touch",
    "tr",
    "true",
    "uname",
    "uniq",
    "vi",
    "wc",
    "wget",
    "xargs",
];
const DIRECTORIES: [&str; 30] = [
    "/",
    "/bin",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
];
const DEVICES: [&str; 7] =
    ["/dev/null", "/dev/zero", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/random"];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\n";

/// What a container has from its image and from its group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Host name.
    pub host_name: String,
    /// Address of the group; empty where it has none.
    pub address: String,
    /// Content of `/etc/hosts`.
    pub hosts: String,
    /// Content of `/etc/resolv.conf`.
    pub resolv: String,
    /// Directory of the site that the image serves, and the text of its page; `None` where it serves none.
    pub site: Option<(&'static str, &'static str)>,
}

/// True for a device, which is no file and swallows what is written.
pub fn is_device(path: &str) -> bool {
    DEVICES.contains(&path)
}

impl Origin {
    /// The node at a path; `None` where the image has none.
    pub fn get(&self, path: &str) -> Option<Node> {
        if DIRECTORIES.contains(&path) {
            let mode = if matches!(path, "/tmp" | "/var/tmp") { 0o777 } else { 0o755 };
            return Some(Node { mode, ..Node::directory() });
        }
        if let Some((root, page)) = self.site {
            if root == path || root.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')) {
                return Some(Node::directory());
            }
            if path.strip_prefix(root) == Some("/index.html") {
                return Some(Node::file(format!("{page}\n"), 0o644));
            }
        }
        match path {
            "/etc/passwd" => Some(Node::file(PASSWD, 0o644)),
            "/etc/group" => Some(Node::file(GROUP, 0o644)),
            "/etc/hostname" => Some(Node::file(format!("{}\n", self.host_name), 0o644)),
            "/etc/hosts" => Some(Node::file(self.hosts.as_str(), 0o644)),
            "/etc/resolv.conf" => Some(Node::file(self.resolv.as_str(), 0o644)),
            _ => {
                let (directory, name) = path.rsplit_once('/')?;
                let is_there = matches!(directory, "/bin" | "/usr/bin") && PROGRAMS.contains(&name);
                is_there.then(|| Node::file("", 0o755))
            }
        }
    }

    /// Names in a directory that the image has.
    pub fn names(&self, directory: &str) -> Vec<&'static str> {
        let prefix = directory.trim_end_matches('/');
        let below = |path: &'static str| {
            let name = path.strip_prefix(prefix)?.strip_prefix('/')?;
            Some(name).filter(|name| !name.is_empty() && !name.contains('/'))
        };
        let files = ["/etc/group", "/etc/hostname", "/etc/hosts", "/etc/passwd", "/etc/resolv.conf"];
        let paths = DIRECTORIES.into_iter().chain(DEVICES).chain(files);
        let programs = matches!(directory, "/bin" | "/usr/bin").then_some(PROGRAMS);
        let site = self.site.into_iter().filter_map(|(root, _)| match root.strip_prefix(prefix)? {
            "" => Some("index.html"),
            rest => rest.strip_prefix('/')?.split('/').next(),
        });
        let known = |name: &&str| !DIRECTORIES.contains(&joined(directory, name).as_str());
        let site = site.filter(known);
        paths.filter_map(below).chain(programs.into_iter().flatten()).chain(site).collect()
    }
}
