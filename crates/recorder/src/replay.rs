//! Running a recording again.

use crate::check::Check;
use crate::log::moved;
use crate::recording::{Entry, Track, What};
use crate::scribe::Moved;
use bytes::Bytes;
use offhook::{Config, Event, FlowId, Input, Instant, Misuse, Output, Phone, Record, Target};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Transitions that are seen of one input, however few the recorded phone remembered.
const TRACE: usize = 4096;

/// A recording that has no beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the first {forgotten} inputs of {name} were forgotten: without them it cannot be run again (the ring was too small)"
)]
pub struct Forgotten {
    /// Whose.
    pub name: String,
    /// How many.
    pub forgotten: u64,
}

/// What a phone did when its inputs were handed to it again.
#[derive(Debug, Default)]
pub struct Replay {
    /// Every transition of its machines.
    pub transitions: Vec<Record>,
    /// What happened between it and the world, in order.
    pub sights: Vec<Sight>,
    /// How many inputs it was given.
    pub inputs: usize,
    /// How many times it was compared with the recorded run.
    pub checks: usize,
    /// Where it first did something else, if it did.
    pub difference: Option<Difference>,
}

/// Something that happened between a phone and the world.
#[derive(Clone, Debug)]
pub struct Sight {
    /// When, since the recording began: [`Track::common`].
    pub at: Instant,
    /// What.
    pub what: Seen,
}

/// What was seen.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Bytes went out or came in.
    Message {
        /// Out; else in.
        sent: bool,
        /// Over which connection.
        flow: FlowId,
        /// The bytes. What came in is redacted, what went out was made without secrets.
        data: Bytes,
    },
    /// It wanted a connection.
    Opened {
        /// Its name.
        flow: FlowId,
        /// To where.
        target: Target,
    },
    /// It was given anything but bytes.
    Given {
        /// What.
        input: Input,
        /// Why it was refused, if it was.
        refused: Option<Misuse>,
    },
    /// It told its user something.
    Told(Event),
}

/// The first thing that was otherwise than recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, after {inputs} inputs: {what}")]
pub struct Difference {
    /// The line of the recording that says otherwise.
    pub line: usize,
    /// How many inputs it had been given then.
    pub inputs: usize,
    /// What is otherwise.
    pub what: String,
}

/// Runs a phone again. Goes on to the end when it does otherwise than recorded; the first difference is kept.
///
/// # Errors
/// [`Forgotten`], when the recording has no beginning.
pub fn replay(track: &Track) -> Result<Replay, Forgotten> {
    if track.forgotten > 0 {
        return Err(Forgotten { name: track.name.clone(), forgotten: track.forgotten });
    }
    let config = Config { trace: track.config.trace.clamp(TRACE, TRACE * 16), ..track.config.clone() };
    let mut run = Run {
        phone: Phone::new(config, track.seed, track.start),
        track,
        now: track.start,
        remembers: track.config.trace,
        seen: 0,
        check: Check::default(),
        since: VecDeque::from([Check::default()]),
        replay: Replay::default(),
    };
    run.look(Ok(()));
    for Entry { line, what } in &track.entries {
        let done = match what {
            What::Input { at, input } => run.give(*at, input),
            What::Check(check) => run.compare(check),
        };
        if let Err(what) = done {
            let inputs = run.replay.inputs;
            let difference = Difference { line: *line, inputs, what };
            run.replay.difference.get_or_insert(difference);
        }
    }
    Ok(run.replay)
}

struct Run<'t> {
    track: &'t Track,
    phone: Phone,
    now: Instant,
    /// How many transitions the recorded phone remembered.
    remembers: usize,
    /// Transitions that were looked at.
    seen: u64,
    check: Check,
    /// How it was after each output since the last comparison: the recorded phone's outputs may have been taken one by
    /// one, with inputs between them.
    since: VecDeque<Check>,
    replay: Replay,
}

impl Run<'_> {
    fn give(&mut self, at: Instant, input: &Input) -> Result<(), String> {
        self.replay.inputs += 1;
        self.now = self.now.max(at);
        let handled = catch_unwind(AssertUnwindSafe(|| self.phone.handle(at, input.clone())));
        let handled = handled.map_err(|panic| format!("it panics: {}", said(panic.as_ref())))?;
        let what = match input {
            Input::Received { flow, data } => Seen::Message { sent: false, flow: *flow, data: data.clone() },
            input => Seen::Given { input: input.clone(), refused: handled.clone().err() },
        };
        self.see(what);
        self.look(handled);
        Ok(())
    }

    /// Takes in what the phone did.
    fn look(&mut self, handled: Result<(), Misuse>) {
        let Moved { transitions, records, refused } = moved(&mut self.seen, &self.phone, &handled);
        let remembered = &records[records.len().saturating_sub(self.remembers)..];
        self.check.moved(transitions, remembered, refused.as_ref());
        self.replay.transitions.extend(records);
        while let Some(output) = self.phone.poll() {
            self.check.put_out(&output);
            self.since.push_back(self.check);
            match output {
                Output::Transmit { flow, data } => self.see(Seen::Message { sent: true, flow, data }),
                Output::Open { flow, target, .. } => self.see(Seen::Opened { flow, target }),
                Output::Event(event) => self.see(Seen::Told(event)),
                Output::Close { .. } | Output::Effect { .. } => {}
            }
        }
    }

    fn compare(&mut self, recorded: &Check) -> Result<(), String> {
        self.replay.checks += 1;
        if (self.check.transitions, self.check.transition_hash)
            != (recorded.transitions, recorded.transition_hash)
        {
            return Err(match self.check.transitions == recorded.transitions {
                true => format!("one of the {} transitions is another", recorded.transitions),
                false => format!(
                    "{} transitions were recorded, and there are {}",
                    recorded.transitions, self.check.transitions
                ),
            });
        }
        while self.since.len() > 1 && self.since.front().is_some_and(|c| c.outputs < recorded.outputs) {
            self.since.pop_front();
        }
        let there = self.since.front().copied().unwrap_or(self.check);
        match (there.outputs == recorded.outputs, there.output_hash == recorded.output_hash) {
            (true, true) => Ok(()),
            (true, false) => Err(format!("one of the {} outputs is another", recorded.outputs)),
            (false, _) => Err(format!(
                "{} outputs were recorded, and there are {}",
                recorded.outputs, self.check.outputs
            )),
        }
    }

    fn see(&mut self, what: Seen) {
        self.replay.sights.push(Sight { at: self.track.common(self.now), what });
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("and says nothing")
}
