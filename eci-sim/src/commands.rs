//! Commands: the changes that the control API makes, as the journal holds them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::billing::AccountTerms;
use crate::faults::Rule;
use crate::latency::Latency;
use crate::market::Quote;
use crate::quota::Quota;
use crate::script::Script;
use crate::world::standing::Standing;

/// A change that the control API makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Sets the rate of the clock, in simulated seconds a second of the machine.
    SetRate(u32),
    /// Advances the clock.
    Advance(Duration),
    /// Adds a fault rule behind the others.
    AddFault(Rule),
    /// Removes the fault rule of this number.
    RemoveFault(u64),
    /// Removes all fault rules.
    ClearFaults,
    /// Adds a script for the containers whose image, or whose group's name, matches a pattern.
    AddScript(String, Box<Script>),
    /// Removes all scripts.
    ClearScripts,
    /// Takes a zone or size out of stock, and puts another back.
    SetStock {
        /// Zone or size that goes out of stock.
        sold_out: Option<String>,
        /// Zone or size that is sold again.
        restocked: Option<String>,
    },
    /// Sets a price of the spot market.
    SetPrice(Quote),
    /// Removes all prices that were set for the spot market.
    ClearPrices,
    /// Sets the standing of an account.
    SetStanding(String, Standing),
    /// Sets the commitments and discounts of an account.
    SetTerms(String, AccountTerms),
    /// Announces that the spot instance of this id is taken back in so many minutes.
    Reclaim(String, u8),
    /// Crashes a container.
    Crash {
        /// Id of the group.
        group: String,
        /// Name of the container.
        container: String,
        /// Exit code.
        exit_code: i32,
    },
    /// Executes a command in a container, as a session asks.
    Execute {
        /// Id of the group.
        group: String,
        /// Name of the container.
        container: String,
        /// Command and its arguments.
        words: Vec<Box<str>>,
        /// Standard input; `None` where none was given.
        input: Option<Vec<u8>>,
        /// True if an input can still be given.
        offered: bool,
    },
    /// Sets the limits of every account in a region.
    SetQuota(Quota),
    /// Sets the latency of the steps of groups that begin from now on.
    SetLatency(Latency),
    /// Turns the throttling of calls on or off.
    SetThrottling(bool),
    /// Resets the world, or the part of an account, of a region, or of an account in a region.
    Reset {
        /// Account whose part is meant.
        account: Option<String>,
        /// Region whose part is meant.
        region: Option<String>,
    },
    /// Saves a snapshot under this name.
    SaveSnapshot(String),
    /// Restores world and clock from the snapshot of this name.
    LoadSnapshot(String),
    /// Deletes the snapshot of this name.
    DropSnapshot(String),
}
