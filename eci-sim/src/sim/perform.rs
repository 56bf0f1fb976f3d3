//! A call of the ECI OpenAPI, performed: the one recipe for calls from the socket, from within the process, and from the
//! journal.

use std::sync::Arc;

use eci_api::query::Pairs;
use eci_api::validate;
use jiff::Timestamp;

use super::EciSim;
use crate::faults::{self, FaultVerdict};
use crate::persistence::journal::Record;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, Served, serve_idempotent};
use crate::state::State;
use crate::world::World;

/// A call whose sender is known.
pub(crate) struct Call<'a> {
    /// The operation.
    pub action: &'a str,
    /// True for an operation that changes nothing.
    pub read_only: bool,
    pub caller: &'a Caller,
    /// Access key id and nonce of the signature.
    pub signed: Option<(&'a str, &'a str)>,
    /// True if fault rules apply to the call.
    pub asks_faults: bool,
}

/// A call that was performed.
pub(crate) struct Performed<T> {
    pub outcome: Result<Served<T>, Refusal>,
    /// Verdict of the fault rules.
    pub verdict: FaultVerdict,
    /// Number of the journal entry that has to be written before the call is answered.
    pub written_by: Option<u64>,
}

impl EciSim {
    /// A call within the process: no signature, no faults, the account of the first credential.
    ///
    /// # Errors
    /// [`Refusal`] when it is turned down.
    pub fn act<A: Serve>(&self, request: &A) -> Result<A::Reply, Refusal> {
        let undecodable = |why: String| Refusal::Undecodable(why);
        let pairs = eci_api::query::to_pairs(request).map_err(|why| undecodable(why.to_string()))?;
        let journal_lock = self.journal_lock();
        let now = self.clock().now();
        let mut state = self.state();
        let request_id = state.next_request_id();
        let caller = &self.caller(A::NAME, pairs, self.account(), "", &request_id);
        let call =
            Call { action: A::NAME, read_only: A::READ_ONLY, caller, signed: None, asks_faults: false };
        let run = |world: &mut World, caller: &Caller| serve_idempotent(request, world, caller)?.typed();
        let Performed { outcome, written_by, .. } = self.perform(&mut state, &call, now, run);
        drop((state, journal_lock));
        let outcome = outcome.and_then(|Served { reply, deferred }| match (deferred, self.engine()) {
            (Some(deferred), Some(engine)) => {
                let unread = |why: serde_json::Error| undecodable(why.to_string());
                let answer = deferred.complete(&engine)?;
                serde_json::from_slice(&answer.json().map_err(unread)?).map_err(unread)
            }
            _ => Ok(reply),
        });
        self.wait_until_written(written_by)?;
        outcome
    }

    /// Performs a call at `now`: asks the fault rules, brings the world up to the present, enters the call into the
    /// journal, and lets `run` carry it out.
    pub(crate) fn perform<T>(
        &self,
        state: &mut State,
        call: &Call<'_>,
        now: Timestamp,
        run: impl FnOnce(&mut World, &Caller) -> Result<Served<T>, Refusal>,
    ) -> Performed<T> {
        let Call { action, caller, .. } = *call;
        let fault_checked = call.asks_faults && !state.faults.rules().is_empty();
        let verdict = match fault_checked {
            true => state.faults.judge(&faults::Call { action, pairs: &caller.pairs }, self.seed()),
            false => FaultVerdict::Pass,
        };
        let stopped = match &verdict {
            FaultVerdict::DropBefore => {
                let why = Some("a fault swallowed the call".to_owned());
                Some(Refusal::by_rule("ServiceUnavailable", None, why))
            }
            FaultVerdict::Refuse { code, status, message } => {
                Some(Refusal::by_rule(code, *status, message.clone()))
            }
            _ => None,
        };
        if stopped.is_none() {
            state.world.advance_to(now);
        }
        let done = stopped.is_none() && !call.read_only;
        let at = state.world.now();
        let written_by = state.pending.as_mut().map(|pending| {
            if fault_checked || done {
                pending.push(
                    Record::call(at, call.action, caller, call.signed, (fault_checked, done)).to_bytes(),
                );
            }
            // A read shows nothing that could still be rolled back.
            pending.latest()
        });
        let outcome = match stopped {
            Some(refusal) => Err(refusal),
            None => {
                state.world.apply(&verdict, caller.group_named());
                check(action, &caller.pairs).and_then(|()| run(&mut state.world, caller))
            }
        };
        Performed { outcome, verdict, written_by }
    }

    /// Fills in what a call leaves to the endpoint, and leaves out what clients are known to send by mistake.
    pub(crate) fn caller(
        &self,
        action: &str,
        mut pairs: Pairs,
        account: &Arc<str>,
        host: &str,
        request_id: &str,
    ) -> Caller {
        // An old Go client sends the text of an empty Go slice for each probe that is not set, and a line count that
        // is no number (eci-openapi.md, sections 1.1 and 8).
        pairs.retain(|(name, value)| {
            let garbled_tail =
                action == "DescribeContainerLog" && name == "Tail" && value.parse::<i32>().is_err();
            !(garbled_tail || name.ends_with("Probe.Exec.Command") && value.starts_with("<["))
        });
        let region = pairs.iter().find(|(name, _)| name == "RegionId").map(|(_, value)| value.clone());
        let region = region.filter(|region| !region.is_empty()).unwrap_or_else(|| {
            let region = region_of_endpoint(host).unwrap_or(self.default_region()).to_owned();
            if action != "DescribeRegions" {
                pairs.retain(|(name, _)| name != "RegionId");
                pairs.push(("RegionId".to_owned(), region.clone()));
            }
            region
        });
        Caller {
            account: Arc::clone(account),
            region: region.into(),
            request_id: request_id.to_owned(),
            host: host.to_owned(),
            secure: true,
            pairs,
        }
    }
}

/// Checks the parameters against the published table.
fn check(action: &str, pairs: &[(String, String)]) -> Result<(), Refusal> {
    match validate::check(action, pairs).into_iter().next() {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

/// The region in an endpoint's name, as `eci.cn-hangzhou.aliyuncs.com`.
fn region_of_endpoint(host: &str) -> Option<&str> {
    let name = host.split(':').next()?.strip_suffix(".aliyuncs.com")?;
    name.strip_prefix("eci.").or_else(|| name.strip_prefix("eci-vpc."))
}
