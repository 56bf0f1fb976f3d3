//! Common parts of the benches of the local ECI: the group that they make again and again, and the programs' allocator.

use eci_api::actions::create_container_group::{Container, CreateContainerGroup};

/// The allocator of the programs, since what is measured here allocates much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The request for the `n`th: one container of the usual size.
pub fn group(n: usize) -> CreateContainerGroup {
    let container =
        Container { name: Some("main".into()), image: Some("nginx".into()), ..Container::default() };
    CreateContainerGroup {
        container_group_name: Some(format!("group-{n}")),
        container: vec![container],
        ..CreateContainerGroup::default()
    }
}
