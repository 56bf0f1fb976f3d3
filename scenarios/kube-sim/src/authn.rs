//! Who asks: by certificate, by token, or nobody known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use determinism::{Chance, Seed};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The uid; empty when there is none.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl User {
    /// May do all.
    pub fn admin() -> Self {
        Self::of("kubernetes-admin", &["system:masters", "system:authenticated"])
    }

    /// Nobody known.
    pub fn anonymous() -> Self {
        Self::of("system:anonymous", &["system:unauthenticated"])
    }

    /// Somebody with these groups.
    pub fn of(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            uid: String::new(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        }
    }

    /// A service account.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let own = format!("system:serviceaccounts:{namespace}");
        let groups = ["system:serviceaccounts", &own, "system:authenticated"];
        Self { uid: uid.to_owned(), ..Self::of(&user, &groups) }
    }

    /// Namespace and name, when it is a service account.
    pub fn as_service_account(&self) -> Option<(&str, &str)> {
        self.name.strip_prefix("system:serviceaccount:")?.split_once(':')
    }

    /// Whether anybody vouched for it.
    pub fn is_known(&self) -> bool {
        self.groups.iter().any(|group| group == "system:authenticated")
    }

    /// As it stands in reviews.
    pub fn info(&self) -> Value {
        let mut info = json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            info["uid"] = self.uid.as_str().into();
        }
        info
    }
}

/// The tokens that were handed out.
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

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Who bears it.
    pub user: User,
    /// Until when.
    pub expires: Timestamp,
    /// For whom it is.
    pub audiences: Vec<String>,
    /// The object it is bound to.
    pub bound: Option<Bound>,
}

/// The object that a token is bound to; the token ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its resource: `pods`, `secrets` or `nodes`.
    pub resource: &'static str,
    /// Its namespace; empty for a node.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl Tokens {
    /// None yet.
    pub fn new(seed: Seed) -> Self {
        let mut chance = seed.chance("tokens");
        let key = chance.text(LETTERS, 64);
        Self(Arc::new(Mutex::new(Issued { chance, key, tokens: BTreeMap::new() })))
    }

    /// Hands out an opaque one.
    pub fn issue(&self, token: Token) -> String {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = issued.chance.text(LETTERS, 64);
        issued.tokens.insert(text.clone(), token);
        text
    }

    /// Hands out one that says these claims.
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

    /// What a text stands for; `None` when it is no token, or no longer.
    pub fn check(&self, text: &str, now: Timestamp) -> Option<Token> {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.tokens.retain(|_, token| token.expires > now);
        issued.tokens.get(text).cloned()
    }
}
