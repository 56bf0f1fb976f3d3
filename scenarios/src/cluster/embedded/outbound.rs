//! The embedded API's way to webhook and node: function calls, since both live in this process.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use kube_sim::{KubeBody, Outbound, OutboundError};
use provider::kubelet_api::KubeletApi;
use provider::webhook::Webhook;

/// The name under which the webhook is registered; nothing looks it up.
pub(super) const WEBHOOK: &str = "webhook.virtual-node.invalid";

/// The webhook and the kubelet API of the provider that runs, if one does.
#[derive(Default)]
pub(super) struct InProcess(Mutex<Option<(Webhook, KubeletApi)>>);

impl InProcess {
    /// From now on these answer.
    pub(super) fn answer_with(&self, webhook: Webhook, kubelet: KubeletApi) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((webhook, kubelet));
    }

    /// From now on nobody answers.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn reach(&self, request: Request<Bytes>) -> Result<Response<KubeBody>, OutboundError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let Some((webhook, kubelet)) = known else {
            return Err(OutboundError(format!("dial {host}: connection refused")));
        };
        match host.as_str() {
            WEBHOOK => {
                let response = webhook.call(request);
                Ok(response.map(|body| Full::new(body).map_err(Into::into).boxed_unsync()))
            }
            _ => {
                let response = kubelet.call(request).await;
                Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
            }
        }
    }
}

impl Outbound for InProcess {
    fn send(
        &self,
        request: Request<Bytes>,
        _ca: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<KubeBody>, OutboundError>> {
        Box::pin(self.reach(request))
    }
}
