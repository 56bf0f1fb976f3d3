//! The API behind HTTPS, for kubectl and whoever else does not live in this process.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connection_limits::{Connection, ConnectionLimiter, Metered};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authn::{AUTHENTICATED, User};
use crate::service::KubeService;
use crate::sim::KubeSim;
use crate::tunnel::{Tunnel, TunnelPlace};

/// Longest time of a TLS handshake; [`HEAD_TIMEOUT`] is that of a request's head.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves HTTPS connections until the future is dropped.
///
/// A client is known by its certificate (common name and organisations) or, without one, by its bearer token.
pub fn serve(listener: TcpListener, tls: rustls::ServerConfig, sim: KubeSim) -> BoxFuture<'static, ()> {
    // Boxed, so that the server is compiled here once and not again by each caller.
    accept(listener, tls, sim).boxed()
}

async fn accept(listener: TcpListener, tls: rustls::ServerConfig, sim: KubeSim) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let limiter = ConnectionLimiter::default();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // Out of file descriptors, most likely: some will be free again.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let (acceptor, sim) = (acceptor.clone(), sim.clone());
                limiter.spawn(&mut connections, peer.ip(), |limited| async move {
                    let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        connection(stream, sim, limited).await;
                    }
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TlsStream<tokio::net::TcpStream>, sim: KubeSim, limited: Connection) {
    let user = certified(&stream);
    let stream = Metered::new(stream, limited);
    let meter = stream.meter();
    if user.is_some() {
        meter.connection().authenticate();
    }
    let tunnel = Arc::new(Mutex::new(None));
    let opened = tunnel.clone();
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        let service = KubeService::for_caller(sim.clone(), user.clone());
        let (meter, tunnel) = (meter.clone(), tunnel.clone());
        let client = hyper::upgrade::on(&mut request);
        let token = request.headers().contains_key(http::header::AUTHORIZATION);
        async move {
            let mut response = service.answer(request.map(BodyExt::boxed_unsync)).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                let place = response.extensions_mut().remove::<TunnelPlace>();
                let backend = hyper::upgrade::on(&mut response);
                *tunnel.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Tunnel { client, backend, place });
            }
            if token && response.status() != StatusCode::UNAUTHORIZED {
                meter.connection().authenticate();
            }
            meter.answered(HEAD_TIMEOUT.as_secs());
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(1024 * 1024);
    // A client that goes away in the middle of a watch is no error of ours.
    let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    // The tunnel is carried here, so that it ends with the connection's task and keeps the connection's place.
    let tunnel = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(tunnel) = tunnel {
        tunnel.carry().await;
    }
}

/// The user that the client's certificate names.
fn certified(stream: &TlsStream<tokio::net::TcpStream>) -> Option<User> {
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates()?.first()?;
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let mut groups: Vec<String> =
        subject.iter_organization().filter_map(|o| o.as_str().ok().map(str::to_owned)).collect();
    groups.push(AUTHENTICATED.to_owned());
    Some(User { name, uid: String::new(), groups })
}
