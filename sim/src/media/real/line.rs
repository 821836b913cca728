//! The engine of one end of a call.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use offhook::{Agreed, Direction, EffectId, MediaFault};
use offhook_media::{MediaError, MediaSession, Source};
use offhook_wire::Instant;

use super::EngineError;
use crate::node::PhoneNode;

#[derive(Debug)]
pub(super) struct Line {
    pub(super) address: SocketAddr,
    /// The number of rebindings of the phone's NAT when this end was created.
    pub(super) first_mapping: u16,
    /// The last end that a datagram was received from: its own address, and the external one.
    pub(super) seen_peer: Option<(SocketAddr, SocketAddr)>,
    /// Its tone, in Hz.
    pub(super) tone: f32,
    pub(super) session: MediaSession,
    /// The latest time that the session has read on the clock of the phone.
    seen: Instant,
    /// The next deadline, on the clock of the phone.
    pub(super) deadline: Option<Instant>,
    /// The last digit whose packets arrived, and its source.
    pub(super) newest_digit: Option<(SocketAddr, u64)>,
    /// Whether an offer is pending.
    offered: bool,
    /// Whether its audio is muted.
    muted: bool,
    /// The negotiated address of the peer.
    remote: Option<SocketAddr>,
    /// The address before the last answer, while that can be rolled back.
    before: Option<Option<SocketAddr>>,
    /// Digits that are not sent yet.
    digits: VecDeque<(EffectId, char)>,
    /// Digits without a sent packet.
    not_begun: VecDeque<char>,
}

impl Line {
    pub(super) fn new(
        address: SocketAddr,
        first_mapping: u16,
        tone: f32,
        session: MediaSession,
        now: Instant,
    ) -> Self {
        Self {
            address,
            first_mapping,
            seen_peer: None,
            tone,
            session,
            seen: now,
            deadline: None,
            newest_digit: None,
            offered: false,
            muted: false,
            remote: None,
            before: None,
            digits: VecDeque::new(),
            not_begun: VecDeque::new(),
        }
    }

    /// The session, at a time.
    pub(super) fn session_at(&mut self, now: Instant) -> &mut MediaSession {
        self.seen = self.seen.max(now);
        &mut self.session
    }

    pub(super) fn seen(&self) -> Instant {
        self.seen
    }

    /// The next deadline, in world time.
    pub(super) fn deadline_at(&self, phone: &PhoneNode) -> Option<Instant> {
        self.deadline.filter(|_| phone.is_awake()).map(|at| phone.world(at))
    }

    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    pub(super) fn offer(
        &mut self,
        now: Instant,
        direction: Direction,
        restart: bool,
    ) -> Result<Bytes, EngineError> {
        let offer = self.session_at(now).offer(now, direction, restart).map_err(refused)?;
        self.offered = true;
        self.before = None;
        Ok(Bytes::from(offer))
    }

    pub(super) fn answer(
        &mut self,
        now: Instant,
        offer: &[u8],
        direction: Direction,
    ) -> Result<(Bytes, Agreed), EngineError> {
        let answer = self.session_at(now).answer(now, offer, direction).map_err(refused)?;
        self.before = Some(std::mem::replace(&mut self.remote, address_in(offer)));
        Ok((Bytes::from(answer), self.agreed()?))
    }

    pub(super) fn apply(&mut self, now: Instant, answer: &[u8]) -> Result<Agreed, EngineError> {
        self.session_at(now).apply(now, answer).map_err(refused)?;
        self.offered = false;
        self.remote = address_in(answer);
        self.agreed()
    }

    fn agreed(&self) -> Result<Agreed, EngineError> {
        self.session.agreed().map(for_core).ok_or(EngineError::Fault(MediaFault::Engine))
    }

    /// Another leg of the call, with the same offer on the same address.
    pub(super) fn fork(&self, seed: [u8; 32], now: Instant) -> Option<Self> {
        let mut session = self.session.fork(seed, now)?;
        session.play(Source::tone(self.tone));
        let mut fork = Self::new(self.address, self.first_mapping, self.tone, session, now);
        fork.offered = true;
        Some(fork)
    }

    pub(super) fn failed(&mut self) {
        self.before = None;
    }

    pub(super) fn rollback(&mut self) -> Result<(), EngineError> {
        let offered = std::mem::take(&mut self.offered);
        match self.before.take() {
            None if !offered => return Err(EngineError::OutOfOrder("a rollback without an offer or answer")),
            Some(before) if !offered => self.remote = before,
            _ => {}
        }
        self.session.rollback();
        Ok(())
    }

    pub(super) fn press(
        &mut self,
        now: Instant,
        effect: EffectId,
        digit: char,
        duration: Duration,
    ) -> Result<(), EngineError> {
        self.session_at(now).send_digit(now, digit, duration).map_err(refused)?;
        self.digits.push_back((effect, digit));
        self.not_begun.push_back(digit);
        Ok(())
    }

    /// Ends a digit, sent or failed.
    pub(super) fn pressed(&mut self, digit: char, sent: bool) -> Option<EffectId> {
        if let (false, Some(at)) = (sent, self.not_begun.iter().position(|waiting| *waiting == digit)) {
            self.not_begun.remove(at);
        }
        let at = self.digits.iter().position(|(_, sent)| *sent == digit)?;
        self.digits.remove(at).map(|(effect, _)| effect)
    }

    pub(super) fn begin_digit(&mut self) -> Option<char> {
        self.not_begun.pop_front()
    }

    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
        self.session.mute(muted);
    }

    pub(super) fn mutes(&self) -> bool {
        self.muted
    }

    pub(super) fn dials(&self) -> bool {
        !self.digits.is_empty()
    }
}

/// What the phone is told of an agreement.
pub(super) fn for_core(agreed: offhook_media::Agreed) -> Agreed {
    Agreed::new(agreed.direction).with_held(agreed.held).with_telephone_event(agreed.telephone_event)
}

pub(super) fn refused(error: MediaError) -> EngineError {
    match error {
        MediaError::WrongState(what) => EngineError::OutOfOrder(what),
        MediaError::NoCommonCodec => EngineError::Fault(MediaFault::NoCommonCodec),
        MediaError::NoCommonTransport(_) => EngineError::Fault(MediaFault::NoCommonTransport),
        MediaError::NoCommonMedia => EngineError::Fault(MediaFault::NoCommonMedia),
        MediaError::Malformed(_) => EngineError::Fault(MediaFault::BadDescription),
        _ => EngineError::Fault(MediaFault::Engine),
    }
}

/// The address in a description (RFC 8866 §5.7, §5.14).
fn address_in(description: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(description).ok()?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let ip: IpAddr = value("c=IN IP4 ")?.parse().ok()?;
    let port = value("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}
