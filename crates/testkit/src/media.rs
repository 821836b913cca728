use bytes::Bytes;
use offhook::{
    Agreed, CallEffect, Direction, Effect, EffectResult, LegId, MediaFault, MediaTypes, SessionId,
};
use offhook_wire::sdp::{MediaOutline, Outline};
use std::collections::BTreeSet;

/// The behaviour of a fake media engine.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MediaBehaviour {
    /// It completes each effect immediately, and its path is up with the first answer.
    Works,
    /// It completes each effect immediately, and its path never comes up.
    NoPath,
    /// It fails each effect but a check with this fault.
    Refuses(MediaFault),
    /// It works, but each check of an offer fails with this fault.
    CannotUse(MediaFault),
    /// It works, but completes no check of an offer.
    NeverChecks,
    /// It completes none but a check: they are in [`TestPhone::effects`](crate::TestPhone::effects), to be answered by the test.
    Manual,
}

/// The media engine of a test phone. It answers by RFC 3264, unless configured otherwise.
#[derive(Clone, Debug)]
pub struct FakeMedia {
    /// Its behaviour.
    pub behaviour: MediaBehaviour,
    /// The direction of its answers, whatever the offer. `None`: the direction that both ends allow (RFC 3264 §6.1).
    pub answers_with: Option<Direction>,
    /// Its descriptions, in the order of [`DIRECTIONS`].
    descriptions: [Bytes; 4],
    /// The sessions with a line of video, which later descriptions keep (RFC 3264 §8).
    video_lines: BTreeSet<(SessionId, LegId)>,
}

const DIRECTIONS: [Direction; 4] =
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

impl Default for FakeMedia {
    /// An engine that works, with the descriptions of [`sdp`].
    fn default() -> Self {
        Self::describing(sdp)
    }
}

impl FakeMedia {
    /// An engine with this behaviour and the descriptions of [`sdp`].
    pub fn of(behaviour: MediaBehaviour) -> Self {
        Self { behaviour, ..Self::default() }
    }

    /// An engine that works, with these descriptions.
    pub fn describing(description: impl Fn(Direction) -> Bytes) -> Self {
        let descriptions = DIRECTIONS.map(description);
        Self {
            behaviour: MediaBehaviour::Works,
            answers_with: None,
            descriptions,
            video_lines: BTreeSet::new(),
        }
    }

    /// The result of an effect. `None` if the effect has no result, or the test answers it.
    ///
    /// # Panics
    /// When an offer is invalid and the behaviour needs it.
    pub fn perform(&mut self, effect: &Effect) -> Option<EffectResult> {
        let Effect::Call { session, leg, effect } = effect else { return None };
        let leg = (*session, *leg);
        let result = match (self.behaviour, effect) {
            (
                _,
                CallEffect::Rollback
                | CallEffect::Release
                | CallEffect::Fork { .. }
                | CallEffect::Mute { .. },
            )
            | (MediaBehaviour::NeverChecks, CallEffect::Check { .. }) => return None,
            (MediaBehaviour::CannotUse(fault), CallEffect::Check { .. }) => EffectResult::Failed(fault),
            // It can use each offer.
            (_, CallEffect::Check { offer }) => {
                EffectResult::Checked(Agreed::new(Direction::SendRecv).with_types(offered(offer)))
            }
            (MediaBehaviour::Manual, _) => return None,
            (MediaBehaviour::Refuses(fault), _) => EffectResult::Failed(fault),
            (_, CallEffect::Offer { types, direction, .. }) => {
                let line = self.has_video_line(leg, types.video);
                EffectResult::Description(of_types(self.description(*direction), *types, line))
            }
            (_, CallEffect::Answer { offer, types, direction }) => {
                let (offered, video_line) = read(offer, *direction);
                let both = MediaTypes {
                    audio: offered.types.audio && types.audio,
                    video: offered.types.video && types.video,
                };
                if both.is_empty() {
                    return Some(EffectResult::Failed(MediaFault::NoCommonMedia));
                }
                let description = self.description(self.answers_with.unwrap_or(offered.direction));
                let answer = of_types(description, both, self.has_video_line(leg, video_line));
                EffectResult::Answered { answer, agreed: offered.with_types(both) }
            }
            (_, CallEffect::Apply { answer }) => EffectResult::Applied(agreed(answer, Direction::SendRecv)),
            (_, CallEffect::Digit { .. }) => EffectResult::Sent,
            // The enum is non-exhaustive.
            _ => return None,
        };
        Some(result)
    }

    /// The leg whose path is up after an effect.
    pub fn path_up(&self, effect: &Effect) -> Option<(SessionId, LegId)> {
        let up = !matches!(
            self.behaviour,
            MediaBehaviour::NoPath | MediaBehaviour::Refuses(_) | MediaBehaviour::Manual
        );
        match effect {
            Effect::Call { session, leg, effect: CallEffect::Answer { .. } | CallEffect::Apply { .. } } => {
                up.then_some((*session, *leg))
            }
            _ => None,
        }
    }

    /// Whether a description of a session has a line of video: this one needs it, or an earlier one had it.
    fn has_video_line(&mut self, leg: (SessionId, LegId), needed: bool) -> bool {
        if needed {
            self.video_lines.insert(leg);
        }
        needed || self.video_lines.contains(&leg)
    }

    fn description(&self, direction: Direction) -> Bytes {
        let place = DIRECTIONS.iter().position(|known| *known == direction).expect("four directions");
        self.descriptions[place].clone()
    }
}

/// A small description: audio with telephone-event.
pub fn sdp(direction: Direction) -> Bytes {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na={}\r\n",
        direction.name()
    )
    .into()
}

/// The description of [`sdp`] with these types of media. A type that it lacks is rejected, by the port 0 (RFC 3264 §6).
pub fn sdp_of(direction: Direction, types: MediaTypes) -> Bytes {
    of_types(sdp(direction), types, true)
}

/// A description of audio, changed to these types of media. `line`: with a line of video, which may be rejected.
fn of_types(description: Bytes, types: MediaTypes, line: bool) -> Bytes {
    if types == MediaTypes::AUDIO && !line {
        return description;
    }
    let mut text = String::from_utf8(description.to_vec()).expect("a description is UTF-8");
    if !types.audio {
        text = text.replacen("m=audio 40000", "m=audio 0", 1);
    }
    if line {
        let port = if types.video { 40_002 } else { 0 };
        text += &format!("m=video {port} RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n");
    }
    text.into()
}

/// What an engine with the requested direction agrees on with the peer's description (RFC 3264 §6.1, §8.4).
///
/// # Panics
/// If the description is invalid.
pub fn agreed(description: &[u8], requested: Direction) -> Agreed {
    read(description, requested).0
}

/// The same, and whether the description has a line of video. In one pass: the benches count it.
/// The types of an offer, which may be malformed.
fn offered(offer: &[u8]) -> MediaTypes {
    let mut types = MediaTypes::NONE;
    for line in
        Outline::parse(offer).iter().flat_map(Outline::media).flatten().filter(|line| !line.is_refused())
    {
        types.audio |= line.kind == b"audio";
        types.video |= line.kind == b"video";
    }
    types
}

fn read(description: &[u8], requested: Direction) -> (Agreed, bool) {
    let outline = Outline::parse(description).expect("a valid description");
    let (mut audio, mut video): (Option<MediaOutline<'_>>, Option<MediaOutline<'_>>) = (None, None);
    for line in outline.media() {
        let line = line.expect("a valid description");
        let stream = match line.kind {
            b"audio" => &mut audio,
            b"video" => &mut video,
            _ => continue,
        };
        if stream.is_none_or(|first| first.is_refused() && !line.is_refused()) {
            *stream = Some(line);
        }
    }
    let is_open = |stream: Option<MediaOutline<'_>>| stream.is_some_and(|line| !line.is_refused());
    let types = MediaTypes { audio: is_open(audio), video: is_open(video) };
    let audio = audio.expect("it has audio");
    let agreed = Agreed::new(audio.direction.reversed().meet(requested))
        .with_held(!audio.direction.receives() || audio.held_by_address)
        .with_telephone_event(audio.telephone_event.is_some())
        .with_types(types);
    (agreed, video.is_some())
}
