//! The tests of the stage from outside, in one program.

mod absence;
mod catalogue;
mod clusters;
mod command_line;
mod cost;
mod demands;
mod fuzz;
mod load;
mod mistakes;
mod reference;
mod report;
mod streams;
