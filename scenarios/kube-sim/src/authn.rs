//! Who asks: by certificate, by token, or nobody known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use determinism::{Chance, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};

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

/// The tokens that were handed out; opaque, since nobody but this server reads them.
#[derive(Clone)]
pub struct Tokens(Arc<Mutex<Issued>>);

struct Issued {
    chance: Chance,
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
    /// The object it is bound to: namespace, name and uid of a pod.
    pub pod: Option<(String, String, String)>,
}

impl Tokens {
    /// None yet.
    pub fn new(seed: Seed) -> Self {
        Self(Arc::new(Mutex::new(Issued { chance: seed.chance("tokens"), tokens: BTreeMap::new() })))
    }

    /// Hands one out.
    pub fn issue(&self, token: Token) -> String {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let text = issued.chance.text(letters, 64);
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
