//! Phones that stand still, and go on.

use std::time::Duration;

use offhook::Input;

use super::super::{Happening, World};
use crate::node::Rest;
use crate::scenario::{Stillness, Transport};

/// After so long a sleep the other end of a stream has given up: its segments were not acknowledged.
const PATIENCE: Duration = Duration::from_secs(40);

impl World {
    /// A phone stands still. One that does already stays as it is, but longer.
    pub(super) fn rest(&mut self, phone: usize, how: Stillness, lasting: Duration) {
        if !self.phones[phone].alive {
            return;
        }
        self.note_phone(phone, || format!("{how}"));
        let until = self.now + lasting;
        let deep = how != Stillness::Frozen;
        match &mut self.phones[phone].rest {
            Some(rest) => rest.until = rest.until.max(until),
            None => {
                self.phones[phone].rest = Some(Rest { until, deep, counts: how != Stillness::Timeless });
                self.phones[phone].set_clock(|clock| clock.stop(self.now));
            }
        }
        if deep && lasting > PATIENCE {
            let all: Vec<usize> = self.phones[phone].flows.values().copied().collect();
            for connection in all {
                self.rot(connection);
            }
        }
        self.queue.plan(until, Happening::WakesUp(phone));
        self.look_at_paths(phone, false);
    }

    /// The time of a phone's rest has come.
    pub(in crate::world) fn rest_is_over(&mut self, phone: usize) {
        if self.phones[phone].rest.is_some_and(|rest| rest.until <= self.now) {
            self.wake_up(phone);
        }
    }

    /// A phone goes on, with all that waited for it.
    pub(super) fn wake_up(&mut self, phone: usize) {
        let Some(rest) = self.phones[phone].rest.take() else { return };
        self.note_phone(phone, || "goes on".to_owned());
        self.phones[phone].set_clock(|clock| clock.go_on(self.now, rest.counts));
        for input in std::mem::take(&mut self.held[phone]) {
            self.phone_input(phone, input);
        }
        self.look_at_paths(phone, true);
    }

    /// Keeps what comes to a phone that stands still, if it can be kept.
    pub(in crate::world) fn hold_back(&mut self, phone: usize, input: Input) {
        let deep = self.phones[phone].rest.is_some_and(|rest| rest.deep);
        let datagram = self.phones[phone].setup.transport == Transport::Udp;
        if !(deep && datagram && matches!(input, Input::Received { .. })) {
            self.held[phone].push(input);
        }
    }
}
