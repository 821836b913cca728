//! The legs of a call: a media session for each branch with early media, all on the same sockets.

use super::sockets::Datagram;
use crate::MediaUpdate;
use offhook::{EffectId, Instant, LegId};
use offhook_media::{MediaInput, MediaSession};
use std::collections::VecDeque;
use std::mem::discriminant;

pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) session: MediaSession,
    /// Digits being sent, oldest first.
    pub(super) digits: VecDeque<(EffectId, char)>,
    /// What the user has to be told when this leg is shown: the present tone, and the last update of each other kind that came while
    /// another leg was shown.
    held: Vec<MediaUpdate>,
    released: bool,
}

/// Legs in the order in which they were created. A released one stays: its first offer may be repeated by a fork, and its recording and
/// statistics may be the last ones of the call.
pub(super) struct Legs {
    list: Vec<Leg>,
    /// The index of the leg that the user is shown.
    shown: usize,
}

impl Legs {
    /// The first leg of a call.
    pub(super) fn new(session: MediaSession) -> Self {
        let mut legs = Self { list: Vec::new(), shown: 0 };
        legs.add(LegId::default(), session);
        legs
    }

    pub(super) fn add(&mut self, id: LegId, session: MediaSession) {
        let (digits, held) = (VecDeque::new(), Vec::new());
        self.list.push(Leg { id, session, digits, held, released: false });
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn at(&mut self, index: usize) -> &mut Leg {
        &mut self.list[index]
    }

    pub(super) fn index(&self, id: LegId) -> Option<usize> {
        self.list.iter().position(|leg| leg.id == id)
    }

    /// The legs that are not released.
    pub(super) fn live(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.list.iter_mut().filter(|leg| !leg.released)
    }

    /// The session that the user is shown.
    pub(super) fn shown(&mut self) -> &mut MediaSession {
        &mut self.list[self.shown].session
    }

    /// Closes a session, once.
    pub(super) fn release(&mut self, id: LegId, now: Instant) {
        if let Some(leg) = self.live().find(|leg| leg.id == id) {
            leg.released = true;
            leg.session.close(now);
        }
    }

    /// Shows the user the last leg with media that is not released; if there is none, the one before. Returns the updates for the user if
    /// it is another one than before.
    pub(super) fn choose(&mut self) -> Vec<MediaUpdate> {
        let has_media = |leg: &Leg| !leg.released && leg.session.agreed().is_some();
        let before = self.shown;
        self.shown = self.list.iter().rposition(has_media).unwrap_or(before);
        if self.shown == before {
            return Vec::new();
        }
        let held = &mut self.list[self.shown].held;
        let updates = held.clone();
        held.retain(is_tone);
        updates
    }

    /// An update for the user, unless it is of a leg that is not shown.
    pub(super) fn update(&mut self, index: usize, update: MediaUpdate) -> Option<MediaUpdate> {
        let is_shown = index == self.shown;
        if !is_shown || is_tone(&update) {
            let held = &mut self.list[index].held;
            held.retain(|older| discriminant(older) != discriminant(&update));
            held.push(update.clone());
        }
        is_shown.then_some(update)
    }

    /// Passes a datagram to the session that it is for.
    pub(super) fn receive(&mut self, now: Instant, datagram: &Datagram<'_>) {
        let Datagram { local, remote, data } = *datagram;
        let mut live = self.list.iter().enumerate().filter(|(_, leg)| !leg.released);
        let found = match (live.next(), live.next()) {
            (Some((only, _)), None) => Some(only),
            // A session without an answer accepts the checks of all peers that have its offer.
            _ => [true, false].into_iter().find_map(|answered| {
                self.list.iter().position(|leg| {
                    !leg.released
                        && leg.session.agreed().is_some() == answered
                        && leg.session.accepts(local, remote, data)
                })
            }),
        };
        if let Some(index) = found {
            self.list[index].session.handle(now, MediaInput::Received { local, remote, data });
        }
    }
}

fn is_tone(update: &MediaUpdate) -> bool {
    matches!(update, MediaUpdate::Tone { .. })
}
