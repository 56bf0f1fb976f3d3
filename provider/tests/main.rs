//! The tests of the provider as its users and its cluster see it: one program, since linking one a file takes longer than running them.

mod buying;
mod capacity;
mod certificates;
mod clock;
mod cloud_edges;
mod deletions;
mod external_clock;
mod fleet;
mod heartbeat;
mod hostile;
mod inspection;
mod keys;
mod leader_election;
mod left_out;
mod life;
mod logs;
mod metrics;
mod monitoring;
mod names;
#[path = "pod_fields/main.rs"]
mod pod_fields;
mod policy;
mod ports;
mod preflight;
mod process;
mod races;
#[path = "requirements/main.rs"]
mod requirements;
mod stale_files;
mod test_bed;
mod trouble;
mod trust;
mod uninstall_check;
mod usage;
