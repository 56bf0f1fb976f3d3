//! Exec, attach and port-forward: connections that stop being HTTP and carry several streams, over SPDY/3.1 or over a
//! WebSocket (kubelet-contract.md, sections 9.4 and 9.5).

mod channels;
mod cloud;
mod ends;
mod forward;
mod spdy;
mod terminal;
mod tunnel;
mod upgrade;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use determinism::Clock;
use eci_api::group::ContainerStateKind;
use eci_api::query::parse_form;
use http::{Request, Response, StatusCode};
use tokio::task::JoinSet;

use super::logs::group_id;
use super::network::PodNetwork;
use super::response::{Body, Refusal};
use crate::eci::Eci;
use crate::pods::store::{PodStore, Snapshot};
use cloud::{Command, Running};
use terminal::{Source, StreamOptions, Terminal};
use upgrade::{Protocol, Upgrade};

/// The most connections that may be open at a time.
const SESSIONS_MAX: usize = 1024;

/// The connections that are open; when the last clone is dropped, they end.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<JoinSet<()>>>);

impl Sessions {
    fn hold(&self, session: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(session);
    }

    fn have_room(&self) -> Result<(), Refusal> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while open.try_join_next().is_some() {}
        if open.len() < SESSIONS_MAX {
            return Ok(());
        }
        let text =
            format!("{SESSIONS_MAX} exec, attach and port-forward connections are open, which is the most");
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text))
    }
}

/// Resources from which streams are opened.
pub(super) struct Streams<'a> {
    pub sessions: &'a Sessions,
    pub store: &'a PodStore,
    pub eci: &'a Eci,
    pub clock: &'a Clock,
    pub network: &'a Arc<dyn PodNetwork>,
}

impl Streams<'_> {
    /// `/exec`: a command in a container.
    pub async fn exec(
        &self,
        request: Request<Bytes>,
        (namespace, pod, container): (&str, &str, &str),
    ) -> Result<Response<Body>, Refusal> {
        let pairs = pairs(&request);
        let options = StreamOptions::read(&pairs)?;
        let words: Vec<String> =
            pairs.into_iter().filter(|(key, _)| key == "command").map(|(_, value)| value).collect();
        if words.is_empty() {
            return Err(bad("you must specify at least 1 command"));
        }
        let (_, group) = self.running(namespace, pod, container)?;
        let upgrade = Upgrade::requested(request, &upgrade::TERMINAL)?;
        self.sessions.have_room()?;
        let (tty, stdin) = (options.tty, options.input);
        let command = Command { group: &group, container, words: &words, tty, stdin };
        let running = Running::start(self.eci, &command)
            .await
            .map_err(|error| Refusal::of_cloud("the command cannot be run", &error))?;
        Ok(self.open(upgrade, options, Source::Command(Box::new(running))))
    }

    /// `/attach`: what a container says from now on. The cloud has no way to what it hears.
    pub async fn attach(
        &self,
        request: Request<Bytes>,
        (namespace, pod, container): (&str, &str, &str),
    ) -> Result<Response<Body>, Refusal> {
        let options = StreamOptions::read(&pairs(&request))?;
        let (view, group) = self.running(namespace, pod, container)?;
        if options.input {
            let text = "ECI cannot attach to the standard input of a container that runs; without --stdin its output is \
                        followed, and `kubectl exec` starts a command of its own";
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, text));
        }
        let upgrade = Upgrade::requested(request, &upgrade::TERMINAL)?;
        self.sessions.have_room()?;
        let reader = super::logs::Reader::from_now(
            (self.store, self.eci),
            &view,
            (group, container),
            self.clock.now(),
        );
        Ok(self.open(upgrade, options, Source::Log(Box::new(reader))))
    }

    /// `/portForward`: connections to ports of a pod, made from here.
    pub async fn forward(
        &self,
        request: Request<Bytes>,
        (namespace, pod): (&str, &str),
    ) -> Result<Response<Body>, Refusal> {
        let view = self.find(namespace, pod)?;
        let target = forward::Target::of(&view, Arc::clone(self.network))?;
        let pairs = pairs(&request);
        let upgrade = Upgrade::requested(request, &upgrade::FORWARD)?;
        let ports = match upgrade.protocol {
            Protocol::Channels(_) => forward::ports(&pairs)?,
            _ => Vec::new(),
        };
        self.sessions.have_room()?;
        let (response, protocol, upgraded) = upgrade.accept();
        self.sessions.hold(async move {
            let Some(io) = upgraded.await else { return };
            match protocol {
                Protocol::Spdy(_) => forward::over_spdy(io, target).await,
                Protocol::Tunnel => {
                    tunnel::carry(io, |io| forward::over_spdy(io, target)).await;
                }
                Protocol::Channels(version) => forward::over_channels(io, version, target, &ports).await,
            }
        });
        Ok(response)
    }

    fn open(&self, upgrade: Upgrade, options: StreamOptions, source: Source) -> Response<Body> {
        let (response, protocol, upgraded) = upgrade.accept();
        let terminal = Terminal { options, source };
        self.sessions.hold(async move {
            let Some(io) = upgraded.await else { return };
            match protocol {
                Protocol::Spdy(exit_format) => terminal.over_spdy(io, exit_format).await,
                Protocol::Channels(version) => terminal.over_channels(io, version).await,
                // not offered for terminals
                Protocol::Tunnel => {}
            }
        });
        response
    }

    fn find(&self, namespace: &str, pod: &str) -> Result<Snapshot, Refusal> {
        let unknown = || Refusal::new(StatusCode::NOT_FOUND, format!("pod \"{pod}\" does not exist"));
        self.store.find(namespace, pod).ok_or_else(unknown)
    }

    /// A pod, and the group of it in which this container runs.
    fn running(&self, namespace: &str, pod: &str, container: &str) -> Result<(Snapshot, String), Refusal> {
        let view = self.find(namespace, pod)?;
        super::logs::check(&view, pod, container, false)?;
        let not_running = || bad(format!("container \"{container}\" in pod \"{pod}\" is not running"));
        let group = view.group.as_ref().ok_or_else(not_running)?;
        let mains = group.containers.iter().map(|known| (&known.name, &known.current_state));
        let inits = group.init_containers.iter().map(|known| (&known.name, &known.current_state));
        let found = mains.chain(inits).find(|(name, _)| *name == container);
        let state = found.and_then(|(_, state)| state.as_ref());
        if state.is_none_or(|state| state.kind() != ContainerStateKind::Running) {
            return Err(not_running());
        }
        let id = group_id(&view).ok_or_else(not_running)?;
        Ok((view, id))
    }
}

fn bad(text: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

fn pairs(request: &Request<Bytes>) -> Vec<(String, String)> {
    parse_form(request.uri().query().unwrap_or_default().as_bytes()).into_iter().collect()
}

#[cfg(test)]
mod tests;
