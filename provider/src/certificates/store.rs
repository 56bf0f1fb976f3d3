//! The Secret and the webhook's registration, read and written.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::authority::KeyPem;
use crate::namespaced_name::NamespacedName;

const BUNDLE: &str = "ca.crt";
const KEY: &str = "ca.key";

/// The Secret as it was read.
pub(super) struct Stored {
    /// The object; `None` where there is none.
    secret: Option<v1::Secret>,
    /// The authorities and the key in the Secret; `None` while both are empty.
    pub data: Option<Data>,
}

pub(super) struct Data {
    pub bundle: String,
    pub key: KeyPem,
}

/// Outcomes of a write of the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    Done,
    /// Somebody else wrote since it was read.
    Raced,
}

fn secrets(client: &Client, name: &NamespacedName) -> Api<v1::Secret> {
    Api::namespaced(client.clone(), &name.namespace)
}

pub(super) async fn read(client: &Client, name: &NamespacedName) -> kube::Result<Stored> {
    let secret = secrets(client, name).get_opt(&name.name).await?;
    let entry = |key: &str| {
        let value = secret.as_ref()?.data.as_ref()?.get(key)?;
        String::from_utf8(value.0.clone()).ok()
    };
    let entries = (entry(BUNDLE).unwrap_or_default(), entry(KEY).unwrap_or_default());
    let is_empty = entries.0.trim().is_empty() && entries.1.trim().is_empty();
    let data = (!is_empty).then(|| Data { bundle: entries.0, key: KeyPem::new(entries.1) });
    Ok(Stored { secret, data })
}

/// Writes where nobody wrote since `stored` was read; other entries, labels and annotations stay.
pub(super) async fn write(
    client: &Client,
    name: &NamespacedName,
    stored: &Stored,
    bundle: &str,
    key: &KeyPem,
) -> kube::Result<Writing> {
    let api = secrets(client, name);
    let mut secret = stored.secret.clone().unwrap_or_else(|| v1::Secret {
        metadata: ObjectMeta { name: Some(name.name.clone()), ..ObjectMeta::default() },
        type_: Some("Opaque".to_owned()),
        ..v1::Secret::default()
    });
    secret.data.get_or_insert_with(BTreeMap::new).extend([
        (BUNDLE.to_owned(), ByteString(bundle.as_bytes().to_vec())),
        (KEY.to_owned(), ByteString(key.text().as_bytes().to_vec())),
    ]);
    let written = match stored.secret {
        Some(_) => api.replace(&name.name, &PostParams::default(), &secret).await,
        None => api.create(&PostParams::default(), &secret).await,
    };
    match written {
        Ok(_) => Ok(Writing::Done),
        // deleted, or there by now
        Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => Ok(Writing::Raced),
        Err(error) => Err(error),
    }
}

/// Tells the registration `name` by which authorities its webhooks are verified, where it says something else.
pub(super) async fn trust(client: &Client, name: &str, bundle: &str) -> kube::Result<()> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let found = api.get(name).await?;
    let wanted = ByteString(bundle.as_bytes().to_vec());
    let mut changes = Vec::new();
    for (index, webhook) in found.webhooks.iter().flatten().enumerate() {
        if webhook.client_config.ca_bundle.as_ref() != Some(&wanted) {
            // the list may have changed since it was read
            let at = format!("/webhooks/{index}");
            changes.push(json!({ "op": "test", "path": format!("{at}/name"), "value": webhook.name }));
            let path = format!("{at}/clientConfig/caBundle");
            changes.push(json!({ "op": "add", "path": path, "value": wanted }));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let changes = serde_json::from_value(changes.into()).map_err(kube::Error::SerdeError)?;
    api.patch(name, &PatchParams::default(), &Patch::<()>::Json(changes)).await.map(drop)
}
