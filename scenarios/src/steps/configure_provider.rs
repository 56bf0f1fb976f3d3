//! `configure-provider: { cluster-id: another }`, as an upgrade with other values does.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Miss;
use crate::stage::World;

/// Sets the provider's settings for its later starts; what is not said is as at the beginning.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConfigureProvider {
    /// The id that tells this cluster's groups from another's.
    cluster_id: Option<String>,
}

impl ConfigureProvider {
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        world.configure_provider(self.cluster_id.clone()).await
    }
}

impl fmt::Display for ConfigureProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster_id {
            Some(id) => write!(f, "configure provider with cluster id {id}"),
            None => f.write_str("configure provider as at the beginning"),
        }
    }
}
