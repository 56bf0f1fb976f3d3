//! The two HTTPS ports of a provider: the node's, asked by the API server, and the webhook's.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certificate_authority::{CertificateError, CertificateTemplate};
use connection_limits::{Connection, ConnectionLimiter, Meter, Metered, TICK};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use crate::kubelet_api::KubeletApi;
use crate::kubelet_api::access::{Access, Identity, certified, is_open};
use crate::kubelet_api::response::{Body, text};
use crate::webhook::{self, Webhook};

/// The largest AdmissionReview that is read, in bytes: a pod has 1.5 MiB at most, and a review can hold it twice.
const REVIEW_MAX: usize = 4 << 20;
/// The longest head that is read, in bytes: the command of an exec stands in it.
const HEAD_MAX: usize = 128 << 10;
/// The longest time of a peer for its handshake, its first head, and a body, in seconds.
const HANDSHAKE_TIMEOUT: u64 = 10;
const HEAD_TIMEOUT: u64 = 10;
const BODY_TIMEOUT: u64 = 10;
/// The longest time of a peer to read an answer and to send its next head, in seconds.
const IDLE_TIMEOUT: u64 = 60;

/// A certificate with its key.
pub struct Identification {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The certificate as text, by which others can verify it when it is its own authority.
    pub pem: String,
}

/// Errors of a certificate or its authorities.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("{path} cannot be read as a {what}: {why}")]
    File {
        /// The file's path.
        path: String,
        /// The expected content, as `certificate` or `private key`.
        what: &'static str,
        /// The error of the file system or of the parser.
        why: String,
    },
    /// A certificate that cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Made(#[from] CertificateError),
    /// A certificate that cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// Authorities that cannot be used.
    #[error("the authority of clients' certificates cannot be used: {0}")]
    Authority(String),
}

impl Identification {
    /// Made on the spot, for these names and addresses.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn self_signed(names: &[String], addresses: &[IpAddr]) -> Result<Self, TlsError> {
        let first = names.first().map_or("virtual-kubelet", String::as_str);
        let hosts = names.iter().cloned().chain(addresses.iter().map(ToString::to_string));
        let made = CertificateTemplate::server(&format!("system:node:{first}"), hosts).self_signed()?;
        let pem = made.certificate.clone();
        let (certificate, key) = made.into_der();
        Ok(Self { chain: vec![certificate], key, pem })
    }

    /// From two files in PEM.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn from_files(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let wrong = |path: &str, what, why: String| TlsError::File { path: path.to_owned(), what, why };
        let pem = std::fs::read_to_string(certificate)
            .map_err(|error| wrong(certificate, "certificate", error.to_string()))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let chain = chain.map_err(|error| wrong(certificate, "certificate", error.to_string()))?;
        let key_der = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| wrong(key, "private key", error.to_string()))?;
        Ok(Self { chain, key: key_der, pem })
    }

    /// The TLS acceptor of a listener that shows this certificate; with `authorities` (PEM), clients may show
    /// certificates signed by them.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn acceptor(self, authorities: Option<&str>) -> Result<TlsAcceptor, TlsError> {
        let provider = rustls::crypto::ring::default_provider();
        let certified = CertifiedKey::from_der(self.chain, self.key, &provider)?;
        acceptor(Arc::new(SingleCertAndKey::from(certified)), authorities)
    }
}

/// The TLS acceptor of a listener whose certificate may change while it listens; `authorities` as with
/// [`Identification::acceptor`].
///
/// # Errors
/// [`TlsError`].
pub fn acceptor(
    shown: Arc<dyn ResolvesServerCert>,
    authorities: Option<&str>,
) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for authority in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let authority = authority.map_err(|error| TlsError::Authority(error.to_string()))?;
                roots.add(authority)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| TlsError::Authority(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(shown);
    // Streams are upgraded, which HTTP/2 cannot.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The asking side of a request, and its connection.
#[derive(Clone)]
pub struct Peer {
    /// The identity of the client certificate that was shown.
    certified: Option<Identity>,
    meter: Arc<Meter>,
}

/// A service that answers requests whose bodies are not read yet.
pub trait RequestHandler: Clone + Send + Sync + 'static {
    /// Answers one.
    fn answer(self, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>>;
}

/// An [`RequestHandler`] of any kind.
type DynHandler = dyn Fn(Request<Incoming>, Peer) -> BoxFuture<'static, Response<Body>> + Send + Sync;

/// The node's port: who asks is known and allowed, or `access` is open to everybody. Nothing that is asked there has a
/// body, so none is read.
#[derive(Clone)]
pub struct NodePort {
    /// The service that answers.
    pub api: KubeletApi,
    /// The check of who may ask; everybody may when absent.
    pub access: Option<Access>,
}

impl RequestHandler for NodePort {
    fn answer(self, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let path = request.uri().path();
            if let Some(access) = self.access.as_ref() {
                let shown =
                    request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let permitted = access.permit(peer.certified, shown, request.method(), path).await;
                if let Err(refusal) = permitted {
                    return text(refusal.status, &refusal.text);
                }
                if !is_open(path) {
                    peer.meter.connection().authenticate();
                }
            }
            self.api.call(request.map(|_unread| Bytes::new())).await
        })
    }
}

impl RequestHandler for Webhook {
    fn answer(self, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut review = Bytes::new();
            if parts.uri.path() == webhook::PATH {
                peer.meter.connection().within(BODY_TIMEOUT);
                let too_large =
                    || text(StatusCode::PAYLOAD_TOO_LARGE, "a review of 4 MiB at most can be read");
                if body.size_hint().lower() > REVIEW_MAX as u64 {
                    return too_large();
                }
                match Limited::new(body, REVIEW_MAX).collect().await {
                    Ok(body) => review = body.to_bytes(),
                    Err(_) => return too_large(),
                }
                peer.meter.connection().without_deadline();
            }
            self.call(Request::from_parts(parts, review)).map(|body| Full::new(body).boxed_unsync())
        })
    }
}

/// Serves `answer` on `listener` until it is dropped, within limits that the other port shares.
pub async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answer: impl RequestHandler,
    limiter: ConnectionLimiter,
) {
    let answer = Arc::new(move |request, peer| answer.clone().answer(request, peer));
    serve_boxed(listener, acceptor, answer, limiter).await;
}

/// [`serve`], boxed where nothing is generic, so that the server is compiled once and not again by each caller.
fn serve_boxed(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answer: Arc<DynHandler>,
    limiter: ConnectionLimiter,
) -> BoxFuture<'static, ()> {
    accept(listener, acceptor, answer, limiter).boxed()
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    answer: Arc<DynHandler>,
    limiter: ConnectionLimiter,
) {
    let mut connections = tokio::task::JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (acceptor, answer) = (acceptor.clone(), answer.clone());
                    let serve = |limited| connection(stream, acceptor, answer, limited);
                    if !limiter.spawn(&mut connections, peer.ip(), serve) {
                        tracing::warn!(%peer, "a connection was closed, since too many are open");
                    }
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will be free again.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            },
            now = ticks.tick() => limiter.tick(now),
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, answer: Arc<DynHandler>, limited: Connection) {
    limited.within(HANDSHAKE_TIMEOUT);
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "a peer did not shake hands"),
    };
    limited.within(HEAD_TIMEOUT);
    let certificates = stream.get_ref().1.peer_certificates();
    let certified = certificates.and_then(|chain| chain.first()).and_then(|first| certified(first));
    let stream = Metered::new(stream, limited);
    let peer = Peer { certified, meter: stream.meter() };
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (answer, peer) = (answer.clone(), peer.clone());
        async move {
            let meter = Arc::clone(&peer.meter);
            meter.connection().without_deadline();
            let response = answer(request, peer).await;
            meter.answered(IDLE_TIMEOUT);
            Ok::<_, Infallible>(response)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(IDLE_TIMEOUT))
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
