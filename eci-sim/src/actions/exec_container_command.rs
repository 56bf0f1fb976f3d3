//! `ExecContainerCommand`: the output of a command that the simulator can read, or the address of a session.
//!
//! What a session speaks is said in [`crate::session`], its page for browsers in [`crate::terminal`].

use eci_api::actions::{ExecContainerCommand, ExecContainerCommandReply};

use crate::catalog::CATALOG;
use crate::orders::RunId;
use crate::refusal::Refusal;
use crate::runtime::played::Command;
use crate::serving::deferred::{DeferredReply, QueryKind};
use crate::serving::states::wrong_state;
use crate::serving::{Caller, Serve};
use crate::world::World;
use crate::world::sessions::PendingSession;

/// Words of a command, and length of each, at most.
const WORDS_MAX: usize = 20;
const WORD_MAX: usize = 256;
/// Lines of the output in a reply, at most.
const LINES_MAX: usize = 2000;
/// Characters of the names of sessions.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
/// Path of sessions' addresses (eci-openapi.md, section 8).
pub const EXEC_PATH: &str = "/exec/";

impl Serve for ExecContainerCommand {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let now = world.now();
        let name = self.container_name.as_deref().unwrap_or_default();
        let (group, container) = caller.container(world, self.container_group_id.as_deref(), Some(name))?;
        if !container.is_running() {
            return Err(wrong_state(group, "a command runs only in a container that is running"));
        }
        let words = words(self.command.as_deref().unwrap_or_default())?;
        if self.sync != Some(true) {
            let (group_id, words) = (group.id().to_owned(), words.into_iter().map(Into::into).collect());
            let command = Command {
                group: group_id,
                container: name.to_owned(),
                words,
                tty: self.tty == Some(true),
                opened: now,
            };
            let number = container.run.as_ref().and_then(|run| run.number);
            let run = number.map(|number| RunId::of(group.id(), name, number));
            let wanted = PendingSession { command, run, stdin: self.stdin != Some(false) };
            let drawn = format!("session/{}", world.sessions.offered());
            let name = world.draw(&drawn).text(LETTERS, 40);
            world.sessions.offer(name.clone(), wanted, world.now());
            return Ok(session(&name, caller));
        }
        if self.tty == Some(true) {
            return Err(Refusal::invalid("TTY", "it should be false when Sync is true"));
        }
        if container.run.as_ref().is_some_and(|run| run.number.is_some()) {
            let request_id = caller.request_id.clone();
            return Ok(ExecContainerCommandReply { request_id, ..ExecContainerCommandReply::default() });
        }
        let words: Vec<Box<str>> = words.into_iter().map(Into::into).collect();
        let number = group.record.number;
        let run = world.execute(number, name, &words, (None, false)).unwrap_or_default();
        if run.ends.is_none() {
            let what = format!("The command {} of ExecContainerCommand", words.join(" "));
            return Err(Refusal::NotSimulated(what));
        }
        let lines = run.lines(now, std::time::Duration::MAX, LINES_MAX);
        let output = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        Ok(ExecContainerCommandReply {
            sync_response: output,
            request_id: caller.request_id.clone(),
            ..ExecContainerCommandReply::default()
        })
    }

    fn deferred(&self, world: &World, caller: &Caller) -> Option<DeferredReply> {
        let (id, name) = (self.container_group_id.as_deref(), self.container_name.as_deref());
        let (group, container) = caller.container(world, id, name).ok()?;
        let number = container.run.as_ref()?.number.filter(|_| self.sync == Some(true))?;
        Some(DeferredReply {
            run: RunId::of(group.id(), &container.spec.name, number),
            request_id: caller.request_id.clone(),
            query: QueryKind::Command(words(self.command.as_deref().unwrap_or_default()).ok()?),
        })
    }
}

/// Addresses of the session of this name; over TLS where the call came over TLS.
fn session(name: &str, caller: &Caller) -> ExecContainerCommandReply {
    let usual = || CATALOG.region(&caller.region).map_or_else(String::new, |region| region.endpoint.clone());
    let host = Some(caller.host.clone()).filter(|host| !host.is_empty()).unwrap_or_else(usual);
    let s = if caller.secure { "s" } else { "" };
    ExecContainerCommandReply {
        web_socket_uri: format!("ws{s}://{host}{EXEC_PATH}?s={name}"),
        http_url: format!("http{s}://{host}{EXEC_PATH}?param={name}"),
        request_id: caller.request_id.clone(),
        ..ExecContainerCommandReply::default()
    }
}

fn words(text: &str) -> Result<Vec<String>, Refusal> {
    let words: Vec<String> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(|_| {
            Refusal::invalid("Command", "it should be a JSON array such as [\"/bin/sh\", \"-c\", \"echo x\"]")
        })?,
        false => vec![text.to_owned()],
    };
    if words.len() > WORDS_MAX || words.iter().any(|word| word.len() > WORD_MAX) {
        return Err(Refusal::TooLong { name: "Command", most: "20 words of 256 characters" });
    }
    Ok(words)
}
