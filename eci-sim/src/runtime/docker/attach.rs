//! A command in a container, begun so that somebody is attached to it.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use tokio::io::AsyncWriteExt as _;
use tokio_stream::StreamExt as _;

use super::Trouble;
use crate::runtime::attach::{Attached, Far, In, Out, pair};

/// With what a command ended of which the Engine does not know it.
const UNKNOWN: i32 = 137;

/// Begins a command, and gives its near end.
pub async fn attach(
    docker: &Docker,
    container: &str,
    words: &[String],
    tty: bool,
    stdin: bool,
) -> Result<Attached, Trouble> {
    let wanted = ExecConfig {
        attach_stdin: Some(stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(tty),
        cmd: Some(words.to_vec()),
        ..ExecConfig::default()
    };
    let id = docker.create_exec(container, wanted).await?.id;
    let how = StartExecOptions { tty, ..StartExecOptions::default() };
    let started = docker.start_exec(&id, Some(how)).await?;
    let (near, far) = pair();
    tokio::spawn(carry(docker.clone(), id, started, far));
    Ok(near)
}

/// Carries what is said and what is typed, until the command ends or nobody is there any more.
async fn carry(docker: Docker, id: String, started: StartExecResults, mut far: Far) {
    let StartExecResults::Attached { mut output, mut input } = started else { return };
    let mut hears = true;
    loop {
        tokio::select! {
            said = output.next() => {
                let out = match said {
                    Some(Ok(LogOutput::StdErr { message })) => Out::Errors(message),
                    Some(Ok(said)) => Out::Output(said.into_bytes()),
                    Some(Err(why)) => Out::Errors(format!("{why}\n").into()),
                    None => break,
                };
                if !far.say(out).await {
                    return;
                }
            }
            typed = far.input.recv(), if hears => match typed {
                Some(In::Bytes(bytes)) => hears = input.write_all(&bytes).await.is_ok() && input.flush().await.is_ok(),
                Some(In::Size(width, height)) => {
                    let size = ResizeExecOptions { width, height };
                    if let Err(why) = docker.resize_exec(&id, size).await {
                        tracing::debug!("a terminal keeps its size: {why}");
                    }
                }
                // the client left
                None => return,
            },
        }
    }
    let seen = docker.inspect_exec(&id).await.ok().and_then(|seen| seen.exit_code);
    let code = seen.and_then(|code| i32::try_from(code).ok()).unwrap_or(UNKNOWN);
    far.say(Out::Ended(code)).await;
}
