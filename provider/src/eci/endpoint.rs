//! The cloud's endpoint: a scheme and an authority, nothing more.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// An address of the ECI OpenAPI, as `https://eci.cn-hangzhou.aliyuncs.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    authority: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// The error for a text that is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an endpoint; one looks like `https://eci.cn-hangzhou.aliyuncs.com` or `http://127.0.0.1:8080`"
)]
pub struct BadEndpoint(String);

impl Endpoint {
    /// The public endpoint of a region.
    pub fn of_region(region: &str) -> Self {
        Self { scheme: Scheme::Https, authority: format!("eci.{region}.aliyuncs.com") }
    }

    /// Host and, where it is not the scheme's own, port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns true for HTTPS.
    pub fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::Https
    }

    pub(super) fn uri(&self, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{self}/{mark}{query}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    /// Without a scheme, HTTPS is meant.
    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let bad = || BadEndpoint(text.to_owned());
        let trimmed = text.trim().trim_end_matches('/');
        let full = if trimmed.contains("://") { trimmed.to_owned() } else { format!("https://{trimmed}") };
        let uri: Uri = full.parse().map_err(|_| bad())?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(bad()),
        };
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(bad)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.host().is_empty() {
            return Err(bad());
        }
        Ok(Self { scheme, authority: authority.as_str().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_and_an_authority() {
        for (text, read) in [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
            ("eci-vpc.cn-beijing.aliyuncs.com", Some("https://eci-vpc.cn-beijing.aliyuncs.com")),
            ("https://eci.cn-hangzhou.aliyuncs.com/path", None),
            ("https://user:password@host", None),
            ("ftp://host", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Endpoint>().ok().map(|e| e.to_string()).as_deref(), read, "{text:?}");
        }
    }
}
