//! From the ledger to the bill, and its views and files; nothing else in the simulator knows that bills exist.

pub mod account;
pub mod bill;
pub mod cached_rows;
pub mod commitment;
pub mod cost;
mod coverage;
pub mod fee;
pub mod file;
pub mod focus;
pub mod instance_bill;
pub mod item;
mod known_prices;
pub mod line;
pub mod meter;
pub mod price;
pub mod query;
pub mod settled;
mod settlement;
pub mod view;

pub use account::AccountTerms;
pub use bill::Bill;
pub use cost::{Cost, UnknownCost};
pub use file::{BillFormat, FileError, NamedBill};
pub use item::{Item, Part};
pub use line::BillLine;
pub use query::BillQuery;
pub use view::{BillGroup, Dimension};
