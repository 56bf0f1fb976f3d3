//! Commands that are played: what the reader understands is done, and a bare shell reads such commands line by line.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::attach::{Attached, OutputFrame, ProcessSide, StdinFrame, pair};
use crate::script::{Run, is_shell};

/// Exit code of a shell after a command that is not simulated.
const UNKNOWN: i32 = 127;
/// Length of a line of input that is read, in bytes, at most.
const LINE_MAX: usize = 64 << 10;

/// Bytes of an input that are read, at most.
const INPUT_MAX: usize = 2 << 20;
/// Zero bytes with which an archive ends.
const ARCHIVE_END: usize = 1024;

/// A command to be played in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Id of the group.
    pub group: String,
    /// Name of the container.
    pub container: String,
    /// Command and its arguments.
    pub words: Vec<Box<str>>,
    /// True if the command has a terminal.
    pub tty: bool,
    /// Time of the request; the command's clock runs from then on.
    pub opened: Timestamp,
}

/// Executes words in the command's container, with an input if there is one, or with one that is still offered; `None`
/// where the container does not run any more.
pub type Execute =
    Box<dyn Fn(&Command, &[Box<str>], (Option<&[u8]>, bool)) -> Option<Arc<Run>> + Send + Sync>;

/// A command that is being played.
struct Played {
    command: Command,
    execute: Execute,
    /// True if the client passes on what is typed.
    stdin: bool,
}

impl Command {
    /// Starts the command, and returns the client's end of it.
    pub fn attach(self, stdin: bool, execute: Execute) -> Attached {
        let (near, far) = pair();
        let played = Played { command: self, execute, stdin };
        tokio::spawn(async move {
            // false only says that the client left
            let _heard = match played.command.is_bare_shell() {
                true => played.play_lines(far).await,
                false => played.play_once(far).await,
            };
        });
        near
    }

    fn is_bare_shell(&self) -> bool {
        let shell = self.words.first().is_some_and(|word| is_shell(word));
        shell && self.words[1..].iter().all(|word| matches!(&**word, "-i" | "-l" | "-il" | "-li" | "--login"))
    }
}

impl Played {
    fn execute(&self, words: &[Box<str>], input: (Option<&[u8]>, bool)) -> Arc<Run> {
        (self.execute)(&self.command, words, input).unwrap_or_default()
    }

    async fn play_once(&self, mut far: ProcessSide) -> bool {
        let words = &self.command.words;
        let mut run = self.execute(words, (None, self.stdin));
        if run.wants_input && self.stdin {
            let input = self.input(&mut far).await;
            run = self.execute(words, (Some(&input), false));
        }
        if let Some(raw) = &run.raw
            && !far.say(OutputFrame::Output(Bytes::copy_from_slice(raw))).await
        {
            return false;
        }
        let code = match self.play(&run, &far, Duration::ZERO).await {
            Some(code) => code,
            None => {
                self.complain(&far, &format!("eci-sim: {} is not simulated", words.join(" "))).await;
                UNKNOWN
            }
        };
        far.say(OutputFrame::Ended(code)).await
    }

    /// The input up to its end, or to the end of an archive, which says itself where that is.
    async fn input(&self, far: &mut ProcessSide) -> Vec<u8> {
        let is_archive = self.command.words.first().is_some_and(|word| &**word == "tar");
        let mut input = Vec::new();
        while let Some(piece) = far.input.recv().await {
            let StdinFrame::Bytes(bytes) = piece else { continue };
            let over = bytes.is_empty() || self.command.tty && bytes.contains(&4);
            input.extend_from_slice(&bytes);
            let tail = input.len().checked_sub(ARCHIVE_END).and_then(|from| input.get(from..));
            let ended = is_archive && tail.is_some_and(|tail| tail.iter().all(|byte| *byte == 0));
            if over || ended || input.len() > INPUT_MAX {
                break;
            }
        }
        input
    }

    /// Plays the output of a run that began `since` after the session's start, each line at its time; returns the exit
    /// code, where the run ends.
    async fn play(&self, run: &Run, far: &ProcessSide, since: Duration) -> Option<i32> {
        let begun = SignedDuration::try_from(since).unwrap_or(SignedDuration::ZERO);
        let opened = self.command.opened;
        let begun = opened.saturating_add(begun).unwrap_or(opened);
        let mut gone = Duration::ZERO;
        for (after, line) in run.forwards(begun) {
            tokio::time::sleep(after.saturating_sub(gone)).await;
            gone = gone.max(after);
            if !far.say(OutputFrame::Output(self.line(&line))).await {
                return Some(UNKNOWN);
            }
        }
        let (after, code) = run.ends?;
        tokio::time::sleep(after.saturating_sub(gone)).await;
        Some(code)
    }

    async fn play_lines(&self, mut far: ProcessSide) -> bool {
        let (mut typed, mut code) = (BytesMut::new(), 0);
        let opened = Instant::now();
        if !self.prompt(&far).await {
            return false;
        }
        while let Some(piece) = far.input.recv().await {
            let StdinFrame::Bytes(bytes) = piece else { continue };
            if self.command.tty && !far.say(OutputFrame::Output(echoed(&bytes))).await {
                return false;
            }
            // 4 (end of transmission) is sent by a terminal when nothing more comes
            let over = bytes.is_empty() || bytes.contains(&4);
            typed.extend_from_slice(&bytes);
            while let Some(at) = typed.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                let line = typed.split_to(at + 1);
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                if line == "exit" || line.starts_with("exit ") {
                    let given = line.split_whitespace().nth(1).and_then(|code| code.parse::<i32>().ok());
                    return far.say(OutputFrame::Ended(given.map_or(code, |code| code & 0xff))).await;
                }
                if !line.is_empty() {
                    code = self.obey(&line, &far, opened.elapsed()).await;
                }
                if !self.prompt(&far).await {
                    return false;
                }
            }
            if over || typed.len() > LINE_MAX {
                break;
            }
        }
        far.say(OutputFrame::Ended(code)).await
    }

    async fn obey(&self, line: &str, far: &ProcessSide, since: Duration) -> i32 {
        let run = self.execute(&["sh".into(), "-c".into(), line.into()], (None, false));
        if run.ends.is_none() && run.again.is_empty() {
            self.complain(far, &format!("eci-sim: {line}: not simulated")).await;
            return UNKNOWN;
        }
        self.play(&run, far, since).await.unwrap_or(UNKNOWN)
    }

    async fn complain(&self, far: &ProcessSide, what: &str) -> bool {
        far.say(OutputFrame::Errors(self.line(what))).await
    }

    async fn prompt(&self, far: &ProcessSide) -> bool {
        !self.command.tty || far.say(OutputFrame::Output(Bytes::from_static(b"$ "))).await
    }

    fn line(&self, text: &str) -> Bytes {
        Bytes::from(format!("{text}{}", if self.command.tty { "\r\n" } else { "\n" }))
    }
}

/// Echo of typed bytes as a terminal shows it.
fn echoed(bytes: &Bytes) -> Bytes {
    let shown = bytes.iter().filter(|byte| **byte != 4);
    shown
        .flat_map(|byte| if matches!(byte, b'\n' | b'\r') { vec![b'\r', b'\n'] } else { vec![*byte] })
        .collect()
}
