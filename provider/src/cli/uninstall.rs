//! The subcommand `uninstall-check`, with a limit on its time.

use std::time::Duration;

use kube::Client;

use super::error::CliError;
use crate::config::Config;
use crate::eci::Eci;
use crate::uninstall_check::{LiveGroupsError, OnLiveGroups, UninstallCheck};

/// The longest time of the whole check: less than the 240 s of the chart's hook.
const TIMEOUT: Duration = Duration::from_secs(200);

/// Prints the node's live container groups and treats them as `on_live_groups` says.
///
/// # Errors
/// [`CliError::LiveGroups`] when the uninstallation must not go on; never with [`OnLiveGroups::Warn`].
pub async fn check(
    on_live_groups: OnLiveGroups,
    config: &Config,
    client: Client,
    eci: Eci,
) -> Result<(), CliError> {
    let checking = async {
        let owner = crate::owner(config, &client).await;
        let namespaces = config.namespaces.clone();
        UninstallCheck { client, eci, owner, namespaces }.run(on_live_groups).await
    };
    let checked = tokio::time::timeout(TIMEOUT, checking).await.unwrap_or_else(|_| {
        let why = format!("there was no answer within {} s", TIMEOUT.as_secs());
        Err(LiveGroupsError::Unknown { node: config.node_name.clone(), why })
    });
    match (checked, on_live_groups) {
        (Ok(text), _) => println!("{text}"),
        (Err(error), OnLiveGroups::Warn) => println!("WARNING: {error}"),
        (Err(error), _) => return Err(error.into()),
    }
    Ok(())
}
