//! A cluster's API over real sockets, and nodes and pods that answer as a test says.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use determinism::Clock;
use kube_sim::authn::{Token, User};
use kube_sim::tls::{AnyServer, Authority};
use kube_sim::{KubeSim, KubeSimBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Reads and writes bytes.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
pub type Stream = Box<dyn Io>;

/// The API behind HTTPS, and an administrator's token.
pub struct Api {
    pub sim: KubeSim,
    address: SocketAddr,
    pub token: String,
}

/// A node or pod: what it was asked, and the connections that it upgraded.
pub struct Played {
    pub address: SocketAddr,
    pub requests: mpsc::UnboundedReceiver<String>,
    pub upgraded: mpsc::UnboundedReceiver<Stream>,
}

pub const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                             sec-websocket-protocol: v4.channel.k8s.io\r\n\r\n";
/// The headers of an upgrade.
pub const WEBSOCKET: &str = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                             sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                             sec-websocket-protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n";

/// An answer with a body.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

impl Api {
    pub async fn start() -> Self {
        Self::started(KubeSim::builder()).await
    }

    pub async fn started(builder: KubeSimBuilder) -> Self {
        let sim = builder.clock(Clock::system()).build();
        let authority = Authority::generate().unwrap();
        let own = authority.server(&[Ipv4Addr::LOCALHOST.into()], &["localhost"]).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(kube_sim::server::serve(listener, authority.server_config(own).unwrap(), sim.clone()));
        let expires = "9999-01-01T00:00:00Z".parse().unwrap();
        let token = Token { user: User::admin(), expires, audiences: Vec::new(), bound: None };
        Self { token: sim.tokens().issue(token), sim, address }
    }

    /// Stores an object.
    pub fn have(&self, resource: &'static str, object: Value) {
        self.sim.store().create(("", resource), object).unwrap();
    }

    /// A node at this address.
    pub fn node(&self, name: &str, address: SocketAddr) {
        let addresses = json!([{"type": "InternalIP", "address": address.ip()}]);
        let port = json!({"kubeletEndpoint": {"Port": address.port()}});
        self.have(
            "nodes",
            json!({"metadata": {"name": name}, "status": {"addresses": addresses, "daemonEndpoints": port}}),
        );
    }

    /// A pod with these containers, on a node or on none.
    pub fn pod(&self, name: &str, containers: &[&str], node: &str) {
        let containers: Vec<_> = containers.iter().map(|name| json!({"name": name})).collect();
        let spec = json!({"containers": containers, "nodeName": node});
        self.have("pods", json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec}));
    }

    /// Sends a request line and headers, each of which ends with a line break, and a body; returns the head of the answer
    /// and the connection.
    pub async fn open(&self, line: &str, headers: &str, body: &str) -> (String, Stream) {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
        let tls = tls.unwrap().dangerous().with_custom_certificate_verifier(Arc::new(AnyServer::default()));
        let connector = TlsConnector::from(Arc::new(tls.with_no_client_auth()));
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let mut stream = connector.connect(self.address.ip().into(), tcp).await.unwrap();
        let known = if self.token.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {}\r\n", self.token)
        };
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: api:6443\r\n{known}content-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        (head(&mut stream).await, Box::new(stream))
    }

    /// The status, head and body of the answer to a request.
    pub async fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, String, String) {
        let (head, mut stream) = self.open(line, headers, body).await;
        let length = header(&head, "content-length").unwrap_or_default().parse().unwrap_or(0);
        let mut said = vec![0; length];
        stream.read_exact(&mut said).await.unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, String::from_utf8(said).unwrap())
    }

    /// The code and message of the Status that answers a request.
    pub async fn refused(&self, line: &str, headers: &str) -> (u16, String) {
        let (code, _, said) = self.ask(line, headers, "").await;
        let status: Value = serde_json::from_str(&said).unwrap_or_else(|_| json!({"message": said}));
        (code, status["message"].as_str().unwrap_or_default().to_owned())
    }
}

impl Played {
    /// Over TLS, as nodes are.
    pub async fn node(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let authority = Authority::generate().unwrap();
        let own = authority.server(&[Ipv4Addr::LOCALHOST.into()], &["node"]).unwrap();
        let tls = TlsAcceptor::from(Arc::new(authority.server_config(own).unwrap()));
        Self::start(answer, Some(tls)).await
    }

    /// In the clear, as most pods are.
    pub async fn pod(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(answer, None).await
    }

    async fn start(
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, requests) = mpsc::unbounded_channel();
        let (give, upgraded) = mpsc::unbounded_channel();
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (answer, tls, tell, give) = (answer.clone(), tls.clone(), tell.clone(), give.clone());
                tokio::spawn(async move {
                    let mut stream: Stream = match tls {
                        Some(tls) => Box::new(tls.accept(tcp).await.unwrap()),
                        None => Box::new(tcp),
                    };
                    let mut request = head(&mut stream).await;
                    let length = header(&request, "content-length").and_then(|length| length.parse().ok());
                    let mut body = vec![0; length.unwrap_or(0)];
                    stream.read_exact(&mut body).await.unwrap();
                    request.push_str(&String::from_utf8(body).unwrap());
                    let answer = answer(&request);
                    let _ = tell.send(request);
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    match answer.starts_with("HTTP/1.1 101") {
                        true => drop(give.send(stream)),
                        false => stream.shutdown().await.unwrap(),
                    }
                });
            }
        });
        Self { address, requests, upgraded }
    }

    /// The next request that was asked.
    pub async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }

    /// The next connection that was upgraded.
    pub async fn stream(&mut self) -> Stream {
        self.upgraded.recv().await.unwrap()
    }
}

/// The head of a request or answer, up to its blank line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &&str| line.split_once(':').is_some_and(|(own, _)| own.eq_ignore_ascii_case(name));
    head.lines().find(named).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
}

/// A port of this machine at which nobody listens.
pub async fn nobody() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
}
