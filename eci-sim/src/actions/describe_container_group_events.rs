//! `DescribeContainerGroupEvents`: the events of groups, as Kubernetes events.

use eci_api::actions::describe_container_group_events as tell;
use eci_api::actions::{DescribeContainerGroupEvents, DescribeContainerGroupEventsReply};

use super::describe_container_groups::event_name;
use super::selection::{Filter, NAMESPACE, limit, tags, uuid};
use super::{Caller, Serve, written};
use crate::group::Group;
use crate::group::happened::Happened;
use crate::refusal::Refusal;
use crate::world::World;

/// Page size, default and maximum.
const PAGE: usize = 200;

impl Serve for DescribeContainerGroupEvents {
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
        let wanted = |happened: &&Happened| {
            let by_source = match source {
                "EciService" => happened.what.is_of_the_platform(),
                "K8sAgent" => !happened.what.is_of_the_platform(),
                _ => true,
            };
            by_source && since.is_none_or(|since| happened.last.as_second() >= since)
        };
        let data = |group: &Group| tell::Data {
            annotations: String::new(),
            container_group_id: str::to_owned(&group.card.id),
            events: group.events.iter().filter(wanted).map(|happened| event(group, happened)).collect(),
            name: str::to_owned(&group.card.name),
            namespace: NAMESPACE.to_owned(),
            uuid: uuid(&group.card),
        };
        Ok(DescribeContainerGroupEventsReply {
            data: page.groups.into_iter().map(data).collect(),
            request_id: caller.request_id.clone(),
            total_count: page.total,
        })
    }
}

fn event(group: &Group, happened: &Happened) -> tell::Event {
    let component = if happened.what.is_of_the_platform() { "EciService" } else { "kubelet" };
    let text = str::to_owned;
    tell::Event {
        count: i32::try_from(happened.count).unwrap_or(i32::MAX),
        first_timestamp: written(happened.first),
        last_timestamp: written(happened.last),
        message: happened.what.message(group),
        metadata: Some(tell::Metadata { name: event_name(group, happened), namespace: text(NAMESPACE) }),
        reason: text(happened.what.reason()),
        reporting_component: text(component),
        reporting_instance: String::new(),
        source: Some(tell::Source { component: text(component), host: String::new() }),
        type_: text(happened.what.kind()),
        involved_object: Some(tell::InvolvedObject {
            api_version: text("v1"),
            kind: text("Pod"),
            name: str::to_owned(&group.card.name),
            namespace: text(NAMESPACE),
            uid: str::to_owned(&group.card.id),
        }),
    }
}
