//! The policy as the operator writes it: one JSON document, from a file, the environment, or the chart's values.

use std::collections::BTreeMap;

use eci_api::Number;
use serde::Deserialize;

/// The operator's policy; the empty one allows what annotations ask for, except RAM roles, and limits nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// The prices by which a limit in ¥ an hour is kept.
    pub prices: Prices,
    /// The rules of every namespace that has no own ones. Its limits hold for each such namespace by itself.
    pub default: Rules,
    /// The rules of single namespaces; what one leaves out is as in `default`.
    pub namespaces: BTreeMap<String, Rules>,
    /// The limits of all namespaces together.
    pub node: Limits,
}

/// Prices in ¥ an hour, as the account pays them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Prices {
    /// Of one vCPU.
    pub vcpu_hour: Option<Number>,
    /// Of one GiB of memory.
    pub gib_hour: Option<Number>,
    /// Of one GPU, where no instance type is asked for.
    pub gpu_hour: Option<Number>,
    /// Of instances that are asked for by their type.
    pub instance_type_hour: BTreeMap<String, Number>,
}

/// Rules for the pods of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// Names of RAM roles.
    pub ram_roles: Option<Vec<String>>,
    /// Ids of security groups.
    pub security_groups: Option<Vec<String>>,
    /// Ids of vSwitches.
    pub v_switches: Option<Vec<String>>,
    /// Ids of EIPs that exist.
    pub eips: Option<Vec<String>>,
    /// Permission to have EIPs made for pods.
    pub automatic_eips: Option<bool>,
    /// Ids of resource groups.
    pub resource_groups: Option<Vec<String>>,
    /// Limits.
    pub limits: Limits,
}

/// Upper bounds on what runs at the same time.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Container groups.
    pub instances: Option<u32>,
    /// vCPU.
    pub vcpu: Option<Number>,
    /// GPUs.
    pub gpu: Option<u32>,
    /// ¥ an hour, before discounts that `prices` does not know.
    pub yuan_per_hour: Option<Number>,
}

/// A document that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// The document is no JSON object of the policy's form.
    #[error("the policy cannot be read: {0}. It is a JSON object with prices, default, namespaces and node")]
    Unreadable(String),
    /// A limit in ¥ needs prices.
    #[error(
        "the policy has {path}, and no prices.vcpuHour and prices.gibHour by which it could be kept: set both, in ¥ \
         an hour"
    )]
    Priceless {
        /// The limit.
        path: String,
    },
    /// A number below zero.
    #[error("the policy's {path} is {value}, and must not be below 0")]
    Negative {
        /// The number's path in the document, as `default.limits.vcpu`.
        path: String,
        /// The number.
        value: Number,
    },
}

impl Policy {
    /// Reads a document and says what is wrong with it, before any pod meets it.
    ///
    /// # Errors
    /// [`BadPolicy`].
    pub fn parse(text: &str) -> Result<Self, BadPolicy> {
        if !text.trim_start().starts_with('{') {
            return Err(BadPolicy::Unreadable("it does not begin with `{`".to_owned()));
        }
        let policy: Self =
            serde_json::from_str(text).map_err(|error| BadPolicy::Unreadable(error.to_string()))?;
        policy.prices.check()?;
        let own = policy.namespaces.iter().map(|(name, rules)| (format!("namespaces.{name}"), &rules.limits));
        let own = own.map(|(path, limits)| (format!("{path}.limits"), limits));
        let default = ("default.limits".to_owned(), &policy.default.limits);
        for (path, limits) in own.chain([default, ("node".to_owned(), &policy.node)]) {
            for (name, value) in [("vcpu", limits.vcpu), ("yuanPerHour", limits.yuan_per_hour)] {
                not_negative(&format!("{path}.{name}"), value)?;
            }
            if limits.yuan_per_hour.is_some() && !policy.prices.are_known() {
                return Err(BadPolicy::Priceless { path: format!("{path}.yuanPerHour") });
            }
        }
        Ok(policy)
    }
}

impl Prices {
    fn are_known(&self) -> bool {
        self.vcpu_hour.is_some() && self.gib_hour.is_some()
    }

    fn check(&self) -> Result<(), BadPolicy> {
        let one = [("vcpuHour", self.vcpu_hour), ("gibHour", self.gib_hour), ("gpuHour", self.gpu_hour)];
        let types = self.instance_type_hour.iter();
        let types = types.map(|(name, price)| (format!("instanceTypeHour.{name}"), Some(*price)));
        for (name, price) in one.into_iter().map(|(name, price)| (name.to_owned(), price)).chain(types) {
            not_negative(&format!("prices.{name}"), price)?;
        }
        Ok(())
    }
}

fn not_negative(path: &str, value: Option<Number>) -> Result<(), BadPolicy> {
    match value.filter(|value| value.0.is_sign_negative() && !value.0.is_zero()) {
        Some(value) => Err(BadPolicy::Negative { path: path.to_owned(), value }),
        None => Ok(()),
    }
}
