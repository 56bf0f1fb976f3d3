//! The tests of the contract from outside, in one program.

mod parameters;
mod replies;
mod secrets;
mod signatures;
