//! The embedded API's way to webhook and node: function calls, since both live in this process; others, where there is a
//! network, over the network.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use kube_sim::{HttpsOutbound, KubeBody, Outbound, OutboundError};
use provider::kubelet_api::KubeletApi;
use provider::kubelet_api::network::{PodNetwork, PodStream};
use provider::webhook::Webhook;

use super::virtual_node::ADDRESS;
use crate::pipe;

/// The name under which the webhook is registered; nothing looks it up.
pub(super) const WEBHOOK: &str = "webhook.virtual-node.invalid";

/// Why nobody answers at the address of a pod of the virtual node; on a real network others may have that address.
const PLAYED: &str =
    "connect: no route to host: the containers of this world are played, and none of them listens";

/// The network of pods whose containers are played: nobody listens in it.
#[derive(Debug)]
pub(super) struct NoNetwork;

impl PodNetwork for NoNetwork {
    fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn PodStream>>> {
        Box::pin(async { Err(io::Error::new(io::ErrorKind::HostUnreachable, PLAYED)) })
    }
}

/// The webhook and the kubelet API of the provider that runs, if one does.
#[derive(Default)]
pub(super) struct InProcess {
    provider: Mutex<Option<(Webhook, KubeletApi)>>,
    network: OnceLock<HttpsOutbound>,
}

impl InProcess {
    /// From now on these answer.
    pub(super) fn answer_with(&self, webhook: Webhook, kubelet: KubeletApi) {
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner) = Some((webhook, kubelet));
    }

    /// From now on nobody answers.
    pub(super) fn forget(&self) {
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on all other addresses are those of this machine's network: nodes of others, pods, webhooks of one's own.
    pub(super) fn reach_network(&self) {
        self.network.get_or_init(HttpsOutbound::new);
    }

    async fn reach(
        &self,
        request: Request<Bytes>,
        ca: Option<Vec<u8>>,
    ) -> Result<Response<KubeBody>, OutboundError> {
        let uri = request.uri();
        let host = uri.host().unwrap_or_default();
        let dialled = uri.authority().map(ToString::to_string).unwrap_or_default();
        let refused = || OutboundError(format!("dial tcp {dialled}: connect: connection refused"));
        let provider =
            || self.provider.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(refused);
        if host == WEBHOOK {
            let (webhook, _) = provider()?;
            let response = webhook.call(request);
            return Ok(response.map(|body| Full::new(body).map_err(Into::into).boxed_unsync()));
        }
        if host == ADDRESS.to_string() {
            let (_, kubelet) = provider()?;
            return ask(kubelet, request).await;
        }
        if provider().is_ok_and(|(_, kubelet)| kubelet.has_pod_at(host)) {
            return Err(OutboundError(format!("dial tcp {dialled}: {PLAYED}")));
        }
        match self.network.get() {
            Some(network) => network.send(request, ca).await,
            None => Err(OutboundError(format!("dial tcp {dialled}: connect: network is unreachable"))),
        }
    }
}

/// Asks the node; a request to change the protocol over a connection, so that there is one to change.
async fn ask(kubelet: KubeletApi, request: Request<Bytes>) -> Result<Response<KubeBody>, OutboundError> {
    if !request.headers().contains_key(header::UPGRADE) {
        let response = kubelet.call(request).await;
        return Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()));
    }
    let answer = move |request: Request<hyper::body::Incoming>| {
        let kubelet = kubelet.clone();
        async move { kubelet.call(request.map(|_unread| Bytes::new())).await }
    };
    let response = pipe::exchange(request, answer).await;
    let response = response.map_err(|error| OutboundError(error.to_string()))?;
    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}

impl Outbound for InProcess {
    fn send(
        &self,
        request: Request<Bytes>,
        ca: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<KubeBody>, OutboundError>> {
        Box::pin(self.reach(request, ca))
    }
}
