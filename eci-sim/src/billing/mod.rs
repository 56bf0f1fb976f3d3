//! From the ledger to the bill; nothing else in the simulator knows that bills exist.

pub mod bill;
pub mod cost;
pub mod meter;
pub mod settled;
mod settlement;

pub use bill::{Bill, BillLine, Item, Part};
pub use cost::Cost;
