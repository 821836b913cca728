//! What a client answers: one `Authorization` or `Proxy-Authorization` row (RFC 7616 §3.4).

use std::fmt;

use super::param::{once, scan};
use super::{Algorithm, DigestError, Qop, Quoted};

/// Credentials as received, not verified: see [`Authority::verify`](super::server::Authority::verify).
#[derive(Copy, Clone)]
pub struct Credentials<'a> {
    /// Who it claims to be.
    pub username: Quoted<'a>,
    /// The realm, by which each of several proxies finds its row (RFC 3261 §22.3).
    pub realm: Quoted<'a>,
    /// The nonce of the challenge.
    pub nonce: Quoted<'a>,
    /// The Request-URI as the client sent it.
    pub uri: Quoted<'a>,
    /// Hexadecimal digits, checked to be as many as the algorithm has.
    pub(super) response: &'a [u8],
    /// [`Algorithm::Md5`] if none is named.
    pub algorithm: Algorithm,
    /// `None` from clients of RFC 2069.
    pub qop: Option<Qop>,
    /// The nonce count; present exactly when `qop` is.
    pub nc: Option<u32>,
    /// The octets of `qop`, `nc` and `cnonce`, which are hashed unchanged.
    pub(super) counted: Option<[Quoted<'a>; 3]>,
    /// The `opaque` value of the challenge.
    pub opaque: Option<Quoted<'a>>,
}

impl<'a> Credentials<'a> {
    /// Reads one row's value.
    ///
    /// # Errors
    /// [`DigestError::Scheme`] if the row is not of digest; every other error is the client's fault and deserves a 400.
    pub fn parse(header: &'a [u8]) -> Result<Credentials<'a>, DigestError> {
        let (mut username, mut realm, mut nonce, mut uri) = (None, None, None, None);
        let (mut response, mut algorithm, mut opaque) = (None, None, None);
        let (mut qop, mut nc, mut cnonce) = (None, None, None);
        scan(header, |name, value| {
            if name.eq_ignore_ascii_case(b"username") {
                once(&mut username, "username", value)
            } else if name.eq_ignore_ascii_case(b"realm") {
                once(&mut realm, "realm", value)
            } else if name.eq_ignore_ascii_case(b"nonce") {
                once(&mut nonce, "nonce", value)
            } else if name.eq_ignore_ascii_case(b"uri") {
                once(&mut uri, "uri", value)
            } else if name.eq_ignore_ascii_case(b"response") {
                once(&mut response, "response", value)
            } else if name.eq_ignore_ascii_case(b"algorithm") {
                once(&mut algorithm, "algorithm", value)
            } else if name.eq_ignore_ascii_case(b"opaque") {
                once(&mut opaque, "opaque", value)
            } else if name.eq_ignore_ascii_case(b"qop") {
                once(&mut qop, "qop", value)
            } else if name.eq_ignore_ascii_case(b"nc") {
                once(&mut nc, "nc", value)
            } else if name.eq_ignore_ascii_case(b"cnonce") {
                once(&mut cnonce, "cnonce", value)
            } else {
                Ok(())
            }
        })?;
        let algorithm = match algorithm {
            None => Algorithm::Md5,
            Some(token) => Algorithm::from_bytes(token.raw()).ok_or(DigestError::Algorithm)?,
        };
        let response = response.ok_or(DigestError::Missing("response"))?.raw();
        if response.len() != algorithm.hex_len() || !response.iter().all(u8::is_ascii_hexdigit) {
            return Err(DigestError::Invalid("response"));
        }
        let mut credentials = Credentials {
            username: username.ok_or(DigestError::Missing("username"))?,
            realm: realm.ok_or(DigestError::Missing("realm"))?,
            nonce: nonce.ok_or(DigestError::Missing("nonce"))?,
            uri: uri.ok_or(DigestError::Missing("uri"))?,
            response,
            algorithm,
            qop: None,
            nc: None,
            counted: None,
            opaque,
        };
        match qop {
            Some(qop) => {
                let count = nc.ok_or(DigestError::Missing("nc"))?;
                let cnonce = cnonce.ok_or(DigestError::Missing("cnonce"))?;
                credentials.qop = Some(Qop::from_bytes(qop.raw()).ok_or(DigestError::Qop)?);
                credentials.nc = Some(counter(count.raw()).ok_or(DigestError::Invalid("nc"))?);
                credentials.counted = Some([qop, count, cnonce]);
            }
            // Some clients of RFC 2069 servers send `nc` and `cnonce` all the same; without a qop they mean nothing.
            None if algorithm.is_session() => return Err(DigestError::Missing("qop")),
            None => {}
        }
        Ok(credentials)
    }

    /// Whether a row's value is meant for this realm, or may be: it has a parameter that says so, or it is of digest, cannot be read to the
    /// end and has the realm's name somewhere in it. A proxy removes such rows, readable or not (RFC 3261 §22.3).
    pub fn names_realm(header: &[u8], realm: &str) -> bool {
        let mut named = false;
        let scanned = scan(header, |name, value| {
            named |= name.eq_ignore_ascii_case(b"realm") && value == *realm;
            Ok(())
        });
        match scanned {
            Ok(()) | Err(DigestError::Scheme) => named,
            Err(_) => named || realm.is_empty() || memchr::memmem::find(header, realm.as_bytes()).is_some(),
        }
    }
}

/// Exactly eight hexadecimal digits (RFC 7616 §3.4). Zero was never sent: the first request counts one.
fn counter(digits: &[u8]) -> Option<u32> {
    if digits.len() != 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let value = digits.iter().fold(0, |all, &digit| all << 4 | (digit as char).to_digit(16).unwrap_or(0));
    (value > 0).then_some(value)
}

impl fmt::Debug for Credentials<'_> {
    /// Without the response and what could be used to guess the password from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Digest username=\"b\\\\ob\", realm=r, nonce=\"n\", uri=\"sip:x\", \
        response=\"6629fae49393a05397450978507c4ef1\", qop=auth, nc=0000000A, cnonce=\"c\"";

    #[test]
    fn realm_is_found_in_malformed_credentials() {
        for ours in [
            GOOD,
            "Digest realm=\"r\"",
            "digest username=\"x\", REALM = r, nonce=\"",
            "Digest realm=other, realm=\"r\"",
            "Digest username=\"realm=r",
        ] {
            assert!(Credentials::names_realm(ours.as_bytes(), "r"), "{ours}");
        }
        for other in
            ["Digest realm=\"s\", nonce=\"r\"", "Bearer r", "Digest realm=s, algorithm=AKAv1-MD5", ""]
        {
            assert!(!Credentials::names_realm(other.as_bytes(), "r"), "{other}");
        }
    }

    #[test]
    fn all_parameters_are_read_and_the_response_is_not_printed() {
        let credentials = Credentials::parse(GOOD.as_bytes()).unwrap();
        assert!(credentials.username == *"b\\ob" && credentials.realm == *"r" && credentials.uri == *"sip:x");
        assert_eq!((credentials.qop, credentials.nc), (Some(Qop::Auth), Some(10)));
        assert!(!format!("{credentials:?}").contains("6629fae"));
    }

    #[test]
    fn ambiguous_credentials_are_refused() {
        let fault = |from: &str, to: &str| {
            assert!(GOOD.contains(from));
            Credentials::parse(GOOD.replace(from, to).as_bytes()).unwrap_err()
        };
        assert_eq!(fault("realm=r", "realm=r, username=\"eve\""), DigestError::Duplicate("username"));
        assert_eq!(fault("nc=0000000A, ", ""), DigestError::Missing("nc"));
        assert_eq!(fault(", cnonce=\"c\"", ""), DigestError::Missing("cnonce"));
        assert_eq!(fault("nc=0000000A", "nc=A"), DigestError::Invalid("nc"));
        assert_eq!(fault("nc=0000000A", "nc=00000000"), DigestError::Invalid("nc"));
        assert_eq!(fault("nc=0000000A", "nc=+000000A"), DigestError::Invalid("nc"));
        assert_eq!(fault("6629fae4", "6629fae"), DigestError::Invalid("response"));
        assert_eq!(fault("6629fae4", "zz29fae4"), DigestError::Invalid("response"));
        assert_eq!(fault("realm=r", "realm=r, algorithm=SHA-256"), DigestError::Invalid("response"));
        assert_eq!(fault("realm=r", "realm=r, algorithm=X"), DigestError::Algorithm);
        assert_eq!(fault("qop=auth,", "qop=auth-conf,"), DigestError::Qop);
        assert_eq!(fault("qop=auth,", "algorithm=MD5-sess,"), DigestError::Missing("qop"));
        // RFC 4475 §3.3.7.
        assert_eq!(fault("Digest ", "NoOneKnowsThisScheme "), DigestError::Scheme);
        for name in ["username", "realm", "nonce", "uri", "response"] {
            let header = GOOD.replace(&format!("{name}="), "other=");
            let fault = Credentials::parse(header.as_bytes()).unwrap_err();
            // "cnonce=" contains "nonce=", so either may be reported first.
            assert!(matches!(fault, DigestError::Missing(missing) if missing == name || missing == "cnonce"));
        }
    }
}
