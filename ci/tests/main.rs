//! The rules of the repository and its papers, in one program.

mod citations;
mod documents;
mod examples;
mod tidy;
#[path = "support/tracked.rs"]
mod tracked;
