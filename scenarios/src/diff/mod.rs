//! One truth in two places: the same case on two kinds of cluster, compared field by field.

pub mod compare;
mod normalize;
pub mod reasons;
mod record;
mod recorder;
pub mod side;
