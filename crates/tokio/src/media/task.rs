//! One call's media, from its first description to the last question about it.

use super::sockets::Sockets;
use super::{News, Reports, Request, Setup, Work};
use bytes::Bytes;
use offhook::{EffectId, EffectResult, MediaEvent, MediaFault};
use offhook_media::{MediaError, MediaInput, MediaOutput, MediaSession};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// Datagrams taken in a row before timers and requests get their turn.
const BURST: usize = 32;

struct Task {
    setup: Setup,
    session: MediaSession,
    sockets: Option<Sockets>,
    /// Digits under way, oldest first; they go out in order.
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

/// Takes what arrived. Without sockets nothing ever does.
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
            // Whoever asked and left is not waited for.
            Request::Recording(reply) => drop(reply.send(self.session.take_recording())),
            Request::Statistics(reply) => drop(reply.send(self.session.statistics())),
            Request::Heard(reply) => drop(reply.send(self.session.received_tone())),
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
                // Done when the last packet of it is out.
                Ok(()) => return self.digits.push_back((id, digit)),
                Err(error) => Err(error),
            },
        };
        let result = result.unwrap_or_else(|error| EffectResult::Failed(fault(&error)));
        self.report(News::Done { id, result }).await;
    }

    async fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                MediaOutput::Transmit { local, remote, data } => {
                    if let Some(sockets) = &self.sockets {
                        sockets.send(local, remote, &data);
                    }
                }
                MediaOutput::Event(event) => self.tell(event).await,
            }
        }
    }

    async fn tell(&mut self, event: offhook_media::MediaEvent) {
        use offhook_media::MediaEvent as Said;
        let news = match event {
            Said::Connected => News::Event(MediaEvent::Up),
            Said::Disconnected => News::Event(MediaEvent::Down),
            Said::Failed { cause } => {
                self.report(News::Failed(cause)).await;
                News::Event(MediaEvent::Failed)
            }
            Said::Digit { digit, duration, .. } => News::Event(MediaEvent::Digit { digit, duration }),
            Said::DigitSent { digit } => return self.digit_done(digit, EffectResult::Sent).await,
            Said::DigitFailed { digit } => {
                return self.digit_done(digit, EffectResult::Failed(MediaFault::Engine)).await;
            }
            Said::FirstAudio => News::FirstAudio,
            Said::ToneChanged { hz, level_dbfs } => News::Tone { hz, level_dbfs },
            Said::SourceEnded => News::SourceEnded,
        };
        self.report(news).await;
    }

    async fn digit_done(&mut self, digit: char, result: EffectResult) {
        if let Some(at) = self.digits.iter().position(|(_, sent)| *sent == digit)
            && let Some((id, _)) = self.digits.remove(at)
        {
            self.report(News::Done { id, result }).await;
        }
    }

    /// A phone that is gone needs no news.
    async fn report(&self, news: News) {
        let _ = self.reports.send((self.setup.session, news)).await;
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
