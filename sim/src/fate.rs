//! The fate of one message on a network: its delay, and whether it is lost or duplicated.
//!
//! The fate of a message depends only on the message itself, not on earlier messages: on its call, method, CSeq number and status,
//! its link and direction, and the number of its retransmission. So removing a step from a scenario leaves the fates of all other
//! calls unchanged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::{Instant, Limits, Message};

use crate::hash::{Digest, Draw};
use crate::scenario::Weather;

/// Assigns keys to messages, from which their fates are drawn.
#[derive(Debug)]
pub struct Fates {
    seed: u64,
    limits: Limits,
    /// Keys of Call-IDs: Call-IDs are random and change when an earlier step is removed, so a call is identified by the sender and
    /// the time of its first message.
    calls: BTreeMap<Bytes, u64>,
    sent: BTreeMap<u64, u32>,
}

/// One direction of one link.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinkDirection {
    /// The phone at one end, by its index in the scenario.
    pub phone: usize,
    /// The exchange at the other end.
    pub exchange: usize,
    /// Whether from the phone to the exchange.
    pub up: bool,
}

/// The key of a transmission.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MessageKey {
    key: u64,
    /// The number of earlier transmissions on this link and direction.
    pub repeat: u32,
}

/// The delays of a datagram: none, one or two.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// The delay of the first copy; `None` if the datagram is lost.
    pub first: Option<Duration>,
    /// The delay of a duplicate.
    pub second: Option<Duration>,
}

impl Arrivals {
    /// Lost.
    pub const NONE: Self = Self { first: None, second: None };
}

impl Fates {
    /// The fates of one scenario.
    pub fn new(seed: u64) -> Self {
        Self { seed, limits: Limits::default(), calls: BTreeMap::new(), sent: BTreeMap::new() }
    }

    /// The key of a message sent at `now`, in world time.
    pub fn name(&mut self, now: Instant, link: LinkDirection, data: &Bytes) -> MessageKey {
        let place =
            Digest::new(self.seed).word(link.phone as u64).word(link.exchange as u64).word(link.up.into());
        let key = match self.identity(now, link, data) {
            Some(identity) => place.word(identity),
            // A keep-alive, or invalid data: identified by its time.
            None => place.word(now.as_nanos()).bytes(data),
        };
        let key = key.finish();
        let sent = self.sent.entry(key).or_insert(0);
        let repeat = *sent;
        *sent += 1;
        MessageKey { key, repeat }
    }

    /// The key of a media datagram: its addresses and its number among the datagrams of this kind, but not its bytes, which are
    /// encrypted and differ between runs. `leg` distinguishes the network of the sender from that of the receiver.
    pub fn name_media(&mut self, from: SocketAddr, to: SocketAddr, kind: u64, leg: u64) -> MessageKey {
        let place = [from, to]
            .iter()
            .fold(Digest::new(self.seed), |digest, address| digest.bytes(address.to_string().as_bytes()));
        let key = place.word(kind).word(leg).finish();
        let sent = self.sent.entry(key).or_insert(0);
        let repeat = *sent;
        *sent += 1;
        MessageKey { key, repeat }
    }

    fn identity(&mut self, now: Instant, link: LinkDirection, data: &Bytes) -> Option<u64> {
        let message = Message::parse(data.clone(), &self.limits).ok()?;
        let cseq = message.cseq().ok()?;
        let call_id = message.call_id().ok()?;
        let call = match self.calls.get(call_id) {
            Some(&call) => call,
            None => {
                let first = Digest::new(link.phone as u64)
                    .word(now.as_nanos())
                    .bytes(cseq.method.as_bytes())
                    .finish();
                self.calls.insert(Bytes::copy_from_slice(call_id), first);
                first
            }
        };
        // An ACK has the CSeq number of its INVITE, but a method of its own.
        let status = message.status().unwrap_or(0);
        Some(
            Digest::new(call)
                .bytes(cseq.method.as_bytes())
                .word(cseq.number.into())
                .word(status.into())
                .finish(),
        )
    }
}

impl MessageKey {
    fn draw(self) -> Draw {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()))
    }

    /// The delay on a stream, without stalls.
    pub fn stream_delay(self, weather: &Weather) -> Duration {
        travel(&mut self.draw(), weather)
    }

    /// The randomness of its framing on a stream.
    pub fn details(self) -> Draw {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()).bytes(b"stream"))
    }

    /// The randomness of its corruption.
    pub fn corruption_draw(self) -> Draw {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()).bytes(b"harm"))
    }

    /// Whether a burst of loss hits it.
    pub fn is_hit(self) -> bool {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()).bytes(b"burst")).chance(900)
    }

    /// The fate as a datagram.
    pub fn as_datagram(self, weather: &Weather) -> Arrivals {
        let draw = &mut self.draw();
        let (lost, doubled, late) =
            (draw.chance(weather.loss), draw.chance(weather.duplicate), draw.chance(weather.late));
        let mut first = travel(draw, weather);
        let second = first + travel(draw, weather);
        if late {
            first += weather.delay * 4 + weather.jitter * 4;
        }
        Arrivals { first: (!lost).then_some(first), second: (doubled && !lost).then_some(second) }
    }
}

/// The delay with exponentially distributed jitter. In integers, because the last digit of a logarithm differs between platforms.
fn travel(draw: &mut Draw, weather: &Weather) -> Duration {
    let mut takes = weather.delay;
    if !weather.jitter.is_zero() {
        let halvings = draw.word().leading_zeros().min(8);
        let parts = halvings * 1024 + draw.below(1024) as u32;
        takes += weather.jitter * parts / 1536;
    }
    // Half of these take twice as long, a quarter four times as long, … up to three seconds: no message lives longer than T4
    // (RFC 3261 §17.1.2.2).
    if draw.chance(weather.tail) {
        takes += Duration::from_millis(50 << draw.word().leading_zeros().min(6));
    }
    takes
}

/// The interval in nanoseconds in which a link has one burst.
const WINDOW: u64 = 10_000_000_000;

/// Whether a link is in a burst of loss now. Bursts depend on the time only.
pub fn in_burst(seed: u64, link: LinkDirection, now: Instant, bursts: u16) -> bool {
    if bursts == 0 {
        return false;
    }
    let (window, within) = (now.as_nanos() / WINDOW, now.as_nanos() % WINDOW);
    let key = Digest::new(seed).word(link.phone as u64).word(link.up.into()).word(window).bytes(b"bursts");
    let draw = &mut Draw::from_digest(key);
    let length = draw.below(WINDOW / 500 * u64::from(bursts)).min(WINDOW);
    let start = draw.below(WINDOW - length + 1);
    (start..start + length).contains(&within)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: LinkDirection = LinkDirection { phone: 0, exchange: 0, up: true };
    const STORM: Weather = Weather {
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(30),
        loss: 200,
        duplicate: 100,
        late: 50,
        ..Weather::CLEAR
    };

    fn request(method: &str, call_id: &str, number: u32) -> Bytes {
        format!(
            "{method} sip:bob@pbx SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{call_id}{number}\r\nFrom: <sip:a@pbx>;tag=1\r\n\
             To: <sip:bob@pbx>\r\nCall-ID: {call_id}\r\nCSeq: {number} {method}\r\nContent-Length: 0\r\n\r\n"
        )
        .into()
    }

    #[test]
    fn a_fate_does_not_depend_on_earlier_messages() {
        let at = Instant::from_nanos;
        let mut with = Fates::new(1);
        with.name(at(1), UP, &request("INVITE", "earlier", 1));
        let after = with.name(at(5), UP, &request("INVITE", "random-1", 1));
        let mut without = Fates::new(1);
        let alone = without.name(at(5), UP, &request("INVITE", "random-2", 1));
        assert_eq!(after, alone, "another Call-ID, but the same first message at the same time");
    }

    #[test]
    fn different_messages_have_different_keys() {
        let at = Instant::from_nanos(5);
        let mut fates = Fates::new(1);
        let named = [
            fates.name(at, UP, &request("INVITE", "x", 1)),
            fates.name(at, UP, &request("INVITE", "x", 1)),
            fates.name(at, UP, &request("INVITE", "x", 2)),
            fates.name(at, UP, &request("ACK", "x", 1)),
            fates.name(at, LinkDirection { up: false, ..UP }, &request("INVITE", "x", 1)),
            fates.name(at, LinkDirection { phone: 1, ..UP }, &request("INVITE", "x", 1)),
            fates.name(at, UP, &Bytes::from_static(b"\r\n\r\n")),
            Fates::new(2).name(at, UP, &request("INVITE", "x", 1)),
        ];
        assert_eq!(named[1].repeat, 1, "the same message again");
        for (i, a) in named.iter().enumerate() {
            for b in &named[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }

    #[test]
    fn a_media_key_depends_on_addresses_kind_leg_and_number() {
        let [a, b] = [1, 2].map(|host| SocketAddr::from(([10, 0, 0, host], 10_000)));
        let mut fates = Fates::new(1);
        let named = [(a, b, 0, 0), (a, b, 0, 0), (b, a, 0, 0), (a, b, 1, 0), (a, b, 0, 1)]
            .map(|(from, to, kind, leg)| fates.name_media(from, to, kind, leg));
        assert_eq!(named.map(|named| named.repeat), [0, 1, 0, 0, 0]);
        for (i, one) in named.iter().enumerate() {
            assert!(named[i + 1..].iter().all(|other| other != one), "{named:?}");
        }
        assert_eq!(named[0], Fates::new(1).name_media(a, b, 0, 0));
    }

    #[test]
    fn loss_duplication_and_delay_match_the_weather() {
        let fates: Vec<Arrivals> =
            (0..10_000).map(|key| MessageKey { key, repeat: 0 }.as_datagram(&STORM)).collect();
        let lost = fates.iter().filter(|fate| fate.first.is_none()).count();
        let doubled = fates.iter().filter(|fate| fate.second.is_some()).count();
        assert!((1_800..2_200).contains(&lost), "{lost}");
        assert!((650..950).contains(&doubled), "{doubled}");
        let mean =
            (0..10_000).map(|key| MessageKey { key, repeat: 0 }.stream_delay(&STORM)).sum::<Duration>()
                / 10_000;
        assert!((35..45).contains(&mean.as_millis()), "{mean:?}");
        assert!(fates.iter().flat_map(|fate| fate.first).all(|first| first >= STORM.delay));
    }

    #[test]
    fn bursts_have_their_share_of_the_time() {
        let at = |millis: u64| Instant::ZERO + Duration::from_millis(millis);
        let hit: Vec<bool> = (0..100_000).map(|n| in_burst(3, UP, at(n * 10), 50)).collect();
        let share = hit.iter().filter(|&&hit| hit).count();
        let bursts = hit.windows(2).filter(|pair| pair[0] != pair[1]).count() / 2;
        assert!((3_000..7_000).contains(&share) && (80..=101).contains(&bursts), "{share} in {bursts}");
    }

    #[test]
    fn the_tail_is_heavy() {
        let weather = Weather { tail: 1000, ..Weather::CLEAR };
        let takes = |key| MessageKey { key, repeat: 0 }.stream_delay(&weather);
        let later = |than: u64| (0..10_000).filter(|&key| takes(key).as_millis() > u128::from(than)).count();
        assert!(
            (4_500..5_500).contains(&later(70)) && (100..250).contains(&later(3_000)) && later(4_000) == 0
        );
    }

    #[test]
    fn clear_weather_has_a_constant_delay() {
        let fate = MessageKey { key: 7, repeat: 0 }.as_datagram(&Weather::CLEAR);
        assert_eq!(fate, Arrivals { first: Some(Weather::CLEAR.delay), second: None });
    }
}
