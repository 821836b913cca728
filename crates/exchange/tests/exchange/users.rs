//! Passwords stored as hashes, and changes of the list of users.

use std::collections::BTreeMap;

use offhook_exchange::{Config, Event, Input, MissingPassword, Transport, Unregistered, UserChanges};
use offhook_wire::digest::{Algorithm, Password};

use crate::lab::{Lab, Phone, config, reply};

const OFFERED: [Algorithm; 2] = [Algorithm::Md5, Algorithm::Sha256];

fn ha1(algorithm: Algorithm, user: &str) -> Password {
    Password::ha1(algorithm, user, "example.com", &format!("{user}-pw").into())
}

/// Replaces the list of users and collects the events.
fn set_users(lab: &mut Lab, change: impl FnOnce(&mut BTreeMap<String, Vec<Password>>)) -> UserChanges {
    let mut users = config().users;
    change(&mut users);
    let changes = lab.exchange.set_users(users);
    lab.input(Input::Wake);
    changes
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn user_with_a_hash_for_each_algorithm_registers_with_each() {
    for offered in OFFERED {
        let mut config = config();
        config.algorithms = vec![offered];
        config.users.insert("alice".to_owned(), OFFERED.map(|algorithm| ha1(algorithm, "alice")).to_vec());
        let mut lab = Lab::with(config);
        Phone::registered(&mut lab, 1, "alice");
        let mut guest = Phone::new(&mut lab, 2, Transport::Ws, "alice");
        guest.password = "guess".to_owned();
        assert!(guest.register_with(&mut lab, "").start().starts_with("SIP/2.0 401 "));
    }
}

#[test]
fn missing_hash_of_an_offered_algorithm_is_reported() {
    let mut config = config();
    assert_eq!(config.missing_password(), None, "a password in clear serves all");
    config.users.insert("alice".to_owned(), vec![ha1(Algorithm::Md5, "alice")]);
    let missing = config.missing_password().expect("no SHA-256");
    assert_eq!(missing, MissingPassword { user: "alice".to_owned(), algorithm: Algorithm::Sha256 });
    assert!(missing.to_string().contains("alice has no password hash for SHA-256"), "{missing}");
    let mut lab = Lab::with(config.clone());
    let mut alice = Phone::new(&mut lab, 1, Transport::Ws, "alice");
    assert!(alice.register_with(&mut lab, "").start().starts_with("SIP/2.0 401 "));

    config.algorithms = vec![Algorithm::Md5];
    assert_eq!(config.missing_password(), None);
    config.users.insert("bob".to_owned(), Vec::new());
    assert!(config.missing_password().is_some_and(|missing| missing.user == "bob"));
}

#[test]
fn removed_and_changed_users_lose_their_bindings() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let carol = Phone::registered(&mut lab, 3, "carol");
    lab.events.clear();
    let changes = set_users(&mut lab, |users| {
        users.remove("alice");
        users.insert("bob".to_owned(), vec![Password::plain("new")]);
        users.insert("dave".to_owned(), vec![Password::plain("dave-pw")]);
    });
    let [added, removed, changed] = [names(&["dave"]), names(&["alice"]), names(&["bob"])];
    assert_eq!(changes, UserChanges { added, removed, changed });
    let revoked = |phone: &Phone| Event::Unregistered {
        user: phone.user.clone(),
        contact: phone.contact.clone(),
        reason: Unregistered::Revoked,
    };
    assert_eq!(lab.events, [revoked(&alice), revoked(&bob)]);
    assert_eq!(lab.exchange.contacts("carol").count(), 1);
    assert_eq!(lab.exchange.load().bindings, 1);

    assert!(alice.register_with(&mut lab, "").start().starts_with("SIP/2.0 404 "));
    assert!(bob.register_with(&mut lab, "").start().starts_with("SIP/2.0 401 "), "the old password");
    bob.password = "new".to_owned();
    bob.register(&mut lab);
    let mut dave = Phone::registered(&mut lab, 4, "dave");
    dave.invite(&mut lab, "sip:carol@example.com");
    lab.expect(carol.flow, "INVITE ");
}

#[test]
fn calls_continue_after_a_change_of_users() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let mut carol = Phone::registered(&mut lab, 3, "carol");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    let (_, mut of_carol) = alice.call(&mut lab, &mut carol);
    set_users(&mut lab, |users| drop(users.remove("bob")));
    for request in [near.request(&mut alice, "INFO", ""), near.request(&mut alice, "BYE", "")] {
        lab.send(alice.flow, &request);
        let received = lab.expect(bob.flow, request.split(' ').next().expect("a method"));
        lab.send(bob.flow, &reply(&received, "200 OK", "", ""));
        lab.expect(alice.flow, "SIP/2.0 200 ");
    }
    lab.send(carol.flow, &of_carol.request(&mut carol, "INFO", ""));
    lab.expect(alice.flow, "INFO ");
}

#[test]
fn equivalent_passwords_are_no_change() {
    let mut lab = Lab::new();
    Phone::registered(&mut lab, 1, "alice");
    let hashed = |order: [Algorithm; 2]| order.map(|algorithm| ha1(algorithm, "alice")).to_vec();
    let [forwards, backwards] = [OFFERED, [OFFERED[1], OFFERED[0]]].map(hashed);
    for passwords in [forwards, backwards, vec![Password::plain("alice-pw")]] {
        let changes = set_users(&mut lab, |users| drop(users.insert("alice".to_owned(), passwords)));
        assert_eq!(changes, UserChanges::default());
    }
    assert_eq!(lab.exchange.load().bindings, 1);
    let half = vec![ha1(Algorithm::Md5, "alice")];
    let changes = set_users(&mut lab, |users| drop(users.insert("alice".to_owned(), half)));
    assert_eq!(changes.changed, ["alice"], "SHA-256 is refused now");
}

#[test]
fn set_users_reports_the_changes() {
    let mut config = Config::new("example.com").with_user("a", "1").with_user("b", "2");
    let changes = config.set_users(Config::new("example.com").with_user("b", "3").with_user("c", "4").users);
    assert_eq!(
        (changes.added, changes.removed, changes.changed),
        (names(&["c"]), names(&["a"]), names(&["b"]))
    );
    assert_eq!(config.users.keys().collect::<Vec<_>>(), ["b", "c"]);
}
