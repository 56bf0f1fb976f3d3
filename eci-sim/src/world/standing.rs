//! How an account stands with the cloud: whether it may make anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// How an account stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// It may do everything.
    #[default]
    Good,
    /// It has bills to pay.
    Arrears,
    /// It has no means of payment.
    NoPayment,
    /// It is closed.
    Closed,
    /// Nobody has shown who is behind it.
    Unverified,
}

impl Standing {
    /// The standing of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "good" => Self::Good,
            "arrears" => Self::Arrears,
            "no-payment" => Self::NoPayment,
            "closed" => Self::Closed,
            "unverified" => Self::Unverified,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Arrears => "arrears",
            Self::NoPayment => "no-payment",
            Self::Closed => "closed",
            Self::Unverified => "unverified",
        }
    }

    fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Good => return None,
            Self::Arrears => "Account.Arrearage",
            Self::NoPayment => "InvalidPaymentMethod.InsufficientBalance",
            Self::Closed => "Forbidden.AccountClosed",
            Self::Unverified => "Forbidden.UserNotRealNameAuthentication",
        })
    }
}

/// The accounts that do not stand well.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Standings(BTreeMap<String, Standing>);

impl Standings {
    /// An account stands like this from now on.
    pub fn set(&mut self, account: impl Into<String>, standing: Standing) {
        self.0.insert(account.into(), standing);
    }

    /// How an account stands.
    pub fn of(&self, account: &str) -> Standing {
        self.0.get(account).copied().unwrap_or_default()
    }

    /// Whether an account may make something.
    ///
    /// # Errors
    /// [`Refusal`] with what stands in the way.
    pub fn may_make(&self, account: &str) -> Result<(), Refusal> {
        match self.of(account).code() {
            Some(code) => Err(Refusal::by_rule(code, None, None)),
            None => Ok(()),
        }
    }
}
