//! Paths: absolute, without `.`, `..` and double slashes.

/// The absolute path of `path`, as seen from the directory `base`, without `.`, `..` and double slashes.
pub fn normal(base: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The directory in which a normal path is; the root for the root itself.
pub fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((parent, _)) if !parent.is_empty() => parent,
        _ => "/",
    }
}

/// A path of `name` within a normal directory.
pub fn joined(directory: &str, name: &str) -> String {
    format!("{}/{}", directory.trim_end_matches('/'), name.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normal_from_wherever_it_is_seen() {
        for (base, path, wanted) in [
            ("/", "a//b/./c", "/a/b/c"),
            ("/work", "../x", "/x"),
            ("/work", "../../..", "/"),
            ("/work", "/etc/", "/etc"),
            ("/", "", "/"),
        ] {
            assert_eq!(normal(base, path), wanted);
        }
        assert_eq!(joined("/", "a"), "/a");
        assert_eq!(joined("/a", "b"), "/a/b");
        assert_eq!([parent("/a/b"), parent("/a"), parent("/")], ["/a", "/", "/"]);
    }
}
