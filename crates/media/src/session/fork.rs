//! Several answers to one offer, each with its own media at the same time (RFC 3261 §13.2.2.4).

use std::net::SocketAddr;

use offhook_wire::Instant;

use super::MediaSession;

impl MediaSession {
    /// Another session with the same first offer, to which the answer of another branch is [applied](Self::apply): the same ICE
    /// credentials, certificate, payload types, SSRC and session id, and the current local addresses. Both sessions may use the same
    /// sockets: [`accepts`](Self::accepts) tells their datagrams apart.
    ///
    /// Later offers, answers and [`close`](Self::close) of this session do not change what a fork repeats. The source, mute and recording
    /// are not copied: set them on the fork too. `seed` must differ from those of the other sessions.
    ///
    /// `None` when the session has made no first offer: it began with an offer of the peer, or its offer was rolled back. Also when the
    /// media engine cannot repeat the offer, because it could not generate a certificate.
    #[must_use]
    pub fn fork(&self, seed: [u8; 32], now: Instant) -> Option<Self> {
        let negotiation = self.negotiation.fork()?;
        let mut fork = Self::with_clock(self.config.clone(), seed, self.clock, self.now.max(now));
        fork.local_addresses.clone_from(&self.local_addresses);
        fork.negotiation = negotiation;
        let offer = fork.negotiation.pending.clone()?;
        fork.transport = Some(fork.offer_again(&offer.payloads, &offer.parameters).ok()?);
        fork.drain_transport();
        Some(fork)
    }

    /// Whether a datagram is for this session, for a host with several sessions on one socket: pass it to
    /// [`handle`](Self::handle) of the session that accepts it. `local` and `remote` are as in
    /// [`MediaInput::Received`](crate::MediaInput::Received).
    ///
    /// - A STUN request is accepted by its USERNAME and MESSAGE-INTEGRITY, and a response by its transaction (RFC 8445 §7.3).
    /// - DTLS, SRTP and SRTCP are accepted from the address that ICE selected, and from other addresses of which it has received a valid
    ///   check or response.
    ///
    /// A session without an answer accepts the checks of every peer that has its offer: ask such a session last. A datagram that no
    /// session accepts may be dropped: its peer's next check makes its address known.
    #[must_use]
    pub fn accepts(&self, local: SocketAddr, remote: SocketAddr, data: &[u8]) -> bool {
        self.local_addresses.contains(&local)
            && self.transport.as_ref().is_some_and(|transport| transport.accepts(local, remote, data))
    }
}
