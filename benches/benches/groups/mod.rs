//! The group that the benches of the local ECI make, again and again.

use eci_api::actions::create_container_group::{Container, CreateContainerGroup};

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
