//! A desk with a phone on it, and two desks with a wire between them: virtual time, no sockets.
#![allow(unreachable_pub, reason = "each test file uses the part that it needs")]

mod desk;
mod pair;

pub use desk::{Desk, Media};
pub use pair::Pair;

use offhook::{Account, Config};

/// A phone that does not register.
pub fn config(user: &str, server: &str) -> Config {
    let mut account = Account::new(format!("sip:{user}@example.com"), None, server).expect("a target");
    account.register = false;
    Config::new(account)
}
