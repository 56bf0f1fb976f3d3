//! From an incoming request to its sender, its operation, and its parameters.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::acs3::{self, Authorization, Signable, sha256_hex};
use super::{Secret, equal, rpc};
use crate::action::Product;
use crate::query::{PAIRS_MAX, Pairs, parse_form};

/// Minutes between a request's time stamp and the present, at most, before and after (section 3.1; for the future
/// `ours`).
const SKEW_MINUTES_RPC: i64 = 31;
const SKEW_MINUTES_ACS3: i64 = 15;

/// Bytes of an operation's name, a nonce, and an access key id, at most; the longest published operation has 34,
/// clients send nonces of 32 to 64, and ids have up to 30 (bounds `ours`).
const ACTION_MAX: usize = 128;
const NONCE_MAX: usize = 256;
const ACCESS_KEY_ID_MAX: usize = 128;
/// Bytes of a security token, at most; real ones have about a thousand (bound `ours`).
const SECURITY_TOKEN_MAX: usize = 8192;
/// Bytes of the string to sign that a mismatch shows, at most.
const STRING_TO_SIGN_SHOWN_MAX: usize = 16 << 10;

/// A request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct IncomingRequest<'a> {
    /// HTTP method, in any case of its letters.
    pub method: &'a str,
    /// Query string of the request line, without the question mark.
    pub query: &'a str,
    /// Headers: names and values.
    pub headers: &'a [(String, String)],
    /// Body, as it came.
    pub body: &'a [u8],
}

/// Signature scheme of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA1 over the parameters.
    Rpc,
    /// HMAC-SHA256 over a canonical request.
    Acs3,
}

/// Claims of a request about itself, before its signature is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Signature scheme.
    pub scheme: Scheme,
    /// Id of the access key that the request claims.
    pub access_key_id: String,
    /// Product whose operation it is.
    pub product: Product,
    /// Name of the operation, as it was written.
    pub action: String,
    /// True if the reply is to be XML and not JSON.
    pub wants_xml: bool,
    /// Nonce; must be new within the time for which a request is accepted.
    pub nonce: String,
    /// Security token of a temporary key; empty without one.
    pub security_token: String,
    /// Parameters without those of the protocol.
    pub pairs: Pairs,
    protocol: Pairs,
    authorization: Option<Authorization>,
}

/// Error for a request that cannot be attributed to its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// No access key id came with the request.
    #[error("AccessKeyId is mandatory for this action.")]
    MissingAccessKeyId,
    /// No signature came with the request.
    #[error("Signature is mandatory for this action.")]
    MissingSignature,
    /// The `Authorization` header lacks a part, or a header that it names.
    #[error("The request signature is incomplete: {0}.")]
    Incomplete(String),
    /// The version is that of no product which is spoken here.
    #[error("Specified parameter Version is not valid.")]
    Version,
    /// No operation was named.
    #[error("Action is mandatory for this request.")]
    MissingAction,
    /// The time stamp is no `YYYY-MM-DDThh:mm:ssZ`.
    #[error("Specified time stamp or date value is not well formatted.")]
    TimestampFormat,
    /// The time stamp is too far from the present.
    #[error("Specified time stamp or date value is expired.")]
    TimestampExpired,
    /// The signature is of a kind that the cloud does not accept.
    #[error("The request signature is incomplete: {parameter} should be {should}.")]
    Method {
        /// Parameter or header with the kind.
        parameter: &'static str,
        /// Only accepted value.
        should: &'static str,
    },
    /// A parameter of the protocol is longer than any real one.
    #[error("The specified parameter {parameter} is not valid: it should have {longest} bytes at most.")]
    TooLong {
        /// Name of the parameter.
        parameter: &'static str,
        /// Length in bytes, at most.
        longest: usize,
    },
    /// The request has more parameters than any operation.
    #[error("The specified parameters are not valid: {count} should be {PAIRS_MAX} at most.")]
    TooMany {
        /// Number of parameters.
        count: usize,
    },
    /// The signature does not match.
    #[error(
        "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    )]
    Mismatch {
        /// String to sign as computed here; of a long one the beginning.
        string_to_sign: String,
    },
}

/// Parameters that belong to the protocol and not to the operation.
const PROTOCOL: [&str; 12] = [
    "Action",
    "Version",
    "Format",
    "AccessKeyId",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "SignatureType",
    "Signature",
    "Timestamp",
    "SecurityToken",
    "BearerToken",
];

/// Reads the claims of a request; its signature is not verified.
///
/// # Errors
/// [`SignatureProblem`] when it does not even say who sent it or what it wants.
pub fn identify(request: &IncomingRequest<'_>) -> Result<Verified, SignatureProblem> {
    let authorization = authorization(request)?;
    let form = takes_form(request, authorization.as_ref());
    let count = separators(request.query.as_bytes()) + if form { separators(request.body) } else { 0 };
    if count > PAIRS_MAX {
        return Err(SignatureProblem::TooMany { count });
    }
    let all = parameters(request, form);
    let (scheme, access_key_id, nonce) = match &authorization {
        Some(authorization) => {
            let nonce = header(request, "x-acs-signature-nonce").unwrap_or_default();
            (Scheme::Acs3, authorization.credential.clone(), nonce.to_owned())
        }
        None => {
            let value = |name| find(&all, name).unwrap_or_default().to_owned();
            (Scheme::Rpc, value("AccessKeyId"), value("SignatureNonce"))
        }
    };
    if access_key_id.is_empty() {
        return Err(SignatureProblem::MissingAccessKeyId);
    }
    not_longer("AccessKeyId", &access_key_id, ACCESS_KEY_ID_MAX)?;
    not_longer("SignatureNonce", &nonce, NONCE_MAX)?;
    let named = |name: &str, parameter: &str| {
        let by_header = if scheme == Scheme::Acs3 { header(request, name) } else { None };
        by_header.or_else(|| find(&all, parameter)).unwrap_or_default().to_owned()
    };
    let product = Product::of_version(&named("x-acs-version", "Version")).ok_or(SignatureProblem::Version)?;
    let action = named("x-acs-action", "Action");
    if action.is_empty() {
        return Err(SignatureProblem::MissingAction);
    }
    not_longer("Action", &action, ACTION_MAX)?;
    if scheme == Scheme::Rpc {
        is_of_the_cloud(&all)?;
    }
    let security_token = named("x-acs-security-token", "SecurityToken");
    not_longer("SecurityToken", &security_token, SECURITY_TOKEN_MAX)?;
    let wants_xml = find(&all, "Format").is_some_and(|format| format.eq_ignore_ascii_case("xml"));
    let (protocol, pairs) = all.into_iter().partition(|(name, _)| PROTOCOL.contains(&name.as_str()));
    Ok(Verified {
        scheme,
        access_key_id,
        product,
        action,
        wants_xml,
        nonce,
        security_token,
        pairs,
        protocol,
        authorization,
    })
}

/// `Authorization` header of the newer scheme; `None` for a request of the older one.
fn authorization(request: &IncomingRequest<'_>) -> Result<Option<Authorization>, SignatureProblem> {
    let value = header(request, "authorization").filter(|value| value.starts_with("ACS3-"));
    let Some(value) = value else { return Ok(None) };
    if value.split_whitespace().next() != Some(acs3::ALGORITHM) {
        return Err(SignatureProblem::Method { parameter: "Authorization", should: acs3::ALGORITHM });
    }
    let incomplete = "Authorization needs Credential, SignedHeaders and Signature";
    let read = Authorization::parse(value);
    read.map(Some).ok_or_else(|| SignatureProblem::Incomplete(incomplete.to_owned()))
}

/// Refuses signatures of the kinds that other products or older gateways take; a kind that is not given is the usual
/// one.
fn is_of_the_cloud(protocol: &[(String, String)]) -> Result<(), SignatureProblem> {
    for (parameter, should) in
        [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0"), ("SignatureType", "")]
    {
        if find(protocol, parameter).is_some_and(|value| value != should) {
            let should = if should.is_empty() { "empty" } else { should };
            return Err(SignatureProblem::Method { parameter, should });
        }
    }
    Ok(())
}

fn not_longer(parameter: &'static str, value: &str, longest: usize) -> Result<(), SignatureProblem> {
    if value.len() > longest { Err(SignatureProblem::TooLong { parameter, longest }) } else { Ok(()) }
}

/// Number of separators between parameters; the parameters are at most one more.
fn separators(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'&').count()
}

/// Verifies a request that was read by [`identify`]: its signature by `secret`, and its time by `now`.
///
/// # Errors
/// [`SignatureProblem`], which says what does not fit.
pub fn verify(
    request: &IncomingRequest<'_>,
    identified: &Verified,
    secret: &Secret,
    now: Timestamp,
) -> Result<(), SignatureProblem> {
    if identified.nonce.is_empty() {
        return Err(SignatureProblem::Incomplete("the signature nonce is missing".to_owned()));
    }
    match identified.scheme {
        Scheme::Rpc => verify_rpc(request, identified, secret, now),
        Scheme::Acs3 => verify_acs3(request, identified, secret, now),
    }
}

fn verify_rpc(
    request: &IncomingRequest<'_>,
    Verified { protocol, pairs, .. }: &Verified,
    secret: &Secret,
    now: Timestamp,
) -> Result<(), SignatureProblem> {
    let given =
        find(protocol, "Signature").filter(|s| !s.is_empty()).ok_or(SignatureProblem::MissingSignature)?;
    near(find(protocol, "Timestamp").unwrap_or_default(), now, SKEW_MINUTES_RPC)?;
    let string_to_sign = rpc::string_of(request.method, protocol.iter().chain(pairs));
    if equal(given, &rpc::sign_text(&string_to_sign, secret)) {
        return Ok(());
    }
    Err(mismatch(string_to_sign))
}

fn verify_acs3(
    request: &IncomingRequest<'_>,
    Verified { authorization, protocol, pairs, .. }: &Verified,
    secret: &Secret,
    now: Timestamp,
) -> Result<(), SignatureProblem> {
    let incomplete = |what: &str| SignatureProblem::Incomplete(what.to_owned());
    let authorization = authorization.as_ref();
    let authorization = authorization.ok_or_else(|| incomplete("Authorization is not of the ACS3 form"))?;
    near(header(request, "x-acs-date").unwrap_or_default(), now, SKEW_MINUTES_ACS3)?;
    let payload_hash = sha256_hex(request.body);
    if let Some(declared) = header(request, "x-acs-content-sha256")
        && !declared.eq_ignore_ascii_case(&payload_hash)
    {
        return Err(incomplete("x-acs-content-sha256 is not the hash of the body"));
    }
    for name in ["host", "x-acs-date", "x-acs-signature-nonce", "x-acs-action"] {
        if !authorization.signed.iter().any(|signed| signed.eq_ignore_ascii_case(name)) {
            return Err(incomplete(&format!("SignedHeaders must contain {name}")));
        }
    }
    let (headers, signed) = (request.headers, authorization.signed.as_slice());
    let signable =
        Signable { method: request.method, query: &[], headers, signed, payload_hash: &payload_hash };
    // Without a form mixed into it, the query is read already.
    let canonical = match takes_form(request, Some(authorization)) {
        true => signable.canonical_of(parse_form(request.query.as_bytes()).iter().collect()),
        false => signable.canonical_of(protocol.iter().chain(pairs).collect()),
    };
    let string_to_sign = acs3::string_to_sign(&canonical);
    if equal(&authorization.signature, &acs3::sign_text(&string_to_sign, secret)) {
        return Ok(());
    }
    Err(mismatch(string_to_sign))
}

/// Query and form body as one; of a name in both, the body's value counts.
fn parameters(request: &IncomingRequest<'_>, form: bool) -> Pairs {
    let mut all = parse_form(request.query.as_bytes());
    if form {
        let body = parse_form(request.body);
        let named: HashSet<&str> = body.iter().map(|(name, _)| name.as_str()).collect();
        all.retain(|(name, _)| !named.contains(name.as_str()));
        all.extend(body);
    }
    all
}

fn mismatch(mut string_to_sign: String) -> SignatureProblem {
    string_to_sign.truncate(string_to_sign.floor_char_boundary(STRING_TO_SIGN_SHOWN_MAX));
    SignatureProblem::Mismatch { string_to_sign }
}

/// True if the body holds parameters: its content type says so, and in the newer scheme that header is signed, too. In
/// the older scheme the parameters themselves are signed, wherever they are.
fn takes_form(request: &IncomingRequest<'_>, authorization: Option<&Authorization>) -> bool {
    let signs = |signed: &String| signed.eq_ignore_ascii_case("content-type");
    is_form(request) && authorization.is_none_or(|authorization| authorization.signed.iter().any(signs))
}

fn is_form(request: &IncomingRequest<'_>) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = header(request, "content-type").unwrap_or_default();
    kind.get(..FORM.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}

fn header<'a>(request: &IncomingRequest<'a>, name: &str) -> Option<&'a str> {
    request
        .headers
        .iter()
        .find(|(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Checks that a time stamp is well formed and within `minutes` of the present.
fn near(text: &str, now: Timestamp, minutes: i64) -> Result<(), SignatureProblem> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits =
        |(byte, wanted): (u8, &u8)| if *wanted == b'd' { byte.is_ascii_digit() } else { byte == *wanted };
    let well_formed = text.len() == shape.len() && text.bytes().zip(shape).all(fits);
    let sent: Timestamp =
        text.parse().ok().filter(|_| well_formed).ok_or(SignatureProblem::TimestampFormat)?;
    let limit = SignedDuration::from_mins(minutes);
    if sent.duration_until(now).abs() > limit { Err(SignatureProblem::TimestampExpired) } else { Ok(()) }
}
