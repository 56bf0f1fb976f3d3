//! Access to the node's API: callers are known by a client certificate or a token, and allowed by the API server's
//! own judgement.

mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::Instant;

use self::tokens::TokenReviews;
use super::response::Refusal;

const ALLOWED_TTL: Duration = Duration::from_mins(5);
const DENIED_TTL: Duration = Duration::from_secs(30);
const REMEMBERED_MAX: usize = 1024;

/// Somebody the cluster knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
}

/// Decides who may ask; clones share what they remember.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    client: Client,
    node: String,
    tokens: TokenReviews,
    verdicts: Mutex<BTreeMap<Question, (bool, Instant)>>,
}

/// An identity, a verb and a subresource.
type Question = (Identity, &'static str, &'static str);

impl Access {
    /// For the node `node`, by the judgement of the API server behind `client`.
    pub fn new(client: Client, node: &str) -> Self {
        let (tokens, verdicts) = (TokenReviews::new(client.clone()), Mutex::default());
        Self(Arc::new(Inner { client, node: node.to_owned(), tokens, verdicts }))
    }

    /// Permits the request to the holder of this certificate or this `Authorization` header. Fails with the refusal
    /// to answer: 401 for an unknown caller, 403 for one without the right, 500 when the API server could not be
    /// asked.
    pub(crate) async fn permit(
        &self,
        certified: Option<Identity>,
        authorization: Option<&str>,
        method: &Method,
        path: &str,
    ) -> Result<(), Refusal> {
        if is_open(path) {
            return Ok(());
        }
        let identity = match certified {
            Some(identity) => Some(identity),
            None => match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
                Some(token) => self.0.tokens.identify(token.trim()).await?,
                None => None,
            },
        };
        let identity = identity.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized"))?;
        let (verb, parts) = (verb(method), subresources(path));
        for part in parts {
            if self.is_allowed(&identity, verb, part).await? {
                return Ok(());
            }
        }
        let (user, parts) = (&identity.user, parts.join(" "));
        let text = format!("Forbidden (user={user}, verb={verb}, resource=nodes, subresource(s)=[{parts}])");
        Err(Refusal::new(StatusCode::FORBIDDEN, text))
    }

    async fn is_allowed(
        &self,
        identity: &Identity,
        verb: &'static str,
        part: &'static str,
    ) -> Result<bool, Refusal> {
        let key = (identity.clone(), verb, part);
        if let Some((allowed, until)) = self.verdicts().get(&key)
            && *until > Instant::now()
        {
            return Ok(*allowed);
        }
        let attributes = ResourceAttributes {
            verb: Some(verb.to_owned()),
            version: Some("v1".to_owned()),
            resource: Some("nodes".to_owned()),
            subresource: Some(part.to_owned()),
            name: Some(self.0.node.clone()),
            ..ResourceAttributes::default()
        };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(identity.user.clone()),
                groups: Some(identity.groups.clone()),
                resource_attributes: Some(attributes),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.0.client.clone());
        let answer = api.create(&PostParams::default(), &review).await.map_err(unreviewed)?;
        let allowed = answer.status.is_some_and(|status| status.allowed);
        let mut verdicts = self.verdicts();
        if verdicts.len() >= REMEMBERED_MAX {
            verdicts.clear();
        }
        let kept = if allowed { ALLOWED_TTL } else { DENIED_TTL };
        verdicts.insert(key, (allowed, Instant::now() + kept));
        Ok(allowed)
    }

    fn verdicts(&self) -> MutexGuard<'_, BTreeMap<Question, (bool, Instant)>> {
        self.0.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreviewed(error: kube::Error) -> Refusal {
    let text = format!("whether the request is allowed could not be found out: {error}");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
}

/// Returns true for the paths that everybody may ask for.
pub(crate) fn is_open(path: &str) -> bool {
    path == "/healthz" || path.starts_with("/healthz/")
}

fn verb(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "get",
    }
}

/// The subresources of which one suffices, the finest first (kubelet-contract.md R114).
fn subresources(path: &str) -> &'static [&'static str] {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "stats" => &["stats"],
        "metrics" => &["metrics"],
        "logs" => &["log"],
        "checkpoint" => &["checkpoint"],
        "pods" | "runningpods" => &["pods", "proxy"],
        "configz" => &["configz", "proxy"],
        _ => &["proxy"],
    }
}

/// The identity that a client certificate (DER) was issued to: its common name is the user, its organisations are the
/// groups. `None` when it cannot be read or has no common name.
pub fn certified(certificate: &[u8]) -> Option<Identity> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let subject = certificate.subject();
    let user = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups = subject.iter_organization().filter_map(|name| name.as_str().ok()).map(str::to_owned);
    Some(Identity { user, groups: groups.collect() })
}

#[cfg(test)]
mod tests {
    use certificate_authority::CertificateTemplate;

    use super::*;

    #[test]
    fn a_path_is_judged_as_the_kubelet_judges_it() {
        for (path, parts) in [
            ("/containerLogs/ns/p/c", "proxy"),
            ("/pods", "pods proxy"),
            ("/runningpods/", "pods proxy"),
            ("/configz", "configz proxy"),
            ("/stats/summary", "stats"),
            ("/metrics/resource", "metrics"),
            ("/logs/x", "log"),
            ("/exec/ns/p/c", "proxy"),
        ] {
            assert_eq!(subresources(path).join(" "), parts, "{path}");
        }
        assert_eq!((verb(&Method::GET), verb(&Method::POST)), ("get", "create"));
    }

    #[test]
    fn a_certificate_names_its_user_and_groups() {
        let template = CertificateTemplate::client("kube-apiserver-kubelet-client", Some("system:masters"));
        let (certificate, _) = template.self_signed().unwrap().into_der();
        let identity = certified(&certificate).unwrap();
        assert_eq!(identity.user, "kube-apiserver-kubelet-client");
        assert_eq!(identity.groups, ["system:masters"]);
        assert_eq!(certified(b"no certificate"), None);
    }
}
