//! CronJobs: defaults, validation and columns.

use serde_json::Value;

use super::kind::{CORE, COUNTED, Kind, Rules, status};
use crate::cron::{Schedule, zone};
use crate::object::field::{default_to, list, map_mut, name, text};
use crate::object::field_error::FieldErrors;
use crate::pods::defaults::fill_spec;
use crate::table::age::since;
use crate::table::cells::{
    AGE, NAME, age_of, containers, flag_column, name_of, number_column, or_none, selector, text_column, wide,
};
use crate::validation::workloads::{job, not_negative};

/// Longest name of a CronJob: its Jobs' names are 11 characters longer.
const NAME_LENGTH_MAX: usize = 52;
const TEMPLATE: &str = "/spec/jobTemplate/spec/template/spec";

/// The row of CronJobs.
pub const CRON_JOBS: Kind = Kind {
    group: "batch",
    resource: "cronjobs",
    kind: "CronJob",
    short: &["cj"],
    categories: &["all"],
    subresources: &[status("CronJob")],
    traits: COUNTED,
    rules: Rules {
        fill: |object, _| fill(object),
        check,
        columns: &[
            NAME,
            text_column("Schedule"),
            text_column("Timezone"),
            flag_column("Suspend"),
            number_column("Active"),
            text_column("Last Schedule"),
            AGE,
            wide("Containers"),
            wide("Images"),
            wide("Selector"),
        ],
        row: |object, now| {
            let suspend = match object["spec"]["suspend"].as_bool() {
                Some(true) => "True",
                Some(false) => "False",
                None => "<unset>",
            };
            let last = match text(object, "/status/lastScheduleTime") {
                "" => "<none>".to_owned(),
                _ => since(object, "/status/lastScheduleTime", now),
            };
            let [names, images] = containers(object, TEMPLATE);
            vec![
                name_of(object),
                text(object, "/spec/schedule").into(),
                or_none(text(object, "/spec/timeZone").to_owned()),
                suspend.into(),
                list(object, "/status/active").len().into(),
                last.into(),
                age_of(object, now),
                names,
                images,
                selector(object, "/spec/jobTemplate/spec/selector"),
            ]
        },
    },
    ..CORE
};

fn fill(object: &mut Value) {
    map_mut(object, "spec");
    let spec = &mut object["spec"];
    default_to(spec, "concurrencyPolicy", "Allow");
    default_to(spec, "suspend", false);
    default_to(spec, "successfulJobsHistoryLimit", 3);
    default_to(spec, "failedJobsHistoryLimit", 1);
    map_mut(spec, "jobTemplate");
    map_mut(&mut spec["jobTemplate"], "spec");
    map_mut(&mut spec["jobTemplate"]["spec"], "template");
    map_mut(&mut spec["jobTemplate"]["spec"]["template"], "spec");
    fill_spec(&mut spec["jobTemplate"]["spec"]["template"]["spec"]);
    map_mut(object, "status");
}

fn check(object: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    if old.is_none() && name(object).len() > NAME_LENGTH_MAX {
        errors.invalid("metadata.name", name(object), "must be no more than 52 characters");
    }
    let schedule = text(object, "/spec/schedule");
    if schedule.is_empty() {
        errors.required("spec.schedule", "");
    } else {
        if let Err(error) = Schedule::read(schedule) {
            errors.invalid("spec.schedule", schedule, error.to_string());
        }
        if schedule.contains("TZ") {
            let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            errors.invalid("spec.schedule", schedule, why);
        }
    }
    if let Some(given) = object["spec"]["timeZone"].as_str() {
        time_zone(given, errors);
    }
    let counts = ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"];
    not_negative(object, &counts, errors);
    let policy = text(object, "/spec/concurrencyPolicy");
    errors.one_of("spec.concurrencyPolicy", policy, &["Allow", "Forbid", "Replace"]);
    job(&object["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec", errors);
}

fn time_zone(given: &str, errors: &mut FieldErrors) {
    let field = "spec.timeZone";
    if given.is_empty() {
        errors.invalid(field, given, "timeZone must be nil or non-empty string");
    } else if given.eq_ignore_ascii_case("Local") {
        let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.invalid(field, given, why);
    } else if zone(given).is_none() {
        errors.invalid(field, given, format!("unknown time zone {given}"));
    }
}
