//! The handlers of the control API's endpoints.

use super::ControlServer;
use super::endpoint::{Handle, RouteRequest};
use super::error::ApiError;
use crate::billing::{AccountTerms, BillQuery};
use crate::commands::Command;
use crate::control::GroupSummary;
use crate::control::endpoints::{
    AddFault, AddScript, AdvanceClock, ClearFaults, ClearPrices, ClearScripts, CrashContainer, DropSnapshot,
    Follow, ForkSnapshot, GetAccount, GetBill, GetCost, GetLatency, GetQuota, GetStock, GetTerms,
    GetThrottling, GetTime, Leave, ListAssumed, ListFaults, ListGroups, ListPrices, ListSnapshots,
    LoadSnapshot, ReclaimGroup, RemoveFault, Reset, SaveSnapshot, SearchRequests, SetAccount, SetLatency,
    SetPrice, SetQuota, SetRate, SetStock, SetTerms, SetThrottling,
};
use crate::control::wire::{
    AccountStatus, Advance, Bill, Crash, Done, Fault, FaultCreated, FollowerProgress, Forked, GroupFilter,
    Price, Quota, Rate, Reclaim, RequestFilter, ResetScope, ScriptRequest, SnapshotInfo, SoldOut,
    StepLatency, Stock, Throttling, Time, span,
};
use crate::faults::Rule;
use crate::faults::names::{RuleError, check_stock};
use crate::market::Quote;
use crate::script::{AssumedRun, Script};
use crate::sim::command::{Applied, CommandError};
use crate::state::RequestLogEntry;
use crate::world::standing::Standing;

impl ControlServer {
    fn command(&self, command: Command) -> Result<Applied, ApiError> {
        Ok(self.control.sim().command(command)?)
    }

    /// Carries out a command that has nothing to tell.
    fn run(&self, command: Command) -> Result<Done, ApiError> {
        self.command(command).map(|_| Done {})
    }

    fn time(&self) -> Time {
        let next_due = self.control.next_due();
        let clock = self.control.clock();
        let followers = self.control.sim().followers().all();
        Time { now: clock.now(), rate: clock.rate(), next_due, followers }
    }

    fn prices(&self) -> Vec<Price> {
        let price = |quote: Quote| {
            let Quote { what, zone, currency, from, hourly } = quote;
            Price { what, zone, currency, from: Some(from), hourly }
        };
        self.control.quotes().into_iter().map(price).collect()
    }

    fn account(&self, name: &str) -> AccountStatus {
        AccountStatus { standing: self.control.standing(name).name().to_owned() }
    }
}

/// The refusal of what names something that does not exist.
fn not_there(why: RuleError) -> ApiError {
    ApiError::Invalid(why.to_string())
}

impl Handle for GetTime {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Time, ApiError> {
        Ok(server.time())
    }
}

impl Handle for SetRate {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: Rate) -> Result<Time, ApiError> {
        server.run(Command::SetRate(input.rate))?;
        Ok(server.time())
    }
}

impl Handle for AdvanceClock {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: Advance) -> Result<Time, ApiError> {
        server.run(Command::Advance(span(input.seconds)?))?;
        Ok(server.time())
    }
}

impl Handle for Follow {
    fn handle(
        server: &ControlServer,
        request: &RouteRequest<'_>,
        input: FollowerProgress,
    ) -> Result<Time, ApiError> {
        server.control.sim().followers().report(request.name(), input.at)?;
        Ok(server.time())
    }
}

impl Handle for Leave {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<Done, ApiError> {
        match server.control.sim().followers().remove(request.name()) {
            true => Ok(Done {}),
            false => Err(ApiError::NotFollowing(request.name().to_owned())),
        }
    }
}

impl Handle for ListGroups {
    fn handle(
        server: &ControlServer,
        _: &RouteRequest<'_>,
        input: GroupFilter,
    ) -> Result<Vec<GroupSummary>, ApiError> {
        Ok(server.control.find(&input))
    }
}

impl Handle for GetBill {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, query: BillQuery) -> Result<Bill, ApiError> {
        Ok(Bill::seen(server.control.bill_of(&query), &query.group_by))
    }
}

impl Handle for GetCost {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Bill, ApiError> {
        Ok(Bill { lines: Vec::new(), ..Bill::from(&server.control.bill()) })
    }
}

impl Handle for ListFaults {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Vec<Fault>, ApiError> {
        let fault = |(number, rule)| Fault { number, rule };
        Ok(server.control.faults().into_iter().map(fault).collect())
    }
}

impl Handle for AddFault {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: Rule) -> Result<FaultCreated, ApiError> {
        input.check().map_err(not_there)?;
        Ok(FaultCreated { number: server.command(Command::AddFault(input))?.fault()? })
    }
}

impl Handle for ClearFaults {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Done, ApiError> {
        server.run(Command::ClearFaults)
    }
}

impl Handle for RemoveFault {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<Done, ApiError> {
        let unknown = |_| CommandError::UnknownFault(request.name().to_owned());
        server.run(Command::RemoveFault(request.name().parse().map_err(unknown)?))
    }
}

impl Handle for AddScript {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: ScriptRequest) -> Result<Done, ApiError> {
        let pattern = input.pattern.clone();
        server.run(Command::AddScript(pattern, Box::new(Script::try_from(input)?)))
    }
}

impl Handle for ClearScripts {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Done, ApiError> {
        server.run(Command::ClearScripts)
    }
}

impl Handle for ListAssumed {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Vec<AssumedRun>, ApiError> {
        Ok(server.control.assumed())
    }
}

impl Handle for GetStock {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<SoldOut, ApiError> {
        Ok(SoldOut { sold_out: server.control.sold_out() })
    }
}

impl Handle for SetStock {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: Stock) -> Result<SoldOut, ApiError> {
        let Stock { sold_out, restocked } = input;
        sold_out.iter().chain(&restocked).try_for_each(|what| check_stock(what)).map_err(not_there)?;
        server.run(Command::SetStock { sold_out, restocked })?;
        Ok(SoldOut { sold_out: server.control.sold_out() })
    }
}

impl Handle for ListPrices {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Vec<Price>, ApiError> {
        Ok(server.prices())
    }
}

impl Handle for SetPrice {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: Price) -> Result<Vec<Price>, ApiError> {
        let Price { what, zone, currency, from, hourly } = input;
        if hourly.is_sign_negative() {
            return Err(ApiError::Invalid(format!("an hour cannot cost {hourly}; it should be 0 or more")));
        }
        let from = from.unwrap_or_else(|| server.control.now());
        server.run(Command::SetPrice(Quote { what, zone, currency, from, hourly }))?;
        Ok(server.prices())
    }
}

impl Handle for ClearPrices {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Done, ApiError> {
        server.run(Command::ClearPrices)
    }
}

impl Handle for GetAccount {
    fn handle(
        server: &ControlServer,
        request: &RouteRequest<'_>,
        _: Done,
    ) -> Result<AccountStatus, ApiError> {
        Ok(server.account(request.name()))
    }
}

impl Handle for SetAccount {
    fn handle(
        server: &ControlServer,
        request: &RouteRequest<'_>,
        input: AccountStatus,
    ) -> Result<AccountStatus, ApiError> {
        let name = input.standing;
        let wrong = || {
            let why = format!("`{name}` should be good, arrears, no-payment, closed or unverified");
            ApiError::Invalid(why)
        };
        let standing = Standing::named(&name).ok_or_else(wrong)?;
        server.run(Command::SetStanding(request.name().to_owned(), standing))?;
        Ok(server.account(request.name()))
    }
}

impl Handle for GetTerms {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<AccountTerms, ApiError> {
        Ok(server.control.terms(request.name()))
    }
}

impl Handle for SetTerms {
    fn handle(
        server: &ControlServer,
        request: &RouteRequest<'_>,
        input: AccountTerms,
    ) -> Result<AccountTerms, ApiError> {
        server.run(Command::SetTerms(request.name().to_owned(), input))?;
        Ok(server.control.terms(request.name()))
    }
}

impl Handle for ReclaimGroup {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, input: Reclaim) -> Result<Done, ApiError> {
        server.run(Command::Reclaim(request.name().to_owned(), input.minutes))
    }
}

impl Handle for CrashContainer {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, input: Crash) -> Result<Done, ApiError> {
        let Crash { container, exit_code } = input;
        server.run(Command::Crash { group: request.name().to_owned(), container, exit_code })
    }
}

impl Handle for GetQuota {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Quota, ApiError> {
        Ok(server.control.quota())
    }
}

impl Handle for SetQuota {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: Quota) -> Result<Quota, ApiError> {
        server.run(Command::SetQuota(input))?;
        Ok(server.control.quota())
    }
}

impl Handle for GetLatency {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<StepLatency, ApiError> {
        Ok(StepLatency { latency: server.control.latency() })
    }
}

impl Handle for SetLatency {
    fn handle(
        server: &ControlServer,
        _: &RouteRequest<'_>,
        input: StepLatency,
    ) -> Result<StepLatency, ApiError> {
        server.run(Command::SetLatency(input.latency))?;
        Ok(StepLatency { latency: server.control.latency() })
    }
}

impl Handle for GetThrottling {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Throttling, ApiError> {
        Ok(Throttling { on: server.control.throttling() })
    }
}

impl Handle for SetThrottling {
    fn handle(
        server: &ControlServer,
        _: &RouteRequest<'_>,
        input: Throttling,
    ) -> Result<Throttling, ApiError> {
        server.run(Command::SetThrottling(input.on))?;
        Ok(Throttling { on: server.control.throttling() })
    }
}

impl Handle for SearchRequests {
    fn handle(
        server: &ControlServer,
        _: &RouteRequest<'_>,
        input: RequestFilter,
    ) -> Result<Vec<RequestLogEntry>, ApiError> {
        Ok(server.control.search(&input))
    }
}

impl Handle for Reset {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, input: ResetScope) -> Result<Done, ApiError> {
        let ResetScope { account, region } = input;
        server.run(Command::Reset { account, region })
    }
}

impl Handle for ListSnapshots {
    fn handle(server: &ControlServer, _: &RouteRequest<'_>, _: Done) -> Result<Vec<SnapshotInfo>, ApiError> {
        Ok(server.control.snapshots())
    }
}

impl Handle for SaveSnapshot {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<SnapshotInfo, ApiError> {
        Ok(server.command(Command::SaveSnapshot(request.name().to_owned()))?.snapshot()?)
    }
}

impl Handle for LoadSnapshot {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<SnapshotInfo, ApiError> {
        Ok(server.command(Command::LoadSnapshot(request.name().to_owned()))?.snapshot()?)
    }
}

impl Handle for ForkSnapshot {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<Forked, ApiError> {
        let open = server.opener.as_ref().ok_or(ApiError::CannotFork)?;
        Ok(open(server.control.fork(request.name()).map_err(CommandError::from)?)?)
    }
}

impl Handle for DropSnapshot {
    fn handle(server: &ControlServer, request: &RouteRequest<'_>, _: Done) -> Result<Done, ApiError> {
        server.run(Command::DropSnapshot(request.name().to_owned()))
    }
}
