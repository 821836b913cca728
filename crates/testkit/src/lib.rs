//! What the tests of phones share, on virtual time and without sockets.
//!
//! | file | what it holds |
//! |---|---|
//! | `phone` | [`TestPhone`]: one phone, its connection, and everything that it put out |
//! | `pair` | [`Pair`]: two phones with a wire between them |
//! | `wire` | [`Wire`]: messages on their way, with a latency and with losses |
//! | `peer` | [`Peer`]: the other party of a call, written line by line by the test |
//! | `media` | [`FakeMedia`]: the media engine of a phone, which can be told to refuse, to be late, or to answer differently |
//!
//! The media model of the simulator (`sim/src/media`) is another thing and stays there: it checks the order of offers and
//! answers, knows which engines agreed with one another, and carries digits between them. An oracle judges by it.
#![forbid(unsafe_code)]

mod media;
mod pair;
pub mod peer;
mod phone;
mod wire;

pub use media::{FakeMedia, MediaBehaviour, sdp};
pub use pair::{Pair, Side};
pub use peer::Peer;
pub use phone::{Observer, Said, TestPhone};
pub use wire::{Loses, Wire};

use offhook::{Account, Config, ReferPolicy};

/// The configuration of a phone `user` of `example.com` that does not register. `server` is a
/// [`Target`](offhook::Target): `ws://pbx.test`.
///
/// # Panics
/// When `server` is no target.
pub fn config(user: &str, server: &str) -> Config {
    let mut account = Account::new(format!("sip:{user}@example.com"), None, server).expect("a target");
    account.register = false;
    let mut config = Config::new(account);
    // Tests of consent ask.
    config.refer_policy = ReferPolicy::OwnDomain;
    config
}
