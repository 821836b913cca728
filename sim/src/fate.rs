//! What a network does to one message.
//!
//! The fate of a message hangs on what it *is* and not on how many were sent before it: on the call it belongs
//! to, its method, sequence number and status, the link and direction it takes, and how often it was sent
//! already. A step that is taken out of a scenario therefore leaves the fates of all other calls as they were.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::{Instant, Limits, Message};

use crate::hash::{Digest, Draw};
use crate::scenario::Weather;

/// Names messages and draws their fates.
#[derive(Debug)]
pub struct Fates {
    seed: u64,
    limits: Limits,
    /// Call-IDs are random, and other ones are drawn when a step before is taken out. What stays is who sent the first
    /// message of the call, and when.
    calls: BTreeMap<Bytes, u64>,
    sent: BTreeMap<u64, u32>,
}

/// One direction of one link.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinkDirection {
    /// The phone at one end, by its place in the scenario.
    pub phone: usize,
    /// The exchange at the other.
    pub exchange: usize,
    /// From the phone to the exchange.
    pub up: bool,
}

/// A message that is being sent, named.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MessageKey {
    key: u64,
    /// How often it was sent on this lane before.
    pub repeat: u32,
}

/// When a datagram arrives, after it was sent: never, once or twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// The first copy; `None` when the datagram is lost.
    pub first: Option<Duration>,
    /// A second copy.
    pub second: Option<Duration>,
}

impl Arrivals {
    /// It is lost.
    pub const NONE: Self = Self { first: None, second: None };
}

impl Fates {
    /// Fates of one scenario.
    pub fn new(seed: u64) -> Self {
        Self { seed, limits: Limits::default(), calls: BTreeMap::new(), sent: BTreeMap::new() }
    }

    /// Names a message that is sent at `now`, in world time.
    pub fn name(&mut self, now: Instant, lane: LinkDirection, data: &Bytes) -> MessageKey {
        let place =
            Digest::new(self.seed).word(lane.phone as u64).word(lane.exchange as u64).word(lane.up.into());
        let key = match self.identity(now, lane, data) {
            Some(identity) => place.word(identity),
            // A keep-alive, or garbage: all that is known is when it was sent.
            None => place.word(now.as_nanos()).bytes(data),
        };
        let key = key.finish();
        let sent = self.sent.entry(key).or_insert(0);
        let repeat = *sent;
        *sent += 1;
        MessageKey { key, repeat }
    }

    /// Names a datagram of media by its lane and how many of its kind were sent there before, never by its bytes: those are
    /// encrypted, and others each time. `leg` tells the network it leaves from the one it enters.
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

    fn identity(&mut self, now: Instant, lane: LinkDirection, data: &Bytes) -> Option<u64> {
        let message = Message::parse(data.clone(), &self.limits).ok()?;
        let cseq = message.cseq().ok()?;
        let call_id = message.call_id().ok()?;
        let call = match self.calls.get(call_id) {
            Some(&call) => call,
            None => {
                let first = Digest::new(lane.phone as u64)
                    .word(now.as_nanos())
                    .bytes(cseq.method.as_bytes())
                    .finish();
                self.calls.insert(Bytes::copy_from_slice(call_id), first);
                first
            }
        };
        // A request has no status, and an ACK has the number of its INVITE but a method of its own.
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

    /// How long a message takes on a stream, when nothing is in its way.
    pub fn stream_delay(self, weather: &Weather) -> Duration {
        travel(&mut self.draw(), weather)
    }

    /// What else is drawn for it, when it is written to a stream.
    pub fn details(self) -> Draw {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()).bytes(b"stream"))
    }

    /// What is drawn for it when it is harmed on its way.
    pub fn corruption_draw(self) -> Draw {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()).bytes(b"harm"))
    }

    /// Whether it is lost in a burst that hits nearly all.
    pub fn is_hit(self) -> bool {
        Draw::from_digest(Digest::new(self.key).word(self.repeat.into()).bytes(b"burst")).chance(900)
    }

    /// What happens to a datagram.
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

/// The delay, and a jitter that is exponential in the mean. In whole numbers, because logarithms differ between
/// platforms in the last digit.
fn travel(draw: &mut Draw, weather: &Weather) -> Duration {
    let mut takes = weather.delay;
    if !weather.jitter.is_zero() {
        let halvings = draw.word().leading_zeros().min(8);
        let parts = halvings * 1024 + draw.below(1024) as u32;
        takes += weather.jitter * parts / 1536;
    }
    // One in two of these takes twice as long as the others, one in four four times, … up to three seconds: no message
    // lives longer than T4 (RFC 3261 §17.1.2.2).
    if draw.chance(weather.tail) {
        takes += Duration::from_millis(50 << draw.word().leading_zeros().min(6));
    }
    takes
}

/// Within such a window a lane has one burst.
const WINDOW: u64 = 10_000_000_000;

/// Whether a lane loses nearly everything now. Bursts hang on the time alone: what is sent does not move them.
pub fn in_burst(seed: u64, lane: LinkDirection, now: Instant, bursts: u16) -> bool {
    if bursts == 0 {
        return false;
    }
    let (window, within) = (now.as_nanos() / WINDOW, now.as_nanos() % WINDOW);
    let key = Digest::new(seed).word(lane.phone as u64).word(lane.up.into()).word(window).bytes(b"bursts");
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
    fn a_fate_hangs_on_the_message_and_not_on_those_before() {
        let at = Instant::from_nanos;
        let mut with = Fates::new(1);
        with.name(at(1), UP, &request("INVITE", "earlier", 1));
        let after = with.name(at(5), UP, &request("INVITE", "random-1", 1));
        let mut without = Fates::new(1);
        let alone = without.name(at(5), UP, &request("INVITE", "random-2", 1));
        assert_eq!(after, alone, "another Call-ID, but the same first message at the same time");
    }

    #[test]
    fn what_differs_has_another_fate() {
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
    fn media_is_named_by_its_number_on_its_lane() {
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
    fn weather_is_as_bad_as_it_says() {
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
    fn bursts_take_their_share_of_the_time() {
        let at = |millis: u64| Instant::ZERO + Duration::from_millis(millis);
        let hit: Vec<bool> = (0..100_000).map(|n| in_burst(3, UP, at(n * 10), 50)).collect();
        let share = hit.iter().filter(|&&hit| hit).count();
        let bursts = hit.windows(2).filter(|pair| pair[0] != pair[1]).count() / 2;
        assert!((3_000..7_000).contains(&share) && (80..=101).contains(&bursts), "{share} in {bursts}");
    }

    #[test]
    fn a_tail_is_heavy() {
        let weather = Weather { tail: 1000, ..Weather::CLEAR };
        let takes = |key| MessageKey { key, repeat: 0 }.stream_delay(&weather);
        let later = |than: u64| (0..10_000).filter(|&key| takes(key).as_millis() > u128::from(than)).count();
        assert!(
            (4_500..5_500).contains(&later(70)) && (100..250).contains(&later(3_000)) && later(4_000) == 0
        );
    }

    #[test]
    fn clear_weather_is_the_same_for_all() {
        let fate = MessageKey { key: 7, repeat: 0 }.as_datagram(&Weather::CLEAR);
        assert_eq!(fate, Arrivals { first: Some(Weather::CLEAR.delay), second: None });
    }
}
