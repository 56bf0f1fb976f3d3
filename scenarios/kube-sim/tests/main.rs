//! The tests of the embedded API from outside: one program, since linking one a file takes longer than running them.

mod admission;
mod api;
mod autoscaling;
mod cluster;
mod contract;
mod controllers;
mod cron_jobs;
mod daemon_sets;
mod dry_run;
mod formats;
mod generation;
mod jobs;
mod kubectl;
mod managed_fields;
mod measured;
mod measures;
mod namespaces;
mod played;
mod proxies;
mod rbac;
mod scheduling;
mod signing_requests;
mod stateful_sets;
mod streams;
mod volumes;
