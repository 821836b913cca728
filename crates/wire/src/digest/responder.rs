//! The client's end: answers challenges and reuses the nonce for later requests (RFC 3261 §22.2–22.3).

use std::fmt;
use std::fmt::Write as _;

use super::param::push_quoted;
use super::response::{Count, Protected, response};
use super::{Algorithm, Challenge, DigestError, Password, Qop};
use crate::Method;

/// Answers the challenges of one realm for one user and remembers the nonce, so that later requests can carry
/// credentials before a challenge.
///
/// It does not decide when to give up: a challenge that follows credentials made from the previous challenge, and is not
/// [`stale`](Challenge::stale), says that the password is wrong.
#[derive(Clone, Default)]
pub struct Responder {
    session: Option<Session>,
}

/// All that credentials need besides the user and the request.
#[derive(Clone)]
struct Session {
    realm: Text,
    nonce: Text,
    opaque: Option<String>,
    algorithm: Algorithm,
    names_algorithm: bool,
    /// With `qop`, `cnonce` and the number of requests sent with this nonce.
    count: Option<(Qop, String, u32)>,
}

/// What a [`Responder`] remembers, as text: enough to go on with another one.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponderSnapshot {
    /// The last challenge, as a row that a server could have sent.
    pub challenge: String,
    /// The client nonce, if the server requires one; otherwise empty.
    pub cnonce: String,
    /// How many requests were sent with it.
    pub count: u32,
}

impl fmt::Debug for ResponderSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponderSnapshot").field("count", &self.count).finish_non_exhaustive()
    }
}

/// A value of the server's: as it is echoed, and as it is hashed.
#[derive(Clone, PartialEq)]
struct Text {
    echoed: String,
    hashed: Vec<u8>,
}

impl Responder {
    /// A responder that has seen no challenge.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `Authorization` or `Proxy-Authorization` that answers `challenge`.
    ///
    /// `uri` is the Request-URI as it is sent, `body` the body as it is sent (read for `auth-int` only), `cnonce` fresh
    /// entropy as text, e.g. 32 hexadecimal digits. The count starts at one with each new nonce and goes on if the server
    /// gives the same nonce again.
    ///
    /// # Errors
    /// [`DigestError::Stored`] if the password is a hash for another algorithm, [`DigestError::Unwritable`] for a value
    /// of our own that no header can carry, [`DigestError::Invalid`] for one of the server's that we cannot echo.
    #[allow(clippy::too_many_arguments)] // The inputs of RFC 7616 §3.4; a struct would only rename them.
    pub fn answer(
        &mut self,
        challenge: &Challenge<'_>,
        username: &str,
        password: &Password,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
        cnonce: &str,
    ) -> Result<String, DigestError> {
        let mut session = self.opened(challenge, cnonce)?;
        if let Some((_, _, count)) = &mut session.count {
            *count = count.saturating_add(1);
        }
        let request = Protected { method: method.as_bytes(), uri, body };
        let header = session.write(username, password, request)?;
        self.session = Some(session);
        Ok(header)
    }

    /// Remembers `challenge` without answering it: the next [`reuse`](Self::reuse) does. The nonce count (`nc`, RFC 7616 §3.4) starts at
    /// one with each new nonce, and continues if the server sends the same nonce again.
    ///
    /// # Errors
    /// [`DigestError::Unwritable`] for a cnonce that no header can carry, [`DigestError::Invalid`] for a value of the server's that we
    /// cannot echo. Then it still remembers the challenge before.
    pub fn remember(&mut self, challenge: &Challenge<'_>, cnonce: &str) -> Result<(), DigestError> {
        self.session = Some(self.opened(challenge, cnonce)?);
        Ok(())
    }

    /// A session for `challenge`, with the number of requests that were sent with its nonce already.
    fn opened(&self, challenge: &Challenge<'_>, cnonce: &str) -> Result<Session, DigestError> {
        let mut session = Session::open(challenge, cnonce)?;
        if let Some((_, _, count)) = &mut session.count {
            let again = self.session.as_ref().filter(|old| old.nonce == session.nonce);
            *count = again.and_then(|old| old.count.as_ref()).map_or(0, |(_, _, used)| *used);
        }
        Ok(session)
    }

    /// Credentials for a further request, with the last challenge's nonce and the next count. `None` if there has been no
    /// challenge yet, or the values cannot be written: then send without and [`answer`](Self::answer) the challenge.
    pub fn reuse(
        &mut self,
        username: &str,
        password: &Password,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
    ) -> Option<String> {
        let session = self.session.as_mut()?;
        if let Some((_, _, count)) = &mut session.count {
            *count = count.checked_add(1)?;
        }
        session.write(username, password, Protected { method: method.as_bytes(), uri, body }).ok()
    }

    /// What it remembers; `None` if there has been no challenge.
    pub fn snapshot(&self) -> Option<ResponderSnapshot> {
        let Session { realm, nonce, opaque, algorithm, names_algorithm, count } = self.session.as_ref()?;
        let mut challenge = format!("Digest realm=\"{}\", nonce=\"{}\"", realm.echoed, nonce.echoed);
        if let Some(opaque) = opaque {
            challenge.extend([", opaque=\"", opaque, "\""]);
        }
        if *names_algorithm {
            challenge.extend([", algorithm=", algorithm.name()]);
        }
        let (cnonce, count) = match count {
            Some((qop, cnonce, count)) => {
                challenge.extend([", qop=\"", qop.name(), "\""]);
                (cnonce.clone(), *count)
            }
            None => Default::default(),
        };
        Some(ResponderSnapshot { challenge, cnonce, count })
    }

    /// Restores a responder from a snapshot.
    ///
    /// # Errors
    /// [`DigestError`] when none can have remembered this.
    pub fn restore(snapshot: &ResponderSnapshot) -> Result<Self, DigestError> {
        let challenge = Challenge::parse(snapshot.challenge.as_bytes())?;
        let mut session = Session::open(&challenge, &snapshot.cnonce)?;
        if let Some((_, _, count)) = &mut session.count {
            *count = snapshot.count;
        }
        Ok(Self { session: Some(session) })
    }

    /// Forgets the nonce: after a refusal, or when the user or the server changes.
    pub fn forget(&mut self) {
        self.session = None;
    }

    /// The nonce count (`nc`, RFC 7616 §3.4) of the last request that was sent with the nonce of the last challenge, if the nonce of
    /// `other` is the same. `None` also without `qop`: then requests are not counted.
    pub fn count_of_nonce(&self, other: &Self) -> Option<u32> {
        let (own, other) = (self.session.as_ref()?, other.session.as_ref()?);
        let count = own.count.as_ref().filter(|_| own.nonce == other.nonce);
        count.map(|(_, _, count)| *count)
    }

    /// Raises the nonce count to `used`, that of another responder with the same nonce ([`count_of_nonce`](Self::count_of_nonce)): the
    /// next request has a higher one. A lower `used` changes nothing.
    pub fn count_from(&mut self, used: u32) {
        if let Some((_, _, count)) = self.session.as_mut().and_then(|session| session.count.as_mut()) {
            *count = used.max(*count);
        }
    }

    /// Whether the last challenge was of the realm `name`, which is without quotes and escapes (`quoted-pair`, RFC 3261 §25.1).
    pub fn is_of_realm(&self, name: &str) -> bool {
        self.session.as_ref().is_some_and(|session| session.realm.hashed == name.as_bytes())
    }

    /// The algorithm of the last challenge.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.session.as_ref().map(|session| session.algorithm)
    }

    /// The realm of the last challenge, as the server wrote it.
    pub fn realm(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.realm.echoed.as_str())
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.session.as_ref().and_then(|session| session.count.as_ref()).map(|count| count.2);
        f.debug_struct("Responder").field("realm", &self.realm()).field("count", &count).finish()
    }
}

impl Session {
    fn open(challenge: &Challenge<'_>, cnonce: &str) -> Result<Session, DigestError> {
        if challenge.qop.is_some() && (cnonce.is_empty() || !writable(cnonce)) {
            return Err(DigestError::Unwritable("cnonce"));
        }
        let text = |value: super::Quoted<'_>, name| match std::str::from_utf8(value.raw()) {
            Ok(raw) => Ok(Text { echoed: raw.to_owned(), hashed: value.value().into_owned() }),
            Err(_) => Err(DigestError::Invalid(name)),
        };
        Ok(Session {
            realm: text(challenge.realm, "realm")?,
            nonce: text(challenge.nonce, "nonce")?,
            opaque: challenge.opaque.map(|value| text(value, "opaque")).transpose()?.map(|text| text.echoed),
            algorithm: challenge.algorithm,
            names_algorithm: challenge.names_algorithm,
            count: challenge.qop.map(|qops| (qops.preferred(), cnonce.to_owned(), 0)),
        })
    }

    fn write(
        &self,
        username: &str,
        password: &Password,
        request: Protected<'_>,
    ) -> Result<String, DigestError> {
        if username.chars().any(char::is_control) {
            return Err(DigestError::Unwritable("username"));
        }
        let uri = std::str::from_utf8(request.uri).ok().filter(|uri| writable(uri));
        let uri = uri.ok_or(DigestError::Unwritable("uri"))?;
        let base = password
            .base_hash(self.algorithm, username.as_bytes(), &self.realm.hashed)
            .ok_or(DigestError::Stored)?;

        let nc = self.count.as_ref().map(|(_, _, count)| format!("{count:08x}")).unwrap_or_default();
        let count = self.count.as_ref().map(|(qop, cnonce, _)| Count {
            qop: qop.name().as_bytes(),
            nc: nc.as_bytes(),
            cnonce: cnonce.as_bytes(),
        });
        let digest = response(self.algorithm, base, &self.nonce.hashed, count, request);

        let mut header = String::with_capacity(320);
        header.push_str("Digest username=");
        push_quoted(&mut header, username);
        // The server's values are echoed unchanged, including quoted pairs.
        write!(header, ", realm=\"{}\", nonce=\"{}\"", self.realm.echoed, self.nonce.echoed)
            .and_then(|()| write!(header, ", uri=\"{uri}\", response=\"{}\"", digest.as_str()))
            .expect("writing to a String does not fail");
        if self.names_algorithm {
            header.push_str(", algorithm=");
            header.push_str(self.algorithm.name());
        }
        if let Some((qop, cnonce, _)) = &self.count {
            // RFC 3261 §22.4 and RFC 7616 §3.4: `qop`, `nc` and `algorithm` are not quoted here.
            for piece in [", qop=", qop.name(), ", nc=", &nc, ", cnonce=\"", cnonce, "\""] {
                header.push_str(piece);
            }
        }
        if let Some(opaque) = &self.opaque {
            for piece in [", opaque=\"", opaque, "\""] {
                header.push_str(piece);
            }
        }
        Ok(header)
    }
}

/// Whether a text can be quoted without escapes.
fn writable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, ' ' | '"' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Credentials;

    const CHALLENGE: &[u8] =
        b"Digest realm=\"a\\\"b\", nonce=\"n1\", qop=\"auth-int,auth\", opaque=\"o\\\\\"";

    fn answer(responder: &mut Responder, challenge: &[u8]) -> Result<String, DigestError> {
        let challenge = Challenge::parse(challenge).unwrap();
        let password = Password::plain("secret");
        responder.answer(&challenge, "D\\al", &password, Method::Register, b"sip:a.example", b"", "c0ffee")
    }

    #[test]
    fn credentials_have_all_parameters() {
        let mut responder = Responder::new();
        let header = answer(&mut responder, CHALLENGE).unwrap();
        let (before, rest) = header.split_once("response=\"").unwrap();
        assert_eq!(
            before,
            "Digest username=\"D\\\\al\", realm=\"a\\\"b\", nonce=\"n1\", uri=\"sip:a.example\", "
        );
        assert_eq!(&rest[32..], "\", qop=auth, nc=00000001, cnonce=\"c0ffee\", opaque=\"o\\\\\"");
        assert_eq!(responder.realm(), Some("a\\\"b"));
    }

    #[test]
    fn nonce_count_restarts_with_a_new_nonce() {
        let mut responder = Responder::new();
        let password = Password::plain("secret");
        let count = |header: &str| Credentials::parse(header.as_bytes()).unwrap().nc;
        assert!(responder.reuse("al", &password, Method::Register, b"sip:x", b"").is_none());
        assert_eq!(count(&answer(&mut responder, CHALLENGE).unwrap()), Some(1));
        let reused = responder.reuse("al", &password, Method::Invite, b"sip:x", b"").unwrap();
        assert_eq!(count(&reused), Some(2));
        assert_eq!(count(&answer(&mut responder, CHALLENGE).unwrap()), Some(3));
        let other = b"Digest realm=r, nonce=n2, qop=auth, algorithm=SHA-256";
        let header = answer(&mut responder, other).unwrap();
        assert_eq!(count(&header), Some(1));
        assert!(header.contains("algorithm=SHA-256,"), "{header}");
        responder.forget();
        assert!(responder.reuse("al", &password, Method::Register, b"sip:x", b"").is_none());
    }

    /// RFC 7616 §3.4: `nc` counts the requests with a nonce, whichever challenge gave it.
    #[test]
    fn two_responders_can_share_a_nonce() {
        let [mut one, mut other, mut third] = [(); 3].map(|()| Responder::new());
        assert_eq!(one.count_of_nonce(&other), None);
        answer(&mut one, CHALLENGE).unwrap();
        answer(&mut one, CHALLENGE).unwrap();
        answer(&mut other, CHALLENGE).unwrap();
        answer(&mut third, b"Digest realm=r, nonce=n2, qop=auth").unwrap();
        assert_eq!((one.count_of_nonce(&other), third.count_of_nonce(&other)), (Some(2), None));
        other.count_from(2);
        one.count_from(1);
        let password = Password::plain("secret");
        let next = |responder: &mut Responder| {
            let header = responder.reuse("al", &password, Method::Invite, b"sip:x", b"").unwrap();
            Credentials::parse(header.as_bytes()).unwrap().nc
        };
        assert_eq!((next(&mut one), next(&mut other)), (Some(3), Some(3)));
        assert!(one.is_of_realm("a\"b") && !one.is_of_realm("a\\\"b") && !Responder::new().is_of_realm(""));
    }

    #[test]
    fn rfc_2069_servers_get_neither_count_nor_cnonce() {
        let mut responder = Responder::new();
        let header = answer(&mut responder, b"Digest realm=r, nonce=n").unwrap();
        assert!(!header.contains("nc=") && !header.contains("cnonce") && !header.contains("qop"), "{header}");
        let password = Password::plain("secret");
        assert!(responder.reuse("D\\al", &password, Method::Register, b"sip:a.example", b"").is_some());
    }

    #[test]
    fn exhausted_nonce_count_needs_a_new_challenge() {
        let mut responder = Responder::new();
        answer(&mut responder, CHALLENGE).unwrap();
        let session = responder.session.as_mut().unwrap();
        session.count.as_mut().unwrap().2 = u32::MAX;
        let password = Password::plain("secret");
        assert!(responder.reuse("al", &password, Method::Register, b"sip:x", b"").is_none());
    }

    #[test]
    fn snapshot_can_be_restored() {
        let password = Password::plain("secret");
        for row in [
            CHALLENGE,
            b"Digest realm=r, nonce=n",
            b"Digest realm=r, nonce=n, algorithm=SHA-256, qop=\"auth\"",
            b"Digest realm=\"\", nonce=\"n\", qop=auth-int, opaque=\"\"",
        ] {
            let mut one = Responder::new();
            assert_eq!(one.snapshot(), None);
            answer(&mut one, row).unwrap();
            answer(&mut one, row).unwrap();
            let mut other = Responder::restore(&one.snapshot().unwrap()).unwrap();
            assert_eq!(other.snapshot(), one.snapshot());
            let [one, other] = [&mut one, &mut other].map(|responder| {
                responder
                    .reuse("al", &password, Method::Register, b"sip:x", b"")
                    .expect("there was a challenge")
            });
            assert_eq!(one, other);
        }
        let bad = |challenge: &str, cnonce: &str| {
            Responder::restore(&ResponderSnapshot {
                challenge: challenge.into(),
                cnonce: cnonce.into(),
                count: 1,
            })
            .unwrap_err()
        };
        bad("Digest nonce=n", "");
        assert_eq!(bad("Digest realm=r, nonce=n, qop=auth", ""), DigestError::Unwritable("cnonce"));
    }

    #[test]
    fn values_cannot_inject_parameters() {
        let challenge = Challenge::parse(CHALLENGE).unwrap();
        let attempt = |user: &str, uri: &[u8], cnonce: &str| {
            let password = Password::plain("secret");
            let result =
                Responder::new().answer(&challenge, user, &password, Method::Register, uri, b"", cnonce);
            result.unwrap_err()
        };
        assert_eq!(attempt("a\r\nX: y", b"sip:x", "c"), DigestError::Unwritable("username"));
        assert_eq!(attempt("a", b"sip:x\"", "c"), DigestError::Unwritable("uri"));
        assert_eq!(attempt("a", b"sip:\xff", "c"), DigestError::Unwritable("uri"));
        assert_eq!(attempt("a", b"sip:x", "c\""), DigestError::Unwritable("cnonce"));
        assert_eq!(attempt("a", b"sip:x", ""), DigestError::Unwritable("cnonce"));
    }

    #[test]
    fn hash_for_another_algorithm_is_an_error() {
        let mut responder = Responder::new();
        answer(&mut responder, CHALLENGE).unwrap();
        let stored = Password::ha1(Algorithm::Sha256, "al", "a\"b", &"secret".into());
        let challenge = Challenge::parse(b"Digest realm=r, nonce=n9, qop=auth").unwrap();
        let result = responder.answer(&challenge, "al", &stored, Method::Register, b"sip:x", b"", "c");
        assert_eq!(result, Err(DigestError::Stored));
        assert_eq!(responder.realm(), Some("a\\\"b"));
    }
}
