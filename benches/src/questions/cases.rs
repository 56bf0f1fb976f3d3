//! Questions of the scenarios.

use std::hint::black_box;

use anyhow::{Result, ensure};
use scenarios::scenario::Scenario;
use scenarios::{World, cases};

use crate::question::Ask;

/// A case file of ordinary length.
const CASE: &str = "scheduling/by-namespace-label";

/// One case file, read.
///
/// # Errors
/// When there is no such case.
pub fn read() -> Result<Ask> {
    let file = cases::named(&[CASE.to_owned()], "bench")?.remove(0);
    Ok(Box::new(move || {
        let scenario = Scenario::read(&file.file, &file.text)?;
        ensure!(!black_box(scenario).steps.is_empty(), "{CASE} has no steps");
        Ok(())
    }))
}

/// A world, from nothing until its virtual node is ready.
///
/// # Errors
/// When there is no runtime.
pub fn start() -> Result<Ask> {
    Ok(Box::new(move || {
        // each world has a paused clock of its own
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        runtime.block_on(async {
            World::start().await?.end().await;
            Ok(())
        })
    }))
}
