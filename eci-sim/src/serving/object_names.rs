//! Names by which the cloud's agent reports groups and their events.

use crate::group::Group;
use crate::group::events::GroupEvent;
use crate::ledger::BillingRecord;

/// Namespace of the cloud's own Kubernetes objects.
pub const NAMESPACE: &str = "default";

/// A stable uuid of a group, in lower case, made from its id.
pub fn uuid(record: &BillingRecord) -> String {
    let mut raw = [0u64; 2];
    for (index, byte) in record.id.bytes().enumerate() {
        let half = &mut raw[index % 2];
        *half = half.rotate_left(8).wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
    }
    let [a, b] = raw;
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// Name of an event as the cloud's agent gives it: `<group name>.<16 hex digits>`.
pub fn event_name(group: &Group, group_event: &GroupEvent) -> String {
    let nanos = u64::try_from(group_event.first.as_nanosecond()).unwrap_or(0);
    format!("{}.{:016x}", group.record.name, nanos.wrapping_add(u64::from(group_event.mark)))
}
