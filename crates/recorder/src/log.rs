//! The phone's end of a recorder: what a runtime calls while it drives a phone.

use crate::batch::Batch;
use crate::check::Check;
use crate::scribe::{Notice, TrackId};
use offhook::{Config, Input, Instant, Misuse, Output, Phone};
use std::time::Duration;

/// Lines of its trace that a recorded phone remembers: more than one input causes, unless many calls end at once.
const TRACE: usize = 64;

/// Inputs from one rest that is recorded to the next: a ring begins at one, and it takes some hundred bytes.
const RESTS: u32 = 32;

/// Where notices go, on their way to a [`Scribe`](crate::Scribe). It does not wait.
pub trait Sink {
    /// Takes notices: all of them, in order, or none. What it leaves is forgotten.
    fn take(&mut self, track: TrackId, notices: &mut Batch) -> Taken;
}

/// What became of some notices.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// They are on their way.
    Yes,
    /// There is no room for them now.
    Full,
    /// Nobody takes notices any more.
    Over,
}

/// Hands over what happens to one phone: before [`Phone::handle`] comes [`given`](Log::given), after it
/// [`moved`](Log::moved), with each output [`put_out`](Log::put_out), and [`settle`](Log::settle) when there is no more.
#[derive(Debug)]
pub struct Log<S: Sink> {
    sink: S,
    track: TrackId,
    /// Its trace so far; its outputs are counted by who writes.
    check: Check,
    /// Inputs since the last rest that was handed over.
    restless: u32,
    waiting: Batch,
    state: State,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Recording,
    /// Something could not be handed over, so that the rest would make no sense. The recorder is still to be told.
    Behind,
    Over,
}

impl<S: Sink> Log<S> {
    /// A phone is about to be made from this, at a time of its clock that is so long after the recording began. Lets it remember enough of its trace to hand over all of it.
    pub fn begin(
        sink: S,
        track: TrackId,
        name: &str,
        config: &mut Config,
        seed: &[u8; 32],
        times: (Instant, Duration),
    ) -> Self {
        config.trace = config.trace.max(TRACE);
        let (made, seed) = (Box::new(config.clone()), Box::new(*seed));
        let made = Notice::Made { name: name.to_owned(), config: made, seed, now: times.0, made: times.1 };
        let (check, waiting, state) = (Check::default(), Batch::default(), State::Recording);
        let mut log = Self { sink, track, check, restless: 0, waiting, state };
        log.waiting.push(made);
        log.hand_over();
        log
    }

    /// The phone is about to be given this. It is handed over before that: it may make the phone panic.
    pub fn given(&mut self, at: Instant, input: &Input) {
        if self.state == State::Recording {
            self.waiting.given(at, input);
            self.restless += 1;
        }
        self.hand_over();
    }

    /// It was given that, with this outcome; or it was made, which refuses nothing.
    pub fn moved(&mut self, phone: &Phone, handled: &Result<(), Misuse>) {
        if self.state != State::Recording {
            return;
        }
        let traced = phone.traced();
        if traced > self.check.traced || handled.is_err() {
            phone.trace_after(self.check.traced).for_each(|record| self.check.traced(&record));
            self.check.handled(traced, handled.as_ref().err());
            let trace_hash = self.check.trace_hash;
            self.waiting.push(Notice::Handled { traced, trace_hash });
        }
    }

    /// This was taken from it.
    pub fn put_out(&mut self, output: &Output) {
        if self.state == State::Recording {
            self.waiting.put_out(output);
        }
    }

    /// There is nothing more to take from it for now. What it did is handed over with what it is given next: until then the last
    /// input is known, and what came of it is not compared.
    pub fn settle(&mut self, phone: &Phone) {
        if self.state == State::Recording
            && self.restless >= RESTS
            && let Some(checkpoint) = phone.checkpoint()
        {
            self.restless = 0;
            self.waiting.push(Notice::Rested(Box::new(checkpoint)));
        }
    }

    fn hand_over(&mut self) {
        match self.state {
            State::Recording => {}
            State::Behind => self.waiting.push(Notice::Lost { why: "the recorder could not keep up" }),
            State::Over => return,
        }
        let taken = self.sink.take(self.track, &mut self.waiting);
        self.waiting.clear();
        self.state = match (taken, self.state) {
            (Taken::Yes, State::Recording) => return,
            (Taken::Yes, _) | (Taken::Over, _) => State::Over,
            (Taken::Full, _) => State::Behind,
        };
    }
}

impl<S: Sink> Drop for Log<S> {
    /// Also when a phone panics: then the last thing recorded is what it was given.
    fn drop(&mut self) {
        if self.state == State::Recording {
            self.waiting.push(Notice::Gone);
        }
        self.hand_over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::Account;

    /// Has room for so many, and keeps what kind they were.
    struct Shelf<'s>(usize, &'s mut Vec<&'static str>);

    impl Sink for Shelf<'_> {
        fn take(&mut self, _: TrackId, notices: &mut Batch) -> Taken {
            if self.0 == 0 {
                self.0 = 1;
                return Taken::Full;
            }
            self.0 -= 1;
            notices.show(|notice| {
                self.1.push(match notice {
                    Notice::Made { .. } => "made",
                    Notice::Given { .. } => "given",
                    Notice::Handled { .. } => "handled",
                    Notice::PutOut(_) => "put out",
                    Notice::Rested(_) => "rested",
                    Notice::Lost { .. } => "lost",
                    Notice::Gone => "gone",
                })
            });
            Taken::Yes
        }
    }

    fn fly(room: usize) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        let (seed, now) = ([1; 32], Instant::ZERO);
        let mut config = Config::new(Account::new("sip:a@b", None, "ws://h").expect("a target"));
        let mut log =
            Log::begin(Shelf(room, &mut kinds), TrackId(0), "a", &mut config, &seed, (now, Duration::ZERO));
        let mut phone = Phone::new(config, seed, now);
        log.moved(&phone, &Ok(()));
        for _ in 0..2 {
            while let Some(output) = phone.poll() {
                log.put_out(&output);
            }
            log.settle(&phone);
            log.given(now, &Input::Wake);
            let handled = phone.handle(now, Input::Wake);
            log.moved(&phone, &handled);
        }
        drop(log);
        kinds
    }

    #[test]
    fn all_is_handed_over_in_order() {
        assert_eq!(fly(100), ["made", "handled", "put out", "put out", "put out", "given", "given", "gone"]);
    }

    #[test]
    fn after_a_gap_nothing_comes_but_that_there_is_one() {
        assert_eq!(fly(1), ["made", "lost"]);
    }
}
