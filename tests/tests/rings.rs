//! Rings in the simulator: each phone on a bad network has small ones on board, which overflow, and what is left in them runs
//! again as it was.

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

/// Bytes in the rings: some inputs, some calls, and nearly all.
const ROOMS: [usize; 3] = [3_000, 12_000, 60_000];
/// Inputs after which the rings are looked at, besides the end.
const LOOKS: [u64; 2] = [150, 400];

/// What is written of one phone.
struct Paper {
    scribe: RecordingWriter,
    file: String,
    rings: Vec<Ring>,
    /// All of its trace.
    lived: Vec<Record>,
    inputs: u64,
    /// What the rings held, and how many inputs and lines of the trace there had been.
    dumps: Vec<(String, u64, usize)>,
}

#[derive(Clone)]
struct Desk(Rc<RefCell<Paper>>);

impl Sink for Desk {
    fn accept(&mut self, track: PhoneId, notices: &mut Batch) -> SinkStatus {
        let Paper { scribe, file, rings, .. } = &mut *self.0.borrow_mut();
        notices.for_each(|notice| {
            let mut text = String::new();
            scribe.write(track, notice, &mut text);
            for ring in &mut *rings {
                match notice {
                    Notice::Created { name, .. } => ring.add_phone(track, name, &text),
                    notice => ring.push(track, &text, matches!(notice, Notice::Input { .. })),
                }
            }
            file.push_str(&text);
        });
        SinkStatus::Accepted
    }
}

struct Board {
    log: Log<Desk>,
    desk: Desk,
}

impl Flight for Board {
    fn given(&mut self, at: Instant, input: &Input) {
        self.desk.0.borrow_mut().inputs += 1;
        self.log.on_input(at, input);
    }

    fn moved(&mut self, phone: &Phone, handled: &Result<(), Misuse>) {
        self.log.on_handled(phone, handled);
        let lived = &mut self.desk.0.borrow_mut().lived;
        let new = phone.trace_after(lived.len() as u64);
        lived.extend(new);
    }

    fn put_out(&mut self, output: &Output) {
        self.log.on_output(output);
    }

    fn settle(&mut self, phone: &Phone) {
        self.log.on_idle(phone);
        let paper = &mut *self.desk.0.borrow_mut();
        if LOOKS.contains(&paper.inputs) {
            paper.look();
        }
    }
}

impl Paper {
    fn look(&mut self) {
        let there = |ring: &Ring| (ring.to_text(), self.inputs, self.lived.len());
        self.dumps.extend(self.rings.iter().map(there));
    }
}

/// Plays a seed, and returns what was written of each phone.
fn fly(seed: u64) -> Vec<Rc<RefCell<Paper>>> {
    let papers = RefCell::new(Vec::new());
    let mut flights = |name: &str, config: &mut Config, seed: &[u8; 32], now: Instant| {
        // Two phones of a scenario may live in one process: their rings are their own here.
        let paper = Rc::new(RefCell::new(Paper {
            scribe: RecordingWriter::default(),
            file: RecordingWriter::header(),
            rings: ROOMS.map(Ring::new).into(),
            lived: Vec::new(),
            inputs: 0,
            dumps: Vec::new(),
        }));
        papers.borrow_mut().push(Rc::clone(&paper));
        let desk = Desk(paper);
        let log = Log::begin(desk.clone(), PhoneId(0), name, config, seed, (now, Duration::ZERO));
        Box::new(Board { log, desk }) as Box<dyn Flight>
    };
    let verdict = run::run_with_flights(&generate::generate(seed), &mut flights);
    assert_eq!(verdict.violation, None, "seed {seed}");
    papers.into_inner()
}

fn read(text: &str) -> PhoneRecording {
    let mut recording = Recording::read(text.as_bytes()).unwrap_or_else(|why| panic!("{why}\n{text}"));
    recording.phones.remove(0)
}

/// What is replayed is the end of what was lived.
fn expect_the_end(seed: u64, replayed: &Replay, lived: &[Record], inputs: u64) {
    assert_eq!(replayed.divergence, None, "seed {seed}");
    assert_eq!(replayed.skipped + replayed.inputs as u64, inputs, "seed {seed}");
    let end = lived.len() - replayed.trace.len();
    assert!(replayed.trace == lived[end..], "seed {seed}: another trace");
}

#[test]
fn what_is_left_of_a_phone_runs_again_as_it_was() {
    let (mut whole, mut cut, mut refused, mut rests, mut tail) = (0, 0, 0, 0, 0);
    for seed in 0..40 {
        for paper in fly(seed) {
            let mut paper = paper.borrow_mut();
            paper.look();
            assert!(!paper.file.contains("sesame"), "the password of everybody");
            // All of it, with each rest compared on the way; and from each rest on.
            let all = read(&paper.file);
            expect_the_end(seed, &replay(&all).expect("from its beginning"), &paper.lived, paper.inputs);
            let starts = (0..all.entries.len())
                .filter(|place| matches!(all.entries[*place].kind, EntryKind::Checkpoint(..)));
            for start in starts {
                rests += 1;
                let later =
                    PhoneRecording { entries: all.entries[start..].to_vec(), forgotten: 1, ..all.clone() };
                let replayed = replay(&later).expect("a rest is a beginning");
                assert_eq!(replayed.divergence, None, "seed {seed}, line {}", all.entries[start].line);
            }
            for (dump, inputs, traced) in &paper.dumps {
                let track = read(dump);
                match replay(&track) {
                    Ok(replayed) => {
                        expect_the_end(seed, &replayed, &paper.lived[..*traced], *inputs);
                        tail += if track.forgotten > 0 { replayed.inputs } else { 0 };
                        *if track.forgotten > 0 { &mut cut } else { &mut whole } += 1;
                    }
                    Err(ReplayError::Forgotten { forgotten, .. }) => {
                        assert_eq!(forgotten, track.forgotten);
                        refused += 1;
                    }
                    Err(why) => panic!("seed {seed}: {why}"),
                }
            }
        }
    }
    println!("{whole} rings held all, {cut} from one of {rests} rests on ({tail} inputs), {refused} no rest");
    assert!(whole > 100 && cut > 150 && rests > 100 && tail > 3000, "the rings are too large, or too small");
}
