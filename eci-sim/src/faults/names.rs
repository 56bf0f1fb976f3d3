//! Names in fault rules and in stock, checked for whoever gives them: what does not exist is told with the nearest that does.

use eci_api::{ErrorCode, validate};

use super::{FaultVerdict, Rule};
use crate::catalog::{CATALOG, Pool, Region};
use crate::terms::Category;
use crate::text::{did_you_mean, matches};

/// Parameters of every call, which the tables of the operations leave out.
const COMMON: [&str; 12] = [
    "AccessKeyId",
    "Action",
    "Format",
    "RegionId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// A rule that could never apply, or that names what does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// An operation that does not exist.
    #[error("`{name}` is no operation of ECI{near}")]
    Action {
        /// Operation of the rule.
        name: String,
        /// Clause with the nearest operation, or with what would do.
        near: String,
    },
    /// A code that the table does not have, and without the status that it would lack.
    #[error("`{name}` is no error code of ECI{near}")]
    Code {
        /// Code of the rule.
        name: String,
        /// Clause with the nearest code, or with what would do.
        near: String,
    },
    /// A parameter of none of the rule's operations.
    #[error("`{action}` has no parameter `{name}`{near}")]
    Parameter {
        /// Operation of the rule.
        action: String,
        /// Parameter of the rule.
        name: String,
        /// Clause with the nearest parameter, or nothing.
        near: String,
    },
    /// A zone of no region.
    #[error("`{name}` is no zone{near}")]
    Zone {
        /// Zone that was given.
        name: String,
        /// Clause with the nearest zone, or with what would do.
        near: String,
    },
    /// A size or type that the zone's region does not sell.
    #[error("`{name}` is no size and no type that is sold in {zone}{near}")]
    Size {
        /// Size or type that was given.
        name: String,
        /// Zone before it.
        zone: String,
        /// Clause with the nearest size, or with what would do.
        near: String,
    },
    /// A count of zero.
    #[error("`{0}=0` lets the rule apply to no call; it should be 1 or more")]
    Never(&'static str),
}

impl Rule {
    /// Checks that the rule can apply to a call, and that what it names exists.
    ///
    /// # Errors
    /// [`RuleError`] with the nearest name.
    pub fn check(&self) -> Result<(), RuleError> {
        let counts = [("times", self.times), ("every", self.every)];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == Some(0)) {
            return Err(RuleError::Never(name));
        }
        let actions: Vec<_> = validate::actions().filter(|name| matches(&self.action, name)).collect();
        if actions.is_empty() {
            let near = near(&self.action, validate::actions(), "a `*` stands for anything");
            return Err(RuleError::Action { name: self.action.clone(), near });
        }
        if let Some((name, _)) = &self.parameter {
            check_parameter(&self.action, &actions, name)?;
        }
        match &self.verdict {
            FaultVerdict::Refuse { code, status: None, .. } => check_code(code),
            FaultVerdict::SoldOut(what) => check_stock(what),
            _ => Ok(()),
        }
    }
}

/// Checks that a code stands in the table, so that its status is known.
fn check_code(code: &str) -> Result<(), RuleError> {
    if ErrorCode::named(code).is_some() {
        return Ok(());
    }
    let other = "one that its table does not have needs a status besides";
    Err(RuleError::Code {
        near: near(code, ErrorCode::all().map(ErrorCode::as_str), other),
        name: code.to_owned(),
    })
}

fn check_parameter(pattern: &str, actions: &[&str], name: &str) -> Result<(), RuleError> {
    let pair = [(name.to_owned(), String::new())];
    let is_known = |action: &&str| validate::unknown(action, &pair).is_empty();
    if COMMON.contains(&name) || actions.iter().any(is_known) {
        return Ok(());
    }
    let known = actions.iter().flat_map(|action| validate::parameters(action)).map(|one| one.name.as_str());
    let near = did_you_mean(name, known.chain(COMMON));
    Err(RuleError::Parameter { action: pattern.to_owned(), name: name.to_owned(), near })
}

/// Checks a zone (`cn-hangzhou-b`), or a size or type in a zone (`cn-hangzhou-b/2.0-4.0Gi`).
///
/// # Errors
/// [`RuleError::Zone`] and [`RuleError::Size`].
pub fn check_stock(what: &str) -> Result<(), RuleError> {
    let (zone, size) = what.split_once('/').map_or((what, None), |(zone, size)| (zone, Some(size)));
    let has = |region: &&Region| region.zones.iter().any(|own| own == zone);
    let Some(region) = CATALOG.regions().find(has) else {
        let zones = CATALOG.regions().flat_map(|region| &region.zones).map(String::as_str);
        let near = near(zone, zones, "a zone is written as `cn-hangzhou-b`");
        return Err(RuleError::Zone { name: zone.to_owned(), near });
    };
    let Some(name) = size else { return Ok(()) };
    let pairs =
        CATALOG.pairs(region, Pool::Categories(&[Category::Default])).map(|pair| pair.size.to_string());
    let sizes: Vec<String> = pairs.chain(CATALOG.instance_types().map(|kind| kind.name.clone())).collect();
    if sizes.iter().any(|size| size == name) {
        return Ok(());
    }
    let near = near(name, sizes.iter().map(String::as_str), "a size is written as `2.0-4.0Gi`");
    Err(RuleError::Size { name: name.to_owned(), zone: zone.to_owned(), near })
}

/// A clause with the nearest known name, or else with `otherwise`.
fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match did_you_mean(name, known) {
        near if near.is_empty() => format!("; {otherwise}"),
        near => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(rule: Rule) -> String {
        rule.check().map_or_else(|why| why.to_string(), |()| "nothing".to_owned())
    }

    #[test]
    fn a_name_that_does_not_exist_is_told_with_the_nearest_that_does() {
        let refuse = || Rule::refuse("Throttling");
        let with = |name: &str| Rule { parameter: Some((name.into(), "*".into())), ..refuse() };
        for (rule, says) in [
            (refuse().on("CreateContainerGruop"), "operation of ECI; did you mean `CreateContainerGroup`?"),
            (refuse().on("Frobnicate"), "`Frobnicate` is no operation of ECI; a `*` stands for anything"),
            (Rule::refuse("Throtling.User"), "no error code of ECI; did you mean `Throttling.User`?"),
            (Rule::refuse("Nonsense"), "needs a status besides"),
            (with("RegionID").on("CreateContainerGroup"), "did you mean `RegionId`?"),
            (with("Container.1.Imag").on("Create*"), "did you mean `Container.N.Image`?"),
            (
                Rule::new(FaultVerdict::SoldOut("cn-hangzou-b".into())),
                "no zone; did you mean `cn-hangzhou-b`?",
            ),
            (Rule::new(FaultVerdict::SoldOut("cn-hangzhou-b/2.0-4.0G".into())), "did you mean `2.0-4.0Gi`?"),
            (refuse().times(0), "`times=0` lets the rule apply to no call"),
            (refuse().every(0), "`every=0` lets the rule apply to no call"),
        ] {
            let said = message_of(rule);
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn what_exists_is_not_questioned() {
        let own = FaultVerdict::Refuse { code: "Own.Code".into(), status: Some(503), message: None };
        let with = |name: &str| Rule { parameter: Some((name.into(), "*".into())), ..Rule::new(own.clone()) };
        for rule in [
            Rule::refuse("Throttling").on("Create*"),
            Rule::new(own.clone()),
            with("RegionId").on("DescribeRegions"),
            with("Tag.1.Key").on("DescribeContainerGroups"),
            with("ContainerGroupId"),
            Rule::new(FaultVerdict::SoldOut("cn-hangzhou-b".into())),
            Rule::new(FaultVerdict::SoldOut("cn-hangzhou-b/2.0-4.0Gi".into())),
            Rule::new(FaultVerdict::SoldOut("cn-hangzhou-b/ecs.c6.large".into())),
        ] {
            assert_eq!(message_of(rule), "nothing");
        }
    }
}
