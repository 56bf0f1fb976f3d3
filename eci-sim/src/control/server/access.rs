//! Access to the control API: programs on this machine, or whoever has its token; never a page of another origin.

use eci_api::Secret;

use super::error::ApiError;
use crate::exchange::Incoming;

/// The rule of access.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    token: Option<Secret>,
    anonymous: bool,
}

impl Access {
    /// Whoever has the token.
    pub fn with_token(token: Secret) -> Self {
        Self { token: Some(token), anonymous: false }
    }

    /// Everybody but pages: where there is nothing to be had.
    pub fn anonymous() -> Self {
        Self { token: None, anonymous: true }
    }

    /// Turns away what a browser sends for a page of another origin, and what comes for a name that was bent to this
    /// machine. Behind a token, any name will do: a page that was bent here does not have the token.
    pub fn check_origin(&self, request: &Incoming) -> Result<(), ApiError> {
        let host = request.header("host").unwrap_or_default();
        if self.token.is_none() && !self.anonymous && !host.is_empty() && !is_loopback(host) {
            return Err(ApiError::ForeignHost(host.to_owned()));
        }
        if let Some(origin) = request.header("origin") {
            let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
            if !authority.eq_ignore_ascii_case(host) {
                return Err(ApiError::ForeignOrigin(origin.to_owned()));
            }
        }
        match request.header("sec-fetch-site") {
            None | Some("same-origin" | "none") => Ok(()),
            Some(site) => Err(ApiError::ForeignOrigin(site.to_owned())),
        }
    }

    /// True for a request whose sender is authorized: by the token, or, where none is required, as a program on this
    /// machine.
    pub fn is_authorized(&self, request: &Incoming) -> bool {
        !self.anonymous && self.check_origin(request).is_ok() && self.require_token(request).is_ok()
    }

    /// Turns away who does not have the token, where one is wanted.
    pub fn require_token(&self, request: &Incoming) -> Result<(), ApiError> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match given.is_some_and(|given| Secret::new(given.trim()) == *token) {
            true => Ok(()),
            false => Err(ApiError::Token),
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
