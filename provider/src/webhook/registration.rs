//! The registration of the webhook with the API server: a MutatingWebhookConfiguration.

use futures::future::BoxFuture;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations, ServiceReference, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use kube::api::{ObjectMeta, Patch, PatchParams};
use kube::{Api, Client};

use super::PATH;
use super::injection::INJECTION_LABEL;

/// The name of the configuration object, which the chart uses as well.
pub const NAME: &str = "ack-virtual-node";

/// The address at which the API server finds the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At a URL of the form `https://host:port`, without a path.
    Url(String),
    /// Behind a Service.
    Service {
        /// The Service's namespace.
        namespace: String,
        /// The Service's name.
        name: String,
        /// The Service's port.
        port: u16,
    },
}

/// The configuration for a webhook at `address`, whose certificate is verified by `ca` (PEM).
pub fn configuration(address: &Address, ca: &[u8]) -> MutatingWebhookConfiguration {
    let (url, service) = match address {
        Address::Url(url) => (Some(format!("{}{PATH}", url.trim_end_matches('/'))), None),
        Address::Service { namespace, name, port } => {
            let reference = ServiceReference {
                namespace: namespace.clone(),
                name: name.clone(),
                path: Some(PATH.to_owned()),
                port: Some(i32::from(*port)),
            };
            (None, Some(reference))
        }
    };
    let exempt = LabelSelectorRequirement {
        key: "kubernetes.io/metadata.name".to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(vec!["kube-system".to_owned()]),
    };
    let webhook = MutatingWebhook {
        name: "affinity.virtual-node.eci".to_owned(),
        admission_review_versions: vec!["v1".to_owned()],
        side_effects: "None".to_owned(),
        failure_policy: Some("Ignore".to_owned()),
        reinvocation_policy: Some("Never".to_owned()),
        timeout_seconds: Some(5),
        client_config: WebhookClientConfig { ca_bundle: Some(ByteString(ca.to_vec())), service, url },
        namespace_selector: Some(LabelSelector {
            match_labels: Some([(INJECTION_LABEL.to_owned(), "enabled".to_owned())].into()),
            match_expressions: Some(vec![exempt]),
        }),
        rules: Some(vec![RuleWithOperations {
            api_groups: Some(vec![String::new()]),
            api_versions: Some(vec!["v1".to_owned()]),
            operations: Some(vec!["CREATE".to_owned()]),
            resources: Some(vec!["pods".to_owned()]),
            scope: Some("Namespaced".to_owned()),
        }]),
        ..MutatingWebhook::default()
    };
    MutatingWebhookConfiguration {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
        webhooks: Some(vec![webhook]),
    }
}

/// Tells the API server, whether it knew before or not.
///
/// # Errors
/// What the API server answers.
pub fn register(
    client: Client,
    configuration: &MutatingWebhookConfiguration,
) -> BoxFuture<'_, kube::Result<()>> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client);
    Box::pin(async move {
        match api.create(&Default::default(), configuration).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let webhooks = serde_json::json!({ "webhooks": configuration.webhooks });
                api.patch(NAME, &PatchParams::default(), &Patch::Merge(webhooks)).await.map(|_| ())
            }
            other => other.map(|_| ()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pods_created_in_labelled_namespaces_are_sent_here_and_never_held_up() {
        let made = configuration(&Address::Url("https://127.0.0.1:8443/".into()), b"pem");
        let webhook = &made.webhooks.unwrap()[0];
        let selector = webhook.namespace_selector.as_ref().unwrap();
        assert_eq!(selector.match_labels.as_ref().unwrap()["virtual-node-affinity-injection"], "enabled");
        assert_eq!(webhook.failure_policy.as_deref(), Some("Ignore"));
        assert_eq!(webhook.client_config.url.as_deref(), Some("https://127.0.0.1:8443/inject"));
        assert_eq!(webhook.client_config.ca_bundle, Some(ByteString(b"pem".to_vec())));
    }

    #[test]
    fn behind_a_service_the_path_goes_with_the_reference() {
        let address = Address::Service { namespace: "kube-system".into(), name: "hook".into(), port: 443 };
        let made = configuration(&address, b"pem");
        let config = &made.webhooks.unwrap()[0].client_config;
        assert_eq!(config.url, None);
        assert_eq!(config.service.as_ref().unwrap().path.as_deref(), Some("/inject"));
    }
}
