//! A desk with a phone on it, and two desks with a wire between them: virtual time, no sockets.
mod desk;
mod pair;
mod peer;

pub(crate) use desk::{Desk, Media, sdp};
pub(crate) use pair::Pair;
pub(crate) use peer::{
    call_comes_in, cancel_of_bob, from_caller, in_call, in_dialog, invite_of_bob, response,
};

use offhook::{Account, Config};

/// A phone that does not register.
pub(crate) fn config(user: &str, server: &str) -> Config {
    let mut account = Account::new(format!("sip:{user}@example.com"), None, server).expect("a target");
    account.register = false;
    Config::new(account)
}
