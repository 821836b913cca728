//! Running a recording again.

use crate::check::Check;
use crate::recording::{Entry, Track, What};
use crate::redact;
use bytes::Bytes;
use offhook::{
    Checkpoint, Config, Event, FlowId, Input, Instant, InvalidCheckpoint, Machine, Misuse, Output, Phone,
    Record, Target, Traced,
};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Lines of the trace that are seen of one input, however few the recorded phone remembered.
const TRACE: usize = 4096;

/// A track that cannot be run again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unplayable {
    /// It has no beginning, and no rest to begin at.
    #[error(
        "{name} cannot be run again: its first {forgotten} inputs were forgotten, and in what is left of it there is no \
         moment at which it rested, with neither a call nor a transaction (the ring was too small)"
    )]
    Forgotten {
        /// Whose.
        name: String,
        /// How many.
        forgotten: u64,
    },
    /// What it should begin with is no phone at rest.
    #[error("{name} cannot be run again: line {line}: {why}")]
    InvalidCheckpoint {
        /// Whose.
        name: String,
        /// Where its rest is.
        line: usize,
        /// What is wrong.
        why: InvalidCheckpoint,
    },
}

/// What a phone did when its inputs were handed to it again.
#[derive(Debug, Default)]
pub struct Replay {
    /// Its trace: every transition of its machines, and every mark.
    pub trace: Vec<Record>,
    /// What happened between it and the world, in order.
    pub sights: Vec<Sight>,
    /// How many of its inputs came before it begins: they were forgotten, or kept without what was before them.
    pub before: u64,
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
    /// It rested. What was before is not known.
    Rested(Box<Checkpoint>),
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
    /// It came to a rare decision.
    Marked {
        /// In which machine.
        machine: Option<Machine>,
        /// Which one, in words.
        words: &'static str,
    },
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

/// Runs a phone again: from its beginning, or if that was forgotten from the first rest that was not. Goes on to the end when
/// it does otherwise than recorded; the first difference is kept.
///
/// # Errors
/// [`Unplayable`], when there is nothing to begin with.
pub fn replay(track: &Track) -> Result<Replay, Unplayable> {
    let config = Config { trace: track.config.trace.clamp(TRACE, TRACE * 16), ..track.config.clone() };
    let (mut run, entries) = if track.forgotten == 0 {
        (Run::new(track, Phone::new(config, track.seed, track.start), Check::default()), &track.entries[..])
    } else {
        from_rest(track, config)?
    };
    run.look(Ok(()));
    for Entry { line, what } in entries {
        let done = match what {
            What::Input { at, input } => run.give(*at, input),
            What::Check(check) => run.compare(check),
            What::Rest(check, then) => run.compare(check).and_then(|()| run.compare_rest(then)),
        };
        if let Err(what) = done {
            let inputs = run.replay.inputs;
            let difference = Difference { line: *line, inputs, what };
            run.replay.difference.get_or_insert(difference);
        }
    }
    Ok(run.replay)
}

/// The phone at its first rest, and what it was given from there on.
fn from_rest(track: &Track, config: Config) -> Result<(Run<'_>, &[Entry]), Unplayable> {
    let (name, forgotten) = (track.name.clone(), track.forgotten);
    let rests = |entry: &Entry| matches!(entry.what, What::Rest(..));
    let place = track.entries.iter().position(rests).unwrap_or(track.entries.len());
    let (before, after) = track.entries.split_at(place);
    let [Entry { line, what: What::Rest(check, at) }, after @ ..] = after else {
        return Err(Unplayable::Forgotten { name, forgotten });
    };
    let phone = Phone::from_checkpoint(config, track.seed, at);
    let phone = phone.map_err(|why| Unplayable::InvalidCheckpoint { name, line: *line, why })?;
    let mut run = Run::new(track, phone, *check);
    let given = before.iter().filter(|entry| matches!(entry.what, What::Input { .. })).count();
    run.replay.before = forgotten.saturating_add(given as u64);
    (run.now, run.seen) = (at.now, at.traced);
    run.see(Seen::Rested(at.clone()));
    Ok((run, after))
}

struct Run<'t> {
    track: &'t Track,
    phone: Phone,
    now: Instant,
    /// How many lines of its trace the recorded phone remembered.
    remembers: usize,
    /// Lines of the trace that were looked at.
    seen: u64,
    check: Check,
    /// How it was after each output since the last comparison: the recorded phone's outputs may have been taken one by
    /// one, with inputs between them.
    since: VecDeque<Check>,
    replay: Replay,
}

impl<'t> Run<'t> {
    fn new(track: &'t Track, phone: Phone, check: Check) -> Self {
        let (now, remembers) = (track.start, track.config.trace);
        let (since, replay) = (VecDeque::from([check]), Replay::default());
        Self { track, phone, now, remembers, seen: 0, check, since, replay }
    }

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
        let records: Vec<Record> = self.phone.trace_after(self.seen).collect();
        self.seen = self.phone.traced();
        records[records.len().saturating_sub(self.remembers)..]
            .iter()
            .for_each(|record| self.check.traced(record));
        self.check.handled(self.seen, handled.as_ref().err());
        for record in &records {
            if let Traced::Mark(words) = record.what {
                self.see(Seen::Marked { machine: record.machine, words });
            }
        }
        self.replay.trace.extend(records);
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
        if (self.check.traced, self.check.trace_hash) != (recorded.traced, recorded.trace_hash) {
            return Err(match self.check.traced == recorded.traced {
                true => format!("one of the {} lines of the trace is another", recorded.traced),
                false => format!(
                    "{} lines of the trace were recorded, and there are {}",
                    recorded.traced, self.check.traced
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

    fn compare_rest(&mut self, recorded: &Checkpoint) -> Result<(), String> {
        let rests = self.phone.checkpoint().ok_or("it was recorded to rest, and does not")?;
        match comparable(&redact::checkpoint(&rests)) == comparable(recorded) {
            true => Ok(()),
            false => Err("it rests, and has become another one".to_owned()),
        }
    }

    fn see(&mut self, what: Seen) {
        self.replay.sights.push(Sight { at: self.track.common(self.now), what });
    }
}

/// The digests of the requests that it took left out: a password in a URI is part of one, and redacted here.
fn comparable(at: &Checkpoint) -> Checkpoint {
    let mut at = at.clone();
    at.recent_requests.iter_mut().chain(&mut at.refused_cancels).for_each(|(_, digest)| *digest = 0);
    at
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("and says nothing")
}
