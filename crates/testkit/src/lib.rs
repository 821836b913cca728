//! Shared parts of tests of phones, on virtual time and without sockets.
//!
//! | file | contents |
//! |---|---|
//! | `phone` | [`TestPhone`]: one phone with its connection, media and outputs |
//! | `pair` | [`Pair`]: two phones connected by a wire |
//! | `wire` | [`Wire`]: messages in transit, with a latency and losses |
//! | `peer` | [`ScriptedPeer`]: the peer in a call, scripted by the test |
//! | `media` | [`FakeMedia`]: the media engine of a phone, which can fail, be late, or answer with another direction |
//!
//! The media model of the simulator (`sim/src/media`) is separate: it checks the order of offers and answers, tracks which engines
//! agreed, and carries digits between them, for an oracle.
#![forbid(unsafe_code)]

mod media;
mod pair;
pub mod peer;
mod phone;
mod wire;

pub use media::{FakeMedia, MediaBehaviour, agreed, sdp, sdp_of};
pub use pair::{Pair, Side};
pub use peer::ScriptedPeer;
pub use phone::{Observer, PhoneOutput, TestPhone};
pub use wire::{Loses, Wire};

use offhook::{Account, Config, ReferPolicy};

/// The configuration of a phone `user` of `example.com` that does not register. `server` is a
/// [`Hop`](offhook::Hop): `ws://pbx.test`.
///
/// # Panics
/// When `server` is not a hop.
pub fn config(user: &str, server: &str) -> Config {
    let mut account = Account::new(format!("sip:{user}@example.com"), None, server).expect("a hop");
    account.register = false;
    let mut config = Config::new(account);
    // Tests of consent ask.
    config.refer_policy = ReferPolicy::OwnDomain;
    config
}
