//! A served kind: its names, its subresources, and the rules for its objects.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::field::name;
use crate::object::field_error::FieldErrors;
use crate::table::cells::{CREATED_AT, Column, NAME, Row};

/// A kind of object, and what may be done with it.
#[derive(Debug)]
pub struct Kind {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The version without the group, as in `v1`.
    pub version: &'static str,
    /// The plural, as it stands in paths.
    pub resource: &'static str,
    /// The kind, as it stands in objects.
    pub kind: &'static str,
    /// True for a kind whose objects live in namespaces.
    pub namespaced: bool,
    /// Short names for kubectl, as in `po`.
    pub short: &'static [&'static str],
    /// Groups of kinds, such as `all`.
    pub categories: &'static [&'static str],
    /// The kind's subresources.
    pub subresources: &'static [Subresource],
    /// Rules for writes of its objects.
    pub traits: Traits,
    /// The fields that select, beside name and namespace.
    pub selectable: &'static [&'static str],
    /// Defaults, validation and columns of the kind alone.
    pub rules: Rules,
    /// What a write to it and to its subresources may change.
    pub writes: WriteRules,
    /// The way to the form in which its objects are stored; `None` for a kind whose objects are stored as they are shown.
    pub conversion: Option<Conversion>,
}

/// The way from what a version of a kind shows to what is stored, and back.
#[derive(Debug, Clone, Copy)]
pub struct Conversion {
    /// An object as it is stored.
    pub to_stored: fn(Value) -> Value,
    /// An object as its version shows it.
    pub to_shown: fn(Value) -> Value,
}

/// Defaults, validation and columns of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Fills in the defaults of a new object, or of a changed one and what was stored.
    pub fill: fn(&mut Value, Option<&Value>),
    /// Adds the errors of a new object, or of a changed one and what was stored.
    pub check: fn(&Value, Option<&Value>, &mut FieldErrors),
    /// The columns of its table.
    pub columns: &'static [Column],
    /// The cells of an object in these columns.
    pub row: Row,
}

/// What writes to the object itself and to its subresources may change, where the usual is not all.
#[derive(Debug, Clone, Copy)]
pub struct WriteRules {
    /// Puts back what a write to this subresource may not change, and notes its instants; what was stored comes second.
    pub keep: fn(&mut Value, &Value, &str, Timestamp),
    /// Adds the errors of a write to this subresource: what was stored, and what would be.
    pub check: fn(&str, &Value, &Value, &mut FieldErrors),
}

/// A subresource: its name, the kind of its bodies, and its verbs.
#[derive(Debug)]
pub struct Subresource {
    /// Name in the path, as in `status`.
    pub name: &'static str,
    /// Group, version and kind of its body; empty group and version mean those of the object.
    pub body: (&'static str, &'static str, &'static str),
    /// The verbs that discovery lists.
    pub verbs: &'static [&'static str],
}

/// Rules for writes in which kinds differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traits {
    /// True when `metadata.generation` counts changes of the specification.
    pub generation: bool,
    /// True when a PUT of a missing object creates it.
    pub create_on_update: bool,
    /// True when a PUT needs a resource version.
    pub needs_version: bool,
    /// True for reviews, which are answered and not stored.
    pub computed: bool,
    /// True for measures, which are read from the nodes and not stored.
    pub measured: bool,
}

pub(super) const STORED: Traits = Traits {
    generation: false,
    create_on_update: false,
    needs_version: false,
    computed: false,
    measured: false,
};
pub(super) const COUNTED: Traits = Traits { generation: true, ..STORED };
pub(super) const COMPUTED: Traits = Traits { computed: true, ..STORED };
pub(super) const MEASURED: Traits = Traits { measured: true, ..STORED };
pub(super) const UPSERTED: Traits = Traits { create_on_update: true, ..STORED };
pub(super) const CAREFUL: Traits = Traits { needs_version: true, ..COUNTED };
pub(super) const LEASE: Traits = Traits { create_on_update: true, needs_version: true, ..STORED };

const ALL: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const NO_COLLECTION: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
pub(super) const CREATE: &[&str] = &["create"];
const READ: &[&str] = &["get", "list"];
pub(super) const STATUS: &[&str] = &["get", "patch", "update"];
const STREAM: &[&str] = &["create", "get"];
const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];

pub(super) const fn status(kind: &'static str) -> Subresource {
    Subresource { name: "status", body: ("", "", kind), verbs: STATUS }
}

pub(super) const fn proxy(kind: &'static str) -> Subresource {
    Subresource { name: "proxy", body: ("", "", kind), verbs: PROXY }
}

pub(super) const fn stream(name: &'static str, kind: &'static str) -> Subresource {
    Subresource { name, body: ("", "", kind), verbs: STREAM }
}

pub(super) const fn scale() -> Subresource {
    Subresource { name: "scale", body: ("autoscaling", "v1", "Scale"), verbs: STATUS }
}

/// No defaults and no validation of the kind alone; a name and an instant as columns.
pub(super) const NO_RULES: Rules = Rules {
    fill: |_, _| {},
    check: |_, _, _| {},
    columns: &[NAME, CREATED_AT],
    row: |object, _| vec![name(object).into(), object["metadata"]["creationTimestamp"].clone()],
};

/// A namespaced kind of the core, with no rules of its own.
pub(super) const CORE: Kind = Kind {
    group: "",
    version: "v1",
    resource: "",
    kind: "",
    namespaced: true,
    short: &[],
    categories: &[],
    subresources: &[],
    traits: STORED,
    selectable: &[],
    rules: NO_RULES,
    writes: WriteRules { keep: |_, _, _, _| {}, check: |_, _, _, _| {} },
    conversion: None,
};
/// A review.
pub(super) const REVIEW: Kind = Kind { version: "v1", namespaced: false, traits: COMPUTED, ..CORE };

impl Kind {
    /// Group and version as in `apiVersion`: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Resource and group as in messages: `pods`, `deployments.apps`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// The details of a Status about one object of this kind.
    pub fn details(&self, name: &str) -> Value {
        match self.group {
            "" => json!({"name": name, "kind": self.resource}),
            group => json!({"name": name, "group": group, "kind": self.resource}),
        }
    }

    /// The verbs of the kind's objects.
    pub fn verbs(&self) -> &'static [&'static str] {
        match self.resource {
            _ if self.traits.computed => CREATE,
            _ if self.traits.measured => READ,
            "namespaces" => NO_COLLECTION,
            _ => ALL,
        }
    }

    /// Group and resource under which its objects are stored; `events.k8s.io` shares the core's events.
    pub fn storage(&self) -> (&'static str, &'static str) {
        if self.resource == "events" { ("", "events") } else { (self.group, self.resource) }
    }

    /// True for a kind whose objects are in the store; of several that show the same objects, for one of them.
    pub fn is_stored(&self) -> bool {
        !self.traits.computed && !self.traits.measured && self.conversion.is_none()
    }

    /// An object of this kind as it is stored.
    pub fn to_stored(&self, object: Value) -> Value {
        match self.conversion {
            Some(conversion) => (conversion.to_stored)(object),
            None => object,
        }
    }

    /// A stored object as this kind shows it.
    pub fn to_shown(&self, object: Value) -> Value {
        match self.conversion {
            Some(conversion) => (conversion.to_shown)(object),
            None => object,
        }
    }

    /// The singular, as kubectl takes it; empty for measures, as the real server of them says it.
    pub fn singular(&self) -> String {
        if self.traits.measured { String::new() } else { self.kind.to_ascii_lowercase() }
    }
}
