//! Changes of the list of users of a running exchange.

use crate::world::{BOUND, config, exchange, phone, register_again};
use offhook::Password;
use offhook_exchange::{Event, Unregistered};
use offhook_tokio::{ExchangeError, ExchangeServer};
use offhook_wire::digest::Algorithm;
use std::collections::BTreeMap;
use tokio::time::timeout;

fn users(names: &[&str]) -> BTreeMap<String, Vec<Password>> {
    let password = |name: &str| vec![Password::plain(format!("{}-pw", &name[..1]))];
    names.iter().map(|name| ((*name).to_owned(), password(name))).collect()
}

/// The next user that loses a binding, and the reason.
async fn unregistered(exchange: &mut ExchangeServer) -> (String, Unregistered) {
    loop {
        let event = timeout(BOUND, exchange.next()).await.expect("in time").expect("runs");
        if let Event::Unregistered { user, reason, .. } = event {
            return (user, reason);
        }
    }
}

#[tokio::test]
async fn added_user_registers_and_removed_user_loses_its_binding() {
    let mut exchange = exchange().await;
    let mut alice = phone(&exchange, "alice", 440.0).await;
    let bob = phone(&exchange, "bob", 440.0).await;
    let changes = exchange.set_users(users(&["alice", "carol"])).await.expect("all are covered");
    assert_eq!(
        (changes.added, changes.removed, changes.changed),
        (vec!["carol".to_owned()], vec!["bob".to_owned()], Vec::new())
    );
    assert_eq!(unregistered(&mut exchange).await, ("bob".to_owned(), Unregistered::Revoked));
    let mut carol = phone(&exchange, "carol", 440.0).await;

    // The new list survives a restart.
    exchange.restart().await.expect("the same port");
    register_again(&mut alice).await;
    register_again(&mut carol).await;
    for phone in [alice, bob, carol] {
        phone.stop().await;
    }
}

#[tokio::test]
async fn missing_hash_is_an_error_and_changes_nothing() {
    let half = vec![Password::ha1(Algorithm::Md5, "alice", "offhook.test", &"a-pw".into())];
    let mut exchange = exchange().await;
    let mut config = config();
    config.users.insert("alice".to_owned(), half.clone());
    let listen = offhook_tokio::Listen::ws("127.0.0.1:0".parse().expect("an address"));
    let error = ExchangeServer::start(config, listen).await.expect_err("no hash for SHA-256");
    assert!(matches!(&error, ExchangeError::Users(missing) if missing.user == "alice"), "{error}");

    let error = exchange.set_users([("alice".to_owned(), half)].into()).await.expect_err("the same");
    assert!(matches!(&error, ExchangeError::Users(missing) if missing.algorithm == Algorithm::Sha256));
    phone(&exchange, "alice", 440.0).await.stop().await;
}
