//! Looks at the cluster's objects: where nothing was written since the last look, it is not repeated.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::World;
use crate::outcome::Miss;

/// The last look at objects, with the count of writes that it saw, and what it found.
#[derive(Default)]
struct LastLook(Mutex<Option<(u64, Result<(), Miss>)>>);

impl World {
    /// As [`Self::within`], for a `look` at the cluster's objects alone: at no lease, no measure, no cloud and no clock.
    pub(crate) async fn within_objects(
        &self,
        span: Duration,
        look: impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        let last = LastLook::default();
        self.within(span, async || self.look_again(&last, &look).await).await
    }

    /// As [`Self::throughout`], for a `look` at the cluster's objects alone: at no lease, no measure, no cloud and no clock.
    pub(crate) async fn throughout_objects(
        &self,
        span: Duration,
        look: impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        let last = LastLook::default();
        self.throughout(span, async || self.look_again(&last, &look).await).await
    }

    async fn look_again(
        &self,
        last: &LastLook,
        look: &impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        // Before the look: what is written meanwhile may be seen or not, and the next look tells.
        let Some(written) = self.cluster.written() else { return look().await };
        if let Some((seen, found)) = &*last.known()
            && *seen == written
        {
            return found.clone();
        }
        let found = look().await;
        if !matches!(found, Err(Miss::Refused(_))) {
            *last.known() = Some((written, found.clone()));
        }
        found
    }
}

impl LastLook {
    fn known(&self) -> std::sync::MutexGuard<'_, Option<(u64, Result<(), Miss>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::PostParams;
    use serde_json::json;

    use super::*;
    use crate::objects::{new_object, objects};

    const SPAN: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn where_nothing_is_written_one_look_is_enough() {
        let world = World::start().await.unwrap();
        world.advance(SPAN).await;
        let looks = Cell::new(0);
        let look = async || {
            looks.set(looks.get() + 1);
            Err(Miss::one("pod", "there", "not there"))
        };
        let before = world.cluster.written();
        let miss = world.within_objects(SPAN, look).await.unwrap_err();
        assert_eq!((world.cluster.written(), looks.get()), (before, 1));
        assert!(miss.in_short().contains("for all of the 60 s"), "{}", miss.in_short());
        let found = async || {
            looks.set(looks.get() + 1);
            Ok(())
        };
        world.throughout_objects(SPAN, found).await.unwrap();
        assert_eq!(looks.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_meanwhile_is_seen() {
        let world = World::start().await.unwrap();
        let maps = objects::<ConfigMap>(world.kube(), Some("default"));
        let write = async {
            tokio::time::sleep(SPAN / 2).await;
            maps.create(&PostParams::default(), &new_object::<ConfigMap>("late", json!({}))).await.unwrap();
        };
        let look = async || match maps.get_opt("late").await? {
            Some(_) => Ok(()),
            None => Err(Miss::one("map", "late", "none")),
        };
        let (found, ()) = tokio::join!(world.within_objects(SPAN, look), write);
        found.unwrap();
    }
}
