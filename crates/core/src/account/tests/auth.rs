use super::*;
use crate::base::bounds;
use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::digest::{Algorithm, Credentials, Secret};

/// The server side of digest authentication for a realm.
fn authority(realm: &str, algorithms: &[Algorithm]) -> Authority {
    Authority::new(realm, [9; 32]).expect("a realm").algorithms(algorithms)
}

fn fresh(authority: &Authority, salt: u64) -> Vec<String> {
    authority.challenge(Instant::ZERO, false, salt)
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

fn refused_401(rows: &[String]) -> Message {
    refused(401, HeaderName::WwwAuthenticate, rows)
}

const URI: &[u8] = b"sip:bob@example.com";

/// One INVITE and its Call-ID.
#[derive(Default)]
struct Attempt {
    restarts: Restarts,
    set: RealmSet,
}

impl World {
    /// An account that names `example.com`.
    fn named(change: impl FnOnce(&mut Config)) -> Self {
        Self::up(|config| {
            config.accounts[0].register = false;
            config.accounts[0].realms = vec!["example.com".to_owned()];
            change(config);
        })
    }

    fn after(&mut self, attempt: &mut Attempt, response: &Message) -> Next {
        let uri = Bytes::from_static(URI);
        let invite = Restartable::Invite { uri: &uri, session_expires: None };
        self.line.after(&mut self.bench.cx(), &mut attempt.restarts, invite, &mut attempt.set, response)
    }

    fn credentials(&mut self, attempt: &Attempt) -> Vec<(HeaderName, String)> {
        self.line.credentials(&self.bench.cx(), attempt.set, Method::Invite, URI, b"body")
    }

    /// The credentials after a response, if there are any.
    fn answer_to(&mut self, attempt: &mut Attempt, response: &Message) -> Vec<(HeaderName, String)> {
        match self.after(attempt, response) {
            Next::Again => self.credentials(attempt),
            _ => Vec::new(),
        }
    }
}

#[test]
fn a_401_gets_authorization_and_a_407_proxy_authorization() {
    for (status, asks, answers) in [
        (401, HeaderName::WwwAuthenticate, HeaderName::Authorization),
        (407, HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
    ] {
        let mut authority = authority("example.com", &[Algorithm::Sha256, Algorithm::Md5]);
        let mut world = World::named(|_| {});
        let rows = fresh(&authority, 1);
        let sent = world.answer_to(&mut Attempt::default(), &refused(status, asks, &rows));
        let [(name, value)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!(*name, answers);
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
        let mut world = World::named(|config| {
            config.accounts[0].username = username.map(str::to_owned);
            config.accounts[0].aor = aor.to_owned();
        });
        let rows = fresh(&authority("example.com", &[Algorithm::Md5]), 1);
        let sent = world.answer_to(&mut Attempt::default(), &refused_401(&rows));
        let credentials = Credentials::parse(sent[0].1.as_bytes()).expect("credentials");
        assert_eq!(credentials.username.value(), expected.as_bytes());
    }
}

#[test]
fn an_unusable_challenge_gets_no_credentials() {
    let rows = fresh(&authority("example.com", &[Algorithm::Md5]), 1);
    let good = refused_401(&rows);
    let mut world = World::named(|config| config.accounts[0].password = None);
    assert_eq!(world.after(&mut Attempt::default(), &good), Next::Final, "no password");
    let mut world = World::named(|config| config.accounts[0].realms = vec!["other".to_owned()]);
    assert_eq!(world.after(&mut Attempt::default(), &good), Next::Final, "another realm");
    let mut world = World::named(|config| config.accounts[0].realms.clear());
    assert_eq!(world.after(&mut Attempt::default(), &good), Next::Final, "no realm");
    let mut world = World::named(|config| {
        let secret = crate::Secret::new("secret");
        config.accounts[0].password = Some(Password::ha1(Algorithm::Sha256, "alice", "example.com", &secret));
    });
    assert_eq!(world.after(&mut Attempt::default(), &good), Next::Final, "a hash for another algorithm");
    let mut world = World::named(|_| {});
    let long = format!("Digest realm=\"example.com\", nonce=\"{}\"", "n".repeat(bounds::CHALLENGE + 1));
    for odd in [
        refused(401, HeaderName::ProxyAuthenticate, &rows),
        refused(407, HeaderName::WwwAuthenticate, &rows),
        refused(403, HeaderName::WwwAuthenticate, &rows),
        refused_401(&[]),
        refused_401(&["Basic realm=\"x\"".to_owned()]),
        refused_401(&[long]),
    ] {
        assert_eq!(world.after(&mut Attempt::default(), &odd), Next::Final);
    }
    assert_eq!(world.after(&mut Attempt::default(), &good), Next::Again);
}

#[test]
fn a_second_challenge_gets_no_credentials_unless_stale() {
    let mut world = World::named(|_| {});
    let authority = authority("example.com", &[Algorithm::Md5]);
    let first = refused_401(&fresh(&authority, 2));
    let stale = refused_401(&authority.challenge(Instant::ZERO, true, 3));
    let mut attempt = Attempt::default();
    assert_eq!(world.after(&mut attempt, &first), Next::Again);
    assert_eq!(world.after(&mut attempt, &first), Next::Final);
    let mut attempt = Attempt::default();
    assert_eq!(world.after(&mut attempt, &first), Next::Again);
    for _ in 0..bounds::STALE_NONCES {
        assert_eq!(world.after(&mut attempt, &stale), Next::Again);
    }
    assert_eq!(world.after(&mut attempt, &stale), Next::Final, "a server that is never content");
}

/// RFC 3261 §22.3: all realms of a response are answered, and later requests of the Call-ID have credentials for all of them, each with
/// the next nonce count. RFC 8760 §2.4: the strongest challenge of each.
#[test]
fn all_realms_of_a_call_id_get_credentials() {
    let realms = ["example.com", "proxy.example.com", "third.example.com"];
    let mut world = World::named(|config| config.accounts[0].realms = realms.map(str::to_owned).to_vec());
    let rows = |realm: &str, algorithms: &[Algorithm]| fresh(&authority(realm, algorithms), 1);
    let mut first = rows(realms[0], &[Algorithm::Md5]);
    first.extend(rows(realms[1], &[Algorithm::Md5, Algorithm::Sha512_256]));
    let mut attempt = Attempt::default();
    let proxies = refused(407, HeaderName::ProxyAuthenticate, &first);
    let sent = |world: &mut World, attempt: &Attempt| -> Vec<(HeaderName, String, Option<u32>)> {
        let sent = world.credentials(attempt);
        let read = |(name, value): &(HeaderName, String)| {
            let credentials = Credentials::parse(value.as_bytes()).expect("credentials");
            let realm = String::from_utf8(credentials.realm.value().into_owned()).expect("ASCII");
            (*name, realm, credentials.nc)
        };
        sent.iter().map(read).collect()
    };
    assert_eq!(world.after(&mut attempt, &proxies), Next::Again);
    let proxy = |realm: &str, nc| (HeaderName::ProxyAuthorization, realm.to_owned(), Some(nc));
    assert_eq!(sent(&mut world, &attempt), [proxy(realms[0], 1), proxy(realms[1], 1)]);
    // Then the callee challenges.
    assert_eq!(world.after(&mut attempt, &refused_401(&rows(realms[2], &[Algorithm::Md5]))), Next::Again);
    let user = |nc| (HeaderName::Authorization, realms[2].to_owned(), Some(nc));
    assert_eq!(sent(&mut world, &attempt), [proxy(realms[0], 2), proxy(realms[1], 2), user(1)]);
    assert_eq!(sent(&mut world, &attempt), [proxy(realms[0], 3), proxy(realms[1], 3), user(2)]);
    assert_eq!(sent(&mut world, &Attempt::default()), [], "another Call-ID");
    assert_eq!(world.after(&mut attempt, &proxies), Next::Final, "a proxy refuses them");
}

/// A realm that is not the account's is not answered, whatever else a response asks for.
#[test]
fn a_foreign_realm_gets_no_credentials() {
    let mut world = World::named(|_| {});
    let mut rows = fresh(&authority("elsewhere", &[Algorithm::Md5]), 1);
    assert_eq!(world.after(&mut Attempt::default(), &refused_401(&rows)), Next::Final);
    rows.extend(fresh(&authority("example.com", &[Algorithm::Md5]), 1));
    let sent = world.answer_to(&mut Attempt::default(), &refused_401(&rows));
    assert_eq!(sent.len(), 1);
    assert!(sent[0].1.contains("realm=\"example.com\""), "{sent:?}");
}

/// The realms of the account's own server are those that challenge its REGISTERs. RFC 8760 §3: the algorithm that the server accepted is
/// the weakest that is answered.
#[test]
fn realms_and_algorithms_are_learnt_from_the_registrar() {
    let mut world = World::up(|_| {});
    let [weak, strong] = [Algorithm::Md5, Algorithm::Sha256].map(|a| authority("pbx", &[a]));
    let row = fresh(&strong, 1).remove(0);
    world.answer(401, &[(HeaderName::WwwAuthenticate, &row)]);
    // Not learnt yet.
    assert_eq!(world.after(&mut Attempt::default(), &refused_401(&fresh(&weak, 1))), Next::Again);
    world.answer(200, &[]);
    assert_eq!(world.after(&mut Attempt::default(), &refused_401(&fresh(&weak, 1))), Next::Final);
    let proxy = refused(407, HeaderName::ProxyAuthenticate, &fresh(&weak, 1));
    assert_eq!(world.after(&mut Attempt::default(), &proxy), Next::Final, "by either kind of challenge");
    assert_eq!(world.after(&mut Attempt::default(), &refused_401(&fresh(&strong, 1))), Next::Again);
    let other = refused_401(&fresh(&authority("example.com", &[Algorithm::Sha256]), 1));
    assert_eq!(world.after(&mut Attempt::default(), &other), Next::Final, "another realm");
    // Also for a REGISTER.
    world.register();
    let row = fresh(&weak, 1).remove(0);
    world.answer(401, &[(HeaderName::WwwAuthenticate, &row)]);
    assert_eq!(world.failures().len(), 1);
    assert_eq!(world.sent.len(), 0);
}

/// The credentials of a REGISTER that is on its way teach an algorithm also if they were replaced meanwhile, but not if they were refused,
/// and not if the new password does not serve it.
#[test]
fn an_algorithm_is_learnt_if_the_password_changes_before_the_answer() {
    let [weak, strong] = [Algorithm::Md5, Algorithm::Sha256].map(|a| authority("pbx", &[a]));
    let both = authority("pbx", &[Algorithm::Md5, Algorithm::Sha256]);
    let md5 = Password::ha1(Algorithm::Md5, "alice", "pbx", &Secret::new("secret"));
    for (next, then, weak_is_answered) in [
        (Password::plain("another"), None, false),
        (md5, None, true),
        (Password::plain("another"), Some(fresh(&weak, 2)), true),
    ] {
        let mut world = World::up(|_| {});
        let row = fresh(if then.is_some() { &both } else { &strong }, 1);
        let rows: Vec<_> = row.iter().map(|row| (HeaderName::WwwAuthenticate, row.as_str())).collect();
        world.answer(401, &rows);
        world.bench.config.accounts[0].password = Some(next);
        let _ = world.line.credentials_changed(&world.bench.cx());
        for row in then.iter().flatten() {
            world.answer(401, &[(HeaderName::WwwAuthenticate, row)]);
        }
        world.answer(200, &[]);
        let expected = if weak_is_answered { Next::Again } else { Next::Final };
        assert_eq!(world.after(&mut Attempt::default(), &refused_401(&fresh(&weak, 3))), expected);
    }
}

/// Credentials that were refused teach nothing, if a later REGISTER is accepted without any.
#[test]
fn refused_credentials_teach_no_algorithm() {
    let mut world = World::up(|_| {});
    let [weak, strong] = [Algorithm::Md5, Algorithm::Sha256].map(|a| authority("pbx", &[a]));
    for salt in [1, 2] {
        let row = fresh(&strong, salt).remove(0);
        world.answer(401, &[(HeaderName::WwwAuthenticate, &row)]);
    }
    assert_eq!(world.failures().len(), 1);
    world.register();
    world.answer(200, &[]);
    assert_eq!(world.after(&mut Attempt::default(), &refused_401(&fresh(&weak, 3))), Next::Again);
}

#[test]
fn the_number_of_realms_is_bounded() {
    let mut world = World::named(|config| {
        config.accounts[0].realms = (0..20).map(|n| format!("realm{n}")).collect();
    });
    let answered = (0..20).filter(|n| {
        let rows = fresh(&authority(&format!("realm{n}"), &[Algorithm::Md5]), 1);
        world.after(&mut Attempt::default(), &refused_401(&rows)) == Next::Again
    });
    assert_eq!(answered.count(), bounds::REALMS);
}

#[test]
fn the_host_is_asked_once_for_a_missing_password() {
    let mut world = World::named(|config| {
        config.accounts[0].password = None;
        config.accounts[0].ask_credentials = true;
    });
    let own = refused_401(&fresh(&authority("example.com", &[Algorithm::Md5]), 1));
    let foreign = refused_401(&fresh(&authority("elsewhere", &[Algorithm::Md5]), 1));
    let mut attempt = Attempt::default();
    assert_eq!(world.after(&mut attempt, &foreign), Next::Final);
    assert_eq!(world.after(&mut attempt, &own), Next::AwaitCredentials("example.com".to_owned()));
    assert_eq!(world.after(&mut attempt, &own), Next::Final, "there are none");
    let mut attempt = Attempt::default();
    assert_eq!(world.after(&mut attempt, &own), Next::AwaitCredentials("example.com".to_owned()));
    world.bench.config.accounts[0].password = Some(Password::plain("secret"));
    assert_eq!(world.after(&mut attempt, &own), Next::Again);
}
