//! StatefulSets: defaults, validation and columns.

use serde_json::{Value, json};

use super::kind::{CORE, COUNTED, Kind, Rules, scale, status};
use crate::object::field::{default_to, entries, is_set, list, list_mut, map_mut, name, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;
use crate::pods::defaults::fill_spec;
use crate::table::cells::{AGE, NAME, age_of, containers, count, name_of, text_column, wide};
use crate::validation::workloads::{not_negative, selects_template, template};

/// The row of StatefulSets.
pub const STATEFUL_SETS: Kind = Kind {
    group: "apps",
    resource: "statefulsets",
    kind: "StatefulSet",
    short: &["sts"],
    categories: &["all"],
    subresources: &[scale(), status("StatefulSet")],
    traits: COUNTED,
    rules: Rules {
        fill: |object, _| fill(object),
        check,
        columns: &[NAME, text_column("Ready"), AGE, wide("Containers"), wide("Images")],
        row: |object, now| {
            let ready = count(object, "/status/readyReplicas");
            let [names, images] = containers(object, "/spec/template/spec");
            let ready = format!("{ready}/{}", count(object, "/spec/replicas"));
            vec![name_of(object), ready.into(), age_of(object, now), names, images]
        },
    },
    ..CORE
};

const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];
const OTHERS_FORBIDDEN: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
     'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

fn fill(object: &mut Value) {
    map_mut(object, "spec");
    let spec = &mut object["spec"];
    default_to(spec, "podManagementPolicy", "OrderedReady");
    map_mut(spec, "updateStrategy");
    let strategy = &mut spec["updateStrategy"];
    if text(strategy, "/type").is_empty() {
        default_to(strategy, "rollingUpdate", json!({}));
    }
    default_to(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" && is_set(strategy, "/rollingUpdate") {
        default_to(&mut strategy["rollingUpdate"], "partition", 0);
    }
    map_mut(spec, "persistentVolumeClaimRetentionPolicy");
    for when in ["whenDeleted", "whenScaled"] {
        default_to(&mut spec["persistentVolumeClaimRetentionPolicy"], when, "Retain");
    }
    default_to(spec, "replicas", 1);
    default_to(spec, "revisionHistoryLimit", 10);
    // The published type has no `omitempty` here.
    default_to(spec, "serviceName", "");
    if is_set(spec, "/volumeClaimTemplates") {
        for claim in list_mut(spec, "volumeClaimTemplates") {
            default_to(claim, "apiVersion", "v1");
            default_to(claim, "kind", "PersistentVolumeClaim");
            map_mut(claim, "spec");
            default_to(&mut claim["spec"], "volumeMode", "Filesystem");
            map_mut(claim, "status");
            default_to(&mut claim["status"], "phase", "Pending");
        }
    }
    map_mut(spec, "template");
    map_mut(&mut spec["template"], "spec");
    fill_spec(&mut spec["template"]["spec"]);
    map_mut(object, "status");
    for counter in ["replicas", "availableReplicas"] {
        default_to(&mut object["status"], counter, 0);
    }
}

fn check(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    if old.is_none() {
        errors.rule("metadata.name", name(object), names::dns_label);
    }
    let policy = text(object, "/spec/podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        errors.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
    }
    strategy(&object["spec"]["updateStrategy"], errors);
    for when in ["whenDeleted", "whenScaled"] {
        let path = format!("/spec/persistentVolumeClaimRetentionPolicy/{when}");
        let field = format!("spec.persistentVolumeClaimRetentionPolicy.{when}");
        errors.one_of(field, text(object, &path), &["Retain", "Delete"]);
    }
    not_negative(object, &["replicas", "minReadySeconds", "revisionHistoryLimit"], errors);
    if let Some(start) = number(object, "/spec/ordinals/start").filter(|start| *start < 0) {
        errors.invalid("spec.ordinals.start", start, "must be greater than or equal to 0");
    }
    let service = text(object, "/spec/serviceName");
    if old.is_none() && !service.is_empty() {
        errors.rule("spec.serviceName", service, names::dns_label);
    }
    selects_template(object, "statefulset", errors);
    let whole = with_claims(object);
    template(&whole["spec"]["template"]["spec"], "spec.template.spec", "StatefulSet", errors);
    let others = |object: &Value| -> Vec<(String, Value)> {
        let fields = entries(object, "/spec").filter(|(key, _)| !CHANGEABLE.contains(key));
        let mut fields: Vec<_> = fields.map(|(key, value)| (key.to_owned(), value.clone())).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    };
    if old.is_some_and(|old| others(old) != others(object)) {
        errors.forbidden("spec", OTHERS_FORBIDDEN);
    }
}

fn strategy(strategy: &Value, errors: &mut FieldErrors) {
    let field = "spec.updateStrategy";
    let rolling = strategy.get("rollingUpdate").filter(|rolling| !rolling.is_null());
    match (text(strategy, "/type"), rolling) {
        ("OnDelete", Some(rolling)) => {
            let why = "only allowed for updateStrategy 'RollingUpdate'";
            errors.invalid(format!("{field}.rollingUpdate"), rolling, why);
        }
        ("RollingUpdate", Some(rolling)) => {
            if let Some(partition) = number(rolling, "/partition").filter(|partition| *partition < 0) {
                let why = "must be greater than or equal to 0";
                errors.invalid(format!("{field}.rollingUpdate.partition"), partition, why);
            }
        }
        ("OnDelete" | "RollingUpdate", None) => {}
        _ => errors.invalid(field, strategy, "must be 'RollingUpdate' or 'OnDelete'"),
    }
}

/// The set with a volume in its template for each of its claims, as its pods will have them.
fn with_claims(object: &Value) -> Value {
    let mut whole = object.clone();
    let claims: Vec<Value> = list(object, "/spec/volumeClaimTemplates")
        .iter()
        .map(|claim| json!({"name": name(claim), "persistentVolumeClaim": {"claimName": name(claim)}}))
        .collect();
    if claims.is_empty() {
        return whole;
    }
    let volumes = list_mut(&mut whole["spec"]["template"]["spec"], "volumes");
    volumes.retain(|volume| !claims.iter().any(|claim| claim["name"] == volume["name"]));
    volumes.extend(claims);
    whole
}
