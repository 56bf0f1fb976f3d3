//! Why a pod is as large as it is: what was summed from which container, the size that fits, its price, and what is cheaper.

pub mod explanation;
pub mod sidecar;
pub mod sum;
pub mod text;
