use super::*;
use crate::base::bounds;
use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::digest::{Algorithm, Credentials};

/// The server side of digest authentication.
fn authority(algorithms: &[Algorithm]) -> Authority {
    Authority::new("example.com", [9; 32]).expect("a realm").algorithms(algorithms)
}

fn challenge(authority: &Authority, now: Instant, stale: bool, salt: u64) -> Vec<String> {
    authority.challenge(now, stale, salt)
}

fn refused(status: u16, name: HeaderName, rows: &[String]) -> Message {
    let request = message(
        "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=a\r\n\
         To: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    );
    let mut response = Builder::reply(&request, status, "Reason", Some(b"t"));
    for row in rows {
        response.header(name, row);
    }
    message(response.finish())
}

const URI: &[u8] = b"sip:bob@example.com";

impl World {
    fn authorize(&mut self, response: &Message, auth_attempts: u8) -> Option<(HeaderName, String)> {
        self.line.authorize(&mut self.bench.cx(), response, Method::Invite, URI, b"body", auth_attempts)
    }
}

#[test]
fn a_401_gets_authorization_and_a_407_proxy_authorization() {
    for (status, asks, answers) in [
        (401, HeaderName::WwwAuthenticate, HeaderName::Authorization),
        (407, HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
    ] {
        let mut authority = authority(&[Algorithm::Sha256, Algorithm::Md5]);
        let mut world = World::up(|_| {});
        let rows = challenge(&authority, world.bench.now, false, 1);
        let (name, value) = world.authorize(&refused(status, asks, &rows), 0).expect("an answer");
        assert_eq!(name, answers);
        let credentials = Credentials::parse(value.as_bytes()).expect("credentials");
        assert_eq!(credentials.algorithm, Algorithm::Sha256, "the strongest");
        let password = Password::plain("secret");
        let verdict =
            authority.verify(world.bench.now, &credentials, &password, Method::Invite, URI, b"body");
        assert_eq!(verdict, Verdict::Good);
    }
}

#[test]
fn the_user_name_is_the_configured_one_or_the_user_part() {
    for (username, aor, expected) in
        [(None, "sip:al%69ce@example.com", "alice"), (Some("7001"), "sip:alice@example.com", "7001")]
    {
        let mut world = World::up(|config| {
            config.accounts[0].username = username.map(str::to_owned);
            config.accounts[0].aor = aor.to_owned();
        });
        let rows = challenge(&authority(&[Algorithm::Md5]), world.bench.now, false, 1);
        let (_, value) =
            world.authorize(&refused(401, HeaderName::WwwAuthenticate, &rows), 0).expect("an answer");
        let credentials = Credentials::parse(value.as_bytes()).expect("credentials");
        assert_eq!(credentials.username.value(), expected.as_bytes());
    }
}

#[test]
fn an_unusable_challenge_gets_no_credentials() {
    let rows = challenge(&authority(&[Algorithm::Md5]), Instant::ZERO, false, 1);
    let good = refused(401, HeaderName::WwwAuthenticate, &rows);
    let mut world = World::up(|config| config.accounts[0].password = None);
    assert_eq!(world.authorize(&good, 0), None, "no password");
    let mut world = World::up(|config| config.accounts[0].realms = vec!["other".to_owned()]);
    assert_eq!(world.authorize(&good, 0), None, "another realm");
    let mut world = World::up(|config| {
        let secret = crate::Secret::new("secret");
        config.accounts[0].password = Some(Password::ha1(Algorithm::Sha256, "alice", "example.com", &secret));
    });
    assert_eq!(world.authorize(&good, 0), None, "a hash for another algorithm");
    let mut world = World::up(|_| {});
    for odd in [
        refused(401, HeaderName::ProxyAuthenticate, &rows),
        refused(407, HeaderName::WwwAuthenticate, &rows),
        refused(403, HeaderName::WwwAuthenticate, &rows),
        refused(401, HeaderName::WwwAuthenticate, &[]),
        refused(401, HeaderName::WwwAuthenticate, &["Basic realm=\"x\"".to_owned()]),
    ] {
        assert_eq!(world.authorize(&odd, 0), None);
    }
    assert!(world.authorize(&good, 0).is_some());
}

#[test]
fn a_second_challenge_gets_no_credentials_unless_stale() {
    let mut world = World::up(|_| {});
    let authority = authority(&[Algorithm::Md5]);
    let fresh = refused(401, HeaderName::WwwAuthenticate, &challenge(&authority, Instant::ZERO, false, 2));
    let stale = refused(401, HeaderName::WwwAuthenticate, &challenge(&authority, Instant::ZERO, true, 3));
    assert!(world.authorize(&fresh, 0).is_some());
    assert_eq!(world.authorize(&fresh, 1), None);
    for auth_attempts in 1..=bounds::STALE_NONCES {
        assert!(world.authorize(&stale, auth_attempts).is_some());
    }
    assert_eq!(world.authorize(&stale, bounds::STALE_NONCES + 1), None, "a server that is never content");
}

/// RFC 8760 §2.4: the strongest is chosen within a realm; between realms, the first header field.
#[test]
fn the_first_of_several_realms_gets_credentials() {
    let mut world = World::up(|_| {});
    let mut rows = challenge(&authority(&[Algorithm::Md5]), Instant::ZERO, false, 1);
    let other = Authority::new("elsewhere", [1; 32]).expect("a realm").algorithms(&[Algorithm::Sha256]);
    rows.extend(other.challenge(Instant::ZERO, false, 1));
    let (_, value) =
        world.authorize(&refused(407, HeaderName::ProxyAuthenticate, &rows), 0).expect("an answer");
    assert!(value.contains("realm=\"example.com\""), "{value}");
}
