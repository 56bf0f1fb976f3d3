//! Files as a tar archive, as an Engine takes them.

use std::collections::BTreeMap;
use std::io;

/// Packs files into an archive, each readable by everybody.
///
/// # Errors
/// When a path is too long, or leads out of the archive.
pub fn archive(files: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path.trim_start_matches('/'), content.as_bytes())?;
    }
    builder.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_refused() {
        let files = |path: &str| BTreeMap::from([(path.to_owned(), "x".to_owned())]);
        assert!(archive(&files("etc/app.toml")).is_ok());
        assert!(archive(&files("../app.toml")).is_err());
    }
}
