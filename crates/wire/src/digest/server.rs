//! The server side: challenges and verification of credentials (RFC 3261 §22.1, RFC 7616 §3.3–3.5).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::hash::equal;
use super::nonce::Nonce;
use super::param::push_quoted;
use super::response::{Count, Protected, response};
use super::{Algorithm, Credentials, DigestError, Password, Qops};
use crate::{Instant, Method, Uri};

/// The most nonces whose counts are kept. Only correct credentials create an entry. When all are in use, the oldest nonce becomes stale
/// early, which costs its client one round trip and does not permit a replay.
pub const MAX_NONCES: usize = 65_536;

/// What credentials turned out to be.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Right, and new.
    Good,
    /// Not made with this password for this request and realm: challenge again, or refuse.
    Wrong,
    /// Made with the right password, but the nonce is too old or of an earlier life of the server: challenge with `stale`.
    Stale,
    /// Right, but this nonce count was used before: nothing may be done for it; challenge with `stale`.
    Replayed,
    /// Computed for another resource than the requested one: answer 400 (RFC 7616 §3.4.6). Nothing else was verified.
    OtherResource,
}

/// The authority of a realm: issues nonces and verifies credentials.
///
/// A nonce carries the time of its issue and a keyed hash, so challenges leave nothing behind. For each nonce in use a window of
/// the last 64 counts is kept: requests may overtake one another, none is served twice.
pub struct Authority {
    realm: String,
    key: [u8; 32],
    algorithms: Vec<Algorithm>,
    qop: Qops,
    without_qop: bool,
    lifetime: Duration,
    counts: Counts,
}

impl Authority {
    /// An authority that offers MD5 and SHA-256 with `qop="auth"`, and whose nonces are valid for five minutes.
    ///
    /// `key` is 32 octets of entropy, new with each start of the server: the counts of the last life are lost, so its nonces have
    /// to be stale. MD5 is first because libraries of browsers read the first row only and support nothing else; stronger
    /// clients choose for themselves.
    ///
    /// # Errors
    /// [`DigestError::Unwritable`] if the realm contains a control character.
    pub fn new(realm: impl Into<String>, key: [u8; 32]) -> Result<Self, DigestError> {
        let realm = realm.into();
        if realm.chars().any(char::is_control) {
            return Err(DigestError::Unwritable("realm"));
        }
        Ok(Authority {
            realm,
            key,
            algorithms: vec![Algorithm::Md5, Algorithm::Sha256],
            qop: Qops { auth: true, auth_int: false },
            without_qop: false,
            lifetime: Duration::from_secs(300),
            counts: Counts::default(),
        })
    }

    /// The algorithms to offer, a row each, the preferred first (RFC 8760 §2.4). Others are refused.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// The qualities of protection to offer.
    pub fn qop(mut self, qop: Qops) -> Self {
        self.qop = qop;
        self
    }

    /// Whether clients of RFC 2069, which do not support qop, are accepted. Without a count, each nonce is valid for one request.
    pub fn without_qop(mut self, accepted: bool) -> Self {
        self.without_qop = accepted;
        self
    }

    /// How long a nonce may be used.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of the `WWW-Authenticate` or `Proxy-Authenticate` rows, one for each algorithm. `salt` is
    /// fresh entropy, so that two clients challenged at the same instant get two nonces.
    pub fn challenge(&self, now: Instant, stale: bool, salt: u64) -> Vec<String> {
        let nonce = Nonce { issued: now, salt }.seal(&self.key, &self.realm);
        let qop = match (self.qop.auth, self.qop.auth_int) {
            (true, true) => ", qop=\"auth,auth-int\"",
            (true, false) => ", qop=\"auth\"",
            (false, true) => ", qop=\"auth-int\"",
            (false, false) => "",
        };
        let row = |algorithm: &Algorithm| {
            let mut row = String::with_capacity(160);
            row.push_str("Digest realm=");
            push_quoted(&mut row, &self.realm);
            let stale = if stale { ", stale=true" } else { "" };
            for piece in [", nonce=\"", &nonce, "\", algorithm=", algorithm.name(), qop, stale] {
                row.push_str(piece);
            }
            row
        };
        self.algorithms.iter().map(row).collect()
    }

    /// Verifies the credentials of a request. `uri` is its Request-URI, `body` its body, both as received.
    ///
    /// The caller has looked `password` up by [`Credentials::username`]. Do not call it for retransmissions, nor for ACK and CANCEL,
    /// which repeat the credentials of their INVITE (RFC 3261 §22.1): they would be replays.
    pub fn verify(
        &mut self,
        now: Instant,
        credentials: &Credentials<'_>,
        password: &Password,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
    ) -> Verdict {
        let request = Protected { method: method.as_bytes(), uri: &credentials.uri.value(), body };
        if !same_resource(request.uri, uri) {
            return Verdict::OtherResource;
        }
        if !self.acceptable(credentials) || !matches(credentials, password, request) {
            return Verdict::Wrong;
        }
        let Some(nonce) = Nonce::open(credentials.nonce.raw(), &self.key, &self.realm) else {
            return Verdict::Stale;
        };
        if now.saturating_since(nonce.issued) > self.lifetime {
            return Verdict::Stale;
        }
        self.counts.expire(now, self.lifetime);
        self.counts.take(nonce, credentials.nc, owner(&credentials.username.value()))
    }

    /// Whether the nonce of these credentials was used before with right credentials of the same user name: then the client knew the
    /// password, whatever these credentials are worth.
    pub fn is_continued(&self, credentials: &Credentials<'_>) -> bool {
        let nonce = Nonce::open(credentials.nonce.raw(), &self.key, &self.realm);
        let used = nonce.and_then(|nonce| self.counts.used.get(&nonce));
        used.is_some_and(|used| used.owner == owner(&credentials.username.value()))
    }

    /// The salt of the challenge that the nonce of these credentials is from; `None` if it is not a nonce of this authority.
    pub fn salt(&self, credentials: &Credentials<'_>) -> Option<u64> {
        Nonce::open(credentials.nonce.raw(), &self.key, &self.realm).map(|nonce| nonce.salt)
    }

    /// How many nonces have their counts remembered: at most [`MAX_NONCES`].
    pub fn nonces(&self) -> usize {
        self.counts.used.len()
    }

    fn acceptable(&self, credentials: &Credentials<'_>) -> bool {
        let qop = match credentials.qop {
            Some(qop) => self.qop.contains(qop),
            None => self.without_qop,
        };
        qop && credentials.realm == *self.realm && self.algorithms.contains(&credentials.algorithm)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("realm", &self.realm)
            .field("algorithms", &self.algorithms)
            .field("nonces", &self.nonces())
            .finish_non_exhaustive()
    }
}

fn owner(username: &[u8]) -> u64 {
    let hash = Sha256::digest(username);
    hash.iter().take(8).fold(0, |sum, &octet| sum << 8 | u64::from(octet))
}

/// RFC 7616 §3.4.6: the digest must be for the requested resource. A URI that was rewritten on the
/// way but means the same (RFC 3261 §19.1.4) will do.
fn same_resource(claimed: &[u8], requested: &[u8]) -> bool {
    let equivalent = || Some(Uri::parse(claimed).ok()?.equivalent(&Uri::parse(requested).ok()?));
    claimed == requested || equivalent().unwrap_or(false)
}

fn matches(credentials: &Credentials<'_>, password: &Password, request: Protected<'_>) -> bool {
    let (username, realm) = (credentials.username.value(), credentials.realm.value());
    let Some(base) = password.base_hash(credentials.algorithm, &username, &realm) else { return false };
    let cnonce = credentials.counted.map(|[_, _, cnonce]| cnonce.value());
    let count = credentials.counted.as_ref().zip(cnonce.as_deref()).map(|([qop, nc, _], cnonce)| Count {
        qop: qop.raw(),
        nc: nc.raw(),
        cnonce,
    });
    let right = response(credentials.algorithm, base, &credentials.nonce.value(), count, request);
    equal(right.as_bytes(), &credentials.response.to_ascii_lowercase())
}

/// Which counts each nonce was used with.
#[derive(Default)]
struct Counts {
    used: BTreeMap<Nonce, Used>,
    /// Nonces up to this one may have been forgotten while still alive: unless remembered, they are stale.
    forgotten: Option<Nonce>,
}

struct Used {
    /// The hash of the name of the user that used it first.
    owner: u64,
    highest: u32,
    /// Bit `i` is set if `highest - i` was used.
    recent: u64,
}

impl Counts {
    /// Drops what is too old to be used again.
    fn expire(&mut self, now: Instant, lifetime: Duration) {
        while let Some(oldest) = self.used.first_entry()
            && now.saturating_since(oldest.key().issued) > lifetime
        {
            oldest.remove();
        }
    }

    /// Takes one count of a nonce; without a count the whole nonce.
    fn take(&mut self, nonce: Nonce, nc: Option<u32>, owner: u64) -> Verdict {
        if let Some(used) = self.used.get_mut(&nonce) {
            return match nc {
                Some(nc) if used.take(nc) => Verdict::Good,
                Some(_) => Verdict::Replayed,
                None => Verdict::Stale,
            };
        }
        if self.forgotten.is_some_and(|forgotten| nonce <= forgotten) {
            return Verdict::Stale;
        }
        let used = match nc {
            Some(nc) => Used { owner, highest: nc, recent: 1 },
            None => Used { owner, highest: u32::MAX, recent: u64::MAX },
        };
        self.used.insert(nonce, used);
        if self.used.len() > MAX_NONCES {
            self.forgotten = self.used.pop_first().map(|(oldest, _)| oldest).max(self.forgotten);
        }
        Verdict::Good
    }
}

impl Used {
    fn take(&mut self, nc: u32) -> bool {
        if nc > self.highest {
            // A shift by 64 or more forgets every older count.
            self.recent = self.recent.checked_shl(nc - self.highest).unwrap_or(0) | 1;
            self.highest = nc;
            return true;
        }
        let behind = self.highest - nc;
        let fresh = behind < 64 && self.recent & 1 << behind == 0;
        if fresh {
            self.recent |= 1 << behind;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Challenge, Responder, strongest};

    const URI: &[u8] = b"sip:example.org";

    fn authority() -> Authority {
        Authority::new("ex\"ample", [1; 32]).unwrap()
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn check(authority: &mut Authority, now: Instant, header: &str) -> Verdict {
        check_request(authority, now, header, Method::Register, URI, b"")
    }

    fn check_request(
        authority: &mut Authority,
        now: Instant,
        header: &str,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
    ) -> Verdict {
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        authority.verify(now, &credentials, &Password::plain("secret"), method, uri, body)
    }

    fn answer(responder: &mut Responder, rows: &[String], password: &str, body: &[u8]) -> String {
        let rows = rows.iter().filter_map(|row| Challenge::parse(row.as_bytes()).ok());
        let challenge = strongest(rows).unwrap();
        let password = Password::plain(password);
        responder.answer(&challenge, "bob", &password, Method::Register, URI, body, "c0ffee").unwrap()
    }

    fn reuse(responder: &mut Responder) -> String {
        responder.reuse("bob", &Password::plain("secret"), Method::Register, URI, b"").unwrap()
    }

    #[test]
    fn all_variants_verify() {
        for algorithm in Algorithm::ALL {
            for (auth, auth_int) in [(true, false), (false, true), (true, true)] {
                let mut authority = authority().algorithms(&[algorithm]).qop(Qops { auth, auth_int });
                let rows = authority.challenge(at(0), false, 7);
                let header = answer(&mut Responder::new(), &rows, "secret", b"body");
                let verdict =
                    |a: &mut Authority, body| check_request(a, at(1), &header, Method::Register, URI, body);
                // A changed body is noticed by auth-int only.
                let other = if auth { Verdict::Good } else { Verdict::Wrong };
                assert_eq!(verdict(&mut authority, b"other"), other, "{algorithm:?}");
                let second = if auth { Verdict::Replayed } else { Verdict::Good };
                assert_eq!(verdict(&mut authority, b"body"), second, "{algorithm:?}");
            }
        }
    }

    #[test]
    fn mismatches_are_rejected() {
        let mut authority = authority();
        let rows = authority.challenge(at(0), false, 7);
        let header = answer(&mut Responder::new(), &rows, "secret", b"");
        assert!(header.contains("SHA-256"), "the stronger of the two: {header}");
        let wrong = answer(&mut Responder::new(), &rows, "Secret", b"");
        assert_eq!(check(&mut authority, at(1), &wrong), Verdict::Wrong);
        let verdict_of = |a: &mut Authority, method, uri| check_request(a, at(1), &header, method, uri, b"");
        assert_eq!(verdict_of(&mut authority, Method::Invite, URI), Verdict::Wrong);
        for other in [&b"sip:elsewhere.org"[..], b"sip:example.org;transport=ws"] {
            assert_eq!(verdict_of(&mut authority, Method::Register, other), Verdict::OtherResource);
        }
        let mut others = Authority::new("other", [1; 32]).unwrap();
        assert_eq!(check(&mut others, at(1), &header), Verdict::Wrong);
        let mut md5_only = self::authority().algorithms(&[Algorithm::Md5]);
        assert_eq!(check(&mut md5_only, at(1), &header), Verdict::Wrong);
        assert_eq!(authority.nonces(), 0, "wrong credentials leave nothing behind");
        assert_eq!(
            verdict_of(&mut authority, Method::Register, b"sip:EXAMPLE.org"),
            Verdict::Good,
            "the same URI"
        );
    }

    #[test]
    fn old_and_foreign_nonces_are_stale_only_with_the_right_password() {
        let mut authority = authority().lifetime(Duration::from_secs(10));
        let rows = authority.challenge(at(0), false, 7);
        let mut responder = Responder::new();
        assert_eq!(
            check(&mut authority, at(10), &answer(&mut responder, &rows, "secret", b"")),
            Verdict::Good
        );
        assert_eq!(check(&mut authority, at(11), &reuse(&mut responder)), Verdict::Stale);
        assert_eq!(
            check(&mut authority, at(11), &answer(&mut responder, &rows, "wrong", b"")),
            Verdict::Wrong
        );
        // The server was restarted with another key.
        let mut restarted = Authority::new("ex\"ample", [2; 32]).unwrap();
        assert_eq!(check(&mut restarted, at(0), &reuse(&mut responder)), Verdict::Stale);
        let rows = restarted.challenge(at(0), true, 7);
        assert!(rows.iter().all(|row| Challenge::parse(row.as_bytes()).unwrap().stale));
        let header = answer(&mut responder, &rows, "secret", b"");
        assert_eq!(check(&mut restarted, at(0), &header), Verdict::Good);
    }

    #[test]
    fn nonce_counts_may_be_reordered_but_not_repeated() {
        let mut authority = authority();
        let rows = authority.challenge(at(0), false, 7);
        let mut responder = Responder::new();
        let mut headers = vec![answer(&mut responder, &rows, "secret", b"")];
        headers.extend((0..99).map(|_| reuse(&mut responder)));
        let mut verdict_of = |index: usize| check(&mut authority, at(1), &headers[index]);
        assert_eq!(verdict_of(1), Verdict::Good);
        assert_eq!(verdict_of(0), Verdict::Good);
        assert_eq!(verdict_of(0), Verdict::Replayed);
        assert_eq!(verdict_of(1), Verdict::Replayed);
        assert_eq!(verdict_of(90), Verdict::Good);
        assert_eq!(verdict_of(27), Verdict::Good, "63 behind");
        assert_eq!(verdict_of(26), Verdict::Replayed, "64 behind: no longer known");
        assert_eq!(verdict_of(27), Verdict::Replayed);
        assert_eq!(authority.nonces(), 1);
    }

    #[test]
    fn nonce_belongs_to_its_first_user() {
        let mut authority = authority();
        let rows = authority.challenge(at(0), false, 7);
        let continued = |authority: &Authority, header: &str| {
            authority.is_continued(&Credentials::parse(header.as_bytes()).unwrap())
        };
        let mut responder = Responder::new();
        let first = answer(&mut responder, &rows, "secret", b"");
        assert!(!continued(&authority, &first));
        let salt = |authority: &Authority| authority.salt(&Credentials::parse(first.as_bytes()).unwrap());
        assert_eq!((salt(&authority), salt(&Authority::new("other", [1; 32]).unwrap())), (Some(7), None));
        assert_eq!(check(&mut authority, at(1), &first), Verdict::Good);
        let second = reuse(&mut responder);
        assert!(continued(&authority, &second));
        assert!(!continued(&authority, &second.replace("\"bob\"", "\"carol\"")));
    }

    #[test]
    fn nonce_without_qop_is_valid_once() {
        let strict = authority();
        let open = authority().without_qop(true).qop(Qops { auth: false, auth_int: false });
        let rows = open.challenge(at(0), false, 7);
        let header = answer(&mut Responder::new(), &rows, "secret", b"");
        assert!(!header.contains("qop"), "{header}");
        for (mut authority, first) in [(strict, Verdict::Wrong), (open, Verdict::Good)] {
            assert_eq!(check(&mut authority, at(1), &header), first);
            if first == Verdict::Good {
                assert_eq!(check(&mut authority, at(1), &header), Verdict::Stale);
            }
        }
    }

    #[test]
    fn memory_is_bounded_without_permitting_replay() {
        let nonce = |index: u64| Nonce { issued: Instant::from_nanos(index), salt: 0 };
        let mut counts = Counts::default();
        for index in 0..MAX_NONCES as u64 + 10 {
            assert_eq!(counts.take(nonce(index), Some(1), 0), Verdict::Good);
        }
        assert_eq!(counts.used.len(), MAX_NONCES);
        assert_eq!(counts.take(nonce(9), Some(1), 0), Verdict::Stale, "forgotten");
        assert_eq!(counts.take(nonce(10), Some(1), 0), Verdict::Replayed, "remembered");
        counts.expire(Instant::from_nanos(2_000_000_000), Duration::from_secs(1));
        assert_eq!(counts.used.len(), 0);
    }
}
