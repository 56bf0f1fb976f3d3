//! A cluster that a kubeconfig names: which it is, whether it may be touched, and what must not be there already.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use determinism::Seed;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::Client;
use kube::api::{DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use provider::webhook::registration;
use tempfile::TempDir;

use super::error::{KubeconfigError, SharedClusterError, refused};
use super::interface::NODE;
use crate::objects::{Fields, objects};

/// The longest wait for a cluster's version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(15);

/// A cluster that was named, and not touched yet.
pub struct ExistingCluster {
    /// The context by which it was named.
    pub context: String,
    /// The URL of the cluster's API server, without a slash at its end.
    pub url: String,
    /// True when the API server's address is on loopback.
    pub is_local: bool,
    pub(super) client: Client,
    address: IpAddr,
    pub(super) kubeconfig: PathBuf,
    pub(super) home: String,
    pub(super) folder: TempDir,
}

impl ExistingCluster {
    /// Looks which cluster the kubeconfig names; nothing is asked there.
    ///
    /// # Errors
    /// [`KubeconfigError`].
    pub async fn from_kubeconfig(context: Option<&str>, seed: Seed) -> Result<Self, KubeconfigError> {
        let mut kubeconfig = Kubeconfig::read()
            .map_err(|error| KubeconfigError::NoKubeconfig(provider::with_causes(&error)))?;
        let context = choose_context(&kubeconfig, context)?;
        let unusable = |why: String| KubeconfigError::Unusable { context: context.clone(), why };
        let home = format!("virtual-node-{seed}");
        kubeconfig.current_context = Some(context.clone());
        for named in kubeconfig.contexts.iter_mut().filter(|named| named.name == context) {
            if let Some(inner) = named.context.as_mut() {
                inner.namespace = Some(home.clone());
            }
        }
        let (folder, path) = write(&kubeconfig).map_err(|error| unusable(error.to_string()))?;
        let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| unusable(provider::with_causes(&error)))?;
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let host = config.cluster_url.host().unwrap_or_default().to_owned();
        let port = config.cluster_url.port_u16().unwrap_or(443);
        let is_local = is_this_machine(&host);
        if is_local {
            config.proxy_url = None;
        }
        let address = match is_local {
            true => IpAddr::V4(Ipv4Addr::LOCALHOST),
            false => local_address_towards(&host, port)
                .ok_or_else(|| unusable(format!("there is no way to {host}")))?,
        };
        let client = Client::try_from(config).map_err(|error| unusable(provider::with_causes(&error)))?;
        Ok(Self { context, url, is_local, client, address, kubeconfig: path, home, folder })
    }

    /// The version that it says it has.
    pub(super) async fn version(&self) -> Result<String, KubeconfigError> {
        let why = match tokio::time::timeout(VERSION_TIMEOUT, self.client.apiserver_version()).await {
            Ok(Ok(version)) => return Ok(version.git_version),
            Ok(Err(error)) => provider::with_causes(&error),
            Err(_) => format!("no answer within {} s", VERSION_TIMEOUT.as_secs()),
        };
        Err(KubeconfigError::NoAnswer { context: self.context.clone(), url: self.url.clone(), why })
    }

    /// The question that is asked before a cluster that is not on this machine is touched.
    pub fn question(&self) -> String {
        format!(
            "Context `{}` is a cluster at {}, which is not on this machine.\nThe cases would make a node `{NODE}`, a webhook \
             `{}`, and namespaces of their own there, and take them away at the end.",
            self.context,
            self.url,
            registration::NAME
        )
    }

    /// Sees to it that nothing is there which the cases make and take away.
    pub(super) async fn require_free(&self, namespaces: &BTreeSet<String>) -> Result<(), SharedClusterError> {
        let occupied = |what: String| SharedClusterError::from(KubeconfigError::Occupied { what });
        let refused = refused::<kube::Error>("looking at what is there");
        if objects::<Node>(self.client.clone(), None).get_opt(NODE).await.map_err(&refused)?.is_some() {
            return Err(occupied(format!("a node `{NODE}`")));
        }
        let webhooks = objects::<MutatingWebhookConfiguration>(self.client.clone(), None);
        if webhooks.get_opt(registration::NAME).await.map_err(&refused)?.is_some() {
            return Err(occupied(format!("a webhook `{}`", registration::NAME)));
        }
        self.require_absent(namespaces).await
    }

    /// Sees to it that nothing runs on the node of a chart that is installed, since the cases empty the cloud behind it.
    pub(super) async fn require_idle(&self, namespaces: &BTreeSet<String>) -> Result<(), SharedClusterError> {
        let refused = refused::<kube::Error>("looking at what is there");
        let on_it = ListParams::default().fields(&format!("spec.nodeName={NODE}"));
        let pods = objects::<Pod>(self.client.clone(), None).list_metadata(&on_it).await.map_err(refused)?;
        if let Some(pod) = pods.items.into_iter().next() {
            let (namespace, name) =
                (pod.metadata.namespace.unwrap_or_default(), pod.metadata.name.unwrap_or_default());
            return Err(KubeconfigError::Occupied {
                what: format!("a pod `{namespace}/{name}` on `{NODE}`"),
            }
            .into());
        }
        self.require_absent(namespaces).await
    }

    /// Sees to it that neither these namespaces nor that of our own are there.
    pub(super) async fn require_absent(
        &self,
        namespaces: &BTreeSet<String>,
    ) -> Result<(), SharedClusterError> {
        let refused = refused::<kube::Error>("looking at what is there");
        let api = objects::<Namespace>(self.client.clone(), None);
        for name in namespaces.iter().chain([&self.home]) {
            if api.get_opt(name).await.map_err(&refused)?.is_some() {
                return Err(KubeconfigError::Occupied { what: format!("a namespace `{name}`") }.into());
            }
        }
        Ok(())
    }

    /// The addresses of the nodes that there are. Without any, pods can run nowhere but on the virtual node.
    pub(super) async fn nodes(&self) -> Result<Vec<Option<IpAddr>>, SharedClusterError> {
        let nodes = objects::<Node>(self.client.clone(), None).list(&ListParams::default()).await;
        let nodes = nodes.map_err(refused("listing the nodes"))?.items;
        Ok(nodes.iter().map(internal_address).collect())
    }

    /// The address of this machine at which the cluster finds it.
    ///
    /// An API server on loopback is often in a container, as kind's is; then its own loopback is not ours, and we are
    /// found where the way to its node begins.
    pub(super) fn address(&self, nodes: &[Option<IpAddr>]) -> IpAddr {
        let node = nodes.iter().flatten().next().filter(|_| self.is_local);
        node.and_then(|node| local_address_towards(&node.to_string(), 10250)).unwrap_or(self.address)
    }

    /// True when kind made the cluster, as its context's name tells.
    pub fn is_kind(&self) -> bool {
        self.context.starts_with("kind-")
    }
}

fn internal_address(node: &DynamicObject) -> Option<IpAddr> {
    let mut addresses = node.list("/status/addresses").iter();
    addresses.find(|address| address.text("/type") == Some("InternalIP"))?.text("/address")?.parse().ok()
}

/// The context that is meant, which there is.
fn choose_context(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<String, KubeconfigError> {
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|named| named.name.as_str()).collect();
    let Some(wanted) = context.or(kubeconfig.current_context.as_deref()) else {
        return Err(KubeconfigError::NoContext { context: String::new(), known: clause(&known) });
    };
    match known.contains(&wanted) {
        true => Ok(wanted.to_owned()),
        false => Err(KubeconfigError::NoContext { context: wanted.to_owned(), known: clause(&known) }),
    }
}

fn clause(known: &[&str]) -> String {
    match known {
        [] => "it has none".to_owned(),
        known => format!("it has `{}`", known.join("`, `")),
    }
}

/// The kubeconfig with our choices in it, in a folder that is its owner's alone, since it may hold keys.
fn write(kubeconfig: &Kubeconfig) -> std::io::Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, serde_json::to_vec(kubeconfig)?)?;
    Ok((folder, path))
}

/// True for an address of this machine's own. A private address is none: clusters that matter have those.
pub(super) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let named = host == "localhost" || host.ends_with(".localhost");
    named || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The address of this machine on the way to `host`; nothing is sent.
fn local_address_towards(host: &str, port: u16) -> Option<IpAddr> {
    let host = host.trim_matches(['[', ']']);
    let any: IpAddr = match host.parse() {
        Ok(IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((host, port)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_this_machine_is_touched_unasked() {
        for (host, local) in [
            ("127.0.0.1", true),
            ("[::1]", true),
            ("localhost", true),
            ("kind.localhost", true),
            ("10.0.0.5", false),
            ("192.168.1.2", false),
            ("cluster.example.com", false),
            ("localhost.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(host), local, "{host}");
        }
    }

    fn kubeconfig(contexts: &[&str], current: Option<&str>) -> Kubeconfig {
        let contexts: Vec<_> = contexts
            .iter()
            .map(|name| serde_json::json!({ "name": name, "context": { "cluster": "c", "user": "u" } }))
            .collect();
        serde_json::from_value(serde_json::json!({ "contexts": contexts, "current-context": current }))
            .unwrap()
    }

    #[test]
    fn the_context_is_the_one_that_was_said_else_the_current_one() {
        let known = kubeconfig(&["a", "b"], Some("a"));
        assert_eq!(choose_context(&known, None).unwrap(), "a");
        assert_eq!(choose_context(&known, Some("b")).unwrap(), "b");
    }

    #[test]
    fn a_context_that_is_not_there_is_answered_with_those_that_are() {
        let text = choose_context(&kubeconfig(&["a", "b"], None), Some("x")).unwrap_err().to_string();
        assert!(text.contains("no context `x`; it has `a`, `b`"), "{text}");
        let text = choose_context(&kubeconfig(&[], None), Some("x")).unwrap_err().to_string();
        assert!(text.contains("it has none"), "{text}");
    }
}
