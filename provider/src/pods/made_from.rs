//! The tag that tells what a pod's group was made from, so that every later process knows what has changed since.
//!
//! Its value is eight hexadecimal digits for each part: the containers' images, their resources, and each source of files in
//! the order of [`file_sources`], as many as fit. Who computes a part in another way gives the tag another key: nothing is
//! concluded from a group without the tag, as those of older providers are.

use std::hash::Hasher as _;

use eci_api::actions::create_container_group::Tag;
use eci_api::group::ContainerGroup;
use eci_api::signature::acs3;
use fnv::FnvHasher;
use k8s_openapi::api::core::v1::{Pod, ResourceRequirements};
use serde::Serialize;

use super::file_notes::{Content, FileSource, file_sources};
use super::identity::{self, VALUE_LIMIT};
use super::request::is_sidecar;
use super::sources::Sources;

/// The key of the tag.
const KEY: &str = "MadeFrom";
/// The digits of one part.
const PART: usize = 8;
/// The part of a source that was not there.
const ABSENT: &str = "00000000";
/// The digits of a Secret's part that are of its UID.
const OF_UID: usize = 3;

/// The images and resources that a pod asks for, either of which may be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requested {
    /// The images of its containers and sidecars, as a hash.
    pub images: String,
    /// The resources of its containers and sidecars, as a hash.
    pub resources: String,
}

impl Requested {
    /// What `pod` asks for.
    pub fn of(pod: &Pod) -> Self {
        let containers = pod.spec.iter().flat_map(|spec| {
            let sidecars = spec.init_containers.iter().flatten().filter(|init| is_sidecar(init));
            spec.containers.iter().chain(sidecars)
        });
        let none = ResourceRequirements::default();
        let (mut images, mut resources) = (FnvHasher::default(), FnvHasher::default());
        for container in containers {
            add(&mut images, container.image.as_deref().unwrap_or_default());
            let ResourceRequirements { claims: _, limits, requests } =
                container.resources.as_ref().unwrap_or(&none);
            for list in [limits, requests] {
                for (name, quantity) in list.iter().flatten() {
                    add(&mut resources, name);
                    add(&mut resources, &quantity.0);
                }
                add(&mut resources, "");
            }
        }
        Self { images: digits(&images), resources: digits(&resources) }
    }
}

/// Adds a text, and its end, to Fowler, Noll and Vo's hash: for what is no secret, since it takes a fraction of the other's time.
fn add(hash: &mut FnvHasher, text: &str) {
    hash.write(text.as_bytes());
    hash.write(&[0]);
}

/// Both halves of the hash as one, as the digits of a part.
fn digits(hash: &FnvHasher) -> String {
    let hash = hash.finish();
    format!("{:08x}", (hash ^ (hash >> 32)) & 0xffff_ffff)
}

/// What a group was made from, as its tag tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct MadeFrom<'a>(&'a str);

impl<'a> MadeFrom<'a> {
    /// The parts of a group's tag; `None` of a group that has none.
    pub fn of(group: &'a ContainerGroup) -> Option<Self> {
        let tag = group.tags.iter().find(|tag| tag.key == KEY)?;
        tag.value.is_ascii().then_some(Self(&tag.value))
    }

    fn part(self, index: usize) -> Option<&'a str> {
        self.0.get(index.checked_mul(PART)?..)?.get(..PART)
    }

    /// The images.
    pub fn images(self) -> Option<&'a str> {
        self.part(0)
    }

    /// The resources.
    pub fn resources(self) -> Option<&'a str> {
        self.part(1)
    }

    /// Returns true where the source of this place has another content now; `None` where the tag does not tell.
    pub fn has_changed(self, place: usize, now: &Content) -> Option<bool> {
        let (before, now) = (self.part(place.checked_add(2)?)?, digits_of(now));
        // Another Secret of the same name: its content cannot be compared with the former one's.
        let is_another =
            now.is_salted && before != ABSENT && before.get(..OF_UID) != now.digits.get(..OF_UID);
        (!is_another).then(|| before != now.digits)
    }
}

struct Digits {
    digits: String,
    is_salted: bool,
}

/// The digits that stand for a content.
fn digits_of(content: &Content) -> Digits {
    let hash = content.public_hash();
    match &content.uid {
        Some(uid) => {
            Digits { digits: format!("{}{}", &part(uid)[..OF_UID], &hash[..PART - OF_UID]), is_salted: true }
        }
        None => Digits { digits: hash[..PART].to_owned(), is_salted: false },
    }
}

fn part(content: &impl Serialize) -> String {
    let mut hash = acs3::sha256_hex(&serde_json::to_vec(content).unwrap_or_default());
    hash.truncate(PART);
    hash
}

/// The tag of the group that is made for `pod` from `sources`.
pub(super) fn tag(pod: &Pod, sources: &Sources) -> Tag {
    let Requested { images, resources } = Requested::of(pod);
    let content = |source: &FileSource| match source {
        FileSource::ConfigMap(name) => sources.config_maps.get(name).map(Content::of_config_map),
        FileSource::Secret(name) => sources.secrets.get(name).map(Content::of_secret),
    };
    let files = file_sources(pod);
    let files = files.iter().map(content);
    let files = files.map(|content| content.map_or_else(|| ABSENT.to_owned(), |it| digits_of(&it).digits));
    let parts = [images, resources].into_iter().chain(files).take(VALUE_LIMIT / PART);
    identity::tag(KEY, &parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(sources: Value) -> Pod {
        let mounts: Vec<_> = (0..sources.as_array().unwrap().len())
            .map(|n| json!({ "name": format!("v{n}"), "mountPath": format!("/{n}") }))
            .collect();
        let sources = sources.as_array().unwrap().iter().enumerate();
        let volumes = sources.map(|(n, source)| {
            let mut volume = source.clone();
            volume["name"] = format!("v{n}").into();
            volume
        });
        let volumes: Vec<Value> = volumes.collect();
        let container = json!({ "name": "c", "image": "nginx:1.25", "volumeMounts": mounts });
        serde_json::from_value(json!({ "spec": { "containers": [container], "volumes": volumes } })).unwrap()
    }

    fn sources(level: &str, key: &str, uid: &str) -> Sources {
        let map = json!({ "metadata": { "name": "settings" }, "data": { "level": level } });
        let secret = json!({ "metadata": { "name": "keys", "uid": uid }, "data": { "key": key } });
        Sources {
            config_maps: [("settings".to_owned(), serde_json::from_value(map).unwrap())].into(),
            secrets: [("keys".to_owned(), serde_json::from_value(secret).unwrap())].into(),
            ..Sources::default()
        }
    }

    /// What the tag of a group that was made from `made` tells of the settings and the keys of `now`.
    fn changed(made: &Sources, now: &Sources) -> [Option<bool>; 2] {
        let pod =
            pod(json!([{ "configMap": { "name": "settings" } }, { "secret": { "secretName": "keys" } }]));
        let value = tag(&pod, made).value.unwrap();
        let from = MadeFrom(&value);
        let contents =
            [Content::of_config_map(&now.config_maps["settings"]), Content::of_secret(&now.secrets["keys"])];
        [0, 1].map(|place| from.has_changed(place, &contents[place]))
    }

    #[test]
    fn each_source_has_changed_by_itself() {
        let made = sources("low", "YQ==", "u-1");
        for (now, told) in [
            (sources("low", "YQ==", "u-1"), [Some(false), Some(false)]),
            (sources("high", "YQ==", "u-1"), [Some(true), Some(false)]),
            (sources("low", "Yg==", "u-1"), [Some(false), Some(true)]),
            // another Secret of that name, whatever it holds
            (sources("low", "YQ==", "u-2"), [Some(false), None]),
        ] {
            assert_eq!(changed(&made, &now), told);
        }
        assert_eq!(
            changed(&Sources::default(), &made),
            [Some(true), Some(true)],
            "what was not there is new"
        );
    }

    #[test]
    fn a_tag_does_not_tell_what_a_secret_holds() {
        let value =
            |uid| tag(&pod(json!([{ "secret": { "secretName": "keys" } }])), &sources("", "YQ==", uid)).value;
        assert_ne!(value("u-1"), value("u-2"), "the same content under two UIDs");
    }

    #[test]
    fn images_and_resources_are_told_apart() {
        let asked = |image: &str, cpu: &str| {
            let resources = json!({ "requests": { "cpu": cpu } });
            let containers = json!([{ "name": "c", "image": image, "resources": resources }]);
            Requested::of(&serde_json::from_value(json!({ "spec": { "containers": containers } })).unwrap())
        };
        let made = asked("nginx:1.25", "1");
        assert_eq!(made, asked("nginx:1.25", "1"));
        assert_ne!(made.images, asked("nginx:1.27", "1").images);
        assert_eq!(made.images, asked("nginx:1.25", "2").images);
        assert_ne!(made.resources, asked("nginx:1.25", "2").resources);
    }

    #[test]
    fn more_sources_than_fit_leave_a_tag_that_the_cloud_takes() {
        let many: Vec<_> = (0..20).map(|n| json!({ "configMap": { "name": format!("m{n:02}") } })).collect();
        let value = tag(&pod(many.into()), &Sources::default()).value.unwrap();
        assert_eq!(value.len(), VALUE_LIMIT);
        let content =
            Content::of_config_map(&serde_json::from_value(json!({ "data": { "a": "b" } })).unwrap());
        let told = [13, 14].map(|place| MadeFrom(&value).has_changed(place, &content));
        assert_eq!(told, [Some(true), None]);
    }
}
