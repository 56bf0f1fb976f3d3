//! Representations of objects: as they are, as their metadata, or as a table.

pub mod age;
pub mod cells;
mod columns;
mod network;
mod workloads;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::json;
use crate::kinds::Kind;
use crate::managed_fields::shown;
use crate::meta;
use crate::object::field::text;
use crate::status::ApiError;

use cells::Column;

/// The representation that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    form: Form,
    now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Metadata,
    Table { include: Include },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Metadata,
    Object,
    Nothing,
}

impl View {
    /// Reads an `Accept` header; the first form that is known wins.
    ///
    /// # Errors
    /// 406 when none is.
    pub fn read(accept: &str, include: &str) -> Result<Self, ApiError> {
        let include = match include {
            "Object" => Include::Object,
            "None" => Include::Nothing,
            _ => Include::Metadata,
        };
        let known = accept.split(',').find_map(|part| {
            let mut words = part.split(';').map(str::trim);
            let kind = words.next().unwrap_or_default();
            let shape = words.find_map(|word| word.strip_prefix("as="));
            let protobuf = kind == "application/vnd.kubernetes.protobuf" && shape != Some("Table");
            let json = matches!(kind, "" | "*/*" | "application/*" | "application/json" | "application/yaml");
            match (json || protobuf, shape) {
                (true, None) => Some(Form::Plain),
                (true, Some("Table")) => Some(Form::Table { include }),
                (true, Some("PartialObjectMetadata" | "PartialObjectMetadataList")) => Some(Form::Metadata),
                _ => None,
            }
        });
        let form = known.ok_or_else(|| not_acceptable(accept, ""))?;
        Ok(Self { form, now: Timestamp::UNIX_EPOCH })
    }

    /// The same, with ages as of this instant.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// The document of one object.
    pub fn one(&self, kind: &Kind, object: &Arc<Value>, with_columns: bool) -> Value {
        match self.form {
            Form::Plain => kind.to_shown(shown::object(object)),
            Form::Metadata => meta::partial(object),
            Form::Table { include } => {
                let metadata = json!({"resourceVersion": text(object, "/metadata/resourceVersion")});
                let mut table = self.table(kind, std::slice::from_ref(object), include, metadata);
                if !with_columns {
                    table["columnDefinitions"] = Value::Null;
                }
                table
            }
        }
    }

    /// The document of a workload's `scale`.
    pub fn scale(&self, scale: Value) -> Value {
        let Form::Table { include } = self.form else {
            return if self.form == Form::Metadata { meta::partial(&scale) } else { scale };
        };
        let (columns, row) = columns::SCALE;
        let columns: Vec<_> = columns.iter().map(Column::definition).collect();
        let cells = row(&scale, self.now);
        let metadata = json!({"resourceVersion": text(&scale, "/metadata/resourceVersion")});
        let seen = match include {
            Include::Nothing => Value::Null,
            Include::Object => scale,
            Include::Metadata => meta::partial(&scale),
        };
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns,
            "rows": [{"cells": cells, "object": seen}]})
    }

    /// True where an object looks the same whenever it is looked at, and by whomever.
    pub fn is_the_same_for_all(&self) -> bool {
        self.form == Form::Plain
    }

    /// One object as JSON text; one that is shown as it is stored is not copied first.
    pub fn text(&self, kind: &Kind, object: &Arc<Value>, with_columns: bool) -> String {
        match self.form {
            Form::Plain if kind.conversion.is_none() => shown::text(object, &[]),
            _ => json::text(&self.one(kind, object, with_columns)),
        }
    }

    /// A list of a revision, as JSON text; `next` is where it goes on, and how many are left when that is known.
    pub fn list(
        &self,
        kind: &Kind,
        objects: &[Arc<Value>],
        revision: u64,
        next: Option<(String, Option<usize>)>,
    ) -> String {
        // Measures are of no revision.
        let mut metadata = match kind.traits.measured {
            true => json!({}),
            false => json!({"resourceVersion": revision.to_string()}),
        };
        if let Some((token, remaining)) = next {
            metadata["continue"] = token.into();
            if let Some(remaining) = remaining {
                metadata["remainingItemCount"] = remaining.into();
            }
        }
        let (name, version, items): (String, String, Vec<String>) = match self.form {
            Form::Table { include } => return self.table(kind, objects, include, metadata).to_string(),
            Form::Metadata => {
                let items = objects.iter().map(|object| meta::partial(object).to_string()).collect();
                ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned(), items)
            }
            Form::Plain if kind.conversion.is_some() => {
                let seen = objects.iter().map(|object| kind.to_shown(shown::object(object)));
                let items = seen.map(|object| shown::text(&object, &OF_THE_LIST)).collect();
                (format!("{}List", kind.kind), kind.api_version(), items)
            }
            Form::Plain => {
                let items = objects.iter().map(|object| shown::text(object, &OF_THE_LIST)).collect();
                (format!("{}List", kind.kind), kind.api_version(), items)
            }
        };
        let items = items.join(",");
        format!(
            "{{\"kind\":{name:?},\"apiVersion\":{version:?},\"metadata\":{metadata},\"items\":[{items}]}}"
        )
    }

    fn table(&self, kind: &Kind, objects: &[Arc<Value>], include: Include, metadata: Value) -> Value {
        let (columns, row) = columns::of(kind);
        let columns: Vec<_> = columns.iter().map(Column::definition).collect();
        let rows = objects.iter().map(|object| {
            let seen = match include {
                Include::Nothing => Value::Null,
                Include::Object => kind.to_shown(shown::object(object)),
                Include::Metadata => meta::partial(object),
            };
            json!({"cells": row(object, self.now), "object": seen})
        });
        let rows: Vec<_> = rows.collect();
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows})
    }
}

/// The media types of objects, as errors list them.
const MEDIA_TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/// Those of a list, which can also be watched.
pub const WATCHED: &str = ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// True for a client that takes one of the media types of objects, whatever shape it wants them in.
pub fn takes_objects(accept: &str) -> bool {
    let mut kinds = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    kinds.any(|kind| {
        matches!(kind, "" | "*/*" | "application/*") || MEDIA_TYPES.split(", ").any(|t| t == kind)
    })
}

/// The error for a client that takes none of the media types, or objects in a shape that there is not; `more` are media
/// types beside those of objects.
pub fn not_acceptable(accept: &str, more: &str) -> ApiError {
    if takes_objects(accept) {
        let message = format!("only the following media types are accepted: {MEDIA_TYPES}");
        return ApiError { details: Value::Null, ..ApiError::new(406, "NotAcceptable", message) };
    }
    let message = format!("406: Not Acceptable\n\nAvailable representations: {MEDIA_TYPES}{more}");
    ApiError::new(406, "NotAcceptable", message)
}

/// What the items of a list do not repeat.
const OF_THE_LIST: [&str; 2] = ["kind", "apiVersion"];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, resource: &str, object: Value) -> Vec<Value> {
        let kind = crate::kinds::find(group, resource).unwrap();
        let view = View::read("application/json;as=Table;v=v1;g=meta.k8s.io", "").unwrap();
        let table = view.at("2026-01-01T01:00:00Z".parse().unwrap()).one(kind, &Arc::new(object), true);
        let (columns, cells) = (&table["columnDefinitions"], &table["rows"][0]["cells"]);
        assert_eq!(columns.as_array().unwrap().len(), cells.as_array().unwrap().len(), "{resource}");
        cells.as_array().unwrap().clone()
    }

    #[test]
    fn every_kind_fills_its_columns_even_for_an_empty_object() {
        for kind in crate::kinds::KINDS.iter().filter(|kind| !kind.traits.computed) {
            row(kind.group, kind.resource, json!({"metadata": {"name": "x"}}));
        }
    }

    #[test]
    fn a_scale_shows_what_is_desired_and_what_is_there() {
        let view = View::read("application/json;as=Table;v=v1;g=meta.k8s.io", "").unwrap();
        let table = view
            .scale(json!({"metadata": {"name": "web"}, "spec": {"replicas": 3}, "status": {"replicas": 2}}));
        let names: Vec<_> =
            table["columnDefinitions"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
        assert_eq!(names, ["Name", "Desired", "Available", "Age"]);
        assert_eq!(table["rows"][0]["cells"], json!(["web", 3, 2, "<unknown>"]));
    }

    #[test]
    fn the_status_of_a_pod_is_said_in_one_word() {
        let running = json!({"name": "a", "ready": true, "state": {"running": {}}});
        let waiting = |reason: &str| json!({"name": "a", "state": {"waiting": {"reason": reason}}});
        let ended = |code: i64, reason: &str| json!({"name": "a", "state": {"terminated": {"exitCode": code, "reason": reason}}});
        let init = |status: Value| {
            json!({"metadata": {"name": "p"}, "spec": {"initContainers": [{"name": "a"}, {"name": "b"}]},
            "status": {"phase": "Pending", "initContainerStatuses": [status]}})
        };
        let main = |phase: &str, status: Value| json!({"metadata": {"name": "p"}, "status": {"phase": phase, "containerStatuses": [status]}});
        let mut going = main("Running", running.clone());
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let mut gone = main("Failed", ended(1, "Error"));
        gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        for (pod, wanted) in [
            (main("Running", running), "Running"),
            (main("Pending", waiting("ImagePullBackOff")), "ImagePullBackOff"),
            (main("Failed", ended(3, "")), "ExitCode:3"),
            (main("Succeeded", ended(0, "Completed")), "Completed"),
            (
                main("Failed", json!({"name": "a", "state": {"terminated": {"exitCode": 137, "signal": 9}}})),
                "Signal:9",
            ),
            (going, "Terminating"),
            (gone, "Error"),
            (init(waiting("CrashLoopBackOff")), "Init:CrashLoopBackOff"),
            (init(waiting("PodInitializing")), "Init:0/2"),
            (init(ended(0, "Completed")), "Pending"),
            (init(ended(2, "")), "Init:ExitCode:2"),
            (
                json!({"metadata": {"name": "p"}, "status": {"phase": "Failed", "reason": "Evicted"}}),
                "Evicted",
            ),
        ] {
            assert_eq!(row("", "pods", pod.clone())[2], wanted, "{pod}");
        }
    }

    #[test]
    fn a_node_that_nobody_hears_of_is_not_ready() {
        for (status, wanted) in [("True", "Ready"), ("False", "NotReady"), ("Unknown", "NotReady")] {
            let node = json!({"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": status}]}});
            assert_eq!(row("", "nodes", node)[1], wanted, "{status}");
        }
        let cordoned = json!({"metadata": {"name": "n"}, "spec": {"unschedulable": true}});
        assert_eq!(row("", "nodes", cordoned)[1], "Unknown,SchedulingDisabled");
    }
}
