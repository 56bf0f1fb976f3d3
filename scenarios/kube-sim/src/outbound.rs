//! Outgoing requests of the API server, to webhooks, nodes and pods.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::body::KubeBody;

/// The longest time until the other side takes a connection, as the real API server has it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests out of the cluster's control plane.
pub trait Outbound: Send + Sync {
    /// Sends one request; `ca` is a PEM bundle that the other side's certificate must go back to, `None` means that any
    /// certificate is taken, as for nodes. A response of status 101 holds the connection (`hyper::upgrade::on`).
    fn send(
        &self,
        request: Request<Bytes>,
        ca: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<KubeBody>, OutboundError>>;
}

/// A request that got no response; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutboundError(pub String);

/// Sends requests over the network, with TLS for `https` URLs.
#[derive(Debug, Default)]
pub struct HttpsOutbound {}

impl HttpsOutbound {
    /// A client without proxies; it reaches whatever this machine reaches.
    pub fn new() -> Self {
        Self {}
    }
}

impl Outbound for HttpsOutbound {
    fn send(
        &self,
        request: Request<Bytes>,
        ca: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<KubeBody>, OutboundError>> {
        Box::pin(async move {
            let tls = client_config(ca.as_deref()).map_err(|e| OutboundError(e.to_string()))?;
            let mut tcp = HttpConnector::new();
            tcp.enforce_http(false);
            tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
            tcp.set_nodelay(true);
            let connector = hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(tls)
                .https_or_http()
                .enable_http1()
                .wrap_connector(tcp);
            let client = Client::builder(TokioExecutor::new()).build(connector);
            let dialled = dialled(request.uri());
            let answer = client.request(request.map(Full::new)).await;
            let answer = answer.map_err(|error| OutboundError(unanswered(&error, &dialled)))?;
            Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

fn client_config(
    ca: Option<&[u8]>,
) -> Result<rustls::ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let Some(ca) = ca else {
        let any = std::sync::Arc::new(crate::tls::AnyServer::default());
        return Ok(builder.dangerous().with_custom_certificate_verifier(any).with_no_client_auth());
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate?)?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Host and port that a request goes to.
fn dialled(uri: &http::Uri) -> String {
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
}

/// The cause for which a request got no response; of a connection that was not taken, in the real API server's words.
fn unanswered(error: &hyper_util::client::legacy::Error, dialled: &str) -> String {
    let mut cause = std::error::Error::source(error).filter(|_| error.is_connect());
    while let Some(error) = cause {
        let words = match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => "connect: connection refused",
            Some(ErrorKind::HostUnreachable) => "connect: no route to host",
            Some(ErrorKind::NetworkUnreachable) => "connect: network is unreachable",
            Some(ErrorKind::TimedOut) => "i/o timeout",
            _ => {
                cause = error.source();
                continue;
            }
        };
        return format!("dial tcp {dialled}: {words}");
    }
    chain(error)
}

/// An error and what caused it, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
