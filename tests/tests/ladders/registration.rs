//! Registration with digest, unregistration, and a wrong password.

use crate::scene::{SECOND, Scene};
use offhook::{AccountId, Password, Secret};

#[test]
fn registration_and_unregistration() {
    let mut scene = Scene::empty();
    scene.add("alice", |_| {});
    scene.run(SECOND);
    scene.user(0, "unregisters", |phone, now| phone.unregister(now, AccountId(0))).expect("an account");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn wrong_password() {
    let mut scene = Scene::empty();
    scene.add("alice", |account| account.password = Some(Password::Plain(Secret::new("wrong"))));
    scene.run(SECOND * 60);
    insta::assert_snapshot!(scene.ladder());
}
