//! One offer that several branches answer, each with its own media at the same time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::common::{A, B, End, Pair, config, epoch};
use offhook_media::{
    Certificate, Direction, FailureCause, MediaConfig, MediaEvent, MediaInput, MediaOutput, MediaSession,
    Source,
};
use offhook_wire::Instant;

const SENDRECV: Direction = Direction::SendRecv;
const LATENCY: Duration = Duration::from_millis(20);
const START: Instant = Instant::from_nanos(5_000_000_000);

/// Ends on a network, of which the first ones share the offerer's socket.
struct Network {
    now: Instant,
    ends: Vec<End>,
    in_flight: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Bytes)>,
    sent: u64,
    /// Datagrams that no end accepted.
    dropped: usize,
    /// The checks that arrived at the offerer, with their senders.
    checks: Vec<(SocketAddr, Bytes)>,
}

/// The offerer, its fork, and their peers.
const FORK: usize = 1;
const BOB: usize = 2;
const CAROL: usize = 3;

/// A peer with a certificate of its own.
fn peer(seed: u8, port: u16, hz: f32) -> End {
    peer_with(Certificate::generate(), seed, port, hz)
}

fn peer_with(certificate: Option<Certificate>, seed: u8, port: u16, hz: f32) -> End {
    let own = MediaConfig { certificate, ..config() };
    let mut end = End::new(own, seed, port, START);
    end.session.play(Source::tone(hz));
    end
}

/// The fork of an end, on the same socket.
fn fork_of(end: &End, seed: u8, now: Instant) -> End {
    let mut fork = End::new(config(), seed, 1, now);
    fork.address = end.address;
    fork.session = end.session.fork([seed; 32], now).expect("a fork");
    fork
}

impl Network {
    /// An offer, answered by Bob, and by Carol after `later`, to a fork of the offerer's session.
    fn forked(later: Duration) -> Self {
        Self::forked_to([peer(2, 50_000, 700.0), peer(3, 50_000, 900.0)], later)
    }

    fn forked_to([mut bob, mut carol]: [End; 2], later: Duration) -> Self {
        let mut alice = End::new(config(), 1, 40_000, START);
        alice.session.play(Source::tone(440.0));
        let offer = alice.session.offer(START, SENDRECV, false).unwrap();
        let answers = [&mut bob, &mut carol].map(|end| end.session.answer(START, &offer, SENDRECV).unwrap());
        alice.session.apply(START, &answers[0]).unwrap();
        let (in_flight, checks) = (BTreeMap::new(), Vec::new());
        // Its place until the fork exists.
        let nobody = End::new(config(), 99, 1, START);
        let ends = vec![alice, nobody, bob, carol];
        let mut network = Self { now: START, ends, in_flight, sent: 0, dropped: 0, checks };
        network.run(later);
        let mut fork = fork_of(&network.ends[A], 9, network.now);
        fork.session.play(Source::tone(550.0));
        fork.session.apply(network.now, &answers[1]).unwrap();
        network.ends[FORK] = fork;
        network
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let next = self.ends.iter().filter_map(|end| end.session.deadline()).chain(arrival).min();
            let Some(next) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            let now = self.now;
            while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now) {
                let (local, remote, data) = entry.remove();
                self.deliver(local, remote, &data);
            }
            for end in &mut self.ends {
                if end.session.deadline().is_some_and(|at| at <= now) {
                    end.session.handle(now, MediaInput::Wake);
                }
            }
        }
        self.now = end;
    }

    /// Passes a datagram to the session that accepts it, as a host does.
    fn deliver(&mut self, local: SocketAddr, remote: SocketAddr, data: &Bytes) {
        if local == self.ends[A].address && data.starts_with(&[0, 1]) {
            self.checks.push((remote, data.clone()));
        }
        let accepts = |end: &&mut End| end.session.accepts(local, remote, data);
        let mut accepting: Vec<&mut End> = self.ends.iter_mut().filter(accepts).collect();
        assert!(accepting.len() <= 1, "one datagram is for one session");
        match accepting.pop() {
            Some(end) => end.session.handle(self.now, MediaInput::Received { local, remote, data }),
            None => self.dropped += 1,
        }
    }

    fn flush(&mut self) {
        for end in &mut self.ends {
            while let Some(output) = end.session.poll() {
                match output {
                    MediaOutput::Event(event) => end.events.push((self.now, event)),
                    MediaOutput::Transmit { local, remote, data } => {
                        self.sent += 1;
                        self.in_flight.insert((self.now + LATENCY, self.sent), (remote, local, data));
                    }
                }
            }
        }
    }

    fn assert_receives(&self, end: usize, hz: f32) {
        let heard = self.ends[end].session.received_tone().hz.unwrap_or_default();
        assert!((heard - hz).abs() <= 5.0, "{end} receives {heard} Hz, not {hz} Hz");
    }

    fn assert_both_paths(&self) {
        for (end, hz) in [(A, 700.0), (FORK, 900.0), (BOB, 440.0), (CAROL, 550.0)] {
            self.assert_receives(end, hz);
            assert_eq!(self.ends[end].count(&MediaEvent::Connected), 1, "{end}: {:?}", self.ends[end].events);
            assert_eq!(self.ends[end].count(&MediaEvent::Disconnected), 0, "{end}");
        }
    }
}

#[test]
fn two_branches_have_media_at_the_same_time() {
    // Before, during and after the first branch connects.
    for later in [0, 30, 3_000].map(Duration::from_millis) {
        let mut network = Network::forked(later);
        let (dropped, forked) = (network.dropped, network.now);
        network.run(Duration::from_secs(2));
        network.assert_both_paths();
        let connected =
            |end: usize| network.ends[end].first(|event| *event == MediaEvent::Connected).unwrap();
        let after = connected(FORK).saturating_since(forked);
        assert!(after < Duration::from_millis(1_600), "{later:?}: {after:?}");
        assert_eq!(network.dropped, dropped, "nothing is dropped once both sessions know their peers");
        network.run(Duration::from_secs(20));
        network.assert_both_paths();
    }
}

/// As when one server answers both branches: certificates do not tell forks apart.
#[test]
fn branches_may_share_a_certificate() {
    let shared = Certificate::generate();
    let peers = [peer_with(shared.clone(), 2, 50_000, 700.0), peer_with(shared, 3, 50_000, 900.0)];
    let mut network = Network::forked_to(peers, Duration::ZERO);
    network.run(Duration::from_secs(2));
    network.assert_both_paths();
}

#[test]
fn end_of_one_branch_does_not_disturb_the_other() {
    for (ended, ended_peer, other, other_peer, hz) in
        [(A, BOB, FORK, CAROL, [900.0, 550.0]), (FORK, CAROL, A, BOB, [700.0, 440.0])]
    {
        let mut network = Network::forked(Duration::ZERO);
        network.run(Duration::from_secs(2));
        let now = network.now;
        network.ends[ended].session.close(now);
        network.run(Duration::from_secs(30));
        network.assert_receives(other, hz[0]);
        network.assert_receives(other_peer, hz[1]);
        for end in [other, other_peer] {
            assert_eq!(network.ends[end].count(&MediaEvent::Disconnected), 0);
        }
        let closed = MediaEvent::Failed { cause: FailureCause::Closed };
        assert_eq!(network.ends[ended_peer].count(&closed), 1, "{:?}", network.ends[ended_peer].events);
        assert!(network.dropped > 0, "the checks of the ended branch are for nobody");
    }
}

#[test]
fn changes_of_one_branch_do_not_change_the_other() {
    let mut network = Network::forked(Duration::ZERO);
    network.run(Duration::from_secs(2));
    for restart in [false, true] {
        let now = network.now;
        let [_, fork, _, carol] = &mut network.ends[..] else { unreachable!("four ends") };
        let hold = fork.session.offer(now, Direction::SendOnly, restart).unwrap();
        let answer = carol.session.answer(now, hold, SENDRECV).unwrap();
        fork.session.apply(now, answer).unwrap();
        network.run(Duration::from_secs(2));
        assert!(network.ends[CAROL].session.agreed().unwrap().held);
        assert!(network.ends[FORK].session.is_connected() && network.ends[CAROL].session.is_connected());
        network.assert_receives(A, 700.0);
        network.assert_receives(BOB, 440.0);
        assert!(network.ends[FORK].session.received_tone().hz.is_none());
    }
}

#[test]
fn checks_are_told_apart_by_credentials_and_not_by_address() {
    let mut network = Network::forked(Duration::ZERO);
    network.run(Duration::from_secs(2));
    let local = network.ends[A].address;
    let (bob, carol) = (network.ends[BOB].address, network.ends[CAROL].address);
    for (from, session, other) in [(bob, A, FORK), (carol, FORK, A)] {
        let (_, check) = network.checks.iter().rfind(|(remote, _)| *remote == from).expect("a check");
        for remote in [bob, carol, "203.0.113.7:7".parse().unwrap()] {
            assert!(network.ends[session].session.accepts(local, remote, check));
            assert!(!network.ends[other].session.accepts(local, remote, check));
        }
        assert!(!network.ends[session].session.accepts(bob, from, check), "not its socket");
        let mut forged = check.to_vec();
        forged[30] ^= 1;
        assert!(!network.ends[session].session.accepts(local, from, &forged), "integrity");
        // RTP and DTLS by the address.
        for data in [&[0x80; 40][..], &CLIENT_HELLO] {
            assert!(network.ends[session].session.accepts(local, from, data));
            assert!(!network.ends[other].session.accepts(local, from, data));
        }
        assert!(!network.ends[session].session.accepts(local, from, &[]));
        let stranger = "203.0.113.7:7".parse().unwrap();
        assert!(!network.ends[session].session.accepts(local, stranger, &[0x80; 40]));
    }
}

const CLIENT_HELLO: [u8; 14] = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];

/// The first check that an end sends.
fn first_check(end: &mut End) -> Bytes {
    for _ in 0..100 {
        let at = end.session.deadline().expect("it has begun");
        end.session.handle(at, MediaInput::Wake);
        while let Some(output) = end.session.poll() {
            if let MediaOutput::Transmit { data, .. } = output
                && data.starts_with(&[0, 1])
            {
                return data;
            }
        }
    }
    panic!("no check");
}

/// A peer may begin DTLS as soon as its own check succeeded, before the offerer has checked its address.
#[test]
fn address_of_a_check_is_known_before_the_own_check_succeeds() {
    let mut alice = End::new(config(), 1, 40_000, START);
    let mut peers = [peer(2, 50_000, 700.0), peer(3, 50_000, 900.0)];
    let offer = alice.session.offer(START, SENDRECV, false).unwrap();
    let answers = peers.each_mut().map(|end| end.session.answer(START, &offer, SENDRECV).unwrap());
    let [bob, carol] = peers.each_ref().map(|end| end.address);
    let [bobs, carols] = peers.each_mut().map(first_check);
    let (local, alice) = (alice.address, &mut alice.session);
    // Before the answer the peer is unknown, and checks of all of them are for this session.
    assert!(!alice.accepts(local, carol, &CLIENT_HELLO));
    assert!(alice.accepts(local, carol, &carols) && alice.accepts(local, bob, &bobs));
    alice.handle(START, MediaInput::Received { local, remote: carol, data: &carols });
    assert!(alice.accepts(local, carol, &CLIENT_HELLO));
    alice.apply(START, &answers[0]).unwrap();
    for remote in [carol, bob] {
        assert!(!alice.accepts(local, remote, &CLIENT_HELLO));
    }
    assert!(!alice.accepts(local, carol, &carols) && alice.accepts(local, bob, &bobs));
    alice.handle(START, MediaInput::Received { local, remote: carol, data: &carols });
    alice.handle(START, MediaInput::Received { local, remote: bob, data: &bobs });
    assert!(!alice.accepts(local, carol, &CLIENT_HELLO));
    assert!(alice.accepts(local, bob, &CLIENT_HELLO));
}

fn line<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(prefix)).unwrap_or_default()
}

/// The first branch may have exchanged other offers since, with ICE restarts too: the fork repeats the first offer.
#[test]
fn fork_repeats_the_first_offer() {
    let mut pair = Pair::new(config(), config());
    pair.ends[A].session.play(Source::tone(440.0));
    let [first, _] = pair.negotiate(A, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(1));
    pair.negotiate(A, Direction::SendOnly, SENDRECV, true);
    pair.negotiate(B, SENDRECV, SENDRECV, false);
    let now = pair.now;
    let mut carol = peer(3, 50_003, 900.0);
    let answer = carol.session.answer(now, &first, SENDRECV).unwrap();
    // The session itself may be over.
    pair.ends[A].session.close(now);
    let mut fork = fork_of(&pair.ends[A], 9, now);
    assert_eq!(fork.session.agreed(), None);
    fork.session.apply(now, answer).unwrap();
    fork.session.play(Source::tone(550.0));
    let again = fork.session.offer(now, Direction::SendOnly, false).unwrap();
    for same in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=ssrc:", "m=", "a=candidate:"] {
        assert_eq!(line(&first, same), line(&again, same), "{same}");
    }
    let origin = |text| line(text, "o=").split(' ').take(3).map(str::to_owned).collect::<Vec<_>>();
    let [_, id, version] = &origin(&first)[..] else { panic!("{first}") };
    let next = (version.parse::<u64>().unwrap() + 1).to_string();
    assert_eq!(origin(&again)[1..], [id.clone(), next], "the version follows that of the first offer");
    fork.session.rollback();
    pair.ends = [fork, carol];
    pair.run(Duration::from_secs(2));
    pair.assert_receives(A, Some(900.0));
    pair.assert_receives(B, Some(550.0));
}

#[test]
fn only_a_first_offer_of_its_own_can_be_forked() {
    let mut pair = Pair::new(config(), config());
    let fork = |session: &MediaSession| session.fork([9; 32], START);
    let session = MediaSession::new(config(), [1; 32], epoch(), START);
    assert!(fork(&session).is_none(), "no offer");
    pair.negotiate(A, SENDRECV, SENDRECV, false);
    assert!(fork(&pair.ends[B].session).is_none(), "it answered");
    pair.negotiate(B, SENDRECV, SENDRECV, false);
    assert!(fork(&pair.ends[B].session).is_none(), "a later offer is of one branch");
    let again = fork(&pair.ends[A].session).and_then(|first| fork(&first));
    assert!(again.is_some(), "a fork can be forked");

    let mut alone = End::new(config(), 5, 40_005, START).session;
    alone.offer(START, SENDRECV, false).unwrap();
    let mut pending = fork(&alone).expect("a pending offer can be forked");
    pending.rollback();
    assert!(fork(&pending).is_none(), "rolled back");
    alone.rollback();
    assert!(fork(&alone).is_none(), "rolled back");
}
