//! The phone's end of a recorder: what a runtime calls while it drives a phone.

use crate::scribe::{Moved, Notice, TrackId};
use offhook::{Config, Input, Instant, Misuse, Output, Phone};
use std::time::Duration;

/// Transitions that a recorded phone remembers: more than one input causes, unless many calls end at once.
const TRACE: usize = 64;

/// Where notices go, on their way to a [`Scribe`](crate::Scribe). It does not wait.
pub trait Sink {
    /// Takes a notice.
    fn take(&mut self, track: TrackId, notice: Notice) -> Taken;
}

/// What became of a notice.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is on its way.
    Yes,
    /// There is no room for it now.
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
    /// Transitions that were handed over.
    seen: u64,
    outputs: Vec<Output>,
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
    /// A phone is about to be made from this, at a time of its clock that is so long after the recording began. Lets it remember enough transitions to hand over all of them.
    pub fn begin(
        sink: S,
        track: TrackId,
        name: &str,
        config: &mut Config,
        seed: &[u8; 32],
        times: (Instant, Duration),
    ) -> Self {
        config.trace = config.trace.max(TRACE);
        let mut log = Self { sink, track, seen: 0, outputs: Vec::new(), state: State::Recording };
        let (config, seed) = (Box::new(config.clone()), Box::new(*seed));
        let (now, made) = times;
        log.note(|| Notice::Made { name: name.to_owned(), config, seed, now, made });
        log
    }

    /// The phone is about to be given this.
    pub fn given(&mut self, at: Instant, input: &Input) {
        self.settle();
        self.note(|| Notice::Given { at, input: input.clone() });
    }

    /// It was given that, with this outcome; or it was made, which refuses nothing.
    pub fn moved(&mut self, phone: &Phone, handled: &Result<(), Misuse>) {
        let moved = moved(&mut self.seen, phone, handled);
        if !moved.records.is_empty() || moved.refused.is_some() {
            self.note(|| Notice::Moved(moved));
        }
    }

    /// This was taken from it.
    pub fn put_out(&mut self, output: &Output) {
        if self.state == State::Recording {
            self.outputs.push(output.clone());
        }
    }

    /// There is nothing more to take from it for now.
    pub fn settle(&mut self) {
        if !self.outputs.is_empty() {
            let outputs = std::mem::take(&mut self.outputs);
            self.note(|| Notice::PutOut(outputs));
        }
    }

    fn note(&mut self, notice: impl FnOnce() -> Notice) {
        let notice = match self.state {
            State::Recording => notice(),
            State::Behind => Notice::Lost { why: "the recorder could not keep up" },
            State::Over => return,
        };
        self.state = match (self.sink.take(self.track, notice), self.state) {
            (Taken::Yes, State::Recording) => State::Recording,
            (Taken::Yes, _) | (Taken::Over, _) => State::Over,
            (Taken::Full, _) => State::Behind,
        };
    }
}

impl<S: Sink> Drop for Log<S> {
    /// Also when a phone panics: then the last thing recorded is what it was given.
    fn drop(&mut self) {
        self.settle();
        self.note(|| Notice::Gone);
    }
}

/// What moved since `seen` transitions.
pub(crate) fn moved(seen: &mut u64, phone: &Phone, handled: &Result<(), Misuse>) -> Moved {
    let transitions = phone.transitions();
    let new = usize::try_from(transitions.saturating_sub(*seen)).unwrap_or(usize::MAX);
    *seen = transitions;
    let records = match new {
        0 => Vec::new(),
        new => phone.trace().skip(phone.trace().count().saturating_sub(new)).collect(),
    };
    Moved { transitions, records, refused: handled.as_ref().err().cloned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::Account;

    /// Has room for so many, and keeps what kind they were.
    struct Shelf<'s>(usize, &'s mut Vec<&'static str>);

    impl Sink for Shelf<'_> {
        fn take(&mut self, _: TrackId, notice: Notice) -> Taken {
            if self.0 == 0 {
                self.0 = 1;
                return Taken::Full;
            }
            self.0 -= 1;
            self.1.push(match notice {
                Notice::Made { .. } => "made",
                Notice::Given { .. } => "given",
                Notice::Moved(_) => "moved",
                Notice::PutOut(_) => "put out",
                Notice::Lost { .. } => "lost",
                Notice::Gone => "gone",
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
            log.given(now, &Input::Wake);
            let handled = phone.handle(now, Input::Wake);
            log.moved(&phone, &handled);
        }
        drop(log);
        kinds
    }

    #[test]
    fn all_is_handed_over_in_order() {
        assert_eq!(fly(100), ["made", "moved", "put out", "given", "given", "gone"]);
    }

    #[test]
    fn after_a_gap_nothing_comes_but_that_there_is_one() {
        assert_eq!(fly(2), ["made", "moved", "lost"]);
    }
}
