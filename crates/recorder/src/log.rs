//! Records one phone: called by a runtime while it drives the phone.

use crate::batch::Batch;
use crate::check::Check;
use crate::writer::{Notice, PhoneId};
use offhook::{Config, Input, Instant, Misuse, Output, Phone};
use std::time::Duration;

/// The lines of its trace that a recorded phone keeps: more than one input causes, unless many calls end simultaneously.
const TRACE: usize = 64;

/// The least number of inputs between two checkpoints, which take some hundred bytes each.
const CHECKPOINT_INTERVAL: u32 = 32;

/// Passes notices on to a [`RecordingWriter`](crate::RecordingWriter). It must not block.
pub trait Sink {
    /// Accepts all notices, in order, or none. Notices that it leaves are dropped.
    fn accept(&mut self, track: PhoneId, notices: &mut Batch) -> SinkStatus;
}

/// The result of [`Sink::accept`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SinkStatus {
    /// The notices were accepted.
    Accepted,
    /// There is no room for them now.
    Full,
    /// The sink does not accept notices any more.
    Closed,
}

/// Records one phone. Call [`on_input`](Log::on_input) before [`Phone::handle`], [`on_handled`](Log::on_handled) after it,
/// [`on_output`](Log::on_output) with each output, and [`on_idle`](Log::on_idle) when there are no more outputs.
#[derive(Debug)]
pub struct Log<S: Sink> {
    sink: S,
    phone: PhoneId,
    /// The check of its trace; its outputs are counted by the writer.
    check: Check,
    /// Inputs since the last checkpoint.
    since_checkpoint: u32,
    pending: Batch,
    state: State,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Recording,
    /// Notices were lost, so that later ones are useless. The loss was not recorded yet.
    Overrun,
    Closed,
}

impl<S: Sink> Log<S> {
    /// Starts to record a phone that is about to be created. `times` are the time of its clock, and the time since the recording began.
    /// Raises [`Config::trace`] so that all of its trace can be recorded.
    pub fn begin(
        sink: S,
        phone: PhoneId,
        name: &str,
        config: &mut Config,
        seed: &[u8; 32],
        times: (Instant, Duration),
    ) -> Self {
        config.trace = config.trace.max(TRACE);
        let (recorded, seed) = (Box::new(config.clone()), Box::new(*seed));
        let created =
            Notice::Created { name: name.to_owned(), config: recorded, seed, now: times.0, made: times.1 };
        let (check, pending, state) = (Check::default(), Batch::default(), State::Recording);
        let mut log = Self { sink, phone, check, since_checkpoint: 0, pending, state };
        log.pending.push(created);
        log.pass_on();
        log
    }

    /// The phone is about to process an input. It is passed on first, because it may make the phone panic.
    pub fn on_input(&mut self, at: Instant, input: &Input) {
        if self.state == State::Recording {
            self.pending.push_input(at, input);
            self.since_checkpoint += 1;
        }
        self.pass_on();
    }

    /// The phone processed an input, or was created (`Ok`).
    pub fn on_handled(&mut self, phone: &Phone, handled: &Result<(), Misuse>) {
        if self.state != State::Recording {
            return;
        }
        let traced = phone.traced();
        if traced > self.check.traced || handled.is_err() {
            phone.trace_after(self.check.traced).for_each(|record| self.check.on_trace(&record));
            self.check.on_handled(traced, handled.as_ref().err());
            let trace_hash = self.check.trace_hash;
            self.pending.push(Notice::Handled { traced, trace_hash });
        }
    }

    /// The phone emitted an output.
    pub fn on_output(&mut self, output: &Output) {
        if self.state == State::Recording {
            self.pending.push_output(output);
        }
    }

    /// The phone has no more outputs for now. Its notices are passed on with its next input: until then the last input is recorded, and
    /// its results are not.
    pub fn on_idle(&mut self, phone: &Phone) {
        if self.state == State::Recording
            && self.since_checkpoint >= CHECKPOINT_INTERVAL
            && let Some(checkpoint) = phone.checkpoint()
        {
            self.since_checkpoint = 0;
            self.pending.push(Notice::Checkpoint(Box::new(checkpoint)));
        }
    }

    fn pass_on(&mut self) {
        match self.state {
            State::Recording => {}
            State::Overrun => self.pending.push(Notice::Lost { why: "the recorder could not keep up" }),
            State::Closed => return,
        }
        let status = self.sink.accept(self.phone, &mut self.pending);
        self.pending.clear();
        self.state = match (status, self.state) {
            (SinkStatus::Accepted, State::Recording) => return,
            (SinkStatus::Accepted, _) | (SinkStatus::Closed, _) => State::Closed,
            (SinkStatus::Full, _) => State::Overrun,
        };
    }
}

impl<S: Sink> Drop for Log<S> {
    /// Also when the phone panics: then its last input is the last entry.
    fn drop(&mut self) {
        if self.state == State::Recording {
            self.pending.push(Notice::Removed);
        }
        self.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::Account;

    /// Accepts a number of batches, and keeps the kinds of notices.
    struct Shelf<'s>(usize, &'s mut Vec<&'static str>);

    impl Sink for Shelf<'_> {
        fn accept(&mut self, _: PhoneId, notices: &mut Batch) -> SinkStatus {
            if self.0 == 0 {
                self.0 = 1;
                return SinkStatus::Full;
            }
            self.0 -= 1;
            notices.for_each(|notice| {
                self.1.push(match notice {
                    Notice::Created { .. } => "created",
                    Notice::Input { .. } => "input",
                    Notice::Handled { .. } => "handled",
                    Notice::Output(_) => "output",
                    Notice::Checkpoint(_) => "checkpoint",
                    Notice::Lost { .. } => "lost",
                    Notice::Removed => "removed",
                })
            });
            SinkStatus::Accepted
        }
    }

    fn kinds_with_room_for(room: usize) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        let (seed, now) = ([1; 32], Instant::ZERO);
        let mut config = Config::new(Account::new("sip:a@b", None, "ws://h").expect("a hop"));
        let mut log =
            Log::begin(Shelf(room, &mut kinds), PhoneId(0), "a", &mut config, &seed, (now, Duration::ZERO));
        let mut phone = Phone::new(config, seed, now);
        log.on_handled(&phone, &Ok(()));
        for _ in 0..2 {
            while let Some(output) = phone.poll() {
                log.on_output(&output);
            }
            log.on_idle(&phone);
            log.on_input(now, &Input::Wake);
            let handled = phone.handle(now, Input::Wake);
            log.on_handled(&phone, &handled);
        }
        drop(log);
        kinds
    }

    #[test]
    fn notices_are_passed_on_in_order() {
        assert_eq!(
            kinds_with_room_for(100),
            ["created", "handled", "output", "output", "output", "input", "input", "removed"]
        );
    }

    #[test]
    fn loss_ends_the_recording() {
        assert_eq!(kinds_with_room_for(1), ["created", "lost"]);
    }
}
