//! The sources of access keys: fixed ones, files that may change, the RAM role of the machine, and a role that the cluster's
//! OIDC tokens open (RRSA).

mod oidc;
mod role;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use eci_api::Secret;
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;

use super::credentials::{Credentials, Key};
use super::endpoint::{BadEndpoint, Endpoint};
use super::transport::Transport;

/// Names of the values in a folder or file of keys.
pub const ACCESS_KEY: &str = "ECI_ACCESS_KEY";
/// See [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "ECI_SECRET_KEY";
/// See [`ACCESS_KEY`].
pub const SECURITY_TOKEN: &str = "ECI_SECURITY_TOKEN";
/// The time that one answer of a source may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A source of access keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A key that never changes.
    Fixed(Key),
    /// A folder with a file for each name, as a mounted Secret is, or a file of lines `NAME=value`.
    Files(PathBuf),
    /// The RAM role of the machine, by its metadata service.
    MachineRole {
        /// The address of the metadata service.
        endpoint: Endpoint,
        /// The role's name; found by the service when absent.
        role: Option<String>,
    },
    /// A role that an OIDC token of the cluster opens.
    Oidc(OidcRole),
}

/// A role that an OIDC token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcRole {
    /// The address of STS.
    pub endpoint: Endpoint,
    /// The role, as `acs:ram::113511544585:role/virtual-node`.
    pub role_arn: String,
    /// The identity provider, as `acs:ram::113511544585:oidc-provider/ack-rrsa-c1`.
    pub provider_arn: String,
    /// The file with the token, which is renewed there.
    pub token_file: PathBuf,
}

/// Errors of a source of keys; none tells what was read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file that cannot be read.
    #[error("{path} cannot be read: {why}", path = .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        why: std::io::Error,
    },
    /// A folder or file without a part of the key.
    #[error("{path} has no {name}; it should have {ACCESS_KEY} and {SECRET_KEY}", path = .path.display())]
    Incomplete {
        /// The file or folder.
        path: PathBuf,
        /// The part.
        name: &'static str,
    },
    /// A service that does not answer.
    #[error("{endpoint} does not answer: {why}")]
    Unreachable {
        /// The service.
        endpoint: String,
        /// The words of whatever failed.
        why: String,
    },
    /// A service that refuses.
    #[error("{endpoint} refuses a key: {status} {code}; {remedy}")]
    Refused {
        /// The service.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// The code of the refusal, where it has one.
        code: String,
        /// What to look at.
        remedy: &'static str,
    },
    /// An answer that is no key.
    #[error("{endpoint} answers what is no key: {why}")]
    Garbled {
        /// The service.
        endpoint: String,
        /// A phrase for the error, without the answer.
        why: &'static str,
    },
}

/// What keys are read with.
#[derive(Clone)]
pub struct KeyReader {
    /// The way to services.
    pub transport: Arc<dyn Transport>,
    /// The clock by which requests are dated.
    pub clock: Clock,
}

impl KeySource {
    /// The name of whoever the keys act for, by which one account is told from another; that of a fixed or filed key is its
    /// own id.
    pub fn principal(&self) -> Option<String> {
        match self {
            Self::Fixed(_) | Self::Files(_) => None,
            Self::MachineRole { role, .. } => {
                Some(format!("role/{}", role.as_deref().unwrap_or("of the machine")))
            }
            Self::Oidc(role) => Some(role.role_arn.clone()),
        }
    }

    /// Reads the key as it is now.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn read(&self, reader: &KeyReader) -> Result<Key, KeyError> {
        match self {
            Self::Fixed(key) => Ok(key.clone()),
            Self::Files(path) => of_files(path),
            Self::MachineRole { endpoint, role } => reader.of_machine(endpoint, role.as_deref()).await,
            Self::Oidc(role) => reader.of_oidc(role).await,
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(_) => f.write_str("the access key that was given"),
            Self::Files(path) => write!(f, "the access key in {}", path.display()),
            Self::MachineRole { endpoint, .. } => write!(f, "the RAM role of the machine, by {endpoint}"),
            Self::Oidc(role) => write!(f, "the role {}, by {}", role.role_arn, role.endpoint),
        }
    }
}

fn of_files(path: &Path) -> Result<Key, KeyError> {
    let unreadable = |why| KeyError::Unreadable { path: path.to_owned(), why };
    let file = if path.is_dir() { None } else { Some(std::fs::read_to_string(path).map_err(unreadable)?) };
    let lines = file.as_deref().map(lines_of);
    let value = |name: &'static str| {
        let value = match &lines {
            Some(lines) => lines.get(name).map(|value| (*value).to_owned()),
            None => match std::fs::read_to_string(path.join(name)) {
                Ok(text) => Some(text),
                Err(why) if why.kind() == std::io::ErrorKind::NotFound => None,
                Err(why) => return Err(KeyError::Unreadable { path: path.join(name), why }),
            },
        };
        Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
    };
    let needed = |name| value(name)?.ok_or_else(|| KeyError::Incomplete { path: path.to_owned(), name });
    let secret = Secret::new(needed(SECRET_KEY)?);
    let credentials = Credentials { access_key_id: needed(ACCESS_KEY)?, secret };
    Ok(Key { credentials, security_token: value(SECURITY_TOKEN)?.map(Secret::new), expires: None })
}

/// Lines `NAME=value`.
fn lines_of(text: &str) -> BTreeMap<&str, &str> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))).collect()
}

/// A temporary key, as STS and the metadata service write it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemporaryKey {
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
    expiration: Timestamp,
}

impl From<TemporaryKey> for Key {
    fn from(read: TemporaryKey) -> Self {
        let secret = Secret::new(read.access_key_secret);
        let credentials = Credentials { access_key_id: read.access_key_id, secret };
        Self {
            credentials,
            security_token: Some(Secret::new(read.security_token)),
            expires: Some(read.expiration),
        }
    }
}

impl KeyReader {
    /// The answer's status and body.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, Bytes), KeyError> {
        let unreachable = |why: String| KeyError::Unreachable { endpoint: endpoint.to_string(), why };
        let answer = tokio::time::timeout(TIMEOUT, self.transport.send(request)).await;
        let answer = answer.map_err(|_| unreachable("no answer within 10 s".to_owned()))?;
        let answer = answer.map_err(|error| unreachable(error.to_string()))?;
        Ok((answer.status(), answer.into_body()))
    }
}

/// The public endpoint of STS in a region.
///
/// # Errors
/// [`BadEndpoint`] for a region that is no part of a host's name.
pub fn sts_of_region(region: &str) -> Result<Endpoint, BadEndpoint> {
    format!("https://sts.{region}.aliyuncs.com").parse()
}
