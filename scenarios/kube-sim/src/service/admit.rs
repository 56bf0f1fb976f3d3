//! Admission of a write: the built-in plugins, then the webhooks, in the real server's order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::call::Call;
use super::target::Target;
use crate::admission::attributes::{Attributes, ObjectReader, Operation};
use crate::admission::denial::Denial;
use crate::admission::webhook::review::{self, AdmissionDecision, ReviewError, WebhookResponse};
use crate::admission::webhook::selection::{Webhook, WebhookKind, select};
use crate::admission::{
    certificates, default_tolerations, namespace_lifecycle, node_taint, priority, service_account, storage,
};
use crate::body::BodyError;
use crate::defaults;
use crate::kinds::{self, Kind};
use crate::managed_fields::stored::KEY;
use crate::object::field::name;
use crate::outbound::OutboundError;
use crate::rbac::{self, Deed};
use crate::status::ApiError;
use crate::store::Store;

impl ObjectReader for Store {
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        Self::get(self, kinds::find(group, resource)?.storage(), namespace, name)
    }

    fn list(&self, group: &str, resource: &str) -> Vec<Arc<Value>> {
        kinds::find(group, resource).map(|kind| Self::list(self, kind.storage(), None).0).unwrap_or_default()
    }
}

/// A webhook that gave no decision; the text follows "failed calling webhook …: ".
#[derive(Debug, thiserror::Error)]
enum WebhookError {
    /// The webhook has conditions in CEL.
    #[error("its matchConditions are not evaluated by this simulator")]
    MatchConditions,
    /// The request was not answered.
    #[error("failed to call webhook: Post {address:?}: {cause}")]
    Post { address: String, cause: PostError },
    /// The response has a status other than 2xx.
    #[error("failed to call webhook: an error on the server ({0}) has prevented the request from succeeding")]
    Status(StatusCode),
    /// The response is no review.
    #[error(transparent)]
    Response(#[from] ReviewError),
}

/// The cause for which a request to a webhook was not answered.
#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error(transparent)]
    CaBundle(#[from] base64::DecodeError),
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error("context deadline exceeded")]
    Timeout,
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error(transparent)]
    Body(#[from] BodyError),
}

/// A write that is being admitted.
pub struct Admission<'a> {
    call: &'a Call,
    target: &'a Target,
    operation: Operation,
    old: Option<&'a Value>,
    dry_run: bool,
    user: Value,
    options: Value,
}

impl<'a> Admission<'a> {
    /// A write of `target`; `old` is what is stored.
    pub fn new(
        call: &'a Call,
        target: &'a Target,
        operation: Operation,
        old: Option<&'a Value>,
        dry_run: bool,
    ) -> Self {
        let kind = match operation {
            Operation::Create => "CreateOptions",
            Operation::Update => "UpdateOptions",
            Operation::Delete => "DeleteOptions",
            // What is opened has its options as the object.
            Operation::Connect => "",
        };
        let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
        if operation == Operation::Connect {
            options = Value::Null;
        } else if operation != Operation::Delete && !call.field_manager().is_empty() {
            options["fieldManager"] = call.field_manager().into();
        }
        Self { call, target, operation, old, dry_run, user: call.user.info(), options }
    }

    fn attributes<'b>(&'b self, name: &'b str) -> Attributes<'b> {
        let kind = self.target.kind;
        let below = kind.subresources.iter().find(|below| below.name == self.target.subresource);
        let opened = below.filter(|_| self.operation == Operation::Connect).map(|below| below.body.2);
        Attributes {
            operation: self.operation,
            group: kind.group,
            version: kind.version,
            resource: kind.resource,
            subresource: &self.target.subresource,
            kind: opened.unwrap_or(kind.kind),
            namespaced: kind.namespaced,
            namespace: if kind.resource == "namespaces" { name } else { &self.target.namespace },
            name,
            old: self.old,
            dry_run: self.dry_run,
            user: &self.user,
            options: &self.options,
        }
    }

    /// Runs the plugins that may change the object, then the mutating webhooks; returns their warnings.
    ///
    /// # Errors
    /// When one of them turns the write down.
    pub async fn mutate(&self, object: &mut Value) -> Result<Vec<String>, ApiError> {
        let known = name(object).to_owned();
        let attributes = self.attributes(&known);
        let store = self.call.sim.store();
        let turned_down = |denial: Denial| denied(self.target.kind, &known, &denial);
        self.plugins(&attributes, object).map_err(turned_down)?;
        let mut warnings = Vec::new();
        let webhooks = select(WebhookKind::Mutating, &attributes, store);
        if webhooks.is_empty() {
            return Ok(warnings);
        }
        let before = object.clone();
        let mut asked = Vec::new();
        for webhook in webhooks {
            if webhook.concerns(&attributes, object, store) {
                self.consult(&webhook, &attributes, object, &mut warnings).await?;
                asked.push((webhook, object.clone()));
            }
        }
        if *object == before {
            return Ok(warnings);
        }
        // The plugins have not seen yet what a webhook added, such as a container; nor has a webhook what came later.
        self.plugins(&attributes, object).map_err(turned_down)?;
        for (webhook, left) in &asked {
            let again = webhook.wants_reinvocation() && left != object;
            if again && webhook.concerns(&attributes, object, store) {
                self.consult(webhook, &attributes, object, &mut warnings).await?;
            }
        }
        Ok(warnings)
    }

    /// Calls the validating webhooks.
    ///
    /// # Errors
    /// When one of them turns the write down.
    pub async fn validate(&self, object: &mut Value, warnings: &mut Vec<String>) -> Result<(), ApiError> {
        let known = name(if object.is_null() { self.old.unwrap_or(&Value::Null) } else { object }).to_owned();
        let attributes = self.attributes(&known);
        let store = self.call.sim.store();
        for webhook in select(WebhookKind::Validating, &attributes, store) {
            if webhook.concerns(&attributes, object, store) {
                self.consult(&webhook, &attributes, object, warnings).await?;
            }
        }
        Ok(())
    }

    /// Asks the webhooks about what is opened with these options.
    ///
    /// # Errors
    /// When one of them turns it down.
    pub async fn connect(&self, options: &mut Value) -> Result<(), ApiError> {
        let attributes = self.attributes(&self.target.name);
        let store = self.call.sim.store();
        for kind in [WebhookKind::Mutating, WebhookKind::Validating] {
            for webhook in select(kind, &attributes, store) {
                if webhook.concerns(&attributes, options, store) {
                    self.consult(&webhook, &attributes, options, &mut Vec::new()).await?;
                }
            }
        }
        Ok(())
    }

    /// Checks only the namespace's lifecycle, for deletions.
    ///
    /// # Errors
    /// When the namespace is to be kept.
    pub fn check_namespace(&self, known: &str) -> Result<(), ApiError> {
        let checked = namespace_lifecycle::check(&self.attributes(known), self.call.sim.store());
        checked.map_err(|denial| denied(self.target.kind, known, &denial))
    }

    fn plugins(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Denial> {
        let store = self.call.sim.store();
        namespace_lifecycle::check(attributes, store)?;
        if attributes.creates("pods") {
            let namespace = attributes.namespace;
            let account = |name: &str| ObjectReader::get(store, "", "serviceaccounts", namespace, name);
            self.call.sim.draw(|chance| service_account::admit(object, namespace, account, chance))?;
            let classes = ObjectReader::list(store, "scheduling.k8s.io", "priorityclasses");
            priority::admit(object, classes.iter().map(AsRef::as_ref))?;
        }
        if attributes.is_pod() && matches!(self.operation, Operation::Create | Operation::Update) {
            default_tolerations::admit(object);
        }
        if attributes.creates("persistentvolumeclaims") {
            let classes = ObjectReader::list(store, "storage.k8s.io", "storageclasses");
            storage::admit_claim(object, classes.iter().map(AsRef::as_ref));
        }
        if attributes.creates("persistentvolumes") {
            storage::admit_volume(object);
        }
        if attributes.creates("nodes") {
            node_taint::admit(object);
        }
        if attributes.group == certificates::GROUP {
            certificates::admit(object, attributes, |verb, signer| {
                let deed = Deed::Resource {
                    verb,
                    group: certificates::GROUP,
                    resource: "signers",
                    name: signer,
                    namespace: "",
                };
                rbac::is_allowed(&self.call.sim, &self.call.user, deed)
            })?;
        }
        Ok(())
    }

    /// Calls one webhook and applies its decision.
    async fn consult(
        &self,
        webhook: &Webhook,
        attributes: &Attributes<'_>,
        object: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        if self.dry_run && !webhook.supports_dry_run() {
            let why = format!("admission webhook {:?} does not support dry run", webhook.name());
            return Err(ApiError::bad_request(why));
        }
        let uid = self.call.sim.draw(determinism::Chance::uuid).to_string();
        let asked = review::request(&uid, attributes, object);
        let answer = match self.call_webhook(webhook, &uid, &asked).await {
            Ok(answer) => answer,
            Err(_) if webhook.ignores_failure() => return Ok(()),
            Err(why) => {
                return Err(ApiError::internal(format!(
                    "failed calling webhook {:?}: {why}",
                    webhook.name()
                )));
            }
        };
        warnings.extend(answer.warnings);
        match answer.decision {
            AdmissionDecision::Allowed(None) => Ok(()),
            AdmissionDecision::Allowed(Some(patch)) => self.change(object, &patch),
            AdmissionDecision::Denied { code, reason, message } => {
                let reason = if reason.is_empty() { "" } else { known_reason(&reason) };
                Err(ApiError::new(code, reason, message))
            }
        }
    }

    fn change(&self, object: &mut Value, patch: &json_patch::Patch) -> Result<(), ApiError> {
        json_patch::patch(object, patch).map_err(ApiError::internal)?;
        if self.operation == Operation::Connect {
            return Ok(());
        }
        let kind = self.target.kind;
        let managers = object["metadata"].get(KEY).cloned();
        *object = crate::decode::conform(object.take(), &kind.api_version(), kind.kind)?.object;
        if let Some(managers) = managers {
            object["metadata"][KEY] = managers;
        }
        defaults::fill(&self.call.sim, kind, object, self.old);
        Ok(())
    }

    async fn call_webhook(
        &self,
        webhook: &Webhook,
        uid: &str,
        review: &Value,
    ) -> Result<WebhookResponse, WebhookError> {
        if webhook.has_conditions() {
            return Err(WebhookError::MatchConditions);
        }
        let address = webhook.address();
        let posted = self.post(webhook, &address, review).await;
        let (status, body) = posted.map_err(|cause| WebhookError::Post { address, cause })?;
        if !status.is_success() {
            return Err(WebhookError::Status(status));
        }
        Ok(review::read(webhook.name(), uid, &body)?)
    }

    async fn post(
        &self,
        webhook: &Webhook,
        address: &str,
        review: &Value,
    ) -> Result<(StatusCode, Bytes), PostError> {
        use base64::Engine as _;
        let bundle =
            webhook.entry().pointer("/clientConfig/caBundle").and_then(Value::as_str).unwrap_or_default();
        let bundle = base64::engine::general_purpose::STANDARD.decode(bundle)?;
        let request = Request::post(address)
            .header("content-type", "application/json")
            .body(Bytes::from(review.to_string()))?;
        let limit = Duration::from_secs(webhook.timeout_seconds());
        let sent = tokio::time::timeout(limit, self.call.sim.outbound().send(request, Some(bundle))).await;
        let response = sent.map_err(|_| PostError::Timeout)??;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// The reasons that are passed on; any other becomes empty.
fn known_reason(reason: &str) -> &'static str {
    let words = [
        "Forbidden",
        "Invalid",
        "BadRequest",
        "Conflict",
        "NotFound",
        "InternalError",
        "Unauthorized",
        "TooManyRequests",
    ];
    words.into_iter().find(|word| *word == reason).unwrap_or_default()
}

fn denied(kind: &Kind, known: &str, denial: &Denial) -> ApiError {
    match denial {
        Denial::NamespaceNotFound(namespace) => match kinds::find("", "namespaces") {
            Some(kind) => ApiError::not_found(kind, namespace),
            None => ApiError::no_such_resource(),
        },
        Denial::NamespaceTerminating(namespace) => {
            let mut error = ApiError::forbidden(kind, known, &denial.to_string());
            let message = format!("namespace {namespace} is being terminated");
            error.details["causes"] = json!([{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]);
            error
        }
        other => ApiError::forbidden(kind, known, &other.to_string()),
    }
}
