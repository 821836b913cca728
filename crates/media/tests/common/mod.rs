//! Two sessions and a network between them, on virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use offhook_media::{
    Certificate, Direction, MediaConfig, MediaEvent, MediaInput, MediaOutput, MediaSession, Source,
};
use offhook_wire::Instant;

/// One certificate for all tests: generating one is slow, and the only random part of a session.
pub(crate) fn config() -> MediaConfig {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    let certificate = CERTIFICATE.get_or_init(|| Certificate::generate().expect("a certificate")).clone();
    MediaConfig { certificate: Some(certificate), ..MediaConfig::default() }
}

pub(crate) fn epoch() -> std::time::Instant {
    static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "str0m needs an `Instant` of the standard library as its epoch"
    )]
    *EPOCH.get_or_init(std::time::Instant::now)
}

/// The properties of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) latency: Duration,
    /// The greatest random delay; more than 20 ms reorders packets.
    pub(crate) jitter: Duration,
    /// The share of lost packets, in percent.
    pub(crate) loss: u32,
    /// Whether all packets are lost.
    pub(crate) cut: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { latency: Duration::from_millis(20), jitter: Duration::ZERO, loss: 0, cut: false }
    }
}

/// One end of a call.
pub(crate) struct End {
    pub(crate) session: MediaSession,
    pub(crate) address: SocketAddr,
    /// Its address outside of its NAT, if it has one.
    pub(crate) outside: Option<SocketAddr>,
    /// All its events, with their times.
    pub(crate) events: Vec<(Instant, MediaEvent)>,
    /// The number of RTP packets (not RTCP) it sent.
    pub(crate) rtp: usize,
    /// The times and sizes of all datagrams it sent.
    pub(crate) trace: Vec<(Instant, usize)>,
}

impl End {
    pub(crate) fn new(config: MediaConfig, seed: u8, port: u16, now: Instant) -> Self {
        let address = SocketAddr::from(([192, 0, 2, seed], port));
        let mut session = MediaSession::new(config, [seed; 32], epoch(), now);
        session.add_local(address);
        Self { session, address, outside: None, events: Vec::new(), rtp: 0, trace: Vec::new() }
    }

    /// The digits received so far.
    pub(crate) fn digits(&self) -> String {
        let digit = |(_, event): &(Instant, MediaEvent)| match event {
            MediaEvent::Digit { digit, .. } => Some(*digit),
            _ => None,
        };
        self.events.iter().filter_map(digit).collect()
    }

    pub(crate) fn count(&self, wanted: &MediaEvent) -> usize {
        self.events.iter().filter(|(_, event)| event == wanted).count()
    }

    /// The time of its first such event.
    pub(crate) fn first(&self, wanted: impl Fn(&MediaEvent) -> bool) -> Option<Instant> {
        self.events.iter().find(|(_, event)| wanted(event)).map(|(at, _)| *at)
    }
}

/// Two ends and the links between them.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) ends: [End; 2],
    /// From each end to the other.
    pub(crate) links: [Link; 2],
    random: fastrand::Rng,
    in_flight: BTreeMap<(Instant, u64), (usize, SocketAddr, Bytes)>,
    sent: u64,
}

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

impl Pair {
    pub(crate) fn new(a: MediaConfig, b: MediaConfig) -> Self {
        let now = Instant::from_nanos(5_000_000_000);
        Self {
            now,
            ends: [End::new(a, 1, 40_000, now), End::new(b, 2, 50_000, now)],
            links: [Link::default(); 2],
            random: fastrand::Rng::with_seed(42),
            in_flight: BTreeMap::new(),
            sent: 0,
        }
    }

    /// A call, offered by A and answered by B, in which each end has received audio.
    pub(crate) fn connected(a: MediaConfig, b: MediaConfig) -> Self {
        let mut pair = Self::new(a, b);
        pair.ends[A].session.play(Source::tone(440.0));
        pair.ends[B].session.play(Source::tone(880.0));
        pair.negotiate(A, Direction::SendRecv, Direction::SendRecv, false);
        pair.run(Duration::from_secs(1));
        for end in &pair.ends {
            assert_eq!(end.count(&MediaEvent::Connected), 1, "{:?}", end.events);
            assert_eq!(end.count(&MediaEvent::FirstAudio), 1, "{:?}", end.events);
        }
        pair
    }

    /// An offer of `from` and the answer of the other end. Returns both texts.
    pub(crate) fn negotiate(
        &mut self,
        from: usize,
        offer: Direction,
        answer: Direction,
        restart: bool,
    ) -> [String; 2] {
        let now = self.now;
        let offer = self.ends[from].session.offer(now, offer, restart).expect("an offer");
        let answer = self.ends[1 - from].session.answer(now, &offer, answer).expect("an answer");
        self.ends[from].session.apply(now, &answer).expect("an agreement");
        self.flush();
        [offer, answer]
    }

    /// Advances the time.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let next = self.ends.iter().filter_map(|end| end.session.deadline()).chain(arrival).min();
            let Some(next) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            let now = self.now;
            while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now) {
                let (to, remote, data) = entry.remove();
                let local = self.ends[to].address;
                self.ends[to].session.handle(now, MediaInput::Received { local, remote, data: &data });
            }
            for end in &mut self.ends {
                if end.session.deadline().is_some_and(|at| at <= now) {
                    end.session.handle(now, MediaInput::Wake);
                }
            }
        }
        self.now = end;
    }

    /// Transmits the datagrams that the ends send, and records their events.
    fn flush(&mut self) {
        for from in [A, B] {
            while let Some(output) = self.ends[from].session.poll() {
                match output {
                    MediaOutput::Event(event) => self.ends[from].events.push((self.now, event)),
                    MediaOutput::Transmit { local, remote, data } => self.transmit(from, local, remote, data),
                }
            }
        }
    }

    fn transmit(&mut self, from: usize, local: SocketAddr, remote: SocketAddr, data: Bytes) {
        let end = &mut self.ends[from];
        end.trace.push((self.now, data.len()));
        // RFC 7983 and RFC 5761: 128 to 191 is RTP or RTCP, and 192 to 223 in the second byte is RTCP.
        if matches!(data[..], [128..=191, kind, ..] if !(192..=223).contains(&kind)) {
            end.rtp += 1;
        }
        let local = end.outside.unwrap_or(local);
        let (to, link) = (1 - from, self.links[from]);
        let there = self.ends[to].outside.unwrap_or(self.ends[to].address);
        if link.cut || self.random.u32(..100) < link.loss || remote != there {
            return;
        }
        let jitter = self.random.f64() * link.jitter.as_secs_f64();
        let arrival = self.now + link.latency + Duration::from_secs_f64(jitter);
        self.sent += 1;
        self.in_flight.insert((arrival, self.sent), (to, local, data));
    }

    /// Delivers a datagram to an end that the other one did not send.
    pub(crate) fn inject(&mut self, to: usize, remote: SocketAddr, data: &[u8]) {
        let local = self.ends[to].address;
        self.ends[to].session.handle(self.now, MediaInput::Received { local, remote, data });
        self.flush();
    }

    /// Asserts that an end receives a tone, or silence.
    pub(crate) fn assert_receives(&self, end: usize, hz: Option<f32>) {
        let heard = self.ends[end].session.received_tone();
        match hz {
            Some(hz) => {
                let found = heard.hz.unwrap_or_else(|| panic!("{end} receives {heard:?}, not {hz} Hz"));
                assert!((found - hz).abs() <= 5.0, "{end} receives {found} Hz, not {hz} Hz");
            }
            None => {
                assert!(heard.hz.is_none() && heard.level_dbfs < -50.0, "{end} receives {heard:?}")
            }
        }
    }
}
