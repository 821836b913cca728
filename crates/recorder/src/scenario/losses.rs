//! Connections that were lost, as faults of the network or of the exchange.

use super::cast::Cast;
use super::{Steps, whole};
use crate::recording::Track;
use crate::replay::{Replay, Seen, Sight};
use crate::text::Seconds;
use offhook::{FlowChange, FlowId, Input, Instant};
use std::collections::BTreeSet;
use std::time::Duration;

/// Phones that lose their connections within this time lost the same server.
const TOGETHER: Duration = Duration::from_secs(1);
/// What is added to the last attempt that failed: it was away until some time later.
const LATER: Duration = Duration::from_millis(10);

struct Loss {
    phone: usize,
    at: Instant,
    /// Whether there was a connection before.
    was_up: bool,
    /// The last attempt that failed before it was up again.
    failed: Option<Instant>,
}

impl Loss {
    fn lasting(&self) -> Duration {
        self.failed.map_or(Duration::ZERO, |failed| failed.saturating_since(self.at)) + LATER
    }
}

/// Says them, and when each was over.
pub(super) fn tell(replays: &[(&Track, &Replay)], cast: &Cast, steps: &mut Steps) -> Vec<Duration> {
    let mut ends = Vec::new();
    let mut losses: Vec<Loss> = Vec::new();
    for (phone, (track, replay)) in replays.iter().enumerate() {
        losses.extend(of_phone(phone, track, replay));
    }
    losses.sort_by_key(|loss| loss.at);
    let mut rest = losses.as_slice();
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|loss| loss.at.saturating_since(first.at) <= TOGETHER).count();
        let (group, later) = rest.split_at(count);
        let phones: BTreeSet<usize> = group.iter().map(|loss| loss.phone).collect();
        if phones.len() > 1 && phones.len() == replays.len() {
            let lasting = group.iter().map(Loss::lasting).max().unwrap_or(LATER);
            let crash = format!("{} crashes for {}", Cast::first_exchange(), Seconds(whole(lasting)));
            steps.add(first.at, crash);
        } else {
            group.iter().for_each(|loss| alone(loss, cast, steps));
        }
        let ended = |loss: &Loss| whole((loss.at + loss.lasting()).saturating_since(steps.start));
        ends.extend(group.iter().map(ended).max());
        rest = later;
    }
    ends
}

fn alone(loss: &Loss, cast: &Cast, steps: &mut Steps) {
    let name = cast.name(loss.phone);
    if loss.was_up {
        steps.add(loss.at, format!("{name} loses its connection"));
    }
    if loss.failed.is_some() {
        steps.add(loss.at, format!("{name} is cut off both ways for {}", Seconds(whole(loss.lasting()))));
    }
}

fn of_phone(phone: usize, track: &Track, replay: &Replay) -> Vec<Loss> {
    let mut losses: Vec<Loss> = Vec::new();
    let mut up: BTreeSet<FlowId> = BTreeSet::new();
    // Until the first connection it is without one.
    let mut open = Some(Loss { phone, at: super::begin(track, replay), was_up: false, failed: None });
    for Sight { at, what } in &replay.sights {
        if let Seen::Rested(rest) = what {
            up.extend(track.connections(rest).map(|(flow, _)| flow));
            open = open.filter(|_| up.is_empty());
        }
        let Seen::Given { input: Input::Flow { flow, change }, .. } = what else { continue };
        match change {
            FlowChange::Up { .. } => {
                up.insert(*flow);
                losses.extend(open.take());
            }
            FlowChange::Down(_) if up.remove(flow) => {
                losses.extend(open.replace(Loss { phone, at: *at, was_up: true, failed: None }));
            }
            FlowChange::Down(_) => {
                let loss = open.get_or_insert(Loss { phone, at: *at, was_up: false, failed: None });
                loss.failed = Some(*at);
            }
        }
    }
    losses.extend(open);
    losses.retain(|loss| loss.was_up || loss.failed.is_some());
    losses
}
