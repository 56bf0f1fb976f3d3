//! Go command by which the programs of others are built.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::supervision;

/// The oldest Go that builds Kubernetes 1.34.
const GO_AT_LEAST: (u32, u32) = (1, 24);

/// A Go command that builds for a container and for this machine alike.
pub fn go(folder: &Path) -> Result<Command> {
    let asked = Command::new("go").arg("version").env("GOTOOLCHAIN", "local").output();
    let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    serves(said.ok().as_deref())?;
    let mut command = Command::new("nice");
    command
        .args(["-n", supervision::niceness(), "go"])
        .current_dir(folder)
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-p=2 -buildvcs=false -trimpath");
    Ok(command)
}

/// Checks by the output of `go version` that Go is new enough; `None` for a machine without Go.
fn serves(said: Option<&str>) -> Result<()> {
    let at_least = format!("install Go {}.{} or newer from go.dev/dl", GO_AT_LEAST.0, GO_AT_LEAST.1);
    let Some(said) = said else { bail!("Go is not installed; {at_least}") };
    let (major, minor) =
        go_version(said).with_context(|| format!("cannot read a Go version from {said:?}"))?;
    ensure!((major, minor) >= GO_AT_LEAST, "Go {major}.{minor} is too old; {at_least}");
    Ok(())
}

/// Major and minor version from the output `go version go1.26.8 linux/amd64`.
fn go_version(said: &str) -> Option<(u32, u32)> {
    let version = said.split_whitespace().find_map(|word| word.strip_prefix("go1"))?;
    let minor: String = version.strip_prefix('.')?.chars().take_while(char::is_ascii_digit).collect();
    Some((1, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_version_is_read() {
        for (said, version) in [
            ("go version go1.26.8 linux/amd64", Some((1, 26))),
            ("go version go1.24rc1 linux/arm64", Some((1, 24))),
            ("go: command not found", None),
        ] {
            assert_eq!(go_version(said), version, "{said}");
        }
    }

    #[test]
    fn without_a_go_that_serves_one_sentence_says_what_to_do() {
        for (said, sentence) in [
            (None, "Go is not installed; install Go 1.24 or newer from go.dev/dl"),
            (
                Some("go version go1.22.1 linux/amd64"),
                "Go 1.22 is too old; install Go 1.24 or newer from go.dev/dl",
            ),
        ] {
            assert_eq!(serves(said).unwrap_err().to_string(), sentence);
        }
        assert!(serves(Some("go version go1.26.8 linux/amd64")).is_ok());
    }
}
