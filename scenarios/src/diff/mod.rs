//! One truth in two places: the same case on two kinds of cluster, compared field by field.

pub mod compare;
mod normal;
pub mod reasons;
pub mod side;
pub mod take;
