//! The records of a journal: the beginning of a world, and the calls that changed it, each at its instant.

use std::path::Path;

use determinism::Seed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PersistedParts;
use super::store::StoreError;
use crate::commands::Command;
use crate::money::Currency;
use crate::serving::Caller;

/// Format of the records; a journal of another format is not read.
const FORMAT: u32 = 6;

/// A record of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The beginning of the world.
    Began(JournalHeader),
    /// A call of the ECI OpenAPI.
    Call {
        /// Simulated time of the world.
        at: Timestamp,
        /// Account that signed the call.
        account: String,
        /// Region of the call.
        region: String,
        /// Request id.
        request_id: String,
        /// The operation.
        action: String,
        /// The parameters, as the call had them.
        pairs: Vec<(String, String)>,
        /// Access key id and nonce of the signature.
        signed: Option<(String, String)>,
        /// True when fault rules were asked for a verdict.
        fault_checked: bool,
        /// True when the call was carried out.
        done: bool,
    },
    /// A change by the control API.
    Control {
        /// Simulated time.
        at: Timestamp,
        /// Time by the clients' clock.
        client_time: Timestamp,
        /// The change that it made.
        command: Command,
    },
}

/// The start of a world, and the rate of its clock from an instant on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalHeader {
    /// Format of the entries.
    format: u32,
    /// Version of the simulator that wrote the entries: another may do something else on the same call.
    version: String,
    /// Seed of the world.
    seed: String,
    /// Currency of the world's bill.
    currency: Currency,
    /// Digest of the price files; empty for none.
    prices: String,
    /// Simulated time.
    pub(crate) at: Timestamp,
    /// Time by the clients' clock.
    pub(crate) client_time: Timestamp,
    /// Rate of the clock from then on.
    pub(crate) rate: u32,
}

impl Record {
    /// The record of a call. The first flag says that fault rules were asked for a verdict, the second that the call was
    /// carried out.
    pub(crate) fn call(
        at: Timestamp,
        action: &str,
        caller: &Caller,
        signed: Option<(&str, &str)>,
        (fault_checked, done): (bool, bool),
    ) -> Self {
        Self::Call {
            at,
            account: caller.account.to_string(),
            region: caller.region.to_string(),
            request_id: caller.request_id.clone(),
            action: action.to_owned(),
            pairs: caller.pairs.clone(),
            signed: signed.map(|(key, nonce)| (key.to_owned(), nonce.to_owned())),
            fault_checked,
            done,
        }
    }

    /// The record as a store holds it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // A record is made of texts and numbers, which can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl JournalHeader {
    /// The header of a journal that begins now.
    pub(crate) fn of(parts: &PersistedParts<'_>) -> Self {
        let at = parts.clock.now();
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: parts.seed.to_string(),
            currency: parts.tariff.currency,
            prices: parts.tariff.digest().to_owned(),
            at,
            client_time: parts.clients_clock.map_or(at, |clock| clock.now()),
            rate: parts.clock.rate(),
        }
    }

    /// Fails for a journal that another version of the simulator wrote, or that has another seed, currency or price list:
    /// hours that are closed are not billed anew.
    pub(super) fn check(&self, file: &Path, parts: &PersistedParts<'_>) -> Result<(), StoreError> {
        let Self { format, version, seed, .. } = self;
        let otherwise = |what, stored: &str, given: String| {
            Err(StoreError::Otherwise { file: file.to_owned(), what, stored: stored.to_owned(), given })
        };
        if *format != FORMAT || version != env!("CARGO_PKG_VERSION") {
            let describe = |version: &str, format: u32| format!("{version} (format {format})");
            return otherwise(
                "eci-sim",
                &describe(version, *format),
                describe(env!("CARGO_PKG_VERSION"), FORMAT),
            );
        }
        if seed.parse::<Seed>().is_ok_and(|seed| seed != parts.seed) {
            return otherwise("the seed", seed, parts.seed.to_string());
        }
        if self.currency != parts.tariff.currency {
            return otherwise("the currency", &self.currency.to_string(), parts.tariff.currency.to_string());
        }
        if self.prices != parts.tariff.digest() {
            let named = |digest: &str| match digest.get(..12) {
                Some(digest) => format!("{digest}… (of --price-file)"),
                None => "compiled in".to_owned(),
            };
            return otherwise("the prices", &named(&self.prices), named(parts.tariff.digest()));
        }
        Ok(())
    }
}
