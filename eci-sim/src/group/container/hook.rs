//! Hooks at the two ends of a container's life: a command in it, or a call to an address.

use eci_api::actions::create_container_group as ask;
use serde::{Deserialize, Serialize};

/// A hook that runs right after the start, or before the stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hook {
    /// A command in the container.
    Command(Box<[Box<str>]>),
    /// A call over HTTP or TCP.
    Call(Call),
}

/// Address that a hook calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Host; empty for the group itself.
    pub host: Box<str>,
    /// Port, 1 to 65535 where the call is to succeed.
    pub port: u16,
    /// Page that is requested; `None` for a mere TCP connection.
    pub page: Option<Page>,
}

/// A page that an HTTP hook requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Path of the URL.
    pub path: Box<str>,
    /// True for HTTPS, false for HTTP.
    pub https: bool,
    /// Headers of the request: names and values.
    pub headers: Box<[(Box<str>, Box<str>)]>,
}

impl Hook {
    /// The request's `PostStart` handler; `None` where it has none.
    pub fn after_start(asked: &ask::Container) -> Option<Box<Self>> {
        let headers = asked.lifecycle_post_start_handler_http_get_http_header.iter();
        let page = || Page {
            path: text(&asked.lifecycle_post_start_handler_http_get_path),
            https: is_https(&asked.lifecycle_post_start_handler_http_get_scheme),
            headers: headers.map(|header| (text(&header.name), text(&header.value))).collect(),
        };
        Self::of(
            &asked.lifecycle_post_start_handler_exec,
            (
                asked.lifecycle_post_start_handler_http_get_port,
                &asked.lifecycle_post_start_handler_http_get_host,
            ),
            page,
            (
                asked.lifecycle_post_start_handler_tcp_socket_port,
                &asked.lifecycle_post_start_handler_tcp_socket_host,
            ),
        )
    }

    /// The request's `PreStop` handler; `None` where it has none.
    pub fn before_stop(asked: &ask::Container) -> Option<Box<Self>> {
        let headers = asked.lifecycle_pre_stop_handler_http_get_http_header.iter();
        let page = || Page {
            path: text(&asked.lifecycle_pre_stop_handler_http_get_path),
            https: is_https(&asked.lifecycle_pre_stop_handler_http_get_scheme),
            headers: headers.map(|header| (text(&header.name), text(&header.value))).collect(),
        };
        Self::of(
            &asked.lifecycle_pre_stop_handler_exec,
            (asked.lifecycle_pre_stop_handler_http_get_port, &asked.lifecycle_pre_stop_handler_http_get_host),
            page,
            (
                asked.lifecycle_pre_stop_handler_tcp_socket_port,
                &asked.lifecycle_pre_stop_handler_tcp_socket_host,
            ),
        )
    }

    /// The first that is given: a command, else a page, else a socket, each of the latter a port and a host.
    fn of(
        words: &[String],
        asked_page: (Option<i32>, &Option<String>),
        page: impl FnOnce() -> Page,
        socket: (Option<i32>, &Option<String>),
    ) -> Option<Box<Self>> {
        if !words.is_empty() {
            return Some(Box::new(Self::Command(words.iter().map(|word| word.as_str().into()).collect())));
        }
        let call = match (port(asked_page.0), port(socket.0)) {
            (Some(port), _) => Call { host: text(asked_page.1), port, page: Some(page()) },
            (None, Some(port)) => Call { host: text(socket.1), port, page: None },
            (None, None) => return None,
        };
        Some(Box::new(Self::Call(call)))
    }

    /// Words of the command; empty for a call.
    pub fn words(&self) -> &[Box<str>] {
        match self {
            Self::Command(words) => words,
            Self::Call(_) => &[],
        }
    }
}

fn port(asked: Option<i32>) -> Option<u16> {
    u16::try_from(asked?).ok()
}

fn text(value: &Option<String>) -> Box<str> {
    value.as_deref().unwrap_or_default().into()
}

fn is_https(scheme: &Option<String>) -> bool {
    scheme.as_deref().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}
