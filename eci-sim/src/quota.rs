//! Limits of an account in a region, and of its calls a minute.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of an account in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quota {
    /// vCPU of an account in a region; `ours`: large enough to be out of the way, since the cloud's is by account.
    pub vcpu: u64,
    /// Image caches, as in the sample of ListUsage.
    pub image_caches: u32,
    /// Image caches that the cloud makes by itself, likewise.
    pub auto_image_caches: u32,
    /// Data caches, likewise.
    pub data_caches: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { vcpu: 100_000_000, image_caches: 500, auto_image_caches: 25, data_caches: 100 }
    }
}

/// Calls a minute (eci-openapi.md, section 5); `None` where no number is published.
pub fn calls_per_minute(action: &str) -> Option<usize> {
    Some(match action {
        "CreateContainerGroup"
        | "DeleteContainerGroup"
        | "DescribeContainerGroupPrice"
        | "ExportContainerGroupTemplate" => 1000,
        "DescribeContainerGroups" | "DescribeContainerGroupMetric" => 2000,
        "DescribeContainerLog"
        | "DescribeMultiContainerGroupMetric"
        | "ExecContainerCommand"
        | "RestartContainerGroup"
        | "UpdateContainerGroup" => 500,
        "CreateImageCache" => 200,
        _ => return None,
    })
}

/// The calls of the last minute, by account and action; off until it is turned on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Throttle {
    /// True while calls are counted.
    pub on: bool,
    /// Percentage of the published numbers that is admitted; 100 where nothing is said.
    pub percent: Option<u32>,
    #[serde(with = "crate::keyed")]
    calls: BTreeMap<(Arc<str>, String), VecDeque<Timestamp>>,
}

impl Throttle {
    /// Counts a call; false when it is one too many within a minute (the window is `ours`).
    pub fn admit(&mut self, account: &Arc<str>, action: &str, now: Timestamp) -> bool {
        let Some(most) = calls_per_minute(action).filter(|_| self.on) else { return true };
        let most = most * self.percent.map_or(100, |percent| percent as usize) / 100;
        let calls = self.calls.entry((Arc::clone(account), action.to_owned())).or_default();
        while calls.front().is_some_and(|at| at.duration_until(now) >= SignedDuration::from_mins(1)) {
            calls.pop_front();
        }
        let fits = calls.len() < most;
        if fits {
            calls.push_back(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_limit_lets_its_share_pass() {
        let (account, start): (Arc<str>, Timestamp) = ("a".into(), "2026-01-01T00:00:00Z".parse().unwrap());
        let mut throttle = Throttle { on: true, percent: Some(1), ..Throttle::default() };
        let passed = (0..200).filter(|_| throttle.admit(&account, "CreateImageCache", start)).count();
        assert_eq!(passed, 2);
    }

    #[test]
    fn a_call_too_many_within_a_minute_is_refused_until_the_first_is_old() {
        let (account, start): (Arc<str>, Timestamp) = ("a".into(), "2026-01-01T00:00:00Z".parse().unwrap());
        let mut throttle = Throttle { on: true, ..Throttle::default() };
        let mut admit = |at| throttle.admit(&account, "CreateImageCache", at);
        assert!((0..200).all(|_| admit(start)));
        assert!(!admit(start + SignedDuration::from_secs(59)));
        assert!(admit(start + SignedDuration::from_secs(60)));
    }
}
