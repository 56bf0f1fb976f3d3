//! Looks at the cloud: at all groups of the node now and then, at those on their way somewhere often.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use determinism::Clock;
use eci_api::actions::describe_container_groups::{DescribeContainerGroups, DescribeContainerGroupsTag};
use eci_api::group::ContainerGroup;
use tokio::time::Instant;

use super::book::Book;
use super::identity::Owner;
use crate::eci::{Eci, EciError};

/// How many groups one call brings.
const PAGE: usize = 20;
/// How often all groups are looked at, while they fit a page: the call is also the node's sign of life.
const ROUND: Duration = Duration::from_secs(30);
const ROUND_MAX: Duration = Duration::from_secs(60);
/// A list longer than this is taken for a cloud that repeats itself.
const PAGES_MAX: usize = 5000;

/// Looks at the groups of one owner, and writes into the book what it sees.
pub struct Lookout {
    /// The cloud.
    pub eci: Eci,
    /// Whose groups.
    pub owner: Owner,
    /// The book.
    pub book: Book,
    /// The clock.
    pub clock: Clock,
}

impl Lookout {
    /// Looks for ever.
    pub async fn run(&self) {
        let mut next_round = Instant::now();
        let mut last_look = Instant::now();
        loop {
            if Instant::now() >= next_round {
                let pages = self.round().await;
                let pause = ROUND * u32::try_from(pages.max(1)).unwrap_or(u32::MAX).min(2);
                next_round = Instant::now() + pause.min(ROUND_MAX);
                last_look = Instant::now();
            }
            let (moving, soonest) = self.book.moving(self.clock.now());
            let next_look = soonest.map(|pause| last_look + pause);
            if next_look.is_some_and(|at| at <= Instant::now()) {
                self.at(moving).await;
                last_look = Instant::now();
                continue;
            }
            let wake = next_look.map_or(next_round, |at| at.min(next_round));
            tokio::select! {
                () = tokio::time::sleep_until(wake) => {}
                () = self.book.hurry() => {}
            }
        }
    }

    /// Looks at all groups; returns how many pages they fill.
    async fn round(&self) -> usize {
        let expected = self.book.listable(self.clock.now());
        let groups = match all(&self.eci, &self.owner).await {
            Ok(groups) => groups,
            Err(error) => {
                self.book.heard(error.shows_presence());
                tracing::warn!(%error, "the groups of the node cannot be listed");
                return 1;
            }
        };
        self.book.heard(true);
        let pages = groups.len().div_ceil(PAGE);
        let seen: BTreeSet<String> = groups.iter().map(|group| group.container_group_id.clone()).collect();
        self.note(groups);
        let missing: Vec<_> = expected.into_iter().filter(|(_, id)| !seen.contains(id)).collect();
        if !missing.is_empty() {
            // A list may lag; only an answer about this very group counts.
            self.at(missing).await;
        }
        self.book.listed_groups();
        self.book.remind(self.clock.now());
        pages
    }

    /// Looks at these groups, given as pairs of a pod's UID and a group's id; those that the cloud does not know any
    /// more are struck out.
    async fn at(&self, groups: Vec<(String, String)>) {
        let young: BTreeSet<String> = {
            let listable: BTreeSet<_> =
                self.book.listable(self.clock.now()).into_iter().map(|(_, id)| id).collect();
            groups.iter().filter(|(_, id)| !listable.contains(id)).map(|(_, id)| id.clone()).collect()
        };
        for chunk in groups.chunks(PAGE) {
            let ids: Vec<&str> = chunk.iter().map(|(_, id)| id.as_str()).collect();
            let found = match self.described(&ids).await {
                Ok(found) => found,
                Err(error) => {
                    self.book.heard(error.shows_presence());
                    return;
                }
            };
            self.book.heard(true);
            let seen: BTreeSet<String> = found.iter().map(|group| group.container_group_id.clone()).collect();
            self.note(found);
            for (uid, id) in chunk.iter().filter(|(_, id)| !seen.contains(id) && !young.contains(id)) {
                self.book.gone(uid, id);
            }
        }
    }

    /// Looks at one group of one pod.
    pub async fn at_one(&self, uid: &str, id: &str) {
        self.at(vec![(uid.to_owned(), id.to_owned())]).await;
    }

    async fn described(&self, ids: &[&str]) -> Result<Vec<ContainerGroup>, EciError> {
        let request = DescribeContainerGroups {
            region_id: Some(self.eci.region().to_owned()),
            container_group_ids: Some(serde_json::json!(ids).to_string()),
            limit: Some(PAGE as i32),
            with_event: Some(true),
            ..DescribeContainerGroups::default()
        };
        Ok(self.eci.call(&request).await?.container_groups)
    }

    fn note(&self, groups: Vec<ContainerGroup>) {
        let now = self.clock.now();
        for group in groups {
            if let Some(claim) = self.owner.claim(&group) {
                self.book.saw_group(&claim, group, now);
            }
        }
    }
}

/// All groups of an owner.
///
/// # Errors
/// [`EciError`].
pub async fn all(eci: &Eci, owner: &Owner) -> Result<Vec<ContainerGroup>, EciError> {
    let mut groups: BTreeMap<String, ContainerGroup> = BTreeMap::new();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let marks = owner.marks();
        let tags = marks
            .map(|(key, value)| DescribeContainerGroupsTag { key: Some(key.to_owned()), value: Some(value) });
        let request = DescribeContainerGroups {
            region_id: Some(eci.region().to_owned()),
            limit: Some(PAGE as i32),
            next_token: token,
            tag: tags.into(),
            ..DescribeContainerGroups::default()
        };
        let reply = eci.call(&request).await?;
        groups.extend(
            reply.container_groups.into_iter().map(|group| (group.container_group_id.clone(), group)),
        );
        if reply.next_token.is_empty() {
            return Ok(groups.into_values().collect());
        }
        token = Some(reply.next_token);
    }
    Err(EciError::Garbled { action: "DescribeContainerGroups", why: "the list has no end".to_owned() })
}
