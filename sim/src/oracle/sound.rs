//! With real media, each end of a call receives the tone of its peer and no other. Probed twice a second.
//!
//! Each end plays a tone of its own. While both ends are established and not on hold, and the networks pass media, each end receives the
//! tone of its peer. An end that is on hold, or whose peer is muted or missing, receives silence. No end ever receives the tone of a third party.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::Status;
use offhook_wire::Instant;

use super::{Observation, Oracle, WorldView};
use crate::media::{AudioProbe, End};
use crate::node::Call;
use crate::scenario::Seconds;

/// The limit until two connected ends receive each other: ICE and DTLS (10 s, the time-out of the engine), a path after a cut, or a
/// peer with a new address (15 s, until str0m drops the old one).
const CONNECT: Duration = Duration::from_secs(20);

/// How long a received tone may be interrupted by packet loss.
const GAP: Duration = Duration::from_secs(3);

/// How long a tone may be received after its end: packets in flight and the playout buffer.
const ECHO: Duration = Duration::from_secs(2);

/// The tolerance of a frequency, in Hz. Tones are 50 Hz apart.
const NEAR: f32 = 20.0;

/// The level of silence, in dB relative to full scale.
const SILENCE: f32 = -45.0;

/// Datagrams of one engine in one second: 50 of audio, some STUN and RTCP, and those of a host that was late.
const MOST_DATAGRAMS: u32 = 120;

#[derive(Default)]
pub(super) struct Sound {
    receivers: BTreeMap<End, Receiver>,
    sent: BTreeMap<End, (Instant, u32)>,
}

#[derive(Default)]
struct Receiver {
    /// Since when the tone of the peer is expected, and when it was last received.
    talks: Option<(Instant, Instant)>,
    /// Since when no peer plays to it.
    alone: Option<Instant>,
    /// Since when it receives nothing by agreement. Separate from `alone`: packets in flight when a peer stopped may arrive after this end
    /// receives again.
    not_receiving: Option<Instant>,
    /// Since when the tone of a third party is received.
    third_party: Option<Instant>,
}

impl Oracle for Sound {
    fn name(&self) -> &'static str {
        "sound"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Audio(probe) => {
                let (phone, session) = probe.end;
                if probe.time_stopped {
                    self.receivers.remove(&probe.end);
                    return Ok(());
                }
                let expected = expected(view, probe);
                let receiver = self.receivers.entry(probe.end).or_default();
                receiver
                    .check(view.now, probe, expected)
                    .map_err(|what| format!("call {session} of {} {what}", view.phones[phone].setup.name))
            }
            Observation::Datagram { end } => self.on_sent(view, end),
            _ => Ok(()),
        }
    }
}

/// What an end should receive.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Expected {
    /// The tone of the peer, in Hz.
    Tone(f32),
    Nothing,
    /// Unknown.
    Anything,
}

fn expected(view: &WorldView<'_>, probe: &AudioProbe) -> Expected {
    let call = |(phone, session): End| {
        let phone = &view.phones[phone];
        phone.calls.get(&session).filter(|call| phone.alive && call.status == Status::Established)
    };
    let peer = view.engines.peer(probe.end);
    let (ours, theirs) = (call(probe.end), peer.and_then(call));
    let holds = |call: Option<&Call>| call.is_some_and(|call| call.local_hold);
    // The engine already applied a resume whose effect is not finished: its tone is received from then on.
    let resumes = |(phone, session): End| {
        probe.peer_receives && view.phones[phone].effects.values().any(|leg| leg.end.1 == session)
    };
    let free = |call: &&Call| !call.local_hold && !call.remote_hold;
    let can = probe.both_ways && probe.network_clear && !probe.peer_sends_digits;
    match probe.peer_tone {
        None => Expected::Nothing,
        // While the clock of the peer is stopped it sends nothing, and then first the packet that was due when it stopped.
        Some(_) if probe.peer_time_stopped => Expected::Anything,
        Some(_) if probe.peer_mutes && !probe.peer_sends_digits => Expected::Nothing,
        Some(_) if holds(theirs) && !peer.is_some_and(resumes) => Expected::Nothing,
        Some(tone) if can && ours.filter(free).and(theirs.filter(free)).is_some() => Expected::Tone(tone),
        Some(_) => Expected::Anything,
    }
}

impl Receiver {
    fn check(&mut self, now: Instant, probe: &AudioProbe, expected: Expected) -> Result<(), String> {
        let matches = |tone: f32| probe.heard_hz.is_some_and(|heard| (heard - tone).abs() <= NEAR);
        let peer = probe.peer_tone.is_some_and(matches);
        let third_party = !peer && probe.other_tones.iter().copied().any(matches);
        self.third_party = third_party.then(|| self.third_party.unwrap_or(now));
        if let Some(since) = self.third_party.filter(|since| now.saturating_since(*since) >= ECHO) {
            let heard = self::heard(probe.heard_hz);
            return Err(format!("receives the tone of a third party ({heard}) since {}", seconds(since)));
        }
        silent(&mut self.not_receiving, now, probe, !probe.receives)?;
        silent(&mut self.alone, now, probe, expected == Expected::Nothing)?;
        let talks = self.talks.take();
        if let Expected::Tone(tone) = expected {
            let (since, heard) = talks.unwrap_or((now, now));
            let heard = if matches(tone) { now } else { heard };
            if now.saturating_since(since) > CONNECT && now.saturating_since(heard) > GAP {
                let (since, heard, level) = (seconds(since), self::heard(probe.heard_hz), probe.level_dbfs);
                return Err(format!("expects {tone} Hz since {since}, and receives {heard} at {level} dB"));
            }
            self.talks = Some((since, heard));
        }
        Ok(())
    }
}

/// Checks that silence is received while `must` holds, from `ECHO` after its start.
fn silent(since: &mut Option<Instant>, now: Instant, probe: &AudioProbe, must: bool) -> Result<(), String> {
    *since = must.then(|| since.unwrap_or(now));
    let AudioProbe { heard_hz, level_dbfs, .. } = *probe;
    match *since {
        Some(since) if now.saturating_since(since) > ECHO && (heard_hz.is_some() || level_dbfs > SILENCE) => {
            let (since, heard) = (seconds(since), heard(heard_hz));
            Err(format!("expects silence since {since}, and receives {heard} at {level_dbfs} dB"))
        }
        _ => Ok(()),
    }
}

impl Sound {
    fn on_sent(&mut self, view: &WorldView<'_>, end: End) -> Result<(), String> {
        let (since, count) = self.sent.entry(end).or_insert((view.now, 0));
        if view.now.saturating_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (view.now, 0);
        }
        *count += 1;
        if *count > MOST_DATAGRAMS {
            let name = &view.phones[end.0].setup.name;
            return Err(format!("call {} of {name} sends {count} datagrams in a second", end.1));
        }
        Ok(())
    }
}

/// A frequency, in words.
fn heard(hz: Option<f32>) -> String {
    hz.map_or("no tone".to_owned(), |hz| format!("{hz} Hz"))
}

fn seconds(at: Instant) -> Seconds {
    Seconds(at.saturating_since(Instant::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    fn probe(heard_hz: Option<f32>) -> AudioProbe {
        let world = World::builder().phone("alice").cold();
        AudioProbe {
            end: (0, world.phone("alice").next_session()),
            heard_hz,
            level_dbfs: if heard_hz.is_some() { -15.0 } else { -96.0 },
            peer_tone: Some(450.0),
            other_tones: vec![400.0],
            both_ways: true,
            receives: true,
            peer_receives: true,
            network_clear: true,
            time_stopped: false,
            peer_time_stopped: false,
            peer_sends_digits: false,
            peer_mutes: false,
        }
    }

    /// The second of the violation, if this tone is received for a minute.
    fn objects(heard_hz: Option<f32>, expected: Expected) -> Option<u64> {
        let (mut receiver, probe) = (Receiver::default(), probe(heard_hz));
        (0..60).find(|second| {
            receiver.check(Instant::from_nanos(second * 1_000_000_000), &probe, expected).is_err()
        })
    }

    #[test]
    fn the_tone_of_the_peer_is_expected_within_the_limit() {
        assert_eq!(objects(Some(452.0), Expected::Tone(450.0)), None);
        assert_eq!(objects(None, Expected::Tone(450.0)), Some(21), "silence");
        assert_eq!(objects(Some(600.0), Expected::Tone(450.0)), Some(21), "another tone");
        assert_eq!(objects(None, Expected::Nothing), None);
        assert_eq!(objects(Some(452.0), Expected::Nothing), Some(3), "on hold, and receives the peer");
        assert_eq!(objects(Some(452.0), Expected::Anything), None);
        assert_eq!(objects(Some(401.0), Expected::Anything), Some(2), "third party");
    }

    #[test]
    fn an_end_that_receives_again_may_receive_packets_in_flight() {
        let at = |second: u64| Instant::ZERO + Duration::from_secs(second);
        let (mut receiver, mut probe) = (Receiver::default(), probe(None));
        let mut listen = |second, receives, heard_hz, expected| {
            (probe.receives, probe.heard_hz) = (receives, heard_hz);
            receiver.check(at(second), &probe, expected)
        };
        assert_eq!(listen(0, false, None, Expected::Anything), Ok(()));
        assert_eq!(listen(9, true, Some(450.0), Expected::Nothing), Ok(()), "the peer stopped now");
        assert!(listen(12, true, Some(450.0), Expected::Nothing).is_err());
        assert_eq!(listen(13, false, None, Expected::Nothing), Ok(()));
        assert!(listen(16, false, Some(450.0), Expected::Anything).is_err(), "it receives nothing");
    }
}
