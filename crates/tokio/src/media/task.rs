//! The media task of one call.

use super::messages::{MediaReport, Reports, Request, Setup, Work};
use super::sockets::Sockets;
use crate::MediaUpdate;
use bytes::Bytes;
use offhook::{EffectId, EffectResult, MediaEvent, MediaFault};
use offhook_media::{MediaError, MediaInput, MediaOutput, MediaSession};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// Datagrams handled in a row before timers and requests.
const BURST: usize = 32;

struct Task {
    setup: Setup,
    session: MediaSession,
    sockets: Option<Sockets>,
    /// Digits being sent, oldest first.
    digits: VecDeque<(EffectId, char)>,
    reports: Reports,
}

pub(super) async fn run(mut setup: Setup, mut requests: mpsc::Receiver<Request>, reports: Reports) {
    let (clock, now) = (setup.clock, setup.clock.now());
    let mut session = MediaSession::new(setup.config.clone(), setup.seed, clock.epoch(), now);
    session.play(std::mem::take(&mut setup.play));
    session.record(setup.record);
    let mut task = Task { setup, session, sockets: None, digits: VecDeque::new(), reports };
    loop {
        task.drain().await;
        let deadline = task.sockets.as_ref().and_then(|_| task.session.deadline());
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => task.serve(request).await,
                None => return,
            },
            () = receive(&mut task.session, &mut task.sockets, clock) => {}
            () = clock.sleep_until(deadline) => {
                task.session.handle(clock.now(), MediaInput::Wake);
            }
        }
    }
}

/// Handles received datagrams; pending without sockets.
async fn receive(session: &mut MediaSession, sockets: &mut Option<Sockets>, clock: crate::Clock) {
    let Some(sockets) = sockets else { return std::future::pending().await };
    let first = sockets.receive().await;
    let now = clock.now();
    session.handle(now, MediaInput::Received { local: first.local, remote: first.remote, data: first.data });
    for _ in 1..BURST {
        let Some(next) = sockets.try_receive() else { return };
        session.handle(now, MediaInput::Received { local: next.local, remote: next.remote, data: next.data });
    }
}

impl Task {
    async fn serve(&mut self, request: Request) {
        match request {
            Request::Work { id, work } => self.work(id, work).await,
            Request::Rollback => self.session.rollback(),
            Request::Release => {
                self.session.close(self.setup.clock.now());
                self.drain().await;
                self.sockets = None;
            }
            Request::Play(source) => self.session.play(source),
            Request::Mute(on) => self.session.mute(on),
            Request::Record(on) => self.session.record(on),
            Request::Push(samples) => self.session.push_audio(&samples),
            // The requester may be gone.
            Request::Recording(reply) => drop(reply.send(self.session.take_recording())),
            Request::Statistics(reply) => drop(reply.send(self.session.statistics())),
            Request::ReceivedTone(reply) => drop(reply.send(self.session.received_tone())),
        }
    }

    async fn work(&mut self, id: EffectId, work: Work) {
        if self.sockets.is_none() && matches!(work, Work::Offer { .. } | Work::Answer { .. }) {
            let sockets = Sockets::bind(&self.setup.addresses).await;
            for local in sockets.local() {
                self.session.add_local(local);
            }
            self.sockets = Some(sockets);
        }
        let now = self.setup.clock.now();
        let result = match work {
            Work::Offer { direction } => self.session.offer(now, direction, false).map(described),
            Work::Answer { offer, direction } => self.session.answer(now, offer, direction).map(described),
            Work::Apply { answer } => self.session.apply(now, answer).map(|()| EffectResult::Applied),
            Work::Digit { digit, duration } => match self.session.send_digit(now, digit, duration) {
                // Done when its last packet was sent.
                Ok(()) => return self.digits.push_back((id, digit)),
                Err(error) => Err(error),
            },
        };
        let result = result.unwrap_or_else(|error| EffectResult::Failed(fault(&error)));
        self.report(MediaReport::Done { id, result }).await;
    }

    async fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                MediaOutput::Transmit { local, remote, data } => {
                    if let Some(sockets) = &self.sockets {
                        sockets.send(local, remote, &data);
                    }
                }
                MediaOutput::Event(event) => self.on_event(event).await,
            }
        }
    }

    async fn on_event(&mut self, event: offhook_media::MediaEvent) {
        use offhook_media::MediaEvent as Event;
        let report = match event {
            Event::Connected => MediaReport::Event(MediaEvent::Up),
            Event::Disconnected => MediaReport::Event(MediaEvent::Down),
            Event::Failed { cause } => {
                self.report(MediaReport::Update(MediaUpdate::Failed(cause))).await;
                MediaReport::Event(MediaEvent::Failed)
            }
            Event::Digit { digit, duration, .. } => MediaReport::Event(MediaEvent::Digit { digit, duration }),
            Event::DigitSent { digit } => return self.digit_done(digit, EffectResult::Sent).await,
            Event::DigitFailed { digit } => {
                return self.digit_done(digit, EffectResult::Failed(MediaFault::Engine)).await;
            }
            Event::FirstAudio => MediaReport::Update(MediaUpdate::FirstAudio),
            Event::ToneChanged { hz, level_dbfs } => {
                MediaReport::Update(MediaUpdate::Tone { hz, level_dbfs })
            }
            Event::SourceEnded => MediaReport::Update(MediaUpdate::SourceEnded),
        };
        self.report(report).await;
    }

    async fn digit_done(&mut self, digit: char, result: EffectResult) {
        if let Some(at) = self.digits.iter().position(|(_, sent)| *sent == digit)
            && let Some((id, _)) = self.digits.remove(at)
        {
            self.report(MediaReport::Done { id, result }).await;
        }
    }

    /// Sends a report, unless the phone has stopped.
    async fn report(&self, report: MediaReport) {
        let _ = self.reports.send((self.setup.session, report)).await;
    }
}

fn described(sdp: String) -> EffectResult {
    EffectResult::Description(Bytes::from(sdp))
}

fn fault(error: &MediaError) -> MediaFault {
    match error {
        MediaError::NoCommonCodec | MediaError::NotSupported(_) => MediaFault::NoCommonCodec,
        MediaError::Malformed(_) => MediaFault::BadDescription,
        _ => MediaFault::Engine,
    }
}
