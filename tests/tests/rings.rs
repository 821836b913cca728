//! Rings in the simulator: phones on impaired networks are recorded in small rings, which overflow; their recordings replay without
//! divergence.

use offhook::{Config, Input, Instant, Misuse, Output, Phone, Record};
use offhook_recorder::replay::{Replay, ReplayError, replay};
use offhook_recorder::{
    Batch, EntryKind, Log, Notice, PhoneId, PhoneRecording, Recording, RecordingWriter, Ring, Sink,
    SinkStatus,
};
use offhook_sim::flight::Flight;
use offhook_sim::{generate, run};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The sizes of the rings in bytes: for some inputs, for some calls, and for nearly all.
const RING_SIZES: [usize; 3] = [3_000, 12_000, 60_000];
/// The numbers of inputs after which the rings are dumped, besides the end.
const DUMP_AFTER_INPUTS: [u64; 2] = [150, 400];

/// The recordings of one phone.
struct Recorder {
    writer: RecordingWriter,
    file: String,
    rings: Vec<Ring>,
    /// All of its trace.
    trace: Vec<Record>,
    inputs: u64,
    /// What the rings held, and how many inputs and lines of the trace state had been.
    dumps: Vec<(String, u64, usize)>,
}

#[derive(Clone)]
struct SharedRecorder(Rc<RefCell<Recorder>>);

impl Sink for SharedRecorder {
    fn accept(&mut self, phone: PhoneId, notices: &mut Batch) -> SinkStatus {
        let Recorder { writer, file, rings, .. } = &mut *self.0.borrow_mut();
        notices.for_each(|notice| {
            let mut text = String::new();
            writer.write(phone, notice, &mut text);
            for ring in &mut *rings {
                match notice {
                    Notice::Created { name, .. } => ring.add_phone(phone, name, &text),
                    notice => ring.push(phone, &text, matches!(notice, Notice::Input { .. })),
                }
            }
            file.push_str(&text);
        });
        SinkStatus::Accepted
    }
}

struct RecordedFlight {
    log: Log<SharedRecorder>,
    recorder: SharedRecorder,
}

impl Flight for RecordedFlight {
    fn before_input(&mut self, at: Instant, input: &Input) {
        self.recorder.0.borrow_mut().inputs += 1;
        self.log.on_input(at, input);
    }

    fn after_input(&mut self, phone: &Phone, handled: &Result<(), Misuse>) {
        self.log.on_handled(phone, handled);
        let trace = &mut self.recorder.0.borrow_mut().trace;
        let new = phone.trace_after(trace.len() as u64);
        trace.extend(new);
    }

    fn output(&mut self, output: &Output) {
        self.log.on_output(output);
    }

    fn idle(&mut self, phone: &Phone) {
        self.log.on_idle(phone);
        let recorder = &mut *self.recorder.0.borrow_mut();
        if DUMP_AFTER_INPUTS.contains(&recorder.inputs) {
            recorder.take_dumps();
        }
    }
}

impl Recorder {
    fn take_dumps(&mut self) {
        let state = |ring: &Ring| (ring.to_text(), self.inputs, self.trace.len());
        self.dumps.extend(self.rings.iter().map(state));
    }
}

/// Runs a seed, and returns the recordings of each phone.
fn record_seed(seed: u64) -> Vec<Rc<RefCell<Recorder>>> {
    let recorders = RefCell::new(Vec::new());
    let mut flights = |name: &str, config: &mut Config, seed: &[u8; 32], now: Instant| {
        // Two phones of a scenario may run in one process, but have separate rings here.
        let recorder = Rc::new(RefCell::new(Recorder {
            writer: RecordingWriter::default(),
            file: RecordingWriter::header(),
            rings: RING_SIZES.map(Ring::new).into(),
            trace: Vec::new(),
            inputs: 0,
            dumps: Vec::new(),
        }));
        recorders.borrow_mut().push(Rc::clone(&recorder));
        let recorder = SharedRecorder(recorder);
        let log = Log::begin(recorder.clone(), PhoneId(0), name, config, seed, (now, Duration::ZERO));
        Box::new(RecordedFlight { log, recorder }) as Box<dyn Flight>
    };
    let verdict = run::run_with_flights(&generate::generate(seed), &mut flights);
    assert_eq!(verdict.violation, None, "seed {seed}");
    recorders.into_inner()
}

fn read(text: &str) -> PhoneRecording {
    let mut recording = Recording::read(text.as_bytes()).unwrap_or_else(|why| panic!("{why}\n{text}"));
    recording.phones.remove(0)
}

/// Asserts that a replay is the end of the recorded run.
fn assert_end_of_run(seed: u64, replayed: &Replay, trace: &[Record], inputs: u64) {
    assert_eq!(replayed.divergence, None, "seed {seed}");
    assert_eq!(replayed.skipped + replayed.inputs as u64, inputs, "seed {seed}");
    let end = trace.len() - replayed.trace.len();
    assert!(replayed.trace == trace[end..], "seed {seed}: another trace");
}

#[test]
fn ring_recordings_replay_without_divergence() {
    let (mut whole, mut cut, mut without_checkpoint, mut checkpoints, mut tail) = (0, 0, 0, 0, 0);
    for seed in 0..40 {
        for recorder in record_seed(seed) {
            let mut recorder = recorder.borrow_mut();
            recorder.take_dumps();
            assert!(!recorder.file.contains("sesame"), "the password of all phones");
            // The whole recording, and from each checkpoint.
            let all = read(&recorder.file);
            assert_end_of_run(
                seed,
                &replay(&all).expect("from its beginning"),
                &recorder.trace,
                recorder.inputs,
            );
            let starts = (0..all.entries.len())
                .filter(|place| matches!(all.entries[*place].kind, EntryKind::Checkpoint(..)));
            for start in starts {
                checkpoints += 1;
                let later =
                    PhoneRecording { entries: all.entries[start..].to_vec(), forgotten: 1, ..all.clone() };
                let replayed = replay(&later).expect("a checkpoint");
                assert_eq!(replayed.divergence, None, "seed {seed}, line {}", all.entries[start].line);
            }
            for (dump, inputs, traced) in &recorder.dumps {
                let phone = read(dump);
                match replay(&phone) {
                    Ok(replayed) => {
                        assert_end_of_run(seed, &replayed, &recorder.trace[..*traced], *inputs);
                        tail += if phone.forgotten > 0 { replayed.inputs } else { 0 };
                        *if phone.forgotten > 0 { &mut cut } else { &mut whole } += 1;
                    }
                    Err(ReplayError::Forgotten { forgotten, .. }) => {
                        assert_eq!(forgotten, phone.forgotten);
                        without_checkpoint += 1;
                    }
                    Err(why) => panic!("seed {seed}: {why}"),
                }
            }
        }
    }
    println!(
        "{whole} rings were complete, {cut} started at one of {checkpoints} checkpoints ({tail} inputs), {without_checkpoint} had none"
    );
    assert!(
        whole > 100 && cut > 150 && checkpoints > 100 && tail > 3000,
        "the rings are too large or too small"
    );
}
