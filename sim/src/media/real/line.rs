//! One end of a call.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use offhook::{Direction, EffectId, MediaFault};
use offhook_media::{MediaError, MediaSession};
use offhook_wire::Instant;

use super::Refused;
use crate::node::PhoneNode;

#[derive(Debug)]
pub(super) struct Line {
    pub(super) address: SocketAddr,
    /// How often the phone's NAT had lost its mappings when this end was made.
    pub(super) first_mapping: u16,
    /// The last end a datagram came from: its own address, and the one that its NAT showed.
    pub(super) seen_peer: Option<(SocketAddr, SocketAddr)>,
    /// What it plays, in Hz.
    pub(super) tone: f32,
    pub(super) session: MediaSession,
    /// The most that the session saw on the phone's clock.
    seen: Instant,
    /// When it wants to be woken, on the phone's clock.
    pub(super) deadline: Option<Instant>,
    /// The last digit of a source whose packets reached this end.
    pub(super) newest_digit: Option<(SocketAddr, u64)>,
    /// Whether an offer of ours is out.
    offered: bool,
    /// Where the other end listens, as agreed.
    remote: Option<SocketAddr>,
    /// Where it did before our last answer, as long as that may be taken back.
    before: Option<Option<SocketAddr>>,
    /// Digits that are not out yet.
    digits: VecDeque<(EffectId, char)>,
    /// Those of which no packet was sent yet.
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
            remote: None,
            before: None,
            digits: VecDeque::new(),
            not_begun: VecDeque::new(),
        }
    }

    /// The session, which is about to be told this time.
    pub(super) fn see(&mut self, now: Instant) -> &mut MediaSession {
        self.seen = self.seen.max(now);
        &mut self.session
    }

    pub(super) fn seen(&self) -> Instant {
        self.seen
    }

    /// When it wants to be woken, in world time, as the phone's clock goes now.
    pub(super) fn wants_at(&self, phone: &PhoneNode) -> Option<Instant> {
        self.deadline.filter(|_| phone.is_awake()).map(|at| phone.world(at))
    }

    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    pub(super) fn offer(&mut self, now: Instant, direction: Direction) -> Result<Bytes, Refused> {
        let offer = self.see(now).offer(now, direction, false).map_err(refused)?;
        self.offered = true;
        self.before = None;
        Ok(Bytes::from(offer))
    }

    pub(super) fn answer(
        &mut self,
        now: Instant,
        offer: &[u8],
        direction: Direction,
    ) -> Result<Bytes, Refused> {
        let answer = self.see(now).answer(now, offer, direction).map_err(refused)?;
        self.before = Some(std::mem::replace(&mut self.remote, listens_at(offer)));
        Ok(Bytes::from(answer))
    }

    pub(super) fn apply(&mut self, now: Instant, answer: &[u8]) -> Result<(), Refused> {
        self.see(now).apply(now, answer).map_err(refused)?;
        self.offered = false;
        self.remote = listens_at(answer);
        Ok(())
    }

    pub(super) fn rollback(&mut self) -> Result<(), Refused> {
        let offered = std::mem::take(&mut self.offered);
        match self.before.take() {
            None if !offered => return Err(Refused::Disorder("a rollback of nothing")),
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
    ) -> Result<(), Refused> {
        self.see(now).send_digit(now, digit, duration).map_err(refused)?;
        self.digits.push_back((effect, digit));
        self.not_begun.push_back(digit);
        Ok(())
    }

    /// A digit is out, or will never be.
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

    pub(super) fn dials(&self) -> bool {
        !self.digits.is_empty()
    }
}

fn refused(error: MediaError) -> Refused {
    match error {
        MediaError::WrongState(what) => Refused::Disorder(what),
        MediaError::NoCommonCodec | MediaError::NotSupported(_) => Refused::Fault(MediaFault::NoCommonCodec),
        MediaError::Malformed(_) => Refused::Fault(MediaFault::BadDescription),
        _ => Refused::Fault(MediaFault::Engine),
    }
}

/// Where the sender of a description listens (RFC 8866 §5.7, §5.14).
fn listens_at(description: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(description).ok()?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let ip: IpAddr = value("c=IN IP4 ")?.parse().ok()?;
    let port = value("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}
