//! Replay: a trace of a cluster's pods, played on the embedded world in stepped time, with the bill and what of it was waste.
//!
//! Reading (`columns`, `trace`), playing (`playing`) and judging (`outcome`, pure) know nothing of each other's work; `text` renders.

pub mod columns;
pub mod outcome;
pub mod playing;
pub mod text;
pub mod trace;
