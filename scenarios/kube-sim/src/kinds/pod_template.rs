//! PodTemplates: defaults, validation and columns.

use super::kind::{CORE, COUNTED, Kind, Rules};
use crate::object::field::map_mut;
use crate::pods::defaults::fill_spec;
use crate::pods::validate as pods;
use crate::table::cells::{NAME, containers, labels, name_of, text_column};

/// The row of PodTemplates.
pub const POD_TEMPLATES: Kind = Kind {
    resource: "podtemplates",
    kind: "PodTemplate",
    traits: COUNTED,
    rules: Rules {
        fill: |object, _| {
            map_mut(object, "template");
            map_mut(&mut object["template"], "spec");
            fill_spec(&mut object["template"]["spec"]);
        },
        check: |object, _, errors| pods::spec_of(&object["template"]["spec"], "template.spec", errors),
        columns: &[NAME, text_column("Containers"), text_column("Images"), text_column("Pod Labels")],
        row: |object, _| {
            let [names, images] = containers(object, "/template/spec");
            vec![name_of(object), names, images, labels(object, "/template/metadata/labels")]
        },
    },
    ..CORE
};
