//! A child process that never outlives this one, whatever ends either.
//!
//! Between the two stands a shell that holds one end of a pipe, while this process holds the other. When this process
//! goes, even by SIGKILL, the kernel closes the pipe, and the shell kills the program. No cooperation of the program is
//! needed, so it works with binaries that are not ours, and it does not depend on the thread that started the child.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// `$@` is the program and its flags. The program's own end is passed on, and then the watcher is no longer needed.
const SHELL: &str = r#"
exec 3<&0 0</dev/null
"$@" 3<&- & program=$!
{ read -r _ <&3; kill -KILL "$program"; } 2>/dev/null & watcher=$!
wait "$program"; code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
"#;

/// Number of the last lines of its log with which a program is quoted.
const QUOTED: usize = 6;

/// A program that runs, and is gone when this is dropped.
#[derive(Debug)]
pub struct ChildGuard {
    child: Child,
    log: PathBuf,
}

impl ChildGuard {
    /// Starts a program. It sees no environment but what it needs (so no proxy), no input, and writes into `log`.
    pub fn start(program: &Path, flags: &[String], log: PathBuf) -> io::Result<Self> {
        let file = File::create(&log)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SHELL, "child-guard"]).arg(program).args(flags);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("GOMAXPROCS", "2");
        // a group of its own: Ctrl-C at the terminal is for us, who then end it in order
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(file.try_clone()?).stderr(file);
        Ok(Self { child: command.spawn()?, log })
    }

    /// Exit status of the program, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Id of the process that guards the program; the program is its child.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Last lines of the log.
    pub fn last_output(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(QUOTED)..].join("\n")
    }

    /// Path of the log, with all of the output.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // the shell kills the program
        let _ = self.child.wait(); // and passes on its end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, folder: &Path) -> ChildGuard {
        let flags = ["-c".to_owned(), script.to_owned()];
        ChildGuard::start(Path::new("/bin/sh"), &flags, folder.join("log")).unwrap()
    }

    /// Waits, without a clock, until the program has ended. (`Child::wait` would close the pipe first.)
    fn end(program: &mut ChildGuard) -> ExitStatus {
        loop {
            if let Some(status) = program.ended() {
                return status;
            }
            std::thread::yield_now();
        }
    }

    /// Waits, without a clock, until the program has said something.
    fn output(program: &ChildGuard) -> String {
        loop {
            let output = program.last_output();
            if output.ends_with('.') {
                return output.trim_end_matches('.').to_owned();
            }
            std::thread::yield_now();
        }
    }

    fn lives(id: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        state.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    }

    #[test]
    fn a_program_is_gone_when_its_holder_is_dropped_even_if_it_takes_no_signal() {
        let folder = tempfile::tempdir().unwrap();
        let program = start("trap '' TERM INT HUP; echo $$.; while :; do sleep 1; done", folder.path());
        let id = output(&program);
        assert!(lives(&id));
        drop(program);
        assert!(!lives(&id));
    }

    #[test]
    fn the_end_of_a_program_is_passed_on_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = start("echo the disk is full.; exit 7", folder.path());
        assert_eq!(end(&mut program).code(), Some(7));
        assert_eq!(program.last_output(), "the disk is full.");
    }

    #[test]
    fn a_program_knows_of_no_proxy() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = start("env", folder.path());
        end(&mut program);
        let seen = std::fs::read_to_string(program.log()).unwrap();
        assert!(seen.contains("GOMAXPROCS=2"), "{seen}");
        assert!(!seen.to_lowercase().contains("proxy"), "{seen}");
    }
}
