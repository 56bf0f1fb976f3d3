//! From the ledger to the bill; nothing else in the simulator knows that bills exist.

pub mod bill;
pub mod meter;
pub mod settled;

pub use bill::{Bill, BillLine, Item, Part};
