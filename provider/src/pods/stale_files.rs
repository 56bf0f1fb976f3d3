//! Warnings of files that stay as they are in a running instance: those of changed ConfigMaps and Secrets, and tokens.
//!
//! ECI could be given other files, but starts all containers of the instance over for it
//! (`docs/decisions/files-of-running-pods.md`), which Kubernetes promises not to do; so pods are told what to expect instead.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::GetParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::decide;
use super::events::EventType;
use super::file_notes::{Content, FileSource, file_sources};
use super::made_from::MadeFrom;
use super::reconcile::Reconciler;
use super::sources::TokenSpec;

/// The pause between two rounds: less than a fifth of the shortest life that a token can have, 10 minutes.
const PERIOD: Duration = Duration::from_secs(100);
/// The part of its life, in percent, after which a kubelet renews a token, and this node warns of one.
const WARN_AT_PERCENT: i64 = 80;
/// The seconds that the volumes ask for which an API server adds, and the year that it makes of them.
const ADDED_SECONDS: i64 = 3607;
const EXTENDED_SECONDS: i64 = 365 * 24 * 3600;
/// The reasons of the events.
const FILES_NOT_UPDATED: &str = "FilesNotUpdated";
const TOKEN_NOT_RENEWED: &str = "TokenNotRenewed";

/// The tokens of a pod, each with the volume that it is a file of.
fn tokens_of(pod: &Pod) -> Vec<(TokenSpec, String)> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let tokens = volumes.flat_map(|volume| {
        let projections = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        let specs = projections.filter_map(|it| it.service_account_token.as_ref()).map(TokenSpec::of);
        specs.map(|spec| (spec, volume.name.clone()))
    });
    tokens.collect()
}

/// The seconds for which an API server makes a token good that an earlier process asked for: as many as were asked, but a
/// year where its own volumes ask for 3607 (kubelet-contract.md R100), so that clients which do not read a token anew go on
/// (`--service-account-extend-token-expiration`, on unless it is turned off).
fn usual_life(spec: &TokenSpec) -> i64 {
    if spec.audience.is_none() && spec.seconds == ADDED_SECONDS { EXTENDED_SECONDS } else { spec.seconds }
}

/// The time from which on a pod whose instance was made at `start` is warned of a token that lives for `seconds`.
fn warn_from(start: Timestamp, seconds: i64) -> Option<Timestamp> {
    start.checked_add(SignedDuration::from_secs(seconds.checked_mul(WARN_AT_PERCENT)? / 100)).ok()
}

/// True for a pod whose containers run, and are to run on.
fn runs(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running") && !decide::is_leaving(pod)
}

/// A source as it was when it was last read.
#[derive(Clone)]
struct Seen {
    version: String,
    content: Content,
}

/// A source's namespace, and the source.
type Key = (String, FileSource);

/// One round over all pods, in which each source is asked for once.
#[derive(Default)]
struct Round {
    /// What the round before saw.
    before: BTreeMap<Key, Seen>,
    now: BTreeMap<Key, Option<Seen>>,
}

impl Round {
    /// The round after this one.
    fn next(self) -> Self {
        let seen = self.now.into_iter().filter_map(|(key, seen)| Some((key, seen?)));
        Self { before: seen.collect(), now: BTreeMap::new() }
    }
}

/// An object whose content is files.
trait HasContent:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug
{
    fn content(&self) -> Content;
}

impl HasContent for ConfigMap {
    fn content(&self) -> Content {
        Content::of_config_map(self)
    }
}

impl HasContent for Secret {
    fn content(&self) -> Content {
        Content::of_secret(self)
    }
}

impl Reconciler {
    /// Warns of files that stay as they are, for ever.
    pub(super) async fn watch_files(&self) {
        let mut round = Round::default();
        loop {
            tokio::time::sleep(PERIOD).await;
            for pod in self.store.pods().into_iter().filter(|pod| runs(pod)) {
                self.check_contents(&pod, &mut round).await;
                self.check_tokens(&pod);
            }
            round = round.next();
        }
    }

    async fn check_contents(&self, pod: &Pod, round: &mut Round) {
        let group = || self.store.get(pod.metadata.uid.as_deref()?)?.group;
        let Some(group) = group() else { return };
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        for (place, source) in file_sources(pod).into_iter().enumerate() {
            let key = (namespace.clone(), source.clone());
            if !round.now.contains_key(&key) {
                let seen = self.look(&key, round.before.get(&key)).await;
                round.now.insert(key.clone(), seen);
            }
            // what cannot be read, or is there no more, leaves the files of others as they are, too
            let Some(Seen { content, .. }) = round.now.get(&key).and_then(Option::as_ref) else { continue };
            let made = MadeFrom::of(&group).and_then(|made| made.has_changed(place, content));
            if self.file_notes(pod, |notes| notes.is_another(&source, content, made)) == Some(true) {
                let (kind, name) = match &source {
                    FileSource::ConfigMap(name) => ("ConfigMap", name),
                    FileSource::Secret(name) => ("Secret", name),
                };
                let message = format!(
                    "{kind} {name} has changed, but its files in the instance stay as they were when that was made; delete \
                     the pod to have it made anew"
                );
                let subject = format!("{kind} {name} {}", content.public_hash());
                self.recorder.pod_once_of(pod, EventType::Warning, FILES_NOT_UPDATED, &subject, &message);
            }
        }
    }

    async fn look(&self, (namespace, source): &Key, before: Option<&Seen>) -> Option<Seen> {
        match source {
            FileSource::ConfigMap(name) => self.look_at::<ConfigMap>(namespace, name, before).await,
            FileSource::Secret(name) => self.look_at::<Secret>(namespace, name, before).await,
        }
    }

    /// The source as it is. Its metadata are asked for first, of the API server's cache: only what has another version there is
    /// read whole, and that from the store.
    async fn look_at<K: HasContent>(
        &self,
        namespace: &str,
        name: &str,
        before: Option<&Seen>,
    ) -> Option<Seen> {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        if let Some(before) = before {
            let found = api.get_metadata_opt_with(name, &GetParams::any()).await.ok()??;
            if found.metadata.resource_version.as_ref() == Some(&before.version) {
                return Some(before.clone());
            }
        }
        let found = api.get_opt(name).await.ok()??;
        Some(Seen { version: found.meta().resource_version.clone()?, content: found.content() })
    }

    fn check_tokens(&self, pod: &Pod) {
        let Some(start) = pod.status.as_ref().and_then(|status| status.start_time.as_ref()) else { return };
        let now = self.clock.now();
        let is_due = |seconds| warn_from(start.0, seconds).is_some_and(|at| at <= now);
        for (spec, volume) in tokens_of(pod) {
            let is_told = self.file_notes(pod, |notes| notes.tokens.contains(&spec)) != Some(false);
            if is_told || !is_due(spec.seconds) {
                continue;
            }
            let known = self.file_notes(pod, |notes| notes.lives.get(&spec).copied()).flatten();
            let life = known.unwrap_or_else(|| usual_life(&spec));
            if !is_due(life) {
                continue;
            }
            let end = start.0.checked_add(SignedDuration::from_secs(life)).unwrap_or(Timestamp::MAX);
            let message = format!(
                "the token in volume {volume} expires about {end:.0} and is not renewed in the instance; delete the pod \
                 before then to have it made anew"
            );
            self.file_notes(pod, |notes| notes.tokens.insert(spec));
            self.recorder.pod_once_of(pod, EventType::Warning, TOKEN_NOT_RENEWED, &volume, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::super::file_notes::life_of;
    use super::*;

    #[test]
    fn a_token_tells_its_life_itself() {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({ "iat": 100, "exp": 700 }).to_string());
        assert_eq!(life_of(&format!("head.{claims}.signature")), Some(600));
        assert_eq!(life_of("no token"), None);
    }

    #[test]
    fn the_warning_of_a_token_comes_before_its_end_whatever_its_life() {
        let start: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        for seconds in [600, 3607, 86400] {
            let latest = warn_from(start, seconds).unwrap() + SignedDuration::try_from(PERIOD).unwrap();
            assert!(latest < start + SignedDuration::from_secs(seconds), "{seconds} s");
        }
    }
}
