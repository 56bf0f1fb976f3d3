//! `DescribeContainerGroupEvents`: the events of groups, as Kubernetes events.

use eci_api::actions::describe_container_group_events as tell;
use eci_api::actions::{DescribeContainerGroupEvents, DescribeContainerGroupEventsReply};

use crate::group::Group;
use crate::group::events::GroupEvent;
use crate::refusal::Refusal;
use crate::serving::object_names::{NAMESPACE, event_name, uuid};
use crate::serving::selection::{Filter, limit, tags};
use crate::serving::times::written;
use crate::serving::{Caller, Serve};
use crate::world::World;

/// Page size, default and maximum.
const PAGE: usize = 200;

impl Serve for DescribeContainerGroupEvents {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let filter = Filter {
            ids: self.container_group_ids.as_deref(),
            tags: tags(self.tag.iter().map(|tag| (&tag.key, &tag.value))),
            vswitch: self.vswitch_id.as_deref(),
            zone: self.zone_id.as_deref(),
            resource_group: self.resource_group_id.as_deref(),
            since_seconds: self.since_second,
            ..Filter::default()
        };
        let page = filter.page(world, caller, self.next_token.as_deref(), limit(self.limit, PAGE, PAGE))?;
        let source = self.event_source.as_deref().unwrap_or_default();
        let since = self.since_second.map(|seconds| world.now().as_second() - i64::from(seconds));
        let wanted = |group_event: &&GroupEvent| {
            let by_source = match source {
                "EciService" => group_event.kind.is_of_the_platform(),
                "K8sAgent" => !group_event.kind.is_of_the_platform(),
                _ => true,
            };
            by_source && since.is_none_or(|since| group_event.last.as_second() >= since)
        };
        let data = |group: &Group| tell::Data {
            annotations: String::new(),
            container_group_id: str::to_owned(&group.record.id),
            events: group.events.iter().filter(wanted).map(|group_event| event(group, group_event)).collect(),
            name: str::to_owned(&group.record.name),
            namespace: NAMESPACE.to_owned(),
            uuid: uuid(&group.record),
        };
        Ok(DescribeContainerGroupEventsReply {
            data: page.groups.into_iter().map(data).collect(),
            request_id: caller.request_id.clone(),
            total_count: page.total,
        })
    }
}

fn event(group: &Group, group_event: &GroupEvent) -> tell::Event {
    let component = if group_event.kind.is_of_the_platform() { "EciService" } else { "kubelet" };
    let text = str::to_owned;
    tell::Event {
        count: i32::try_from(group_event.count).unwrap_or(i32::MAX),
        first_timestamp: written(group_event.first),
        last_timestamp: written(group_event.last),
        message: group_event.kind.message(group),
        metadata: Some(tell::Metadata { name: event_name(group, group_event), namespace: text(NAMESPACE) }),
        reason: text(group_event.kind.reason()),
        reporting_component: text(component),
        reporting_instance: String::new(),
        source: Some(tell::Source { component: text(component), host: String::new() }),
        type_: text(group_event.kind.kind()),
        involved_object: Some(tell::InvolvedObject {
            api_version: text("v1"),
            kind: text("Pod"),
            name: str::to_owned(&group.record.name),
            namespace: text(NAMESPACE),
            uid: str::to_owned(&group.record.id),
        }),
    }
}
