use bytes::Bytes;
use offhook::{Agreed, CallEffect, Direction, Effect, EffectResult, LegId, MediaFault, SessionId};
use offhook_wire::sdp::Outline;

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
        Self { behaviour: MediaBehaviour::Works, answers_with: None, descriptions }
    }

    /// The result of an effect. `None` if the effect has no result, or the test answers it.
    ///
    /// # Panics
    /// When an offer is invalid and the behaviour needs it.
    pub fn perform(&self, effect: &Effect) -> Option<EffectResult> {
        let Effect::Call { effect, .. } = effect else { return None };
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
            (_, CallEffect::Check { .. }) => EffectResult::Checked(Agreed::new(Direction::SendRecv)),
            (MediaBehaviour::Manual, _) => return None,
            (MediaBehaviour::Refuses(fault), _) => EffectResult::Failed(fault),
            (_, CallEffect::Offer { direction, .. }) => {
                EffectResult::Description(self.description(*direction))
            }
            (_, CallEffect::Answer { offer, direction, .. }) => {
                let agreed = agreed(offer, *direction);
                let direction = self.answers_with.unwrap_or(agreed.direction);
                EffectResult::Answered { answer: self.description(direction), agreed }
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

/// What an engine with the requested direction agrees on with the peer's description (RFC 3264 §6.1, §8.4).
///
/// # Panics
/// If the description is invalid.
pub fn agreed(description: &[u8], requested: Direction) -> Agreed {
    let outline = Outline::parse(description).expect("a valid description");
    let audio = outline.audio().expect("a valid description").expect("it has audio");
    let held = !audio.direction.receives() || audio.held_by_address;
    Agreed::new(audio.direction.reversed().meet(requested))
        .with_held(held)
        .with_telephone_event(audio.telephone_event.is_some())
}
