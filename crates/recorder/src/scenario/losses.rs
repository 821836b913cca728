//! Lost connections, as faults of the network or of the exchange.

use super::participants::Participants;
use super::steps::{Steps, start_of, whole_millis};
use crate::recording::{PhoneRecording, connections};
use crate::replay::{Observation, ObservationKind, Replay};
use crate::text::Seconds;
use offhook::{ConnectionChange, ConnectionId, Input, Instant};
use std::collections::BTreeSet;
use std::time::Duration;

/// Phones that lose their connections within this time lost the same server.
const SAME_SERVER_WINDOW: Duration = Duration::from_secs(1);
/// The time added to the last failed attempt: the server was unreachable until some time later.
const MARGIN: Duration = Duration::from_millis(10);

struct Loss {
    phone: usize,
    at: Instant,
    /// Whether there was a connection before.
    was_up: bool,
    /// The last attempt that failed before it was up again.
    failed: Option<Instant>,
}

impl Loss {
    fn duration(&self) -> Duration {
        self.failed.map_or(Duration::ZERO, |failed| failed.saturating_since(self.at)) + MARGIN
    }
}

/// Adds the losses as steps. Returns the end of each.
pub(super) fn add(
    replays: &[(&PhoneRecording, &Replay)],
    participants: &Participants,
    steps: &mut Steps,
) -> Vec<Duration> {
    let mut ends = Vec::new();
    let mut losses: Vec<Loss> = Vec::new();
    for (phone, (recording, replay)) in replays.iter().enumerate() {
        losses.extend(of_phone(phone, recording, replay));
    }
    losses.sort_by_key(|loss| loss.at);
    let mut rest = losses.as_slice();
    while let Some(first) = rest.first() {
        let count =
            rest.iter().take_while(|loss| loss.at.saturating_since(first.at) <= SAME_SERVER_WINDOW).count();
        let (group, later) = rest.split_at(count);
        let phones: BTreeSet<usize> = group.iter().map(|loss| loss.phone).collect();
        if phones.len() > 1 && phones.len() == replays.len() {
            let duration = group.iter().map(Loss::duration).max().unwrap_or(MARGIN);
            let crash =
                format!("{} crashes for {}", Participants::first_exchange(), Seconds(whole_millis(duration)));
            steps.add(first.at, crash);
        } else {
            group.iter().for_each(|loss| add_step(loss, participants, steps));
        }
        let ended = |loss: &Loss| whole_millis((loss.at + loss.duration()).saturating_since(steps.start));
        ends.extend(group.iter().map(ended).max());
        rest = later;
    }
    ends
}

fn add_step(loss: &Loss, participants: &Participants, steps: &mut Steps) {
    let name = participants.name(loss.phone);
    if loss.was_up {
        steps.add(loss.at, format!("{name} loses its connection"));
    }
    if loss.failed.is_some() {
        steps.add(
            loss.at,
            format!("{name} is cut off both ways for {}", Seconds(whole_millis(loss.duration()))),
        );
    }
}

fn of_phone(phone: usize, recording: &PhoneRecording, replay: &Replay) -> Vec<Loss> {
    let mut losses: Vec<Loss> = Vec::new();
    let mut up: BTreeSet<ConnectionId> = BTreeSet::new();
    // There is no connection at the start.
    let mut open = Some(Loss { phone, at: start_of(recording, replay), was_up: false, failed: None });
    for Observation { at, kind } in &replay.observations {
        if let ObservationKind::Restored(state) = kind {
            up.extend(connections(state).map(|(connection, _)| connection));
            open = open.filter(|_| up.is_empty());
        }
        let ObservationKind::Input { input: Input::Connection { connection, change }, .. } = kind else {
            continue;
        };
        match change {
            ConnectionChange::Up { .. } => {
                up.insert(*connection);
                losses.extend(open.take());
            }
            ConnectionChange::Down(_) if up.remove(connection) => {
                losses.extend(open.replace(Loss { phone, at: *at, was_up: true, failed: None }));
            }
            ConnectionChange::Down(_) => {
                let loss = open.get_or_insert(Loss { phone, at: *at, was_up: false, failed: None });
                loss.failed = Some(*at);
            }
        }
    }
    losses.extend(open);
    losses.retain(|loss| loss.was_up || loss.failed.is_some());
    losses
}
