//! The purchases that the operator allows: allow-lists and limits by namespace and for the whole node; pure.

mod document;
mod purchase;

use std::collections::BTreeMap;

use eci_api::actions::create_container_group::CreateContainerGroup;
use rust_decimal::Decimal;

pub use document::{BadPolicy, Limits, Policy, Prices, Rules};
pub use purchase::Purchase;

use crate::config::Config;
use crate::pods::annotations::PREFIX;

/// The entry of an allow-list that allows everything.
pub const ANY: &str = "*";

/// A purchase that the operator does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An annotation asks for something that is on no allow-list. Final for this pod.
    #[error(
        "annotation {PREFIX}{key} asks for {what} `{requested}`, which pods of namespace `{namespace}` may not use: \
         {path} of the provider's policy allows {allowed}"
    )]
    Forbidden {
        /// The annotation's key, without its prefix.
        key: &'static str,
        /// The kind of thing.
        what: &'static str,
        /// The id or name that the pod asks for.
        requested: String,
        /// The pod's namespace.
        namespace: String,
        /// The list's path in the policy.
        path: String,
        /// The list, for people.
        allowed: Box<str>,
    },
    /// A limit counts something that cannot be told of this pod beforehand. Final for this pod.
    #[error(
        "{path} of the provider's policy is a limit, and {unknown}; ask for CPU and memory instead, or have the \
         operator add it to the policy"
    )]
    Unmeasured {
        /// The limit's path in the policy.
        path: String,
        /// The value that is missing.
        unknown: String,
    },
    /// There is no room below a limit just now: the pod waits.
    #[error(
        "{scope} may have {limit} {unit} at once ({path} of the provider's policy), and this pod's {requested} do not fit \
         beside what runs"
    )]
    Limit {
        /// The namespace or node that is limited.
        scope: String,
        /// The limit's path in the policy.
        path: String,
        /// The unit that is counted.
        unit: &'static str,
        /// The limit.
        limit: Decimal,
        /// The running groups' part of the limit; not in the sentence, which stays the same while others come and go.
        used: Decimal,
        /// The pod's part of the limit.
        requested: Decimal,
    },
}

impl PolicyError {
    /// Returns true when waiting changes nothing.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Limit { .. })
    }
}

/// The purchases of the node's live container groups, by namespace and together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    node: Purchase,
    namespaces: BTreeMap<String, Purchase>,
}

impl Usage {
    /// Counts one more group of `namespace`; what is not known of it counts as nothing.
    pub fn add(&mut self, namespace: &str, purchase: &Purchase) {
        self.node.add(purchase);
        self.namespaces.entry(namespace.to_owned()).or_default().add(purchase);
    }

    /// Takes back one group of `namespace` that was counted. False where a number had reached its end, so that what is left
    /// is not known.
    #[must_use]
    pub fn take_back(&mut self, namespace: &str, purchase: &Purchase) -> bool {
        let mut is_known = self.node.take_back(purchase);
        if let Some(known) = self.namespaces.get_mut(namespace) {
            is_known &= known.take_back(purchase);
            if known.instances == 0 {
                self.namespaces.remove(namespace);
            }
        }
        is_known
    }

    /// The same, as far as purchases for `namespace` are concerned: the whole node's, and its own.
    #[must_use]
    pub fn for_namespace(&self, namespace: &str) -> Self {
        let own = self.namespaces.get_key_value(namespace);
        let own = own.map(|(name, purchase)| (name.clone(), purchase.clone()));
        Self { node: self.node.clone(), namespaces: own.into_iter().collect() }
    }
}

/// One allow-list: the annotation that it is for, and where it stands.
struct AllowList {
    key: &'static str,
    what: &'static str,
    name: &'static str,
    list: fn(&Rules) -> &Option<Vec<String>>,
    requested: fn(&CreateContainerGroup) -> &Option<String>,
    /// The operator's own, which every pod gets unasked.
    own: fn(&Config) -> &str,
    /// True where everything is allowed while the policy says nothing.
    open: bool,
}

const ALLOW_LISTS: [AllowList; 5] = [
    AllowList {
        key: "eci-ram-role-name",
        what: "RAM role",
        name: "ramRoles",
        list: |rules| &rules.ram_roles,
        requested: |request| &request.ram_role_name,
        own: |_| "",
        // a role is the one thing here that carries rights of its own
        open: false,
    },
    AllowList {
        key: "eci-security-group",
        what: "security group",
        name: "securityGroups",
        list: |rules| &rules.security_groups,
        requested: |request| &request.security_group_id,
        own: |config| &config.security_group,
        open: true,
    },
    AllowList {
        key: "eci-vswitch",
        what: "vSwitch",
        name: "vSwitches",
        list: |rules| &rules.v_switches,
        requested: |request| &request.vswitch_id,
        own: |config| &config.vswitch,
        open: true,
    },
    AllowList {
        key: "eci-eip-instanceid",
        what: "EIP",
        name: "eips",
        list: |rules| &rules.eips,
        requested: |request| &request.eip_instance_id,
        own: |_| "",
        open: true,
    },
    AllowList {
        key: "eci-resource-group-id",
        what: "resource group",
        name: "resourceGroups",
        list: |rules| &rules.resource_groups,
        requested: |request| &request.resource_group_id,
        own: |config| config.resource_group.as_deref().unwrap_or_default(),
        open: true,
    },
];

impl Policy {
    /// Fails when the annotations that became `request` ask for something that pods of `namespace` may not use; what
    /// the operator has set for the whole node in `own` may be asked for as well.
    ///
    /// # Errors
    /// [`PolicyError::Forbidden`].
    pub fn allows(
        &self,
        namespace: &str,
        request: &CreateContainerGroup,
        own: &Config,
    ) -> Result<(), PolicyError> {
        let forbidden =
            |key, what, requested: &str, path: String, allowed: &[String]| PolicyError::Forbidden {
                key,
                what,
                requested: requested.to_owned(),
                namespace: namespace.to_owned(),
                path,
                allowed: if allowed.is_empty() { "none".into() } else { allowed.join(", ").into() },
            };
        for list in &ALLOW_LISTS {
            let found = self.found(namespace, |rules| (list.list)(rules).clone());
            let (allowed, scope) = match found {
                Some(found) => found,
                None if list.open => continue,
                None => (Vec::new(), RuleScope::Default),
            };
            let usual = |id: &str| (list.own)(own).split(',').any(|own| own.trim() == id);
            let listed = |id: &str| allowed.iter().any(|allowed| allowed == ANY || allowed == id);
            let mut requested =
                (list.requested)(request).iter().flat_map(|ids| ids.split(',')).map(str::trim);
            if let Some(requested) = requested.find(|id| !id.is_empty() && !usual(id) && !listed(id)) {
                let path = scope.path(list.name);
                return Err(forbidden(list.key, list.what, requested, path, &allowed));
            }
        }
        match self.found(namespace, |rules| rules.automatic_eips) {
            Some((false, scope)) if request.auto_create_eip == Some(true) => {
                let path = scope.path("automaticEips");
                Err(forbidden("eci-with-eip", "EIP", "of its own", path, &[]))
            }
            _ => Ok(()),
        }
    }

    /// Fails when `purchase` for a pod of `namespace` does not fit below a limit, given what is in use.
    ///
    /// # Errors
    /// [`PolicyError::Limit`], or [`PolicyError::Unmeasured`].
    pub fn fits(&self, namespace: &str, purchase: &Purchase, usage: &Usage) -> Result<(), PolicyError> {
        let nothing = Purchase::default();
        let used = usage.namespaces.get(namespace).unwrap_or(&nothing);
        for measure in MEASURES {
            if let Some((limit, rules)) = self.found(namespace, |rules| (measure.limit)(&rules.limits)) {
                let scope = format!("namespace `{namespace}`");
                measure.fits(scope, rules.path("limits"), limit, used, purchase)?;
            }
            if let Some(limit) = (measure.limit)(&self.node) {
                measure.fits("the node".to_owned(), "node".to_owned(), limit, &usage.node, purchase)?;
            }
        }
        Ok(())
    }

    /// Returns true when there is any limit: without one, usage need not be counted.
    pub fn has_limits(&self) -> bool {
        let rules = self.namespaces.values().chain([&self.default]).map(|rules| &rules.limits);
        rules.chain([&self.node]).any(|limits| *limits != Limits::default())
    }

    /// The rule of the namespace itself, else the default one.
    fn found<T>(&self, namespace: &str, find: impl Fn(&Rules) -> Option<T>) -> Option<(T, RuleScope<'_>)> {
        let own = self.namespaces.get_key_value(namespace);
        let own = own.and_then(|(name, rules)| Some((find(rules)?, RuleScope::Namespace(name))));
        own.or_else(|| Some((find(&self.default)?, RuleScope::Default)))
    }
}

/// The part of the policy's document that a rule stands in.
#[derive(Debug, Clone, Copy)]
enum RuleScope<'a> {
    Default,
    Namespace(&'a str),
}

impl RuleScope<'_> {
    fn path(self, name: &str) -> String {
        match self {
            Self::Default => format!("default.{name}"),
            Self::Namespace(namespace) => format!("namespaces.{namespace}.{name}"),
        }
    }
}

/// Something that is counted.
struct Measure {
    name: &'static str,
    unit: &'static str,
    limit: fn(&Limits) -> Option<Decimal>,
    value: fn(&Purchase) -> Option<Decimal>,
}

const MEASURES: [Measure; 4] = [
    Measure {
        name: "instances",
        unit: "instances",
        limit: |limits| limits.instances.map(Decimal::from),
        value: |purchase| Some(Decimal::from(purchase.instances)),
    },
    Measure {
        name: "vcpu",
        unit: "vCPU",
        limit: |limits| limits.vcpu.map(|limit| limit.0),
        value: |purchase| purchase.vcpu,
    },
    Measure {
        name: "gpu",
        unit: "GPU",
        limit: |limits| limits.gpu.map(Decimal::from),
        value: |purchase| purchase.gpu.map(Decimal::from),
    },
    Measure {
        name: "yuanPerHour",
        unit: "¥/h",
        limit: |limits| limits.yuan_per_hour.map(|limit| limit.0),
        value: |purchase| purchase.yuan_per_hour,
    },
];

impl Measure {
    fn fits(
        &self,
        scope: String,
        path: String,
        limit: Decimal,
        used: &Purchase,
        purchase: &Purchase,
    ) -> Result<(), PolicyError> {
        let path = format!("{path}.{}", self.name);
        let Some(requested) = (self.value)(purchase) else {
            let unknown = format!("the {} of {} are not known", self.unit, purchase.described());
            return Err(PolicyError::Unmeasured { path, unknown });
        };
        let used = (self.value)(used).unwrap_or_default();
        if requested.is_zero() || used + requested <= limit {
            return Ok(());
        }
        let [limit, used, requested] = [limit, used, requested].map(|number| number.normalize());
        Err(PolicyError::Limit { scope, path, unit: self.unit, limit, used, requested })
    }
}

#[cfg(test)]
mod tests;
