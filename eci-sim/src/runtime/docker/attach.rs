//! Commands in a container with a client attached.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio_stream::{Stream, StreamExt as _};

use super::EngineError;
use crate::runtime::attach::{Attached, OutputFrame, ProcessSide, StdinFrame, pair};

/// Exit code of a command whose own the Engine does not know.
const UNKNOWN: i32 = 137;

/// Starts a command, and returns the client's end of it.
pub async fn attach(
    docker: &Docker,
    container: &str,
    words: &[String],
    tty: bool,
    stdin: bool,
) -> Result<Attached, EngineError> {
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

/// Carries output and input, until the command ends or the client is gone.
async fn carry(docker: Docker, id: String, started: StartExecResults, far: ProcessSide) {
    let StartExecResults::Attached { output, input } = started else { return };
    let ProcessSide { input: typed, output: heard } = far;
    // the two directions do not wait for each other: a command that is given more input than it takes may first have to
    // get rid of output
    let over = tokio::select! {
        over = tell(output, &heard) => over,
        () = type_in(&docker, &id, typed, input) => false,
    };
    if !over {
        return;
    }
    let seen = docker.inspect_exec(&id).await.ok().and_then(|seen| seen.exit_code);
    let code = seen.and_then(|code| i32::try_from(code).ok()).unwrap_or(UNKNOWN);
    if heard.send(OutputFrame::Ended(code)).await.is_err() {
        tracing::debug!("nobody waits any more for the end of a command");
    }
}

/// Carries the output until it ends; false when the client is gone.
async fn tell(
    mut output: impl Stream<Item = Result<LogOutput, Error>> + Unpin,
    heard: &Sender<OutputFrame>,
) -> bool {
    while let Some(said) = output.next().await {
        let out = match said {
            Ok(LogOutput::StdErr { message }) => OutputFrame::Errors(message),
            Ok(said) => OutputFrame::Output(said.into_bytes()),
            Err(why) => OutputFrame::Errors(format!("{why}\n").into()),
        };
        if heard.send(out).await.is_err() {
            return false;
        }
    }
    true
}

/// Carries the input until the client leaves. An empty frame closes the command's input; input that the command no
/// longer takes is dropped.
async fn type_in(
    docker: &Docker,
    id: &str,
    mut typed: Receiver<StdinFrame>,
    mut input: impl AsyncWrite + Unpin,
) {
    let mut takes = true;
    while let Some(typed) = typed.recv().await {
        match typed {
            StdinFrame::Bytes(bytes) if takes && bytes.is_empty() => {
                takes = false;
                if let Err(why) = input.shutdown().await {
                    tracing::debug!("the input of a command cannot be closed: {why}");
                }
            }
            StdinFrame::Bytes(bytes) if takes => {
                takes = input.write_all(&bytes).await.is_ok() && input.flush().await.is_ok();
            }
            StdinFrame::Bytes(_) => {}
            StdinFrame::Size(width, height) => {
                if let Err(why) = docker.resize_exec(id, ResizeExecOptions { width, height }).await {
                    tracing::debug!("a terminal keeps its size: {why}");
                }
            }
        }
    }
}
