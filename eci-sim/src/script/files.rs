//! Files of a container: a small map of its own, and volumes that the containers of its group share.
//!
//! What an image brings (programs, `/etc`) is made when it is first looked at; kept is only what was changed. All is
//! bounded: bytes and files of a layer, the length of a path.

pub mod image;
pub mod layer;
mod path;
pub mod ports;
mod space;

pub use image::Origin;
pub use layer::{Change, Effect, Kind, Layer, Node, PORTS};
pub use path::{joined, normal, parent};
pub use ports::{PortReply, Service};
pub use space::{EVERYTHING, FileError, Mount, Space, Stat};

/// Numbers of layers and paths in them that were looked at.
pub type Looks = std::collections::BTreeSet<(u8, Box<str>)>;
