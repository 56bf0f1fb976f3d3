//! Commands of the control API, carried out: for its server, and again for the journal.

use std::sync::Arc;

use determinism::clock::OutOfRange;

use super::EciSim;
use crate::billing::account::TermsError;
use crate::commands::Command;
use crate::persistence::journal::Record;
use crate::persistence::named::{SnapshotError, SnapshotInfo};
use crate::persistence::store::StoreError;
use crate::runtime::played;
use crate::script::Run;

/// The outcome of a command.
#[derive(Debug)]
pub(crate) enum Applied {
    /// Nothing is to be told.
    Done,
    /// Number of the new fault rule.
    Fault(u64),
    Snapshot(SnapshotInfo),
    /// Run of the command in a container.
    Run(Arc<Run>),
}

/// A command that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("there is no fault of number {0}; GET /faults lists the faults")]
    UnknownFault(String),
    #[error("there is no group of id {0}; GET /groups lists the groups")]
    UnknownGroup(String),
    #[error("no container called {0} is running in a group of id {1}")]
    NotRunning(String, String),
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error(transparent)]
    Clock(#[from] OutOfRange),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the command came to something else")]
    Outcome,
}

impl Applied {
    /// The number of the new fault rule.
    ///
    /// # Errors
    /// [`CommandError::Outcome`] for any other outcome.
    pub fn fault(self) -> Result<u64, CommandError> {
        if let Self::Fault(number) = self { Ok(number) } else { Err(CommandError::Outcome) }
    }

    /// The run of the command in a container.
    ///
    /// # Errors
    /// [`CommandError::Outcome`] for any other outcome.
    pub fn run(self) -> Result<Arc<Run>, CommandError> {
        if let Self::Run(run) = self { Ok(run) } else { Err(CommandError::Outcome) }
    }

    /// The snapshot that was saved or loaded.
    ///
    /// # Errors
    /// [`CommandError::Outcome`] for any other outcome.
    pub fn snapshot(self) -> Result<SnapshotInfo, CommandError> {
        if let Self::Snapshot(info) = self { Ok(info) } else { Err(CommandError::Outcome) }
    }
}

impl EciSim {
    /// Carries out a command; in a persistent world it is also journalled, and on the disk when this returns.
    pub(crate) fn command(&self, command: Command) -> Result<Applied, CommandError> {
        let journal_lock = self.journal_lock();
        let at = self.clock().now();
        let client_time = self.client_time().unwrap_or(at);
        let applied = self.apply(&command)?;
        let written_by = self.journal(|| Record::Control { at, client_time, command });
        drop(journal_lock);
        self.wait_until_written(written_by)?;
        Ok(applied)
    }

    /// Executes words in the container of a session's command; `None` where it does not run any more.
    pub(crate) fn execute(
        &self,
        session: &played::Command,
        words: &[Box<str>],
        (input, offered): (Option<&[u8]>, bool),
    ) -> Option<Arc<Run>> {
        let (group, container) = (session.group.clone(), session.container.clone());
        let (words, input) = (words.to_vec(), input.map(<[u8]>::to_vec));
        let command = Command::Execute { group, container, words, input, offered };
        self.command(command).and_then(Applied::run).ok()
    }

    /// Carries out a command.
    pub(super) fn apply(&self, command: &Command) -> Result<Applied, CommandError> {
        let control = self.control();
        match command {
            Command::SetRate(rate) => control.set_rate(*rate),
            Command::Advance(by) => drop(control.advance(*by)?),
            Command::AddFault(rule) => return Ok(Applied::Fault(control.add_fault(rule.clone()))),
            Command::RemoveFault(number) => {
                let removed = control.remove_fault(*number).then_some(());
                removed.ok_or_else(|| CommandError::UnknownFault(number.to_string()))?;
            }
            Command::ClearFaults => control.clear_faults(),
            Command::AddScript(pattern, script) => control.script(pattern, (**script).clone()),
            Command::ClearScripts => control.clear_scripts(),
            Command::SetStock { sold_out, restocked } => {
                sold_out.iter().for_each(|what| control.sell_out(what));
                restocked.iter().for_each(|what| control.restock(what));
            }
            Command::SetPrice(quote) => control.quote(quote.clone()),
            Command::ClearPrices => control.clear_quotes(),
            Command::SetStanding(account, standing) => control.set_standing(account, *standing),
            Command::SetTerms(account, terms) => control.set_terms(account, terms.clone())?,
            Command::Reclaim(group, minutes) => {
                let known = control.reclaim(group, *minutes).then_some(());
                known.ok_or_else(|| CommandError::UnknownGroup(group.clone()))?;
            }
            Command::Crash { group, container, exit_code } => {
                let running = control.crash(group, container, *exit_code).then_some(());
                running.ok_or_else(|| CommandError::NotRunning(container.clone(), group.clone()))?;
            }
            Command::Execute { group, container, words, input, offered } => {
                let run = control.execute(group, container, words, (input.as_deref(), *offered));
                let not_running = || CommandError::NotRunning(container.clone(), group.clone());
                return Ok(Applied::Run(run.ok_or_else(not_running)?));
            }
            Command::SetQuota(quota) => control.set_quota(*quota),
            Command::SetLatency(latency) => control.set_latency(*latency),
            Command::SetThrottling(on) => control.set_throttling(*on),
            Command::Reset { account, region } => control.reset_only(account.as_deref(), region.as_deref()),
            Command::SaveSnapshot(name) => return Ok(Applied::Snapshot(control.save(name)?)),
            Command::LoadSnapshot(name) => return Ok(Applied::Snapshot(control.load(name)?)),
            Command::DropSnapshot(name) => control.drop_snapshot(name)?,
        }
        Ok(Applied::Done)
    }
}
