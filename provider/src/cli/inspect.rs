//! The subcommands `check`, `inspect` and `orphans`, each with a limit on its time.

use std::time::Duration;

use determinism::Clock;
use kube::Client;

use super::error::CliError;
use crate::config::Config;
use crate::eci::Eci;
use crate::inspection::{Inspection, InspectionError, Report};
use crate::preflight::Preflight;

/// Limit of one reading of both sides: a fleet of 10,000 fills 500 pages.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Prints what of the provider's needs is there.
///
/// # Errors
/// [`CliError::NotReady`].
pub async fn check(config: &Config, client: Client, eci: Eci) -> Result<(), CliError> {
    let findings = Preflight { client, eci, config }.run().await;
    print!("{findings}");
    Ok(findings.verdict()?)
}

/// Prints pods and groups side by side.
///
/// # Errors
/// [`CliError::Inspection`], also where the two differ.
pub async fn inspect(
    config: &Config,
    client: Client,
    eci: Eci,
    clock: &Clock,
    json: bool,
) -> Result<(), CliError> {
    let (_, report) = read(config, client, eci, clock).await?;
    print_report(&report, json);
    match report.differing().count() {
        0 => Ok(()),
        differing => Err(InspectionError::Differ(differing).into()),
    }
}

/// Prints the groups without a pod, and deletes them when `end` is true.
///
/// # Errors
/// [`CliError::Inspection`].
pub async fn orphans(
    config: &Config,
    client: Client,
    eci: Eci,
    clock: &Clock,
    end: bool,
    json: bool,
) -> Result<(), CliError> {
    let (inspection, report) = read(config, client, eci, clock).await?;
    let report = report.of_orphans();
    if report.rows.is_empty() && !json {
        println!("node {}: every container group has its pod", report.node);
        return Ok(());
    }
    print_report(&report, json);
    if !end {
        return Ok(());
    }
    let (said, left) = inspection.end_orphans(&report).await;
    said.iter().for_each(|line| println!("{line}"));
    if left > 0 { Err(InspectionError::NotDeleted(left).into()) } else { Ok(()) }
}

async fn read(
    config: &Config,
    client: Client,
    eci: Eci,
    clock: &Clock,
) -> Result<(Inspection, Report), CliError> {
    let reading = async {
        let owner = crate::owner(config, &client).await;
        let namespaces = config.namespaces.clone();
        let inspection = Inspection { client, eci, owner, namespaces };
        let report = inspection.read(clock.now()).await?;
        Ok((inspection, report))
    };
    let late = || Err(InspectionError::Timeout(TIMEOUT.as_secs()));
    Ok(tokio::time::timeout(TIMEOUT, reading).await.unwrap_or_else(|_| late())?)
}

fn print_report(report: &Report, json: bool) {
    if json {
        // a report of strings and numbers can always be written
        println!("{}", serde_json::to_string_pretty(report).unwrap_or_default());
    } else {
        println!("{report}");
    }
}
