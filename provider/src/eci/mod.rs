//! The cloud as the provider sees it: typed calls, signed, with a limit on how long each may take.

mod endpoint;
mod error;
mod meaning;
pub mod retry;
mod session;
mod transport;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use determinism::{Chance, Clock, Seed};
use eci_api::signature::acs3;
use eci_api::{Action, ErrorBody, Secret, VERSION, query};
use http::{Request, Response};
use jiff::Timestamp;

pub use endpoint::{BadEndpoint, Endpoint};
pub use error::EciError;
pub use meaning::Meaning;
pub use session::LongLine;
pub(crate) use session::Taken;
pub use transport::{HyperTransport, Transport, TransportError};

/// The longest request line that is sent; what is longer travels in the body. Signatures cover both.
const QUERY_LIMIT: usize = 8 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// An access key, as the cloud's console gives it out.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The id, which is no secret.
    pub access_key_id: String,
    /// The secret.
    pub secret: Secret,
}

/// The cloud's ECI of one region; clones share one line.
#[derive(Clone)]
pub struct Eci(Arc<Inner>);

struct Inner {
    transport: Arc<dyn Transport>,
    credentials: Credentials,
    region: String,
    endpoint: Endpoint,
    clock: Clock,
    patience: Duration,
    chance: Mutex<Chance>,
    heard: Mutex<Option<Timestamp>>,
}

impl Eci {
    /// The ECI of `region`, at the region's own endpoint.
    pub fn new(
        transport: Arc<dyn Transport>,
        credentials: Credentials,
        region: impl Into<String>,
        clock: Clock,
        seed: Seed,
    ) -> Self {
        let region = region.into();
        Self(Arc::new(Inner {
            transport,
            credentials,
            endpoint: Endpoint::of_region(&region),
            region,
            clock,
            patience: Duration::from_secs(10),
            chance: Mutex::new(seed.chance("eci client")),
            heard: Mutex::new(None),
        }))
    }

    /// The same, asked at another address.
    #[must_use]
    pub fn at(self, endpoint: Endpoint) -> Self {
        let Inner { transport, credentials, region, clock, patience, chance, heard, .. } =
            match Arc::try_unwrap(self.0) {
                Ok(inner) => inner,
                Err(shared) => shared.copied(),
            };
        Self(Arc::new(Inner { transport, credentials, region, endpoint, clock, patience, chance, heard }))
    }

    /// The region, as `cn-hangzhou`.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// Where it is asked.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// When it last answered anything that shows that it is there.
    pub fn heard(&self) -> Option<Timestamp> {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out `action`; what may pass by itself is tried again, a little later.
    ///
    /// # Errors
    /// [`EciError`], the last one when there were several.
    pub async fn call<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        let mut tries = 0;
        loop {
            let error = match self.call_once(action).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let Some(pause) = retry::pause(&error, tries) else { return Err(error) };
            tries += 1;
            let jitter = self.chance().between(0, 100);
            tokio::time::sleep(pause + Duration::from_millis(jitter)).await;
        }
    }

    /// Carries out `action` with a single try.
    ///
    /// # Errors
    /// [`EciError`].
    pub async fn call_once<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        let request = self.request(action)?;
        let sent = tokio::time::timeout(self.0.patience, self.0.transport.send(request)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(EciError::unreachable(A::NAME, format!("{}: {error}", self.0.endpoint)));
            }
            Err(_) => {
                let (endpoint, waited) = (&self.0.endpoint, self.0.patience.as_secs());
                return Err(EciError::unreachable(
                    A::NAME,
                    format!("{endpoint}: no answer within {waited} s"),
                ));
            }
        };
        let read = read::<A>(&response);
        if read.as_ref().err().is_none_or(EciError::shows_presence) {
            *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.0.clock.now());
        }
        read
    }

    fn request<A: Action>(&self, action: &A) -> Result<Request<Bytes>, EciError> {
        let pairs = query::to_pairs(action)
            .map_err(|error| EciError::Garbled { action: A::NAME, why: error.to_string() })?;
        let rendered = query::render(&pairs);
        let now = self.0.clock.now();
        // Mixed with the time, since a provider that is started again may draw from the same seed.
        let drawn = self.chance().uuid().as_u128() ^ now.as_nanosecond().unsigned_abs();
        let nonce = format!("{drawn:032x}");
        if rendered.len() <= QUERY_LIMIT {
            self.signed::<A>(&pairs, &rendered, "", &nonce, now)
        } else {
            self.signed::<A>(&[], "", &rendered, &nonce, now)
        }
        .map_err(|error| EciError::Garbled { action: A::NAME, why: error.to_string() })
    }

    fn signed<A: Action>(
        &self,
        pairs: &[(String, String)],
        query: &str,
        body: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Request<Bytes>, http::Error> {
        let host = self.0.endpoint.authority();
        let payload_hash = acs3::sha256_hex(body.as_bytes());
        let mut headers: Vec<(String, String)> = vec![
            ("host".into(), host.into()),
            ("x-acs-action".into(), A::NAME.into()),
            ("x-acs-content-sha256".into(), payload_hash.clone()),
            ("x-acs-date".into(), now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("x-acs-signature-nonce".into(), nonce.into()),
            ("x-acs-version".into(), VERSION.into()),
        ];
        if !body.is_empty() {
            headers.insert(0, ("content-type".into(), FORM.into()));
        }
        let signed: Vec<String> = headers.iter().map(|(name, _)| name.clone()).collect();
        let Credentials { access_key_id, secret } = &self.0.credentials;
        let signable = acs3::Signable {
            method: "POST",
            query: pairs,
            headers: &headers,
            signed: &signed,
            payload_hash: &payload_hash,
        };
        let authorization = format!(
            "{} Credential={},SignedHeaders={},Signature={}",
            acs3::ALGORITHM,
            query::encode(access_key_id),
            signed.join(";"),
            signable.sign(secret)
        );
        let mut request = Request::post(self.0.endpoint.uri(query));
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        request
            .header("accept", "application/json")
            .header("authorization", authorization)
            .body(Bytes::copy_from_slice(body.as_bytes()))
    }

    fn chance(&self) -> std::sync::MutexGuard<'_, Chance> {
        self.0.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn copied(&self) -> Self {
        let lock = |heard: &Mutex<Option<Timestamp>>| *heard.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            transport: self.transport.clone(),
            credentials: self.credentials.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            clock: self.clock.clone(),
            patience: self.patience,
            chance: Mutex::new(self.chance.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            heard: Mutex::new(lock(&self.heard)),
        }
    }
}

fn read<A: Action>(response: &Response<Bytes>) -> Result<A::Reply, EciError> {
    let status = response.status().as_u16();
    if response.status().is_success() {
        return serde_json::from_slice(response.body())
            .map_err(|error| EciError::Garbled { action: A::NAME, why: error.to_string() });
    }
    match serde_json::from_slice::<ErrorBody>(response.body()) {
        Ok(body) if !body.code.is_empty() => Err(EciError::Refused {
            action: A::NAME,
            code: body.code,
            status,
            message: body.message,
            request_id: body.request_id,
            retry_after: None,
            clock_skew: None,
        }),
        // A proxy or a load balancer on the way answered, not the service.
        _ if status >= 500 => {
            Err(EciError::unreachable(A::NAME, format!("HTTP status {status} without a code")))
        }
        _ => Err(EciError::Garbled { action: A::NAME, why: format!("HTTP status {status} without a code") }),
    }
}

impl std::fmt::Debug for Eci {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Eci({} at {})", self.0.region, self.0.endpoint)
    }
}

#[cfg(test)]
mod tests;
