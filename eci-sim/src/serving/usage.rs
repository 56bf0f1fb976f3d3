//! Use of containers: as a script says, else a tenth of the vCPU and a quarter of the memory, with a small wave.

use jiff::Timestamp;

use super::times::written;
use crate::group::Group;
use crate::group::container::{Container, Phase};
use crate::script::Scripts;

/// Bytes of ephemeral storage that are free, and of them those that an image fills; the second is `ours`.
const FREE_STORAGE: i64 = 30 << 30;
const FILLED_STORAGE: i64 = 1 << 30;

/// Use and limits of a container at an instant.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    nano_cores: i64,
    core_nano_seconds: i64,
    bytes: i64,
    limit_milli_vcpu: i64,
    limit_bytes: i64,
}

/// Use of one container at `at`, in seconds since 1970; `None` while it is not running.
fn of_container(container: &Container, group: &Group, scripts: &Scripts, at: i64) -> Option<Used> {
    let Phase::Running { since } = container.phase else { return None };
    let seconds = at - since.as_second();
    if seconds < 0 {
        return None;
    }
    let share = group.containers.iter().filter(|c| !c.init).count().max(1);
    let own = |own: u32, whole: u32| if own > 0 { i64::from(own) } else { i64::from(whole) / share as i64 };
    let milli = own(container.spec.vcpu.0, group.vcpu().0);
    let limit_bytes = own(container.spec.memory.0, group.memory().0) << 20;
    let after = std::time::Duration::from_secs(seconds.unsigned_abs());
    let script = scripts.find(&group.record.name, &container.spec.image);
    let script = script.and_then(|script| script.usage_at(after));
    // A wave of ten minutes, plus or minus a tenth.
    let wave = 90 + (seconds.rem_euclid(600) - 300).abs() * 20 / 300;
    let nano_cores = match script {
        Some(usage) => i64::from(usage.milli_vcpu) * 1_000_000,
        None => milli * 100_000 * wave / 100,
    };
    let bytes = script.map_or(limit_bytes / 4, |usage| i64::from(usage.mebibytes) << 20);
    Some(Used {
        nano_cores,
        core_nano_seconds: nano_cores.saturating_mul(seconds),
        bytes: bytes.min(limit_bytes),
        limit_milli_vcpu: milli,
        limit_bytes,
    })
}

fn sum(group: &Group, scripts: &Scripts, at: i64) -> Option<Used> {
    let mut all = group.containers.iter().filter_map(|c| of_container(c, group, scripts, at)).peekable();
    all.peek()?;
    let mut sum = all.fold(Used::default(), |sum, one| Used {
        nano_cores: sum.nano_cores + one.nano_cores,
        core_nano_seconds: sum.core_nano_seconds.saturating_add(one.core_nano_seconds),
        bytes: sum.bytes + one.bytes,
        ..sum
    });
    sum.limit_milli_vcpu = i64::from(group.vcpu().0);
    sum.limit_bytes = i64::from(group.memory().0) << 20;
    Some(sum)
}

macro_rules! record {
    ($name:ident, $module:ident, $doc:literal, { $($category:tt)* }) => {
        #[doc = $doc]
        pub fn $name(
            group: &Group,
            scripts: &Scripts,
            at: i64,
        ) -> Option<eci_api::actions::$module::Record> {
            use eci_api::actions::$module as tell;
            let used = sum(group, scripts, at)?;
            let cpu = |used: Used| tell::CPU {
                limit: used.limit_milli_vcpu,
                load: used.nano_cores / 10_000_000,
                usage_core_nano_seconds: used.core_nano_seconds,
                usage_nano_cores: used.nano_cores,
            };
            let memory = |used: Used| tell::Memory {
                available_bytes: used.limit_bytes - used.bytes,
                cache: used.bytes / 8,
                rss: used.bytes - used.bytes / 8,
                usage_bytes: used.bytes,
                working_set: used.bytes,
            };
            let container = |container: &Container| {
                let used = of_container(container, group, scripts, at)?;
                let name = container.spec.name.to_string();
                Some(tell::Container { cpu: Some(cpu(used)), memory: Some(memory(used)), name })
            };
            let filesystem = tell::Filesystem {
                available: FREE_STORAGE - FILLED_STORAGE,
                capacity: FREE_STORAGE,
                fs_name: "/dev/vda1".to_owned(),
                usage: FILLED_STORAGE,
                $($category)*
            };
            let interface = tell::Interface { name: "eth0".to_owned(), ..tell::Interface::default() };
            Some(tell::Record {
                cpu: Some(cpu(used)),
                containers: group.containers.iter().filter_map(container).collect(),
                disk: vec![tell::Disk { device: "vda".to_owned(), ..tell::Disk::default() }],
                filesystem: vec![filesystem],
                memory: Some(memory(used)),
                network: Some(tell::Network { interfaces: vec![interface] }),
                timestamp: Timestamp::from_second(at).map(written).unwrap_or_default(),
            })
        }
    };
}

record!(single, describe_container_group_metric, "The record of an instant, for one group.", {
    category: "rootfs".to_owned(),
});
record!(
    several,
    describe_multi_container_group_metric,
    "The record of an instant, for one of several groups.",
    {}
);
