//! Passwords that do not leak through `Debug`, logs or errors.

use std::fmt;

use super::hash::{Algorithm, Hasher, Hex, equal};

/// A password or a hash of one. It prints as `***`; only this crate can read it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What of it a recording may show: as many characters, hexadecimal digits as `0`, others as `x`.
    pub fn shape(&self) -> String {
        self.0.chars().map(|c| if c.is_ascii_hexdigit() { '0' } else { 'x' }).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret(text)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        equal(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Secret {}

/// The shared secret, in the form that one end has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// The password itself: answers any algorithm.
    Plain(Secret),
    /// `H(username ":" realm ":" password)` in hexadecimal digits (RFC 7616 §3.4.2), so that the password itself need not
    /// be stored. It answers only challenges with the same hash, session variant or not.
    Ha1 {
        /// The algorithm of the hash; its session variant has the same hash.
        algorithm: Algorithm,
        /// The hash.
        hex: Secret,
    },
}

impl Password {
    /// A password as the user types it.
    pub fn plain(text: impl Into<String>) -> Self {
        Password::Plain(Secret::new(text))
    }

    /// Computes the hash that a server may store instead of the password.
    pub fn ha1(algorithm: Algorithm, username: &str, realm: &str, password: &Secret) -> Self {
        let hex = stored(algorithm, username.as_bytes(), realm.as_bytes(), password.expose().as_bytes());
        Password::Ha1 { algorithm, hex: Secret::new(String::from_utf8_lossy(hex.as_bytes())) }
    }

    /// Whether this password can answer, or check an answer to, a challenge with `algorithm`.
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        match self {
            Password::Plain(_) => true,
            Password::Ha1 { algorithm: own, hex } => {
                own.base() == algorithm.base() && hex.expose().len() == algorithm.hex_len()
            }
        }
    }

    /// H(A1) of the plain variant of `algorithm`; `None` if the stored hash is for another.
    pub(super) fn base_hash(&self, algorithm: Algorithm, username: &[u8], realm: &[u8]) -> Option<Hex> {
        match self {
            Password::Plain(secret) => Some(stored(algorithm, username, realm, secret.expose().as_bytes())),
            Password::Ha1 { hex, .. } if self.serves(algorithm) => {
                // Peers hash the lower-case digits (RFC 7616 §3.4.2: "LHEX").
                Hex::from_digits(hex.expose().as_bytes())
            }
            Password::Ha1 { .. } => None,
        }
    }
}

fn stored(algorithm: Algorithm, username: &[u8], realm: &[u8], password: &[u8]) -> Hex {
    Hasher::new(algorithm).part(username).part(b":").part(realm).part(b":").part(password).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let plain = Password::plain("Circle of Life");
        let ha1 = Password::ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", &"Circle Of Life".into());
        let shown = format!("{plain:?} {ha1:?} {} {:?}", Secret::new("Circle"), Secret::new("Circle"));
        assert!(!shown.contains("Circle") && !shown.contains("939e7578"), "{shown}");
        assert_eq!(
            (Secret::new("93FfG-\u{e4}").shape().as_str(), Secret::new("").shape().as_str()),
            ("0000xxx", "")
        );
        // RFC 2617 §3.5: H(A1) of the example.
        assert!(
            ha1 == Password::Ha1 {
                algorithm: Algorithm::Md5,
                hex: "939e7578ed9e3c518a452acee763bce9".into()
            }
        );
    }

    #[test]
    fn stored_hash_serves_its_algorithm_only() {
        let ha1 = Password::ha1(Algorithm::Sha256, "a", "r", &"p".into());
        assert!(ha1.serves(Algorithm::Sha256) && ha1.serves(Algorithm::Sha256Sess));
        assert!(!ha1.serves(Algorithm::Sha512_256) && !ha1.serves(Algorithm::Md5));
        assert!(ha1.base_hash(Algorithm::Md5, b"a", b"r").is_none());
        let short = Password::Ha1 { algorithm: Algorithm::Md5, hex: "abc".into() };
        assert!(!short.serves(Algorithm::Md5));
        let not_hex = Password::Ha1 { algorithm: Algorithm::Md5, hex: "zz".repeat(16).into() };
        assert!(not_hex.base_hash(Algorithm::Md5, b"a", b"r").is_none());
    }
}
