//! A temporary key of the machine's RAM role, by its metadata service (eci-openapi.md, section 12).

use bytes::Bytes;
use http::{Method, Request};

use super::{KeyError, KeyReader, TemporaryKey};
use crate::eci::credentials::Key;
use crate::eci::endpoint::Endpoint;

const KEYS: &str = "/latest/meta-data/ram/security-credentials/";
const TOKEN: &str = "/latest/api/token";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
const TOKEN_SECONDS_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
/// The life of the token that the service may want, in seconds: for two questions.
const TOKEN_SECONDS: &str = "60";
/// The letters of a role's name.
const ROLE_LENGTH: usize = 64;
const REMEDY: &str = "see that the machine has a RAM role";

impl KeyReader {
    pub(super) async fn of_machine(&self, endpoint: &Endpoint, role: Option<&str>) -> Result<Key, KeyError> {
        let token = self.metadata_token(endpoint).await?;
        let garbled = |why| KeyError::Garbled { endpoint: endpoint.to_string(), why };
        let role = match role {
            Some(role) => role.to_owned(),
            None => {
                let body = self.metadata(endpoint, KEYS, token.as_deref()).await?;
                String::from_utf8_lossy(&body).lines().next().unwrap_or_default().trim().to_owned()
            }
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if role.is_empty() || role.len() > ROLE_LENGTH || !role.bytes().all(is_name) {
            return Err(garbled("it names no role"));
        }
        let body = self.metadata(endpoint, &format!("{KEYS}{role}"), token.as_deref()).await?;
        let key: TemporaryKey =
            serde_json::from_slice(&body).map_err(|_| garbled("it has no AccessKeyId"))?;
        Ok(key.into())
    }

    /// The token with which a machine in the hardened mode wants to be asked; `None` where it gives none.
    async fn metadata_token(&self, endpoint: &Endpoint) -> Result<Option<String>, KeyError> {
        let request = Request::builder().method(Method::PUT).uri(format!("{endpoint}{TOKEN}"));
        let request = request.header(TOKEN_SECONDS_HEADER, TOKEN_SECONDS).body(Bytes::new());
        let (status, body) = self.ask(endpoint, self.usable(endpoint, request)?).await?;
        let token = String::from_utf8_lossy(&body).trim().to_owned();
        Ok(Some(token).filter(|token| status.is_success() && !token.is_empty()))
    }

    async fn metadata(
        &self,
        endpoint: &Endpoint,
        path: &str,
        token: Option<&str>,
    ) -> Result<Bytes, KeyError> {
        let mut request = Request::get(format!("{endpoint}{path}"));
        if let Some(token) = token {
            request = request.header(TOKEN_HEADER, token);
        }
        let (status, body) = self.ask(endpoint, self.usable(endpoint, request.body(Bytes::new()))?).await?;
        if status.is_success() {
            return Ok(body);
        }
        let (endpoint, status) = (endpoint.to_string(), status.as_u16());
        Err(KeyError::Refused { endpoint, status, code: String::new(), remedy: REMEDY })
    }

    fn usable(
        &self,
        endpoint: &Endpoint,
        request: Result<Request<Bytes>, http::Error>,
    ) -> Result<Request<Bytes>, KeyError> {
        let why = "its address or its token cannot be used";
        request.map_err(|_| KeyError::Garbled { endpoint: endpoint.to_string(), why })
    }
}
