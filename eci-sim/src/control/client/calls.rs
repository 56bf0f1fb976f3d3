//! The calls of the client, one for each endpoint of the control API.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::{ClientResult, ControlClient};
use crate::billing::{AccountTerms, BillQuery};
use crate::control::GroupSummary;
use crate::control::endpoints;
use crate::control::wire::{
    AccountStatus, Advance, Bill, Crash, Done, Fault, FaultCreated, FollowerProgress, Forked, GroupFilter,
    Price, Quota, Rate, Reclaim, RequestFilter, ResetScope, ScriptRequest, SnapshotInfo, SoldOut,
    StepLatency, Stock, Throttling, Time,
};
use crate::faults::Rule;
use crate::latency::Latency;
use crate::script::AssumedRun;
use crate::state::RequestLogEntry;

impl ControlClient {
    /// The simulator's time, its rate, the next due event and the clock's followers.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError), as with all that follow.
    pub async fn time(&self) -> ClientResult<Time> {
        self.call::<endpoints::GetTime>(&[], &Done {}).await
    }

    /// Sets the rate of the clock, in simulated seconds a second of the machine; 0 pauses it.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_rate(&self, rate: u32) -> ClientResult<Time> {
        self.call::<endpoints::SetRate>(&[], &Rate { rate }).await
    }

    /// Advances the clock; all that is due until then has happened when this returns.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn advance(&self, by: Duration) -> ClientResult<Time> {
        self.call::<endpoints::AdvanceClock>(&[], &Advance::by(by)).await
    }

    /// Reports the progress of the follower `name`, registering it at first; returns the clock.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn follow(&self, name: &str, at: Timestamp) -> ClientResult<Time> {
        self.call::<endpoints::Follow>(&[name], &FollowerProgress { at }).await
    }

    /// Removes a follower.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn leave(&self, name: &str) -> ClientResult<()> {
        self.call::<endpoints::Leave>(&[name], &Done {}).await.map(|Done {}| ())
    }

    /// The groups that the filter selects, in order of creation.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn groups(&self, which: &GroupFilter) -> ClientResult<Vec<GroupSummary>> {
        self.call::<endpoints::ListGroups>(&[], which).await
    }

    /// The containers whose commands are not played, and what is assumed of them; 10,000 at most.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn assumed(&self) -> ClientResult<Vec<AssumedRun>> {
        self.call::<endpoints::ListAssumed>(&[], &Done {}).await
    }

    /// The ledger, one line an entry.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn ledger(&self) -> ClientResult<Vec<String>> {
        let text = self.text("GET", "/ledger", Bytes::new()).await?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The bill up to now.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn bill(&self) -> ClientResult<Bill> {
        self.bill_of(&BillQuery::default()).await
    }

    /// The lines of the bill up to now that a filter selects, or their sums by its dimensions.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn bill_of(&self, query: &BillQuery) -> ClientResult<Bill> {
        self.call::<endpoints::GetBill>(&[], query).await
    }

    /// The bill up to now, without its lines.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn cost(&self) -> ClientResult<Bill> {
        self.call::<endpoints::GetCost>(&[], &Done {}).await
    }

    /// The fault rules, in their order.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn faults(&self) -> ClientResult<Vec<Fault>> {
        self.call::<endpoints::ListFaults>(&[], &Done {}).await
    }

    /// Adds a fault rule behind the others; returns the number by which it is removed.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn add_fault(&self, rule: &Rule) -> ClientResult<u64> {
        let FaultCreated { number } = self.call::<endpoints::AddFault>(&[], rule).await?;
        Ok(number)
    }

    /// Removes a fault rule.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn remove_fault(&self, number: u64) -> ClientResult<()> {
        let number = number.to_string();
        self.call::<endpoints::RemoveFault>(&[&number], &Done {}).await.map(|Done {}| ())
    }

    /// Removes all fault rules.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn clear_faults(&self) -> ClientResult<()> {
        self.call::<endpoints::ClearFaults>(&[], &Done {}).await.map(|Done {}| ())
    }

    /// Adds a script of containers.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn script(&self, script: &ScriptRequest) -> ClientResult<()> {
        self.call::<endpoints::AddScript>(&[], script).await.map(|Done {}| ())
    }

    /// Removes all scripts.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn clear_scripts(&self) -> ClientResult<()> {
        self.call::<endpoints::ClearScripts>(&[], &Done {}).await.map(|Done {}| ())
    }

    /// Takes a zone or size out of stock, or restocks it; returns all that are out of stock.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_stock(&self, stock: &Stock) -> ClientResult<Vec<String>> {
        let SoldOut { sold_out } = self.call::<endpoints::SetStock>(&[], stock).await?;
        Ok(sold_out)
    }

    /// Sets a price of the spot market; returns all that are set.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_price(&self, price: &Price) -> ClientResult<Vec<Price>> {
        self.call::<endpoints::SetPrice>(&[], price).await
    }

    /// Removes all prices that were set for the spot market.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn clear_prices(&self) -> ClientResult<()> {
        self.call::<endpoints::ClearPrices>(&[], &Done {}).await.map(|Done {}| ())
    }

    /// Sets the standing of an account: `good`, `arrears`, `no-payment`, `closed` or `unverified`.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_standing(&self, account: &str, standing: &str) -> ClientResult<AccountStatus> {
        let status = AccountStatus { standing: standing.to_owned() };
        self.call::<endpoints::SetAccount>(&[account], &status).await
    }

    /// Sets the commitments and discounts of an account, instead of those that it had.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_terms(&self, account: &str, terms: &AccountTerms) -> ClientResult<AccountTerms> {
        self.call::<endpoints::SetTerms>(&[account], terms).await
    }

    /// Announces that a spot instance is taken back in so many minutes.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn reclaim(&self, id: &str, minutes: u8) -> ClientResult<()> {
        self.call::<endpoints::ReclaimGroup>(&[id], &Reclaim { minutes }).await.map(|Done {}| ())
    }

    /// Crashes a container.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn crash(&self, id: &str, container: &str, exit_code: i32) -> ClientResult<()> {
        let crash = Crash { container: container.to_owned(), exit_code };
        self.call::<endpoints::CrashContainer>(&[id], &crash).await.map(|Done {}| ())
    }

    /// Sets the limits of every account in a region.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_quota(&self, quota: &Quota) -> ClientResult<Quota> {
        self.call::<endpoints::SetQuota>(&[], quota).await
    }

    /// The latency of the steps of groups.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn latency(&self) -> ClientResult<Latency> {
        self.call::<endpoints::GetLatency>(&[], &Done {}).await.map(|StepLatency { latency }| latency)
    }

    /// Sets the latency of the steps of groups that begin from now on.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_latency(&self, latency: Latency) -> ClientResult<Latency> {
        let set = self.call::<endpoints::SetLatency>(&[], &StepLatency { latency }).await;
        set.map(|StepLatency { latency }| latency)
    }

    /// Turns the throttling of calls by the published numbers a minute on or off.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn set_throttling(&self, on: bool) -> ClientResult<()> {
        self.call::<endpoints::SetThrottling>(&[], &Throttling { on }).await.map(|Throttling { .. }| ())
    }

    /// The calls in the request log that the filter selects, oldest first.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn requests(&self, search: &RequestFilter) -> ClientResult<Vec<RequestLogEntry>> {
        self.call::<endpoints::SearchRequests>(&[], search).await
    }

    /// Resets the world, or the part of an account, of a region, or of an account in a region.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn reset(&self, scope: &ResetScope) -> ClientResult<()> {
        self.call::<endpoints::Reset>(&[], scope).await.map(|Done {}| ())
    }

    /// The named snapshots.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn snapshots(&self) -> ClientResult<Vec<SnapshotInfo>> {
        self.call::<endpoints::ListSnapshots>(&[], &Done {}).await
    }

    /// Saves the world as it is now as a named snapshot.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn save(&self, name: &str) -> ClientResult<SnapshotInfo> {
        self.call::<endpoints::SaveSnapshot>(&[name], &Done {}).await
    }

    /// Restores world and clock from a named snapshot.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn load(&self, name: &str) -> ClientResult<SnapshotInfo> {
        self.call::<endpoints::LoadSnapshot>(&[name], &Done {}).await
    }

    /// Starts a second simulator from a named snapshot; returns its addresses.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn fork(&self, name: &str) -> ClientResult<Forked> {
        self.call::<endpoints::ForkSnapshot>(&[name], &Done {}).await
    }

    /// Deletes a named snapshot.
    ///
    /// # Errors
    /// [`ClientError`](super::ClientError).
    pub async fn drop_snapshot(&self, name: &str) -> ClientResult<()> {
        self.call::<endpoints::DropSnapshot>(&[name], &Done {}).await.map(|Done {}| ())
    }
}
