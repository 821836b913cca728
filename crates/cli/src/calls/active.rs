//! Running one call, and the call it is transferred to, up to its recording.

use super::call_loop::{CallLoop, LoopEvent};
use super::print;
use crate::commands::Command;
use crate::exit::Exit;
use crate::output::Output;
use crate::record;
use offhook::{Cause, DtmfPath, EndReason, EndedBy, Status};
use offhook_media::Source;
use offhook_tokio::{Call, CallEvent, CallUpdate, CommandError, MediaUpdate};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// The duration of a digit: short, but long enough for any PBX.
const DIGIT_DURATION: Duration = Duration::from_millis(120);

/// The delay before a reported tone is measured again: the window of the first measurement began before the tone.
const REMEASURE_DELAY: Duration = Duration::from_millis(250);
/// A second measurement is reported if it differs by more than this, in Hz.
const MIN_DIFFERENCE: f32 = 1.0;

/// What to do with a call.
pub(super) struct CallPlan {
    /// Send early media immediately.
    pub(super) early_media: bool,
    /// Answer it immediately.
    pub(super) answer: bool,
    /// Send these digits when the media path is up.
    pub(super) digits: Option<(String, DtmfPath)>,
    /// Hang up this long after it was established.
    pub(super) duration: Option<Duration>,
    pub(super) record: Option<PathBuf>,
}

/// The result of a call.
pub(super) struct Outcome {
    pub(super) exit: Exit,
    /// The user ended the command, not only the call.
    pub(super) quit: bool,
}

struct ActiveCall {
    call: Call,
    established: bool,
    digits_pending: bool,
    hang_up_at: Option<Instant>,
    /// The last reported tone in Hz, and when to measure it again.
    tone: Option<(f32, Instant)>,
    record: Option<PathBuf>,
}

pub(super) async fn run(call_loop: &mut CallLoop, call: Call, plan: &CallPlan) -> Outcome {
    if let Some(incoming) = call.incoming() {
        print::incoming(call_loop.output, call.session(), incoming);
    }
    print::status(call_loop.output, call.session(), Status::Initial, None);
    if plan.early_media {
        report(call_loop, call.early_media().await);
    }
    if plan.answer {
        report(call_loop, call.answer().await);
    }
    let mut active = ActiveCall::new(call, plan.digits.is_some(), plan.record.clone());
    let mut count = 1;
    // The transferred call until its end; `active` is then the new call.
    let mut former: Option<ActiveCall> = None;
    let mut quit = false;
    loop {
        let (hang_up_at, measure_at) = (active.hang_up_at, active.tone.map(|(_, at)| at));
        let update = tokio::select! {
            update = active.call.next() => update,
            update = next_of(former.as_mut()) => {
                match (update, &mut former) {
                    (Some(update), Some(old)) => old.on_update_of_former(call_loop, plan, update).await,
                    _ => former = None,
                }
                continue;
            }
            () = until(hang_up_at) => {
                active.hang_up_at = None;
                report(call_loop, active.call.hang_up().await);
                continue;
            }
            () = until(measure_at) => {
                active.measure(call_loop).await;
                continue;
            }
            event = call_loop.next() => {
                match event {
                    LoopEvent::Incoming(call) => call_loop.reject_busy(call).await,
                    LoopEvent::Referred(call) => {
                        print::status(call_loop.output, call.session(), Status::Initial, None);
                        count += 1;
                        let record = plan.record.as_deref().map(|file| record::numbered(file, count));
                        former = Some(std::mem::replace(&mut active, ActiveCall::new(call, false, record)));
                    }
                    LoopEvent::Command(command) => {
                        let done = execute(call_loop.output, &active.call, command).await;
                        report(call_loop, done);
                    }
                    LoopEvent::Quit if quit => return Outcome { exit: Exit::Done, quit },
                    LoopEvent::Quit => {
                        quit = true;
                        report(call_loop, active.call.hang_up().await);
                    }
                    // A call continues without a registration.
                    LoopEvent::Registered | LoopEvent::NotRegistered => {}
                }
                continue;
            }
        };
        match (update, &mut former) {
            (Some(update), _) => {
                let end = update.ended().cloned();
                active.on_update(call_loop, plan, update).await;
                if let (Some(why), None) = (end, &former) {
                    let exit = if active.succeeded(&why) { Exit::Done } else { Exit::CallFailed };
                    return Outcome { exit, quit };
                }
            }
            (None, Some(_)) => {
                // The transfer failed, and the former call continues.
                if let Some(old) = former.take() {
                    active = old;
                }
            }
            (None, None) => return Outcome { exit: Exit::CallFailed, quit },
        }
    }
}

impl ActiveCall {
    fn new(call: Call, digits_pending: bool, record: Option<PathBuf>) -> Self {
        Self { call, established: false, digits_pending, hang_up_at: None, tone: None, record }
    }

    async fn on_update(&mut self, call_loop: &CallLoop, plan: &CallPlan, update: CallUpdate) {
        if update.status() == Some(Status::Established) {
            self.established = true;
            self.hang_up_at = plan.duration.map(|duration| Instant::now() + duration);
        }
        // The file is complete before "ended" is printed.
        if update.ended().is_some() {
            self.write_recording(call_loop).await;
        }
        match &update {
            CallUpdate::Event(CallEvent::Media { up: true }) if std::mem::take(&mut self.digits_pending) => {
                if let Some((digits, path)) = &plan.digits {
                    report(call_loop, self.call.digits(digits, DIGIT_DURATION, *path).await);
                }
            }
            CallUpdate::Media(MediaUpdate::Tone { hz, .. }) => {
                self.tone = hz.map(|hz| (hz, Instant::now() + REMEASURE_DELAY));
            }
            _ => {}
        }
        print::update(call_loop.output, self.call.session(), &update);
    }

    /// The same for a transferred call.
    async fn on_update_of_former(&mut self, call_loop: &CallLoop, plan: &CallPlan, update: CallUpdate) {
        match update {
            // One transfer at a time: the new call would replace the former one.
            CallUpdate::Event(CallEvent::TransferRequested { request, .. }) => {
                report(call_loop, self.call.reject_transfer(request).await);
            }
            update => self.on_update(call_loop, plan, update).await,
        }
    }

    async fn measure(&mut self, call_loop: &CallLoop) {
        let Some((reported, _)) = self.tone.take() else { return };
        // The call may have ended.
        let Ok(heard) = self.call.heard().await else { return };
        if heard.hz.is_some_and(|hz| (hz - reported).abs() > MIN_DIFFERENCE) {
            let update = MediaUpdate::Tone { hz: heard.hz, level_dbfs: heard.level_dbfs };
            print::media(call_loop.output, self.call.session(), &update);
        }
    }

    async fn write_recording(&self, call_loop: &CallLoop) {
        let Some(file) = &self.record else { return };
        let Ok(recording) = self.call.take_recording().await else { return };
        match std::fs::write(file, recording.to_wav()) {
            Ok(()) => print::recorded(call_loop.output, self.call.session(), file, recording.duration()),
            Err(why) => call_loop.error(&format!("{}: {why}", file.display())),
        }
    }

    fn succeeded(&self, why: &EndReason) -> bool {
        match why.cause {
            Cause::HungUp | Cause::Transferred => self.established,
            // A command of the user.
            Cause::Cancelled | Cause::Rejected | Cause::Busy => why.by == EndedBy::Us,
            Cause::AnsweredElsewhere | Cause::DeclinedElsewhere => true,
            _ => false,
        }
    }
}

async fn execute(output: Output, call: &Call, command: Command) -> Result<(), CommandError> {
    match command {
        Command::EarlyMedia => call.early_media().await,
        Command::Answer => call.answer().await,
        Command::Reject => call.reject(486).await,
        Command::Hold => call.hold().await,
        Command::Resume => call.resume().await,
        Command::Restart => call.restart_media().await,
        Command::Mute(on) => call.mute(on).await,
        Command::Tone(hz) => call.play(Source::tone(hz)).await,
        Command::Digits(digits, path) => call.digits(&digits, DIGIT_DURATION, path).await,
        Command::Info { package, content_type, text } => {
            let info = call.info(package.as_deref(), &content_type, text).await?;
            print::info_sent(output, call.session(), info);
            Ok(())
        }
        Command::Transfer(target) => call.transfer(&target).await,
        Command::DecideTransfer { request, accept: true } => call.accept_transfer(request).await,
        Command::DecideTransfer { request, accept: false } => call.reject_transfer(request).await,
        Command::HangUp => call.hang_up().await,
    }
}

fn report(call_loop: &CallLoop, done: Result<(), CommandError>) {
    if let Err(why) = done {
        call_loop.error(&why.to_string());
    }
}

async fn next_of(active: Option<&mut ActiveCall>) -> Option<CallUpdate> {
    match active {
        Some(active) => active.call.next().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
