//! The only source of time and chance: whoever needs either is handed a [`Clock`] or a [`Seed`].

pub mod clock;
pub mod seed;

pub use clock::{Clock, Machine, Stopwatch};
pub use seed::{Chance, Seed};
