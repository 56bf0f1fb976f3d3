//! Who may use the door: programs on this machine, or whoever has its token; never a page of another origin.

use eci_api::Secret;

use super::Shut;
use crate::server::Incoming;

/// Who is let in.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    token: Option<Secret>,
    anybody: bool,
}

impl Access {
    /// Whoever has the token.
    pub fn with_token(token: Secret) -> Self {
        Self { token: Some(token), anybody: false }
    }

    /// Everybody but pages: where there is nothing to be had.
    pub fn of_anybody() -> Self {
        Self { token: None, anybody: true }
    }

    /// Turns away what a browser sends for a page of another origin, and what comes for a name that was bent to this
    /// machine. Behind a token, any name will do: a page that was bent here does not have the token.
    pub fn refuse_strangers(&self, request: &Incoming) -> Result<(), Shut> {
        let host = request.header("host").unwrap_or_default();
        if self.token.is_none() && !self.anybody && !host.is_empty() && !is_here(host) {
            return Err(Shut::Foreign(host.to_owned()));
        }
        if let Some(origin) = request.header("origin") {
            let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
            if !authority.eq_ignore_ascii_case(host) {
                return Err(Shut::ForeignPage(origin.to_owned()));
            }
        }
        match request.header("sec-fetch-site") {
            None | Some("same-origin" | "none") => Ok(()),
            Some(site) => Err(Shut::ForeignPage(site.to_owned())),
        }
    }

    /// Whether a request that was let in came from somebody whom the door belongs to: whoever has the token, or, where
    /// none is wanted, any program on this machine.
    pub fn is_theirs(&self, request: &Incoming) -> bool {
        !self.anybody && self.refuse_strangers(request).is_ok() && self.want_token(request).is_ok()
    }

    /// Turns away who does not have the token, where one is wanted.
    pub fn want_token(&self, request: &Incoming) -> Result<(), Shut> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match given.is_some_and(|given| Secret::new(given.trim()) == *token) {
            true => Ok(()),
            false => Err(Shut::Token),
        }
    }
}

fn is_here(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
