//! `stop-provider` and `start-provider`: what happens while nobody looks after the node.

use crate::outcome::Miss;
use crate::stage::World;

pub(super) async fn stop(world: &mut World) -> Result<(), Miss> {
    world.stop_provider().await
}

pub(super) async fn start(world: &mut World) -> Result<(), Miss> {
    world.start_provider().await
}
