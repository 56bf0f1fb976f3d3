//! Untyped objects: fields by path, timestamps, quantities, conditions, finalizers, names, and the errors of fields.

pub mod conditions;
pub mod field;
pub mod field_error;
pub mod finalizers;
pub mod names;
pub mod quantity;
pub mod timestamp;
