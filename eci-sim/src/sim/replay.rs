//! The replay of a journal: its records are performed again, each at its instant.

use eci_api::Product;
use jiff::{SignedDuration, Timestamp};

use super::EciSim;
use super::perform::Call;
use crate::actions::Operation;
use crate::commands::Command;
use crate::persistence::journal::{JournalHeader, Record};
use crate::persistence::store::{Store, StoreError};
use crate::persistence::{self, Loaded};
use crate::serving::{Caller, Served};

impl EciSim {
    /// Restores the state from a store: loads its snapshot, and performs the records that follow. The clock then stands
    /// as if it had run on since, at `rate` or else as it did.
    pub(super) fn restore(&self, store: &Store, rate: Option<u32>) -> Result<Loaded, StoreError> {
        let now = self.client_time().unwrap_or_else(|| self.clock().now());
        let loaded = persistence::load(&self.persisted(), store)?;
        self.state().world.tariff = self.tariff().clone();
        if let Some(header) = &loaded.header {
            let mut replay = Replay::begin(self, header);
            loaded.records.iter().for_each(|record| replay.perform(record));
            replay.end(now, rate);
        }
        Ok(loaded)
    }
}

/// A world that is replayed; its clock is stopped except where a record moves it.
struct Replay<'a> {
    sim: &'a EciSim,
    /// Rate of the clock since the last record, whose times follow.
    rate: u32,
    at: Timestamp,
    client_time: Timestamp,
}

impl<'a> Replay<'a> {
    /// Begins a replay at the header's time, with the clock stopped.
    fn begin(sim: &'a EciSim, header: &JournalHeader) -> Self {
        let JournalHeader { at, client_time, rate, .. } = *header;
        sim.clock().set_rate(0);
        sim.clock().set(at);
        Self { sim, rate, at, client_time }
    }

    fn perform(&mut self, record: &Record) {
        match record {
            Record::Began(_) => {}
            Record::Call { at, .. } => {
                self.sim.clock().set(*at);
                replay_call(self.sim, record);
            }
            Record::Control { at, client_time, command } => {
                self.sim.clock().set(*at);
                // A command that was carried out then is carried out again.
                let _as_then = self.sim.apply(command);
                if let Command::SetRate(rate) = command {
                    self.rate = *rate;
                    self.sim.clock().set_rate(0);
                    self.sim.clock().set(*at);
                }
                (self.at, self.client_time) = (self.sim.clock().now(), *client_time);
            }
        }
    }

    /// Sets the clock as if it had run on while there was no process.
    fn end(self, now: Timestamp, rate: Option<u32>) {
        let passed = self.client_time.duration_until(now).max(SignedDuration::ZERO);
        let passed = passed.checked_mul(i32::try_from(self.rate).unwrap_or(i32::MAX));
        let now = passed.and_then(|passed| self.at.checked_add(passed).ok()).unwrap_or(self.at);
        self.sim.clock().set(now.max(self.sim.state().world.now()));
        self.sim.clock().set_rate(rate.unwrap_or(self.rate));
    }
}

fn replay_call(sim: &EciSim, record: &Record) {
    let Record::Call { at, account, region, request_id, action, pairs, signed, fault_checked, done } = record
    else {
        return;
    };
    let mut state = sim.state();
    let signed = signed.as_ref().map(|(key, nonce)| (key.as_str(), nonce.as_str()));
    if let Some((key, nonce)) = signed {
        state.admit_nonce(key, nonce, *at, sim.client_time().unwrap_or(*at));
    }
    let caller = &Caller {
        account: account.as_str().into(),
        region: region.as_str().into(),
        request_id: request_id.clone(),
        host: String::new(),
        secure: true,
        pairs: pairs.clone(),
    };
    let call = Call { action, read_only: !done, caller, signed, asks_faults: *fault_checked };
    // A call that was refused then is refused again, and leaves the same behind.
    let _as_then = sim.perform(&mut state, &call, *at, |world, caller| match done {
        true => (Operation::named(Product::Eci, action)?.run)(world, caller)
            .map(|served| Served { deferred: None, ..served }),
        false => Err(crate::refusal::Refusal::UnknownAction(action.clone())),
    });
}
