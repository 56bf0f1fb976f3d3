//! A container group as it looks on the wire.

pub use crate::actions::describe_container_groups::{
    Container, ContainerGroup, ContainerState, EnvironmentVar, Event, InitContainer, Port, Tag, Volume,
    VolumeMount,
};
