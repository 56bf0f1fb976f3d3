//! The node's capacity: what the operator says, else what the account may have, else what vendors' nodes say.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::pods::quantity;

/// The resource of GPUs.
pub const GPU: &str = "nvidia.com/gpu";

/// The capacity of the vendor's serverless clusters (virtual-node.md 1), where nothing else is known: more than an account's
/// quota usually allows, since the quota is the cloud's to judge.
const USUAL: [(&str, &str); 4] =
    [("cpu", "192000"), ("memory", "640Ti"), ("pods", "4000"), ("ephemeral-storage", "60000Gi")];
/// GPUs of a region that has some in stock; `ours`: ECI tells whether there are any, and no number.
const GPUS_IN_STOCK: &str = "1000";

/// The resources that the operator gives the node, in Kubernetes' quantities, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capacity(BTreeMap<String, String>);

/// The part of the account's quota and the region's stock that the node offers; `None` while it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountLimits {
    /// vCPU that the account may have in the region (`ListUsage`, MaxCpu).
    pub vcpu: Option<Decimal>,
    /// Whether the region has a GPU type in stock (`DescribeAvailableResource`).
    pub has_gpus: Option<bool>,
}

/// Text that is no capacity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a resource and its quantity, as cpu=1000, memory=4Ti, pods=200, ephemeral-storage=10Ti or nvidia.com/gpu=8"
)]
pub struct BadCapacity(String);

impl Capacity {
    /// The capacity that the node shows.
    pub fn offered(&self, limits: &AccountLimits) -> BTreeMap<String, String> {
        let mut offered: BTreeMap<String, String> =
            USUAL.iter().map(|(name, amount)| ((*name).to_owned(), (*amount).to_owned())).collect();
        if let Some(vcpu) = limits.vcpu.filter(|_| !planted!(QuotaIsNotOffered)) {
            offered.insert("cpu".to_owned(), vcpu.trunc().normalize().to_string());
        }
        if let Some(has_gpus) = limits.has_gpus {
            offered.insert(GPU.to_owned(), if has_gpus { GPUS_IN_STOCK } else { "0" }.to_owned());
        }
        offered.extend(self.0.clone());
        offered
    }

    /// The resources that the operator gives, and how much of each.
    pub fn given(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.0.iter().filter_map(|(name, amount)| Some((name.as_str(), quantity::parse(amount)?)))
    }

    /// Returns true where the operator gives both that the account's limits would say.
    pub fn needs_no_limits(&self) -> bool {
        self.0.contains_key("cpu") && self.0.contains_key(GPU)
    }
}

impl std::str::FromStr for Capacity {
    type Err = BadCapacity;

    fn from_str(text: &str) -> Result<Self, BadCapacity> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let read = items.map(|item| {
            let bad = || BadCapacity(item.to_owned());
            let (name, amount) = item.split_once('=').ok_or_else(bad)?;
            let (name, amount) = (name.trim(), amount.trim());
            let is_known = USUAL.iter().any(|(known, _)| *known == name) || is_extended(name);
            let is_amount = quantity::parse(amount).is_some_and(|amount| !amount.is_sign_negative());
            if is_known && is_amount { Ok((name.to_owned(), amount.to_owned())) } else { Err(bad()) }
        });
        Ok(Self(read.collect::<Result<_, _>>()?))
    }
}

/// The name of an extended resource: a domain that is not Kubernetes' own, and a name.
fn is_extended(name: &str) -> bool {
    let (domain, rest) = name.split_once('/').unwrap_or_default();
    let word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    word(domain) && word(rest) && !domain.ends_with("kubernetes.io")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_says_comes_before_quota_and_stock_and_these_before_what_is_usual() {
        let capacity: Capacity = "cpu=64, example.com/fpga=2".parse().unwrap();
        let limits = AccountLimits { vcpu: Some(Decimal::new(10005, 1)), has_gpus: Some(true) };
        let offered = capacity.offered(&limits);
        let of = |name: &str| offered.get(name).map(String::as_str);
        assert_eq!((of("cpu"), of("example.com/fpga"), of(GPU)), (Some("64"), Some("2"), Some("1000")));
        assert_eq!((of("memory"), of("pods")), (Some("640Ti"), Some("4000")));
        let offered = Capacity::default().offered(&limits);
        assert_eq!(offered["cpu"], "1000");
        let unknown = Capacity::default().offered(&AccountLimits::default());
        assert_eq!((unknown["cpu"].as_str(), unknown.get(GPU)), ("192000", None));
    }

    #[test]
    fn what_is_no_capacity_is_told_what_would_be_right() {
        for text in ["cpu", "cpu=", "cpu=-1", "cores=4", "kubernetes.io/x=1", "a/=1", "memory=4Tb"] {
            let told = text.parse::<Capacity>().unwrap_err().to_string();
            assert!(told.contains(text) && told.contains("nvidia.com/gpu=8"), "{told}");
        }
    }
}
