//! `create-namespace: vk`, as `kubectl create namespace` does.

use std::fmt;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::objects::{new_object, objects};
use crate::outcome::Miss;
use crate::stage::World;

/// Makes a namespace.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateNamespace(String);

impl CreateNamespace {
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let namespaces = objects::<Namespace>(world.kube(), None);
        namespaces.create(&PostParams::default(), &new_object::<Namespace>(&self.0, json!({}))).await?;
        world.may_hold_pods(&self.0).await
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CreateNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "create namespace {}", self.0)
    }
}
