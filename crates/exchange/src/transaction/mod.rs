//! The four transaction machines (RFC 3261 §17 with the corrections of RFC 6026), as the proxy needs them.
//!
//! A machine says what to send and when it wants to be woken; it knows no flow. Its owner, the
//! [`Context`](crate::proxy::Context), sends.

mod client;
mod key;
mod server;

use std::time::Duration;

use offhook_wire::Instant;

pub(crate) use client::{Client, Fired, Heard};
pub(crate) use key::ServerKey;
pub(crate) use server::Server;

/// RFC 3261 §17.1.1.1: the estimate of a round trip.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.2: the longest pause between retransmissions of anything but an INVITE.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// RFC 3261 §17.1.2.2: how long a message stays in the network.
pub(crate) const T4: Duration = Duration::from_secs(5);
/// 64*T1: timers B, D (at least 32 s), F, H, J, L and M.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(32);

/// Retransmission at doubling intervals.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Backoff {
    at: Instant,
    pause: Duration,
    longest: Duration,
}

impl Backoff {
    /// The first time after T1, then doubling up to `longest`; none at all on a transport that retransmits itself.
    fn start(now: Instant, reliable: bool, longest: Duration) -> Option<Self> {
        (!reliable).then(|| Self { at: now + T1, pause: T1, longest })
    }

    /// True if it is time; then the next time is set.
    fn fire(&mut self, now: Instant) -> bool {
        if self.at > now {
            return false;
        }
        self.pause = (self.pause * 2).min(self.longest);
        self.at = now + self.pause;
        true
    }
}

fn earliest(resend: &Option<Backoff>, until: Instant) -> Instant {
    resend.map_or(until, |backoff| backoff.at.min(until))
}
