//! One call, and the one it is transferred to, from the first ring to the recording.

use super::desk::{Desk, News};
use super::{numbered, say};
use crate::commands::Command;
use crate::exit::Exit;
use offhook::{Cause, DtmfPath, EndReason, EndedBy, Status};
use offhook_media::Source;
use offhook_tokio::{Call, CallEvent, CommandError};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// The length of a digit, in milliseconds: short, and no PBX misses it.
const DIGIT: Duration = Duration::from_millis(120);

/// When a tone that was announced as soon as it was known is measured again: the window of the first measurement began
/// before the tone did.
const SETTLED: Duration = Duration::from_millis(250);
/// A second measurement that differs by more Hz than this is told.
const DIFFERENT: f32 = 1.0;

/// What to do with a call.
pub(super) struct Plan {
    /// Take it at once.
    pub(super) answer: bool,
    /// Send these when the sound is up.
    pub(super) digits: Option<(String, DtmfPath)>,
    /// Hang up so long after it was established.
    pub(super) duration: Option<Duration>,
    pub(super) record: Option<PathBuf>,
}

/// How it went.
pub(super) struct Outcome {
    pub(super) exit: Exit,
    /// The user wants to leave, not only to hang up.
    pub(super) quit: bool,
}

struct Line {
    call: Call,
    established: bool,
    digits_due: bool,
    hang_up_at: Option<Instant>,
    /// The tone that was told last, in Hz, and when to measure it again.
    tone: Option<(f32, Instant)>,
    record: Option<PathBuf>,
}

pub(super) async fn talk(desk: &mut Desk, call: Call, plan: &Plan) -> Outcome {
    if let Some(incoming) = call.incoming() {
        say::incoming(desk.output, call.session(), incoming);
    }
    say::call(desk.output, call.session(), &CallEvent::Status(Status::Initial));
    if plan.answer {
        report(desk, call.answer().await);
    }
    let mut line = Line::new(call, plan.digits.is_some(), plan.record.clone());
    let mut count = 1;
    // The call that was transferred, until it ends; the new one is in `line` then.
    let mut before: Option<Line> = None;
    let mut quit = false;
    loop {
        let (hang_up_at, measure_at) = (line.hang_up_at, line.tone.map(|(_, at)| at));
        let event = tokio::select! {
            event = line.call.next() => event,
            event = next_of(before.as_mut()) => {
                if let Some(old) = &mut before {
                    match event {
                        Some(event) => old.follow(desk, plan, event).await,
                        None => before = None,
                    }
                }
                continue;
            }
            () = until(hang_up_at) => {
                line.hang_up_at = None;
                report(desk, line.call.hang_up().await);
                continue;
            }
            () = until(measure_at) => {
                line.measure(desk).await;
                continue;
            }
            news = desk.next() => {
                match news {
                    News::Incoming(call) => desk.refuse(call).await,
                    News::Referred(call) => {
                        say::call(desk.output, call.session(), &CallEvent::Status(Status::Initial));
                        count += 1;
                        let record = plan.record.as_deref().map(|file| numbered(file, count));
                        before = Some(std::mem::replace(&mut line, Line::new(call, false, record)));
                    }
                    News::Command(command) => {
                        let done = obey(&line.call, command).await;
                        report(desk, done);
                    }
                    News::Quit if quit => return Outcome { exit: Exit::Done, quit },
                    News::Quit => {
                        quit = true;
                        report(desk, line.call.hang_up().await);
                    }
                    // A call goes on without a registration.
                    News::Registered | News::NotRegistered => {}
                }
                continue;
            }
        };
        match (event, &mut before) {
            (Some(CallEvent::Ended(why)), None) => {
                let exit = if line.went_well(&why) { Exit::Done } else { Exit::CallFailed };
                line.follow(desk, plan, CallEvent::Ended(why)).await;
                return Outcome { exit, quit };
            }
            (Some(event), _) => line.follow(desk, plan, event).await,
            (None, Some(_)) => {
                // The transfer failed, and the call before it goes on.
                if let Some(old) = before.take() {
                    line = old;
                }
            }
            (None, None) => return Outcome { exit: Exit::CallFailed, quit },
        }
    }
}

impl Line {
    fn new(call: Call, digits_due: bool, record: Option<PathBuf>) -> Self {
        Self { call, established: false, digits_due, hang_up_at: None, tone: None, record }
    }

    async fn follow(&mut self, desk: &Desk, plan: &Plan, event: CallEvent) {
        match &event {
            CallEvent::Status(Status::Established) => {
                self.established = true;
                self.hang_up_at = plan.duration.map(|duration| Instant::now() + duration);
            }
            CallEvent::Media { up: true } if std::mem::take(&mut self.digits_due) => {
                if let Some((digits, path)) = &plan.digits {
                    report(desk, self.call.digits(digits, DIGIT, *path).await);
                }
            }
            CallEvent::Tone { hz, .. } => self.tone = hz.map(|hz| (hz, Instant::now() + SETTLED)),
            // Whoever reads "ended" finds the file complete.
            CallEvent::Ended(_) => self.keep_recording(desk).await,
            _ => {}
        }
        say::call(desk.output, self.call.session(), &event);
    }

    async fn measure(&mut self, desk: &Desk) {
        let Some((told, _)) = self.tone.take() else { return };
        // A call that ended meanwhile hears nothing.
        let Ok(heard) = self.call.heard().await else { return };
        if heard.hz.is_some_and(|hz| (hz - told).abs() > DIFFERENT) {
            let event = CallEvent::Tone { hz: heard.hz, level_dbfs: heard.level_dbfs };
            say::call(desk.output, self.call.session(), &event);
        }
    }

    async fn keep_recording(&self, desk: &Desk) {
        let Some(file) = &self.record else { return };
        let Ok(recording) = self.call.take_recording().await else { return };
        match std::fs::write(file, recording.to_wav()) {
            Ok(()) => say::recorded(desk.output, self.call.session(), file, recording.duration()),
            Err(why) => desk.complain(&format!("{}: {why}", file.display())),
        }
    }

    fn went_well(&self, why: &EndReason) -> bool {
        match why.cause {
            Cause::HungUp | Cause::Transferred => self.established,
            // As the user wanted it.
            Cause::Cancelled | Cause::Rejected | Cause::Busy => why.by == EndedBy::Us,
            Cause::AnsweredElsewhere | Cause::DeclinedElsewhere => true,
            _ => false,
        }
    }
}

async fn obey(call: &Call, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Answer => call.answer().await,
        Command::Reject => call.reject(486).await,
        Command::Hold => call.hold().await,
        Command::Resume => call.resume().await,
        Command::Mute(on) => call.mute(on).await,
        Command::Tone(hz) => call.play(Source::tone(hz)).await,
        Command::Digits(digits, path) => call.digits(&digits, DIGIT, path).await,
        Command::Transfer(target) => call.transfer(&target).await,
        Command::HangUp | Command::Quit => call.hang_up().await,
    }
}

fn report(desk: &Desk, done: Result<(), CommandError>) {
    if let Err(why) = done {
        desk.complain(&why.to_string());
    }
}

async fn next_of(line: Option<&mut Line>) -> Option<CallEvent> {
    match line {
        Some(line) => line.call.next().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
