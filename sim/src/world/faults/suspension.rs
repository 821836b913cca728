//! Suspended phones.

use std::time::Duration;

use offhook::Input;

use super::super::{ScheduledEvent, World};
use crate::node::Suspension;
use crate::scenario::{SuspensionKind, Transport};

/// After a sleep of this length the other end of a stream has closed it: its segments were not acknowledged.
const TCP_TIMEOUT: Duration = Duration::from_secs(40);

impl World {
    /// Suspends a phone. If it is suspended already, only the end moves.
    pub(super) fn suspend(&mut self, phone: usize, how: SuspensionKind, lasting: Duration) {
        if !self.phones[phone].alive {
            return;
        }
        self.note_phone(phone, || format!("{how}"));
        let until = self.now + lasting;
        let host_asleep = how != SuspensionKind::Frozen;
        match &mut self.phones[phone].suspension {
            Some(rest) => rest.until = rest.until.max(until),
            None => {
                self.phones[phone].suspension = Some(Suspension {
                    until,
                    host_asleep,
                    clock_runs: how != SuspensionKind::AsleepClockStopped,
                });
                self.phones[phone].set_clock(|clock| clock.stop(self.now));
            }
        }
        if host_asleep && lasting > TCP_TIMEOUT {
            let all: Vec<usize> = self.phones[phone].connections.values().copied().collect();
            for connection in all {
                self.drop_silently(connection);
            }
        }
        self.queue.schedule(until, ScheduledEvent::PhoneResumes(phone));
        self.schedule_path_checks(phone, false);
    }

    /// Resumes a phone, if its suspension is over.
    pub(in crate::world) fn suspension_over(&mut self, phone: usize) {
        if self.phones[phone].suspension.is_some_and(|rest| rest.until <= self.now) {
            self.resume_phone(phone);
        }
    }

    /// Resumes a phone, and delivers its deferred inputs.
    pub(super) fn resume_phone(&mut self, phone: usize) {
        let Some(rest) = self.phones[phone].suspension.take() else { return };
        self.note_phone(phone, || "resumes".to_owned());
        self.phones[phone].set_clock(|clock| clock.resume(self.now, rest.clock_runs));
        for input in std::mem::take(&mut self.deferred[phone]) {
            self.phone_input(phone, input);
        }
        self.schedule_path_checks(phone, true);
    }

    /// Defers an input of a suspended phone. Datagrams to a sleeping host are lost.
    pub(in crate::world) fn defer_input(&mut self, phone: usize, input: Input) {
        let host_asleep = self.phones[phone].suspension.is_some_and(|rest| rest.host_asleep);
        let datagram = self.phones[phone].setup.transport == Transport::Udp;
        if !(host_asleep && datagram && matches!(input, Input::Received { .. })) {
            self.deferred[phone].push(input);
        }
    }
}
