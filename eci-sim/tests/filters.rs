//! Filtered describes find what a look at every group would find, whatever happened before.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{create, once, sim, wait};
use eci_api::actions::describe_container_groups::DescribeContainerGroupsTag;
use eci_api::actions::{
    DeleteContainerGroup, DescribeContainerGroups, TagResources, UntagResources, create_container_group,
    tag_resources,
};
use eci_sim::EciSim;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Act {
    Create { name: u8, tag: u8, seconds: u8 },
    Delete(usize),
    Tag(usize, u8),
    Untag(usize),
    Wait(u16),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let create =
        || (0u8..3, 0u8..3, 0u8..40).prop_map(|(name, tag, seconds)| Act::Create { name, tag, seconds });
    let act = prop_oneof![
        create(),
        create(),
        any::<usize>().prop_map(Act::Delete),
        (any::<usize>(), 0u8..3).prop_map(|(group, tag)| Act::Tag(group, tag)),
        any::<usize>().prop_map(Act::Untag),
        (0u16..4000).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..40)
}

fn play(sim: &EciSim, acts: &[Act]) {
    let mut ids: Vec<String> = Vec::new();
    let of = |ids: &[String], index: usize| {
        ids.get(index % ids.len().max(1)).cloned().into_iter().collect::<Vec<_>>()
    };
    for act in acts {
        // A group may be gone by now; what matters is what is found afterwards.
        match act {
            Act::Create { name, tag, seconds } => {
                let tag =
                    vec![create_container_group::Tag { key: Some("t".into()), value: Some(tag.to_string()) }];
                let command = ["sleep", &seconds.to_string()];
                let request = create_container_group::CreateContainerGroup {
                    tag,
                    vswitch_id: Some(format!("vsw-{name}")),
                    security_group_id: Some(format!("sg-{}", (name + seconds) % 3)),
                    ..once(&format!("name-{name}"), &command)
                };
                ids.push(create(sim, &request));
            }
            Act::Delete(index) => {
                let container_group_id = of(&ids, *index).pop();
                let _may_be_gone =
                    sim.act(&DeleteContainerGroup { container_group_id, ..DeleteContainerGroup::default() });
            }
            Act::Tag(index, tag) => {
                let tag = vec![tag_resources::Tag { key: Some("t".into()), value: Some(tag.to_string()) }];
                let (resource_id, resource_type) = (of(&ids, *index), Some("ContainerGroup".into()));
                let _may_be_gone =
                    sim.act(&TagResources { resource_id, resource_type, tag, ..TagResources::default() });
            }
            Act::Untag(index) => {
                let (resource_id, resource_type) = (of(&ids, *index), Some("ContainerGroup".into()));
                let _may_be_gone = sim.act(&UntagResources {
                    resource_id,
                    resource_type,
                    tag_key: vec!["t".into()],
                    ..UntagResources::default()
                });
            }
            Act::Wait(seconds) => wait(sim, u64::from(*seconds)),
        }
    }
}

/// All pages of a filter, and the total that each told.
fn found(sim: &EciSim, filter: &DescribeContainerGroups) -> Vec<String> {
    let (mut ids, mut next) = (Vec::new(), String::new());
    loop {
        let request = DescribeContainerGroups { limit: Some(3), next_token: Some(next), ..filter.clone() };
        let reply = sim.act(&request).unwrap();
        ids.extend(reply.container_groups.into_iter().map(|group| group.container_group_id));
        if reply.next_token.is_empty() {
            assert_eq!(usize::try_from(reply.total_count).unwrap(), ids.len());
            return ids;
        }
        next = reply.next_token;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_filter_finds_what_a_look_at_all_finds(acts in acts()) {
        let sim = sim();
        play(&sim, &acts);
        let mut all = Vec::new();
        for id in found(&sim, &DescribeContainerGroups::default()) {
            all.extend(crate::support::look(&sim, &id));
        }
        for name in [None, Some("name-0")] {
            for tag in [None, Some("0"), Some("")] {
                for status in [None, Some("Running"), Some("Succeeded")] {
                    let wanted: Vec<_> = all.iter().filter(|group| {
                        let tagged = |value: &str| group.tags.iter().any(|t| t.key == "t" && (value.is_empty() || t.value == value));
                        name.is_none_or(|name| group.container_group_name == name)
                            && tag.is_none_or(tagged)
                            && status.is_none_or(|status| group.status == status)
                    }).map(|group| group.container_group_id.clone()).collect();
                    let tag = tag.map(|value| DescribeContainerGroupsTag { key: Some("t".into()), value: Some(value.into()) });
                    let filter = DescribeContainerGroups {
                        container_group_name: name.map(str::to_owned),
                        status: status.map(str::to_owned),
                        tag: tag.into_iter().collect(),
                        ..DescribeContainerGroups::default()
                    };
                    prop_assert_eq!(found(&sim, &filter), wanted, "{:?}", filter);
                }
            }
        }
        for vswitch in [None, Some("vsw-0"), Some("vsw-9")] {
            for zone in [None, all.first().map(|group| group.zone_id.as_str())] {
                for security_group in [None, Some("sg-1")] {
                    for status in [None, Some("Running")] {
                        let is = |wanted: Option<&str>, own: &str| wanted.is_none_or(|wanted| wanted == own);
                        let wanted: Vec<_> = all.iter().filter(|group| {
                            is(vswitch, &group.vswitch_id)
                                && is(zone, &group.zone_id)
                                && is(security_group, &group.security_group_id)
                                && is(status, &group.status)
                        }).map(|group| group.container_group_id.clone()).collect();
                        let filter = DescribeContainerGroups {
                            vswitch_id: vswitch.map(str::to_owned),
                            zone_id: zone.map(str::to_owned),
                            security_group_id: security_group.map(str::to_owned),
                            status: status.map(str::to_owned),
                            ..DescribeContainerGroups::default()
                        };
                        prop_assert_eq!(found(&sim, &filter), wanted, "{:?}", filter);
                    }
                }
            }
        }
    }
}
