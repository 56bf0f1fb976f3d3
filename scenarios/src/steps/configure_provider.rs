//! `configure-provider: { cluster-id: another }`, as an upgrade with other values does.

use std::fmt;

use provider::config::Capacity;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::cluster::interface::ProviderSettings;
use crate::outcome::Miss;
use crate::stage::World;

/// Sets the provider's settings for its later starts; what is not said is as at the beginning.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConfigureProvider {
    /// The id that tells this cluster's groups from another's.
    cluster_id: Option<String>,
    /// The resources that the node offers, as `cpu=4,pods=2`.
    #[serde(default, deserialize_with = "capacity")]
    capacity: Option<String>,
}

fn capacity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<Capacity>().map_err(serde::de::Error::custom)?;
    Ok(Some(text))
}

impl ConfigureProvider {
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let Self { cluster_id, capacity } = self.clone();
        world
            .configure_provider(ProviderSettings { cluster_id, capacity, ..ProviderSettings::default() })
            .await
    }
}

impl fmt::Display for ConfigureProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.cluster_id, &self.capacity) {
            (None, None) => f.write_str("configure provider as at the beginning"),
            (Some(id), None) => write!(f, "configure provider with cluster id {id}"),
            (None, Some(capacity)) => write!(f, "configure provider with {capacity}"),
            (Some(id), Some(capacity)) => write!(f, "configure provider with cluster id {id} and {capacity}"),
        }
    }
}
