//! The command that is run against a playground, whose end is the playground's.

use std::ffi::OsString;
use std::future::pending;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// What is added to the number of the signal that ended a command, as a shell does.
const SIGNALLED: i32 = 128;

/// Starts the command, if one is given; it finds the cluster by `KUBECONFIG` and the cloud by `ECI_ENDPOINT`.
pub(super) fn start(
    words: &[OsString],
    kubeconfig: &Path,
    cloud: SocketAddr,
) -> anyhow::Result<Option<Child>> {
    let Some((program, arguments)) = words.split_first() else { return Ok(None) };
    let kubeconfig = std::path::absolute(kubeconfig).context("cannot tell the kubeconfig's whole path")?;
    let child = Command::new(program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("ECI_ENDPOINT", format!("http://{cloud}"))
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    Ok(Some(child))
}

/// Waits for the command's end; without one, for ever.
pub(super) async fn ended(command: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match command {
        Some(child) => child.wait().await,
        None => pending().await,
    }
}

/// The exit code of a command as a shell tells it.
pub(super) fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
