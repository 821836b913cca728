//! Who talks is heard, by the other end and by nobody else: listened to twice a second, when media is real.
//!
//! Each end of a call plays a tone of its own. While both ends say that they talk, and the networks let them, each hears the
//! tone of the other. Who is held, or holds, or is alone, hears nothing. Nobody ever hears a third one.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::Status;
use offhook_wire::Instant;

use super::{Oracle, Scene, Sight};
use crate::media::{End, Listening};
use crate::node::Call;
use crate::scenario::Seconds;

/// How long it may take until two ends that can hear each other do: ICE and DTLS (10 s, or the engine gives up), the path back
/// after a cut, or a peer that is seen at another address now (15 s, until str0m lets go of the old one).
const CONNECT: Duration = Duration::from_secs(20);

/// For how long a tone that is heard may be lost in what the network loses.
const GAP: Duration = Duration::from_secs(3);

/// For how long a tone may be heard after it should have ended: what is under way, and in the playout buffer.
const ECHO: Duration = Duration::from_secs(2);

/// What is near a frequency, in Hz. Tones are 50 Hz apart.
const NEAR: f32 = 20.0;

/// Below this, nobody hears anything, in dB relative to full scale.
const SILENCE: f32 = -45.0;

/// Datagrams of one engine in one second: 50 of sound, a few checks and reports, and what a late host makes up for.
const MOST_DATAGRAMS: u32 = 120;

#[derive(Default)]
pub(super) struct Sound {
    ears: BTreeMap<End, Ear>,
    sent: BTreeMap<End, (Instant, u32)>,
}

#[derive(Default)]
struct Ear {
    /// Since when the other end must be heard, and when it last was.
    talks: Option<(Instant, Instant)>,
    /// Since when nothing is played to it.
    alone: Option<Instant>,
    /// Since when it agreed to receive nothing. Apart from the other: what was under way when a peer fell silent may arrive after this end
    /// receives again.
    deaf: Option<Instant>,
    /// Since when a third one is heard.
    stranger: Option<Instant>,
}

impl Oracle for Sound {
    fn name(&self) -> &'static str {
        "sound"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Listened(listening) => {
                let (phone, session) = listening.end;
                if listening.stands {
                    self.ears.remove(&listening.end);
                    return Ok(());
                }
                let expected = expected(scene, listening);
                let ear = self.ears.entry(listening.end).or_default();
                ear.listen(scene.now, listening, expected)
                    .map_err(|what| format!("call {session} of {} {what}", scene.phones[phone].setup.name))
            }
            Sight::Datagram { end } => self.sends(scene, end),
            _ => Ok(()),
        }
    }
}

/// What an end should hear.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Expected {
    /// This tone.
    Tone(f32),
    Nothing,
    /// Nobody can say.
    Anything,
}

fn expected(scene: &Scene<'_>, listening: &Listening) -> Expected {
    let call = |(phone, session): End| {
        let phone = &scene.phones[phone];
        phone.calls.get(&session).filter(|call| phone.alive && call.status == Status::Established)
    };
    let peer = scene.engines.peer(listening.end);
    let (ours, theirs) = (call(listening.end), peer.and_then(call));
    let holds = |call: Option<&Call>| call.is_some_and(|call| call.local_hold);
    // Its engine agreed to a resume, and has not said so yet: what it plays is heard from then on.
    let resumes = |(phone, session): End| {
        listening.peer_receives && scene.phones[phone].effects.values().any(|of| *of == session)
    };
    let free = |call: &&Call| !call.local_hold && !call.remote_hold;
    let can = listening.both_ways && listening.clear && !listening.peer_dials;
    match listening.peer_plays {
        None => Expected::Nothing,
        // It plays nothing now; and when its time goes on, first of all the packet that it was about to send when it stopped.
        Some(_) if listening.peer_stands => Expected::Anything,
        Some(_) if holds(theirs) && !peer.is_some_and(resumes) => Expected::Nothing,
        Some(tone) if can && ours.filter(free).and(theirs.filter(free)).is_some() => Expected::Tone(tone),
        Some(_) => Expected::Anything,
    }
}

impl Ear {
    fn listen(&mut self, now: Instant, listening: &Listening, expected: Expected) -> Result<(), String> {
        let hears = |tone: f32| listening.hears.is_some_and(|heard| (heard - tone).abs() <= NEAR);
        let peer = listening.peer_plays.is_some_and(hears);
        let stranger = !peer && listening.others_play.iter().copied().any(hears);
        self.stranger = stranger.then(|| self.stranger.unwrap_or(now));
        if let Some(since) = self.stranger.filter(|since| now.saturating_since(*since) >= ECHO) {
            return Err(format!("hears somebody else at {:?} Hz since {}", listening.hears, seconds(since)));
        }
        silent(&mut self.deaf, now, listening, !listening.receives)?;
        silent(&mut self.alone, now, listening, expected == Expected::Nothing)?;
        let talks = self.talks.take();
        if let Expected::Tone(tone) = expected {
            let (since, heard) = talks.unwrap_or((now, now));
            let heard = if hears(tone) { now } else { heard };
            if now.saturating_since(since) > CONNECT && now.saturating_since(heard) > GAP {
                let Listening { hears, level_dbfs, .. } = listening;
                return Err(format!(
                    "should hear {tone} Hz since {}, and hears {hears:?} Hz at {level_dbfs} dB",
                    seconds(since)
                ));
            }
            self.talks = Some((since, heard));
        }
        Ok(())
    }
}

/// Looks whether nothing is heard for as long as it `must` be so, from a while after `since` on.
fn silent(
    since: &mut Option<Instant>,
    now: Instant,
    listening: &Listening,
    must: bool,
) -> Result<(), String> {
    *since = must.then(|| since.unwrap_or(now));
    let Listening { hears, level_dbfs, .. } = *listening;
    match *since {
        Some(since) if now.saturating_since(since) > ECHO && (hears.is_some() || level_dbfs > SILENCE) => {
            Err(format!(
                "should hear nothing since {}, and hears {hears:?} Hz at {level_dbfs} dB",
                seconds(since)
            ))
        }
        _ => Ok(()),
    }
}

impl Sound {
    fn sends(&mut self, scene: &Scene<'_>, end: End) -> Result<(), String> {
        let (since, count) = self.sent.entry(end).or_insert((scene.now, 0));
        if scene.now.saturating_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (scene.now, 0);
        }
        *count += 1;
        if *count > MOST_DATAGRAMS {
            let name = &scene.phones[end.0].setup.name;
            return Err(format!("call {} of {name} sends {count} datagrams in a second", end.1));
        }
        Ok(())
    }
}

fn seconds(at: Instant) -> Seconds {
    Seconds(at.saturating_since(Instant::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    fn listening(hears: Option<f32>) -> Listening {
        let world = World::builder().phone("alice").cold();
        Listening {
            end: (0, world.phone("alice").next_session()),
            hears,
            level_dbfs: if hears.is_some() { -15.0 } else { -96.0 },
            peer_plays: Some(450.0),
            others_play: vec![400.0],
            both_ways: true,
            receives: true,
            peer_receives: true,
            clear: true,
            stands: false,
            peer_stands: false,
            peer_dials: false,
        }
    }

    /// When it objects, if it hears this for a minute.
    fn objects(hears: Option<f32>, expected: Expected) -> Option<u64> {
        let (mut ear, listening) = (Ear::default(), listening(hears));
        (0..60).find(|second| {
            ear.listen(Instant::from_nanos(second * 1_000_000_000), &listening, expected).is_err()
        })
    }

    #[test]
    fn what_must_be_heard_is_awaited_and_nothing_else_is_taken_for_it() {
        assert_eq!(objects(Some(452.0), Expected::Tone(450.0)), None);
        assert_eq!(objects(None, Expected::Tone(450.0)), Some(21), "silence");
        assert_eq!(objects(Some(600.0), Expected::Tone(450.0)), Some(21), "another tone");
        assert_eq!(objects(None, Expected::Nothing), None);
        assert_eq!(objects(Some(452.0), Expected::Nothing), Some(3), "held, and hears the peer");
        assert_eq!(objects(Some(452.0), Expected::Anything), None);
        assert_eq!(objects(Some(401.0), Expected::Anything), Some(2), "somebody else");
    }

    #[test]
    fn an_end_that_receives_again_may_hear_what_was_under_way() {
        let at = |second: u64| Instant::ZERO + Duration::from_secs(second);
        let (mut ear, mut listening) = (Ear::default(), listening(None));
        let mut listen = |second, receives, hears, expected| {
            (listening.receives, listening.hears) = (receives, hears);
            ear.listen(at(second), &listening, expected)
        };
        assert_eq!(listen(0, false, None, Expected::Anything), Ok(()));
        assert_eq!(listen(9, true, Some(450.0), Expected::Nothing), Ok(()), "the peer fell silent now");
        assert!(listen(12, true, Some(450.0), Expected::Nothing).is_err());
        assert_eq!(listen(13, false, None, Expected::Nothing), Ok(()));
        assert!(listen(16, false, Some(450.0), Expected::Anything).is_err(), "it receives nothing");
    }
}
