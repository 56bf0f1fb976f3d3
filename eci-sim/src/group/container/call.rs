//! A hook of a container's life that is no command: an address that is called, right after the start or before the stop.

use eci_api::actions::create_container_group as ask;
use serde::{Deserialize, Serialize};

/// Where somebody is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The host; empty for the group itself.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The page that is asked for; none, where a connection is enough.
    pub page: Option<Page>,
}

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its path.
    pub path: Box<str>,
    /// Whether it lies behind TLS.
    pub https: bool,
    /// What is said beside: names and values.
    pub headers: Box<[(Box<str>, Box<str>)]>,
}

impl Call {
    /// What is called when a container has started, where that is no command.
    pub fn after_start(asked: &ask::Container) -> Option<Box<Self>> {
        if !asked.lifecycle_post_start_handler_exec.is_empty() {
            return None;
        }
        let headers = asked.lifecycle_post_start_handler_http_get_http_header.iter();
        let page = |port| Self {
            host: text(&asked.lifecycle_post_start_handler_http_get_host),
            port,
            page: Some(Page {
                path: text(&asked.lifecycle_post_start_handler_http_get_path),
                https: is_https(&asked.lifecycle_post_start_handler_http_get_scheme),
                headers: headers.map(|header| (text(&header.name), text(&header.value))).collect(),
            }),
        };
        let host = text(&asked.lifecycle_post_start_handler_tcp_socket_host);
        let called = port(asked.lifecycle_post_start_handler_http_get_port).map(page);
        let socket = port(asked.lifecycle_post_start_handler_tcp_socket_port);
        called.or_else(|| Some(Self { host, port: socket?, page: None })).map(Box::new)
    }

    /// What is called before a container is stopped, where that is no command.
    pub fn before_stop(asked: &ask::Container) -> Option<Box<Self>> {
        if !asked.lifecycle_pre_stop_handler_exec.is_empty() {
            return None;
        }
        let headers = asked.lifecycle_pre_stop_handler_http_get_http_header.iter();
        let page = |port| Self {
            host: text(&asked.lifecycle_pre_stop_handler_http_get_host),
            port,
            page: Some(Page {
                path: text(&asked.lifecycle_pre_stop_handler_http_get_path),
                https: is_https(&asked.lifecycle_pre_stop_handler_http_get_scheme),
                headers: headers.map(|header| (text(&header.name), text(&header.value))).collect(),
            }),
        };
        let host = text(&asked.lifecycle_pre_stop_handler_tcp_socket_host);
        let called = port(asked.lifecycle_pre_stop_handler_http_get_port).map(page);
        let socket = port(asked.lifecycle_pre_stop_handler_tcp_socket_port);
        called.or_else(|| Some(Self { host, port: socket?, page: None })).map(Box::new)
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
