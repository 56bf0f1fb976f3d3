//! Users and tokens: the identity behind a request, by client certificate or bearer token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use determinism::{Chance, Seed};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// The group of those who may do everything, whatever the roles say.
pub const MASTERS: &str = "system:masters";
/// The group of everybody who is known.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of requests without credentials.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The user behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// User name, as in `kubernetes-admin` or `system:serviceaccount:default:default`.
    pub name: String,
    /// The uid; empty when there is none.
    pub uid: String,
    /// Group names; `system:authenticated` for everybody who is known.
    pub groups: Vec<String>,
}

impl User {
    /// The administrator, of `system:masters`.
    pub fn admin() -> Self {
        Self::of("kubernetes-admin", &[MASTERS, AUTHENTICATED])
    }

    /// The user of a request without credentials.
    pub fn anonymous() -> Self {
        Self::of("system:anonymous", &[UNAUTHENTICATED])
    }

    /// A user of this name and these groups, without a uid.
    pub fn of(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            uid: String::new(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        }
    }

    /// The user that a service account's token stands for.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let own = format!("system:serviceaccounts:{namespace}");
        let groups = ["system:serviceaccounts", &own, AUTHENTICATED];
        Self { uid: uid.to_owned(), ..Self::of(&user, &groups) }
    }

    /// Namespace and name of the account; `None` for a user that is no service account.
    pub fn as_service_account(&self) -> Option<(&str, &str)> {
        self.name.strip_prefix("system:serviceaccount:")?.split_once(':')
    }

    /// True for an authenticated user.
    pub fn is_known(&self) -> bool {
        self.groups.iter().any(|group| group == AUTHENTICATED)
    }

    /// The user as it stands in reviews (`UserInfo`).
    pub fn info(&self) -> Value {
        let mut info = json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            info["uid"] = self.uid.as_str().into();
        }
        info
    }
}

/// The tokens that were issued.
///
/// Those of service accounts are JSON Web Tokens, so that clients can read in them whose they are and when they end; they
/// are signed with a key of this server (HS256), and nobody else can or need check them.
#[derive(Clone)]
pub struct Tokens(Arc<Mutex<Issued>>);

struct Issued {
    chance: Chance,
    key: String,
    tokens: BTreeMap<String, Token>,
}

/// An issued token: its user, lifetime and audiences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The user that the token authenticates.
    pub user: User,
    /// Instant from which the token is refused.
    pub expires: Timestamp,
    /// Servers that the token is meant for; empty for any.
    pub audiences: Vec<String>,
    /// Object whose deletion ends the token; `None` for an unbound one.
    pub bound: Option<BoundObject>,
}

/// The object that a token is bound to; the token ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundObject {
    /// The object's resource: `pods`, `secrets` or `nodes`.
    pub resource: &'static str,
    /// The object's namespace; empty for a node.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object's uid; another object of the same name does not keep the token alive.
    pub uid: String,
}

impl Tokens {
    /// An empty registry; `seed` decides its key and its tokens.
    pub fn new(seed: Seed) -> Self {
        let mut chance = seed.chance("tokens");
        let key = chance.text(LETTERS, 64);
        Self(Arc::new(Mutex::new(Issued { chance, key, tokens: BTreeMap::new() })))
    }

    /// Issues an opaque token of 64 characters.
    pub fn issue(&self, token: Token) -> String {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = issued.chance.text(LETTERS, 64);
        issued.tokens.insert(text.clone(), token);
        text
    }

    /// Issues a JSON Web Token with these claims and an id of its own (`jti`).
    pub fn sign(&self, token: Token, mut claims: Value) -> String {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims["jti"] = issued.chance.uuid().to_string().into();
        let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.to_string().as_bytes()));
        let mut mac = Hmac::<Sha256>::new_from_slice(issued.key.as_bytes())
            .unwrap_or_else(|_| unreachable!("any length is a key"));
        mac.update(signed.as_bytes());
        let text = format!("{signed}.{}", encode(&mac.finalize().into_bytes()));
        issued.tokens.insert(text.clone(), token);
        text
    }

    /// Forgets the tokens that nobody can use any more.
    pub fn forget_expired(&self, now: Timestamp) {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.tokens.retain(|_, token| token.expires > now);
    }

    /// The issued token of this text; `None` for an unknown or expired one.
    pub fn check(&self, text: &str, now: Timestamp) -> Option<Token> {
        self.forget_expired(now);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tokens.get(text).cloned()
    }
}
