//! Warnings of files that stay as they are in a running instance: those of changed ConfigMaps and Secrets, and tokens.
//!
//! ECI could be given other files, but starts all containers of the instance over for it
//! (`docs/decisions/files-of-running-pods.md`), which Kubernetes promises not to do; so pods are told what to expect instead.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::Api;

use super::decide;
use super::events::EventType;
use super::file_notes::{FileSource, content_of_config_map, content_of_secret, file_sources};
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

/// One round over all pods, in which each source is read once.
#[derive(Default)]
struct Round {
    contents: BTreeMap<(String, FileSource), Option<String>>,
}

impl Reconciler {
    /// Warns of files that stay as they are, for ever.
    pub(super) async fn watch_files(&self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let mut round = Round::default();
            for pod in self.store.pods().into_iter().filter(|pod| runs(pod)) {
                self.check_contents(&pod, &mut round).await;
                self.check_tokens(&pod);
            }
        }
    }

    async fn check_contents(&self, pod: &Pod, round: &mut Round) {
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        for source in file_sources(pod) {
            let key = (namespace.clone(), source.clone());
            let content = match round.contents.get(&key) {
                Some(known) => known.clone(),
                None => self.content(&namespace, &source).await,
            };
            round.contents.insert(key, content.clone());
            // what cannot be read, or is there no more, leaves the files of others as they are, too
            let Some(content) = content else { continue };
            if self.file_notes(pod, |notes| notes.is_another(&source, &content)) == Some(true) {
                let (kind, name) = match &source {
                    FileSource::ConfigMap(name) => ("ConfigMap", name),
                    FileSource::Secret(name) => ("Secret", name),
                };
                let message = format!(
                    "{kind} {name} has changed, but its files in the instance stay as they were when that was made; delete \
                     the pod to have it made anew"
                );
                self.recorder.pod(pod, EventType::Warning, FILES_NOT_UPDATED, &message);
            }
        }
    }

    async fn content(&self, namespace: &str, source: &FileSource) -> Option<String> {
        match source {
            FileSource::ConfigMap(name) => {
                let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
                content_of_config_map(&api.get_opt(name).await.ok()??)
            }
            FileSource::Secret(name) => {
                let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
                content_of_secret(&api.get_opt(name).await.ok()??)
            }
        }
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
