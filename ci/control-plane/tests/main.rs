//! The tests on the real programs, in one program.

mod on_loopback;
mod real;
