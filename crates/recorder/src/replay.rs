//! Replays recordings.

use crate::check::Check;
use crate::recording::{Entry, EntryKind, PhoneRecording};
use crate::redact;
use bytes::Bytes;
use offhook::{
    Checkpoint, Config, ConnectionId, Event, Hop, Input, Instant, InvalidCheckpoint, Machine, Misuse, Output,
    Phone, Record, Traced,
};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The least number of trace lines that the replayed phone keeps.
const MIN_TRACE: usize = 4096;

/// The error of a recording that cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Its first inputs were dropped, and it has no checkpoint.
    #[error(
        "{name} cannot be replayed: its first {forgotten} inputs were dropped, and no checkpoint is left: the phone was never \
         without calls and transactions for long enough (a larger ring holds more)"
    )]
    Forgotten {
        /// The name of the phone.
        name: String,
        /// The number of dropped inputs.
        forgotten: u64,
    },
    /// The checkpoint that it begins with does not fit the recorded configuration and seed.
    #[error("{name} cannot be run again: line {line}: {why}")]
    InvalidCheckpoint {
        /// The name of the phone.
        name: String,
        /// The line of the checkpoint.
        line: usize,
        /// The reason.
        why: InvalidCheckpoint,
    },
}

/// The result of a replay of one phone.
#[derive(Debug, Default)]
pub struct Replay {
    /// Its trace: all transitions and marks.
    pub trace: Vec<Record>,
    /// Its inputs, outputs and marks, in order.
    pub observations: Vec<Observation>,
    /// The number of inputs before the start of the replay: those dropped, and those before the first checkpoint.
    pub skipped: u64,
    /// The number of replayed inputs.
    pub inputs: usize,
    /// The number of comparisons with the recorded run.
    pub checks: usize,
    /// The first divergence, if any.
    pub divergence: Option<Divergence>,
}

/// An input, an output or a mark of a phone.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The time since the recording began: [`PhoneRecording::common_time`].
    pub at: Instant,
    /// Its content.
    pub kind: ObservationKind,
}

/// The content of an observation.
#[derive(Clone, Debug)]
pub enum ObservationKind {
    /// The replay started from this checkpoint.
    Restored(Box<Checkpoint>),
    /// The phone sent or received bytes.
    Message {
        /// Whether it sent them.
        sent: bool,
        /// The connection.
        connection: ConnectionId,
        /// The bytes. Received bytes are redacted, and sent bytes were made without secrets.
        data: Bytes,
    },
    /// The phone opened a connection.
    Open {
        /// Its identifier.
        connection: ConnectionId,
        /// The next hop.
        hop: Hop,
    },
    /// An input other than bytes.
    Input {
        /// The input.
        input: Input,
        /// The error, if it was refused.
        refused: Option<Misuse>,
    },
    /// An event for the user.
    Event(Event),
    /// A mark in the trace: a rare decision.
    Mark {
        /// The machine that made it.
        machine: Option<Machine>,
        /// The decision, in words.
        words: &'static str,
    },
}

/// The first difference between a replay and the recorded run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, after {inputs} inputs: {what}")]
pub struct Divergence {
    /// The line of the recording that it was compared with.
    pub line: usize,
    /// The number of inputs replayed until then.
    pub inputs: usize,
    /// The difference.
    pub what: String,
}

/// Replays a phone from its creation, or from the first checkpoint if its first inputs were dropped. Continues to the end after a
/// divergence; the first one is returned.
///
/// # Errors
/// [`ReplayError`] when there is nothing to start from.
pub fn replay(recorded: &PhoneRecording) -> Result<Replay, ReplayError> {
    let mut config = recorded.config.clone();
    config.trace = config.trace.clamp(MIN_TRACE, MIN_TRACE * 16);
    let (mut run, entries) = if recorded.forgotten == 0 {
        (
            Run::new(recorded, Phone::new(config, recorded.seed, recorded.start), Check::default()),
            &recorded.entries[..],
        )
    } else {
        from_checkpoint(recorded, config)?
    };
    run.collect(Ok(()));
    for Entry { line, kind } in entries {
        let result = match kind {
            EntryKind::Input { at, input } => run.handle_input(*at, input),
            EntryKind::Check(check) => run.compare(check),
            EntryKind::Checkpoint(check, state) => {
                run.compare(check).and_then(|()| run.compare_checkpoint(state))
            }
        };
        if let Err(what) = result {
            let inputs = run.replay.inputs;
            let divergence = Divergence { line: *line, inputs, what };
            run.replay.divergence.get_or_insert(divergence);
        }
    }
    Ok(run.replay)
}

/// The phone at its first checkpoint, and the entries after it.
fn from_checkpoint(recorded: &PhoneRecording, config: Config) -> Result<(Run<'_>, &[Entry]), ReplayError> {
    let (name, forgotten) = (recorded.name.clone(), recorded.forgotten);
    let is_checkpoint = |entry: &Entry| matches!(entry.kind, EntryKind::Checkpoint(..));
    let place = recorded.entries.iter().position(is_checkpoint).unwrap_or(recorded.entries.len());
    let (before, after) = recorded.entries.split_at(place);
    let [Entry { line, kind: EntryKind::Checkpoint(check, at) }, after @ ..] = after else {
        return Err(ReplayError::Forgotten { name, forgotten });
    };
    let phone = Phone::from_checkpoint(config, recorded.seed, at);
    let phone = phone.map_err(|why| ReplayError::InvalidCheckpoint { name, line: *line, why })?;
    let mut run = Run::new(recorded, phone, *check);
    let given = before.iter().filter(|entry| matches!(entry.kind, EntryKind::Input { .. })).count();
    run.replay.skipped = forgotten.saturating_add(given as u64);
    (run.now, run.trace_read) = (at.now, at.traced);
    run.observe(ObservationKind::Restored(at.clone()));
    Ok((run, after))
}

struct Run<'t> {
    recorded: &'t PhoneRecording,
    phone: Phone,
    now: Instant,
    /// The number of trace lines that the recorded phone kept.
    trace_limit: usize,
    /// The number of trace lines read.
    trace_read: u64,
    check: Check,
    /// The check after each output since the last comparison: the outputs of the recorded phone may have been polled with inputs
    /// between them.
    recent_checks: VecDeque<Check>,
    replay: Replay,
}

impl<'t> Run<'t> {
    fn new(recorded: &'t PhoneRecording, phone: Phone, check: Check) -> Self {
        let (now, trace_limit) = (recorded.start, recorded.config.trace);
        let (recent_checks, replay) = (VecDeque::from([check]), Replay::default());
        Self { recorded, phone, now, trace_limit, trace_read: 0, check, recent_checks, replay }
    }

    fn handle_input(&mut self, at: Instant, input: &Input) -> Result<(), String> {
        self.replay.inputs += 1;
        self.now = self.now.max(at);
        let handled = catch_unwind(AssertUnwindSafe(|| self.phone.handle(at, input.clone())));
        let handled = handled.map_err(|panic| format!("the phone panics: {}", panic_text(panic.as_ref())))?;
        let kind = match input {
            Input::Received { connection, data } => {
                ObservationKind::Message { sent: false, connection: *connection, data: data.clone() }
            }
            input => ObservationKind::Input { input: input.clone(), refused: handled.clone().err() },
        };
        self.observe(kind);
        self.collect(handled);
        Ok(())
    }

    /// Collects the trace and the outputs of the phone.
    fn collect(&mut self, handled: Result<(), Misuse>) {
        let records: Vec<Record> = self.phone.trace_after(self.trace_read).collect();
        self.trace_read = self.phone.traced();
        records[records.len().saturating_sub(self.trace_limit)..]
            .iter()
            .for_each(|record| self.check.on_trace(record));
        self.check.on_handled(self.trace_read, handled.as_ref().err());
        for record in &records {
            if let Traced::Mark(words) = record.what {
                self.observe(ObservationKind::Mark { machine: record.machine, words });
            }
        }
        self.replay.trace.extend(records);
        while let Some(output) = self.phone.poll() {
            self.check.on_output(&output);
            self.recent_checks.push_back(self.check);
            match output {
                Output::Transmit { connection, data } => {
                    self.observe(ObservationKind::Message { sent: true, connection, data })
                }
                Output::Open { connection, hop, .. } => {
                    self.observe(ObservationKind::Open { connection, hop })
                }
                Output::Event(event) => self.observe(ObservationKind::Event(event)),
                Output::Close { .. } | Output::Effect { .. } => {}
            }
        }
    }

    fn compare(&mut self, recorded: &Check) -> Result<(), String> {
        self.replay.checks += 1;
        if (self.check.traced, self.check.trace_hash) != (recorded.traced, recorded.trace_hash) {
            return Err(match self.check.traced == recorded.traced {
                true => format!("one of the {} lines of the trace differs", recorded.traced),
                false => format!(
                    "{} trace lines were recorded, the replay has {}",
                    recorded.traced, self.check.traced
                ),
            });
        }
        while self.recent_checks.len() > 1
            && self.recent_checks.front().is_some_and(|c| c.outputs < recorded.outputs)
        {
            self.recent_checks.pop_front();
        }
        let there = self.recent_checks.front().copied().unwrap_or(self.check);
        match (there.outputs == recorded.outputs, there.output_hash == recorded.output_hash) {
            (true, true) => Ok(()),
            (true, false) => Err(format!("one of the {} outputs differs", recorded.outputs)),
            (false, _) => Err(format!(
                "{} outputs were recorded, the replay has {}",
                recorded.outputs, self.check.outputs
            )),
        }
    }

    fn compare_checkpoint(&mut self, recorded: &Checkpoint) -> Result<(), String> {
        let state =
            self.phone.checkpoint().ok_or("the phone was idle in the recording, and is not in the replay")?;
        match comparable(redact::checkpoint(&state)) == comparable(recorded.clone()) {
            true => Ok(()),
            false => Err("the state at the checkpoint differs".to_owned()),
        }
    }

    fn observe(&mut self, kind: ObservationKind) {
        self.replay.observations.push(Observation { at: self.recorded.common_time(self.now), kind });
    }
}

/// A checkpoint as text, without the digests of received requests, which contain passwords in URIs that are redacted in a recording.
fn comparable(mut at: Checkpoint) -> String {
    at.recent_requests.iter_mut().chain(&mut at.refused_cancels).for_each(|(_, digest)| *digest = 0);
    format!("{at:?}")
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("(no message)")
}
