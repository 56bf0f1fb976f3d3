//! One walk over a pod's fields: it lists the rows of the table, or finds those that apply to a pod.

use std::fmt;

use k8s_openapi::api::core::v1::{Container, PodSecurityContext, PodSpec};

/// What becomes of a field or an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// It is part of the request that makes the container group.
    Sent,
    /// It acts in the cluster or at this node, and not in the request.
    Elsewhere,
    /// It changes nothing, and nobody misses what it asks for.
    NoEffect,
    /// It is not part of the request, and the pod has an event that says so.
    LeftOut,
    /// There is no request: the pod has failed.
    Refused,
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sent => "sent",
            Self::Elsewhere => "acts elsewhere",
            Self::NoEffect => "no effect",
            Self::LeftOut => "left out, with a warning",
            Self::Refused => "refused",
        })
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The field's path in a pod's spec, as `containers[].name`, or the annotation's key.
    pub name: String,
    /// The values that the row is about, to be read behind the name; empty for all of them.
    pub when: &'static str,
    /// What becomes of it.
    pub handling: Handling,
    /// The parameter that it is sent as, the part of the cluster that it acts in, or the reason.
    pub words: &'static str,
    /// The case that shows it, where there is one.
    pub case: Option<&'static str>,
}

/// What was found in one pod: sentences, in the order of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is not part of the request.
    pub left_out: Vec<String>,
    /// What there can be no request for.
    pub refused: Vec<String>,
}

impl Findings {
    /// Adds a finding; what is neither left out nor refused is none.
    pub fn add(&mut self, handling: Handling, subject: &str, words: &str) {
        match handling {
            Handling::LeftOut => self.left_out.push(format!("{subject} is left out: {words}")),
            Handling::Refused => {
                self.refused.push(format!("{subject} is not possible on the virtual node: {words}"));
            }
            Handling::Sent | Handling::Elsewhere | Handling::NoEffect => {}
        }
    }

    /// Adds all findings of another.
    pub fn extend(&mut self, other: Self) {
        self.left_out.extend(other.left_out);
        self.refused.extend(other.refused);
    }
}

/// Whether a row applies to a value, and to which parts of it by name.
pub(super) trait Applies {
    /// The text behind the field's name; `None` where the row does not apply.
    fn applies(self, when: &'static str) -> Option<String>;
}

impl Applies for bool {
    fn applies(self, when: &'static str) -> Option<String> {
        self.then(|| when.to_owned())
    }
}

impl<T: AsRef<str>> Applies for Vec<T> {
    fn applies(self, _when: &'static str) -> Option<String> {
        let names: Vec<&str> = self.iter().map(AsRef::as_ref).collect();
        (!names.is_empty()).then(|| format!(" {}", names.join(", ")))
    }
}

/// Items of a list that may be absent.
pub(super) trait Items<T> {
    /// The items; none where there is no list.
    fn items(&self) -> &[T];
}

impl<T> Items<T> for Vec<T> {
    fn items(&self) -> &[T] {
        self
    }
}

impl<T> Items<T> for Option<Vec<T>> {
    fn items(&self) -> &[T] {
        self.as_deref().unwrap_or_default()
    }
}

/// The walk: with rows it lists the table, without them it judges a pod.
#[derive(Default)]
pub(super) struct Walk {
    rows: Option<Vec<Row>>,
    findings: Findings,
    /// The path from the spec, for the table.
    path: String,
    /// The path from the container or volume, for sentences, and where that path begins.
    local: String,
    place: String,
    /// The names of the container's ports, to which its probes and hooks may refer.
    ports: Vec<String>,
    /// The container ends before the others start.
    is_init: bool,
    /// The pod mounts something whose files belong to somebody.
    has_owned_files: bool,
    /// What holds for containers that say nothing themselves.
    pod_security: PodSecurityContext,
}

impl Walk {
    pub fn listing() -> Self {
        Self { rows: Some(Vec::new()), ..Self::default() }
    }

    pub fn inspecting(spec: &PodSpec) -> Self {
        let has_owned_files = spec.volumes.iter().flatten().any(super::volume::has_owned_files);
        let pod_security = spec.security_context.clone().unwrap_or_default();
        Self { has_owned_files, pod_security, ..Self::default() }
    }

    pub fn into_rows(self) -> Vec<Row> {
        self.rows.unwrap_or_default()
    }

    pub fn into_findings(self) -> Findings {
        self.findings
    }

    pub fn is_listing(&self) -> bool {
        self.rows.is_some()
    }

    pub fn is_init(&self) -> bool {
        self.is_init
    }

    pub fn pod_security(&self) -> &PodSecurityContext {
        &self.pod_security
    }

    pub fn has_owned_files(&self) -> bool {
        self.has_owned_files
    }

    pub fn has_port(&self, name: &str) -> bool {
        self.ports.iter().any(|port| port == name)
    }

    fn row(
        &mut self,
        name: &str,
        (handling, applies): (Handling, impl Applies),
        when: &'static str,
        words: &'static str,
    ) -> &mut Self {
        if let Some(rows) = &mut self.rows {
            rows.push(Row { name: format!("{}{name}", self.path), when, handling, words, case: None });
        } else if let Some(when) = applies.applies(when) {
            let subject = format!("{}{name}{when}{}", self.local, self.place);
            self.findings.add(handling, &subject, words);
        }
        self
    }

    pub fn sent<T>(&mut self, name: &str, _: &T, words: &'static str) -> &mut Self {
        self.row(name, (Handling::Sent, false), "", words)
    }

    pub fn elsewhere<T>(&mut self, name: &str, _: &T, words: &'static str) -> &mut Self {
        self.row(name, (Handling::Elsewhere, false), "", words)
    }

    pub fn no_effect<T>(&mut self, name: &str, _: &T, words: &'static str) -> &mut Self {
        self.row(name, (Handling::NoEffect, false), "", words)
    }

    pub fn left_out<T>(
        &mut self,
        name: &str,
        _: &T,
        applies: impl Applies,
        when: &'static str,
        words: &'static str,
    ) -> &mut Self {
        self.row(name, (Handling::LeftOut, applies), when, words)
    }

    pub fn refused<T>(
        &mut self,
        name: &str,
        _: &T,
        applies: impl Applies,
        when: &'static str,
        words: &'static str,
    ) -> &mut Self {
        self.row(name, (Handling::Refused, applies), when, words)
    }

    /// Names the case that shows the row before.
    pub fn shown(&mut self, case: &'static str) {
        if let Some(row) = self.rows.as_mut().and_then(|rows| rows.last_mut()) {
            row.case = Some(case);
        }
    }

    /// Goes into a struct; in a list of the table also where there is none.
    pub fn inside<T: Default>(
        &mut self,
        name: &str,
        value: &Option<T>,
        walk: fn(&T, &mut Self),
    ) -> &mut Self {
        match value {
            Some(value) => self.enter(&format!("{name}."), |it| walk(value, it)),
            None if self.is_listing() => self.enter(&format!("{name}."), |it| walk(&T::default(), it)),
            None => self,
        }
    }

    /// Goes into each item of a list.
    pub fn each<T: Default>(
        &mut self,
        name: &str,
        values: &impl Items<T>,
        walk: fn(&T, &mut Self),
    ) -> &mut Self {
        let prefix = format!("{name}[].");
        if self.is_listing() {
            return self.enter(&prefix, |it| walk(&T::default(), it));
        }
        for value in values.items() {
            self.enter(&prefix, |it| walk(value, it));
        }
        self
    }

    fn enter(&mut self, prefix: &str, walk: impl FnOnce(&mut Self)) -> &mut Self {
        let (path, local) = (self.path.len(), self.local.len());
        self.path.push_str(prefix);
        self.local.push_str(prefix);
        walk(self);
        self.path.truncate(path);
        self.local.truncate(local);
        self
    }

    /// Goes into a container or a volume, by which sentences name the place.
    pub fn at(&mut self, place: String, walk: impl FnOnce(&mut Self)) {
        let outer = (std::mem::take(&mut self.local), std::mem::replace(&mut self.place, place));
        walk(self);
        (self.local, self.place) = outer;
    }

    /// Goes into a container.
    pub fn container(&mut self, container: &Container, is_init: bool, walk: impl FnOnce(&mut Self)) {
        let ports = container.ports.iter().flatten();
        self.ports = ports.filter_map(|port| port.name.clone()).collect();
        self.is_init = is_init;
        self.at(format!(" of container {}", container.name), walk);
        self.is_init = false;
    }
}

/// Writes the function that takes a struct apart by a table of its fields: field, name in the API, what becomes of it.
macro_rules! fields {
    ($(#[$doc:meta])* fn $function:ident($type:ident, $walk:ident) {
        $($field:ident $name:literal $($handling:ident($($argument:expr),* $(,)?) $(shown $case:literal)?),+;)*
    }) => {
        $(#[$doc])*
        pub(super) fn $function(value: &$type, $walk: &mut $crate::pods::fields::walk::Walk) {
            let $type { $($field),* } = value;
            $($($walk.$handling($name, $field, $($argument),*)$(.shown($case))?;)+)*
        }
    };
}

/// True for a text that says something.
pub(super) fn some_text(text: &Option<String>) -> bool {
    text.as_deref().is_some_and(|text| !text.is_empty())
}

/// True for a list that has items.
pub(super) fn some<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}
