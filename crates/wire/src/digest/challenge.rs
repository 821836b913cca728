//! Challenges: one `WWW-Authenticate` or `Proxy-Authenticate` row each (RFC 7616 §3.3).

use super::param::{once, scan};
use super::{Algorithm, DigestError, Qop, Quoted};

/// The qualities of protection that a server offers; at least one is set.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Qops {
    /// `auth` is offered.
    pub auth: bool,
    /// `auth-int` is offered.
    pub auth_int: bool,
}

impl Qops {
    /// What this crate answers with: `auth` where it is offered, because middle boxes rewrite descriptions
    /// and thereby break `auth-int`.
    pub fn preferred(self) -> Qop {
        if self.auth { Qop::Auth } else { Qop::AuthInt }
    }

    pub(super) fn contains(self, qop: Qop) -> bool {
        match qop {
            Qop::Auth => self.auth,
            Qop::AuthInt => self.auth_int,
        }
    }
}

/// A challenge with a supported algorithm and at least one supported qop.
#[derive(Copy, Clone, Debug)]
pub struct Challenge<'a> {
    /// Which set of users this is about; shown to the user.
    pub realm: Quoted<'a>,
    /// The server's nonce.
    pub nonce: Quoted<'a>,
    /// To be echoed as it is.
    pub opaque: Option<Quoted<'a>>,
    /// [`Algorithm::Md5`] if the challenge names none.
    pub algorithm: Algorithm,
    /// `None`: the server implements RFC 2069, and the response has no `qop`, `nc` and `cnonce`.
    pub qop: Option<Qops>,
    /// The credentials were right but their nonce was too old: answer again without asking the user.
    pub stale: bool,
    /// Whether the challenge had `algorithm`: servers that do not support the parameter omit it.
    pub(super) names_algorithm: bool,
}

impl<'a> Challenge<'a> {
    /// Reads one row's value.
    ///
    /// # Errors
    /// [`DigestError::Scheme`], [`DigestError::Algorithm`] and [`DigestError::Qop`] mean that this row is for others:
    /// look at the next. The rest are faults of the server.
    pub fn parse(header: &'a [u8]) -> Result<Challenge<'a>, DigestError> {
        let (mut realm, mut nonce, mut opaque) = (None, None, None);
        let (mut algorithm, mut qop, mut stale) = (None, None, None);
        scan(header, |name, value| {
            if name.eq_ignore_ascii_case(b"realm") {
                once(&mut realm, "realm", value)
            } else if name.eq_ignore_ascii_case(b"nonce") {
                once(&mut nonce, "nonce", value)
            } else if name.eq_ignore_ascii_case(b"opaque") {
                once(&mut opaque, "opaque", value)
            } else if name.eq_ignore_ascii_case(b"algorithm") {
                once(&mut algorithm, "algorithm", value)
            } else if name.eq_ignore_ascii_case(b"qop") {
                once(&mut qop, "qop", value)
            } else if name.eq_ignore_ascii_case(b"stale") {
                once(&mut stale, "stale", value)
            } else {
                // RFC 7616 §3.3: unknown parameters are ignored.
                Ok(())
            }
        })?;
        let challenge = Challenge {
            realm: realm.ok_or(DigestError::Missing("realm"))?,
            nonce: nonce.filter(|nonce| !nonce.raw().is_empty()).ok_or(DigestError::Missing("nonce"))?,
            opaque,
            algorithm: match algorithm {
                None => Algorithm::Md5,
                Some(token) => Algorithm::from_bytes(token.raw()).ok_or(DigestError::Algorithm)?,
            },
            qop: match qop {
                None => None,
                Some(list) => offered(list.raw())?,
            },
            stale: stale.is_some_and(|flag| flag.raw().eq_ignore_ascii_case(b"true")),
            names_algorithm: algorithm.is_some(),
        };
        // A1 of a session variant needs the cnonce, and the cnonce may only be sent with a qop (RFC 7616 §3.4).
        match challenge.algorithm.is_session() && challenge.qop.is_none() {
            true => Err(DigestError::Missing("qop")),
            false => Ok(challenge),
        }
    }
}

/// An empty list, which some servers send, offers nothing: RFC 2069.
fn offered(list: &[u8]) -> Result<Option<Qops>, DigestError> {
    let mut offered = Qops { auth: false, auth_int: false };
    let mut any = false;
    for token in list.split(|&octet| octet == b',').map(<[u8]>::trim_ascii).filter(|t| !t.is_empty()) {
        any = true;
        match Qop::from_bytes(token) {
            Some(Qop::Auth) => offered.auth = true,
            Some(Qop::AuthInt) => offered.auth_int = true,
            None => {}
        }
    }
    match (any, offered.auth || offered.auth_int) {
        (false, _) => Ok(None),
        (true, true) => Ok(Some(offered)),
        (true, false) => Err(DigestError::Qop),
    }
}

/// The challenge with the strongest algorithm; of equals the topmost, because servers list by preference (RFC 8760 §2.4).
///
/// One response may contain challenges of several realms, one for each proxy on the way, and all have to be answered (RFC 3261
/// §22.3): choose within one realm. Leave out what the password cannot answer: see [`Password::serves`](super::Password::serves).
pub fn strongest<'a>(challenges: impl IntoIterator<Item = Challenge<'a>>) -> Option<Challenge<'a>> {
    challenges.into_iter().fold(None, |best: Option<Challenge<'a>>, next| match best {
        Some(best) if best.algorithm.strength() >= next.algorithm.strength() => Some(best),
        _ => Some(next),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_of_rfc_3261_is_read() {
        // RFC 3261 §22.3.
        let header =
            b"Digest realm=\"atlanta.com\",\r\n domain=\"sip:ss1.carrier.com\", qop=\"auth,auth-int\",\r\n \
            nonce=\"f84f1cec41e6cbe5aea9c8e88d359\",\r\n opaque=\"\", stale=FALSE, algorithm=MD5";
        let challenge = Challenge::parse(header).unwrap();
        assert!(challenge.realm == *"atlanta.com" && challenge.nonce == *"f84f1cec41e6cbe5aea9c8e88d359");
        assert!(challenge.opaque.unwrap() == *"" && !challenge.stale && challenge.names_algorithm);
        assert_eq!(challenge.algorithm, Algorithm::Md5);
        assert_eq!(challenge.qop, Some(Qops { auth: true, auth_int: true }));
        assert_eq!(challenge.qop.unwrap().preferred(), Qop::Auth);
    }

    #[test]
    fn defaults_are_those_of_rfc_2069() {
        let challenge = Challenge::parse(b"Digest realm=r, nonce=n").unwrap();
        assert_eq!((challenge.algorithm, challenge.qop), (Algorithm::Md5, None));
        assert!(!challenge.names_algorithm && challenge.opaque.is_none());
        assert_eq!(Challenge::parse(b"Digest realm=r, nonce=n, qop=\"\"").unwrap().qop, None);
        assert!(Challenge::parse(b"Digest realm=r, nonce=n, stale=\"True\"").unwrap().stale);
    }

    #[test]
    fn faults_are_distinguished() {
        let fault = |header: &str| Challenge::parse(header.as_bytes()).unwrap_err();
        assert_eq!(fault("Digest nonce=n"), DigestError::Missing("realm"));
        assert_eq!(fault("Digest realm=r"), DigestError::Missing("nonce"));
        assert_eq!(fault("Digest realm=r, nonce=\"\""), DigestError::Missing("nonce"));
        assert_eq!(fault("Digest realm=r, nonce=n, Realm=r"), DigestError::Duplicate("realm"));
        assert_eq!(fault("Digest realm=r, nonce=n, algorithm=AKAv1-MD5"), DigestError::Algorithm);
        assert_eq!(fault("Digest realm=r, nonce=n, qop=auth-conf"), DigestError::Qop);
        assert_eq!(fault("Digest realm=r, nonce=n, algorithm=MD5-sess"), DigestError::Missing("qop"));
        assert_eq!(fault("Bearer realm=r"), DigestError::Scheme);
    }

    #[test]
    fn strongest_wins_and_first_of_equals() {
        let rows = [
            "Digest realm=r, nonce=a, algorithm=MD5",
            "Digest realm=r, nonce=b, algorithm=SHA-256",
            "Digest realm=r, nonce=c, algorithm=SHA-512-256",
            "Digest realm=r, nonce=d, algorithm=SHA-512-256-sess, qop=auth",
        ];
        let pick = |rows: &[&str]| {
            let best = strongest(rows.iter().filter_map(|row| Challenge::parse(row.as_bytes()).ok()));
            best.map(|challenge| challenge.nonce.raw()[0])
        };
        assert_eq!(pick(&rows), Some(b'c'));
        assert_eq!(pick(&rows[..2]), Some(b'b'));
        assert_eq!(pick(&[rows[1], rows[0]]), Some(b'b'));
        assert_eq!(pick(&[rows[3], rows[2]]), Some(b'd'));
        assert_eq!(pick(&[]), None);
    }
}
