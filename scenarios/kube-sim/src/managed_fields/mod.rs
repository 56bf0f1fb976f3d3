//! `metadata.managedFields`: who set which field of an object, from its first write on.

pub mod compare;
pub mod field_set;
pub mod owner;
mod shapes;
pub mod shown;
pub mod stored;
pub mod track;
