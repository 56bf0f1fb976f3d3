//! Volumes, claims and storage classes: defaults, validation and columns.

use serde_json::{Value, json};

use super::kind::{CORE, Kind, Rules, status};
use crate::object::field::{annotation, default_to, flag, is_set, is_terminating, list, map_mut, name, text};
use crate::object::field_error::FieldErrors;
use crate::table::cells::{AGE, NAME, access_modes, age_of, name_of, or_unset, text_column, wide};

/// Annotation of the class for claims that name none.
pub const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const NOT_SOURCES: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// The row of PersistentVolumes.
pub const VOLUMES: Kind = Kind {
    resource: "persistentvolumes",
    kind: "PersistentVolume",
    namespaced: false,
    short: &["pv"],
    subresources: &[status("PersistentVolume")],
    rules: Rules {
        fill: |object, _| {
            map_mut(object, "spec");
            default_to(&mut object["spec"], "persistentVolumeReclaimPolicy", "Retain");
            default_to(&mut object["spec"], "volumeMode", "Filesystem");
            map_mut(object, "status");
            default_to(&mut object["status"], "phase", "Pending");
        },
        check: check_volume,
        columns: &[
            NAME,
            text_column("Capacity"),
            text_column("Access Modes"),
            text_column("Reclaim Policy"),
            text_column("Status"),
            text_column("Claim"),
            text_column("StorageClass"),
            text_column("VolumeAttributesClass"),
            text_column("Reason"),
            AGE,
            wide("VolumeMode"),
        ],
        row: |object, now| {
            let claim = match is_set(object, "/spec/claimRef") {
                true => format!(
                    "{}/{}",
                    text(object, "/spec/claimRef/namespace"),
                    text(object, "/spec/claimRef/name")
                ),
                false => String::new(),
            };
            let phase = if is_terminating(object) { "Terminating" } else { text(object, "/status/phase") };
            vec![
                name_of(object),
                text(object, "/spec/capacity/storage").into(),
                access_modes(object, "/spec/accessModes"),
                text(object, "/spec/persistentVolumeReclaimPolicy").into(),
                phase.into(),
                claim.into(),
                text(object, "/spec/storageClassName").into(),
                or_unset(object, "/spec/volumeAttributesClassName"),
                text(object, "/status/reason").into(),
                age_of(object, now),
                or_unset(object, "/spec/volumeMode"),
            ]
        },
    },
    ..CORE
};

/// The row of PersistentVolumeClaims.
pub const CLAIMS: Kind = Kind {
    resource: "persistentvolumeclaims",
    kind: "PersistentVolumeClaim",
    short: &["pvc"],
    subresources: &[status("PersistentVolumeClaim")],
    rules: Rules {
        fill: |object, _| {
            map_mut(object, "spec");
            default_to(&mut object["spec"], "volumeMode", "Filesystem");
            map_mut(object, "status");
            default_to(&mut object["status"], "phase", "Pending");
        },
        check: check_claim,
        columns: &[
            NAME,
            text_column("Status"),
            text_column("Volume"),
            text_column("Capacity"),
            text_column("Access Modes"),
            text_column("StorageClass"),
            text_column("VolumeAttributesClass"),
            AGE,
            wide("VolumeMode"),
        ],
        row: |object, now| {
            let phase = if is_terminating(object) { "Terminating" } else { text(object, "/status/phase") };
            let bound = !text(object, "/spec/volumeName").is_empty();
            let capacity = if bound { text(object, "/status/capacity/storage") } else { "" };
            let modes = if bound { access_modes(object, "/status/accessModes") } else { "".into() };
            vec![
                name_of(object),
                phase.into(),
                text(object, "/spec/volumeName").into(),
                capacity.into(),
                modes,
                text(object, "/spec/storageClassName").into(),
                or_unset(object, "/spec/volumeAttributesClassName"),
                age_of(object, now),
                or_unset(object, "/spec/volumeMode"),
            ]
        },
    },
    ..CORE
};

/// The row of StorageClasses.
pub const CLASSES: Kind = Kind {
    group: "storage.k8s.io",
    resource: "storageclasses",
    kind: "StorageClass",
    namespaced: false,
    short: &["sc"],
    rules: Rules {
        fill: |object, _| {
            default_to(object, "reclaimPolicy", "Delete");
            default_to(object, "volumeBindingMode", "Immediate");
        },
        check: check_class,
        columns: &[
            NAME,
            text_column("Provisioner"),
            text_column("ReclaimPolicy"),
            text_column("VolumeBindingMode"),
            text_column("AllowVolumeExpansion"),
            AGE,
        ],
        row: |object, now| {
            let default = annotation(object, DEFAULT_CLASS) == Some("true");
            let shown = if default { format!("{} (default)", name(object)) } else { name(object).to_owned() };
            vec![
                shown.into(),
                text(object, "/provisioner").into(),
                text(object, "/reclaimPolicy").into(),
                text(object, "/volumeBindingMode").into(),
                flag(object, "/allowVolumeExpansion").into(),
                age_of(object, now),
            ]
        },
    },
    ..CORE
};

fn check_modes(object: &Value, why: &str, errors: &mut FieldErrors) {
    let modes = list(object, "/spec/accessModes");
    if modes.is_empty() {
        errors.required("spec.accessModes", why);
    }
    for mode in modes {
        errors.one_of("spec.accessModes", mode.as_str().unwrap_or_default(), &MODES);
    }
    let mode = text(object, "/spec/volumeMode");
    errors.one_of("spec.volumeMode", mode, &["Block", "Filesystem"]);
}

fn check_volume(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    check_modes(object, "", errors);
    if !is_set(object, "/spec/capacity/storage") {
        errors.required("spec.capacity", "");
    }
    let policy = text(object, "/spec/persistentVolumeReclaimPolicy");
    errors.one_of("spec.persistentVolumeReclaimPolicy", policy, &["Delete", "Recycle", "Retain"]);
    let members = object["spec"].as_object().into_iter().flatten();
    let sources = members.filter(|(key, value)| !NOT_SOURCES.contains(&key.as_str()) && !value.is_null());
    let sources: Vec<_> = sources.map(|(key, _)| key.as_str()).collect();
    match sources.as_slice() {
        [] => errors.required("spec", "must specify a volume type"),
        [_] => {}
        [_, rest @ ..] => {
            for key in rest {
                errors.forbidden(format!("spec.{key}"), "may not specify more than 1 volume type");
            }
        }
    }
    let source = |object: &Value| sources.first().map(|key| object["spec"][*key].clone());
    if old.is_some_and(|old| source(old) != source(object)) {
        errors.forbidden(
            "spec.persistentvolumesource",
            "spec.persistentvolumesource is immutable after creation",
        );
    }
}

fn check_claim(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    check_modes(object, "at least 1 access mode is required", errors);
    if !is_set(object, "/spec/resources/requests/storage") {
        errors.required("spec.resources[storage]", "");
    }
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for key in ["resources", "volumeAttributesClassName"] {
            spec.as_object_mut().and_then(|members| members.shift_remove(key));
        }
        spec
    };
    let binds = |old: &Value| text(old, "/spec/volumeName").is_empty();
    let Some(old) = old else { return };
    let (mut before, after) = (fixed(old), fixed(object));
    if binds(old) {
        before["volumeName"] = json!(after["volumeName"]);
    }
    if before["storageClassName"].is_null() {
        before["storageClassName"] = json!(after["storageClassName"]);
    }
    let same = |one: &Value, other: &Value| {
        let keys = one.as_object().into_iter().chain(other.as_object()).flatten().map(|(key, _)| key);
        keys.into_iter().all(|key| one[key] == other[key])
    };
    if !same(&before, &after) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.forbidden("spec", why);
    }
}

fn check_class(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    if text(object, "/provisioner").is_empty() {
        errors.required("provisioner", "");
    }
    errors.one_of("reclaimPolicy", text(object, "/reclaimPolicy"), &["Delete", "Retain"]);
    let mode = text(object, "/volumeBindingMode");
    errors.one_of("volumeBindingMode", mode, &["Immediate", "WaitForFirstConsumer"]);
    let Some(old) = old else { return };
    for key in ["parameters", "provisioner", "reclaimPolicy"] {
        if old[key] != object[key] {
            errors.forbidden(key, &format!("updates to {key} are forbidden."));
        }
    }
    if old["volumeBindingMode"] != object["volumeBindingMode"] {
        errors.invalid("volumeBindingMode", &object["volumeBindingMode"], "field is immutable");
    }
}
