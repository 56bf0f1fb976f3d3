//! The lines of a bill that an expectation is about: by pod, namespace and tags; a selection that fits no line is a slip.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use eci_sim::text::did_you_mean;

use crate::cloud::Charge;
use crate::outcome::Miss;
use crate::scenario::names::{HOME, PodName};

/// The most names that are listed where none is near.
const MOST_LISTED: usize = 4;

/// What a line has to have; without anything, all lines fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct BillSelection<'a> {
    /// The pod.
    pub pod: Option<&'a PodName>,
    /// The pod's namespace.
    pub namespace: Option<&'a str>,
    /// Tags of the container group, values by key.
    pub tags: &'a BTreeMap<String, String>,
}

impl BillSelection<'_> {
    /// Keeps the lines that fit; what names no namespace is in `home`.
    ///
    /// # Errors
    /// [`Miss::Refused`] for a namespace or a tag that no line has.
    pub fn keep(&self, charges: &mut Vec<Charge>, home: &str) -> Result<(), Miss> {
        let namespace = self.namespace.map(|name| if name == HOME { home } else { name });
        if let Some(name) = namespace {
            let known: BTreeSet<&str> = charges.iter().filter_map(Charge::namespace).collect();
            require(&known, name, &format!("namespace {name}"))?;
        }
        for (key, value) in self.tags {
            let keys: BTreeSet<&str> =
                charges.iter().flat_map(|charge| charge.tags.keys()).map(String::as_str).collect();
            require(&keys, key, &format!("tag {key}"))?;
            let values: BTreeSet<&str> =
                charges.iter().filter_map(|charge| charge.tags.get(key)).map(String::as_str).collect();
            require(&values, value, &format!("tag {key} with the value {value}"))?;
        }
        let tagged =
            |charge: &Charge| self.tags.iter().all(|(key, value)| charge.tags.get(key) == Some(value));
        charges.retain(|charge| {
            self.pod.is_none_or(|pod| charge.belongs_to(pod))
                && namespace.is_none_or(|name| charge.namespace() == Some(name))
                && tagged(charge)
        });
        match charges.is_empty() && (namespace.is_some() || !self.tags.is_empty()) {
            true => Err(Miss::Refused(format!("no line of the bill{self} has all of that at once"))),
            false => Ok(()),
        }
    }
}

/// Fails where no line has it, with the nearest that one has.
fn require(known: &BTreeSet<&str>, name: &str, what: &str) -> Result<(), Miss> {
    if known.contains(name) {
        return Ok(());
    }
    let near = did_you_mean(name, known.iter().copied());
    let listed = known.iter().take(MOST_LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = if known.len() > MOST_LISTED { " and others" } else { "" };
    let hint = match (near.is_empty(), listed.is_empty()) {
        (false, _) => near,
        (true, false) => format!("; there are {listed}{more}"),
        (true, true) => "; the bill has none at all".to_owned(),
    };
    Err(Miss::Refused(format!("no line of the bill has the {what}{hint}")))
}

/// As one would say it behind "the bill": ` of vk/nginx`.
impl fmt::Display for BillSelection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pod) = self.pod {
            write!(f, " of {pod}")?;
        }
        if let Some(namespace) = self.namespace {
            write!(f, " of namespace {namespace}")?;
        }
        for (key, value) in self.tags {
            write!(f, " with {key}={value}")?;
        }
        Ok(())
    }
}
