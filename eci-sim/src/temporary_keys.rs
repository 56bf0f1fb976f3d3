//! Temporary access keys, as STS and the metadata service give them out.
//!
//! Account and expiry stand in the security token under a seal of the world's seed, and the secret follows from the token, so
//! that nothing is kept of a key and every restart knows it.

use determinism::Seed;
use eci_api::signature::Secret;
use eci_api::signature::acs3::sha256_hex;
use jiff::Timestamp;

/// Beginning of the ids of temporary keys, as STS has it.
const PREFIX: &str = "STS.";
/// Letters of an id behind the beginning.
const ID_LENGTH: usize = 24;

/// A temporary access key.
#[derive(Debug)]
pub struct TemporaryKey {
    /// Id.
    pub access_key_id: String,
    /// Text of the secret.
    pub secret: SecretText,
    /// Security token, which goes with each request.
    pub token: SecretText,
    /// End of its life.
    pub expires: Timestamp,
}

/// Text that is shown to its owner alone, and in no debug print.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Error of a security token that this world has not given out, or for another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenProblem {
    /// It has no seal of this world.
    Malformed,
    /// It belongs to another access key.
    OfAnotherKey,
}

/// What a security token proves.
#[derive(Debug)]
pub struct Proved {
    /// Secret that requests are signed with.
    pub secret: Secret,
    /// Account.
    pub account: String,
    /// End of its life.
    pub expires: Timestamp,
}

/// Gives out temporary keys, and knows them again.
#[derive(Clone)]
pub struct KeyIssuer(String);

impl KeyIssuer {
    /// The issuer of a world with this seed.
    pub fn of_seed(seed: Seed) -> Self {
        Self(sha256_hex(format!("temporary keys of {seed}").as_bytes()))
    }

    fn seal(&self, purpose: &str, text: &str) -> String {
        let inner = sha256_hex(format!("{}/{purpose}/{text}", self.0).as_bytes());
        sha256_hex(format!("{}/{inner}", self.0).as_bytes())
    }

    /// A key of `account` that ends at `expires`.
    pub fn issue(&self, account: &str, expires: Timestamp) -> TemporaryKey {
        let claims = format!("{}.{account}", expires.as_second());
        let token = format!("{claims}.{}", self.seal("token", &claims));
        TemporaryKey {
            access_key_id: self.id(&claims),
            secret: SecretText(self.seal("secret", &token)),
            token: SecretText(token),
            expires,
        }
    }

    fn id(&self, claims: &str) -> String {
        format!("{PREFIX}{}", &self.seal("id", claims)[..ID_LENGTH])
    }

    /// What `token` proves of the key `access_key_id`, whether its life has ended or not.
    ///
    /// # Errors
    /// [`TokenProblem`].
    pub fn prove(&self, access_key_id: &str, token: &str) -> Result<Proved, TokenProblem> {
        let (claims, seal) = token.rsplit_once('.').ok_or(TokenProblem::Malformed)?;
        let sealed = Secret::new(self.seal("token", claims)) == Secret::new(seal);
        let (expires, account) = claims.split_once('.').filter(|_| sealed).ok_or(TokenProblem::Malformed)?;
        let expires = expires.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let expires = expires.ok_or(TokenProblem::Malformed)?;
        if self.id(claims) != access_key_id {
            return Err(TokenProblem::OfAnotherKey);
        }
        Ok(Proved { secret: Secret::new(self.seal("secret", token)), account: account.to_owned(), expires })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn issuer() -> KeyIssuer {
        KeyIssuer::of_seed(Seed::DEFAULT)
    }

    #[test]
    fn a_token_proves_account_and_expiry_of_its_own_key_alone() {
        let at: Timestamp = "2026-01-05T02:00:00Z".parse().unwrap();
        let (key, other) = (issuer().issue("17", at), issuer().issue("18", at));
        let proved = issuer().prove(&key.access_key_id, &key.token.0).unwrap();
        assert_eq!((proved.account.as_str(), proved.expires), ("17", at));
        assert_eq!(proved.secret, Secret::new(key.secret.0.clone()));
        let of_another = issuer().prove(&other.access_key_id, &key.token.0);
        assert_eq!(of_another.err(), Some(TokenProblem::OfAnotherKey));
        for token in [key.token.0.replace(".17.", ".18."), "x".into(), String::new()] {
            assert_eq!(
                issuer().prove(&key.access_key_id, &token).err(),
                Some(TokenProblem::Malformed),
                "{token}"
            );
        }
        assert!(!format!("{key:?}").contains(&key.secret.0));
    }
}
