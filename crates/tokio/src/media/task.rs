//! The media task of one call.

use super::legs::Legs;
use super::messages::{MediaReport, Reports, Request, Setup, Work};
use super::result::{agreed, failed};
use super::sockets::Sockets;
use crate::{MediaUpdate, entropy};
use bytes::Bytes;
use offhook::{EffectId, EffectResult, LegId, MediaEvent, MediaFault, MediaTypes};
use offhook_media::{MediaError, MediaInput, MediaOutput, MediaSession};
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// Datagrams handled in a row before timers and requests.
const BURST: usize = 32;

struct Task {
    /// With the present source and whether to record, for further legs.
    setup: Setup,
    legs: Legs,
    sockets: Option<Sockets>,
    reports: Reports,
}

pub(super) async fn run(setup: Setup, mut requests: mpsc::Receiver<Request>, reports: Reports) {
    let clock = setup.clock;
    let first = MediaSession::new(setup.config.clone(), setup.seed, clock.epoch(), clock.now());
    let mut task = Task { setup, legs: Legs::new(first), sockets: None, reports };
    task.prepare(0);
    loop {
        task.drain().await;
        let deadline = task
            .sockets
            .as_ref()
            .and_then(|_| task.legs.live().filter_map(|leg| leg.session.deadline()).min());
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => task.serve(request).await,
                None => return,
            },
            () = receive(&mut task.legs, &mut task.sockets, clock) => {}
            () = clock.sleep_until(deadline) => {
                let now = clock.now();
                task.legs.live().for_each(|leg| leg.session.handle(now, MediaInput::Wake));
            }
        }
    }
}

/// Handles received datagrams; pending without sockets.
async fn receive(legs: &mut Legs, sockets: &mut Option<Sockets>, clock: crate::Clock) {
    let Some(sockets) = sockets else { return std::future::pending().await };
    let first = sockets.receive().await;
    let now = clock.now();
    legs.receive(now, &first);
    for _ in 1..BURST {
        let Some(next) = sockets.try_receive() else { return };
        legs.receive(now, &next);
    }
}

impl Task {
    async fn serve(&mut self, request: Request) {
        match request {
            Request::Work { leg, id, work } => self.work(leg, id, work).await,
            Request::Fork { leg, of } => self.fork(leg, of),
            Request::Rollback { leg } => {
                if let Some(index) = self.legs.index(leg) {
                    self.legs.at(index).session.rollback();
                }
            }
            Request::Release { leg } => self.release(&[leg]).await,
            Request::End => {
                let all: Vec<LegId> = self.legs.live().map(|leg| leg.id).collect();
                self.release(&all).await;
            }
            Request::Play(source) => {
                self.setup.play = source;
                self.legs.live().for_each(|leg| leg.session.play(self.setup.play.clone()));
            }
            Request::Mute { leg, on } => {
                if let Some(index) = self.legs.index(leg) {
                    self.legs.at(index).session.mute(on);
                }
            }
            Request::Record(on) => {
                self.setup.record = on;
                self.legs.live().for_each(|leg| leg.session.record(on));
            }
            Request::Push(samples) => self.legs.live().for_each(|leg| leg.session.push_audio(&samples)),
            // The requester may be gone.
            Request::Recording(reply) => drop(reply.send(self.legs.shown().take_recording())),
            Request::Statistics(reply) => drop(reply.send(self.legs.shown().statistics())),
            Request::ReceivedTone(reply) => drop(reply.send(self.legs.shown().received_tone())),
        }
    }

    async fn release(&mut self, legs: &[LegId]) {
        let now = self.setup.clock.now();
        legs.iter().for_each(|leg| self.legs.release(*leg, now));
        self.drain().await;
        self.choose().await;
        if self.legs.live().next().is_none() {
            self.sockets = None;
        }
    }

    /// Shows the user another leg, if that has changed.
    async fn choose(&mut self) {
        for update in self.legs.choose() {
            self.report(MediaReport::Update(update)).await;
        }
    }

    /// Without the first offer of the other leg, the effects of this one fail.
    fn fork(&mut self, leg: LegId, of: LegId) {
        let (seed, now) = (self.seed_of(leg), self.setup.clock.now());
        let fork = self.legs.index(of).and_then(|index| self.legs.at(index).session.fork(seed, now));
        if let Some(session) = fork {
            self.add(leg, session);
        }
    }

    fn seed_of(&self, leg: LegId) -> [u8; 32] {
        entropy::part(&self.setup.seed, u64::from(leg.0))
    }

    fn add(&mut self, leg: LegId, session: MediaSession) {
        self.legs.add(leg, session);
        self.prepare(self.legs.len() - 1);
    }

    /// Sets the source of a new session, and whether it is recorded.
    fn prepare(&mut self, index: usize) {
        let session = &mut self.legs.at(index).session;
        session.play(self.setup.play.clone());
        session.record(self.setup.record);
    }

    /// The index of a leg, which is created for its first description, with sockets.
    async fn leg_for(&mut self, leg: LegId, work: &Work) -> Option<usize> {
        if !matches!(work, Work::Offer { .. } | Work::Answer { .. }) {
            return self.legs.index(leg);
        }
        if self.legs.index(leg).is_none() {
            let (clock, seed) = (self.setup.clock, self.seed_of(leg));
            let session = MediaSession::new(self.setup.config.clone(), seed, clock.epoch(), clock.now());
            self.add(leg, session);
        }
        self.open_sockets(matches!(work, Work::Offer { restart: true, .. })).await;
        self.legs.index(leg)
    }

    /// Binds the sockets if there are none; `again`: to the addresses that the machine has now.
    async fn open_sockets(&mut self, again: bool) {
        let addresses = || self.setup.bind.addresses(self.setup.signalling);
        match &mut self.sockets {
            None => self.sockets = Some(Sockets::bind(&addresses()).await),
            Some(sockets) if again => {
                let before: Vec<SocketAddr> = sockets.local().collect();
                sockets.rebind(&addresses()).await;
                for gone in before.into_iter().filter(|local| !sockets.local().any(|kept| kept == *local)) {
                    self.legs.live().for_each(|leg| leg.session.remove_local(gone));
                }
            }
            Some(_) => {}
        }
        // Those that a session has already are ignored.
        for local in self.sockets.iter().flat_map(Sockets::local) {
            self.legs.live().for_each(|leg| leg.session.add_local(local));
        }
    }

    async fn work(&mut self, leg: LegId, id: EffectId, work: Work) {
        let now = self.setup.clock.now();
        let Some(index) = self.leg_for(leg, &work).await else {
            return self.done(id, EffectResult::Failed(MediaFault::Engine)).await;
        };
        let leg = self.legs.at(index);
        let session = &mut leg.session;
        let result = match work {
            // The engine has audio only.
            Work::Offer { types: MediaTypes { audio: false, .. }, .. }
            | Work::Answer { types: MediaTypes { audio: false, .. }, .. } => Err(MediaError::NoCommonMedia),
            Work::Offer { direction, restart, .. } => session
                .offer(now, direction, restart)
                .map(|offer| EffectResult::Description(Bytes::from(offer))),
            Work::Answer { offer, direction, .. } => {
                session.answer(now, offer, direction).and_then(|answer| {
                    Ok(EffectResult::Answered { answer: Bytes::from(answer), agreed: agreed_by(session)? })
                })
            }
            Work::Apply { answer } => {
                session.apply(now, answer).and_then(|()| Ok(EffectResult::Applied(agreed_by(session)?)))
            }
            Work::Digit { digit, duration } => match session.send_digit(now, digit, duration) {
                // Done when its last packet was sent.
                Ok(()) => return leg.digits.push_back((id, digit)),
                Err(error) => Err(error),
            },
        };
        self.done(id, result.unwrap_or_else(|error| failed(&error))).await;
        self.choose().await;
    }

    async fn drain(&mut self) {
        for index in 0..self.legs.len() {
            while let Some(output) = self.legs.at(index).session.poll() {
                match output {
                    MediaOutput::Transmit { local, remote, data } => {
                        if let Some(sockets) = &self.sockets {
                            sockets.send(local, remote, &data);
                        }
                    }
                    MediaOutput::Event(event) => self.on_event(index, event).await,
                }
            }
        }
    }

    async fn on_event(&mut self, index: usize, event: offhook_media::MediaEvent) {
        use offhook_media::MediaEvent as Event;
        match event {
            Event::Connected => self.event(index, MediaEvent::Up).await,
            Event::Disconnected => self.event(index, MediaEvent::Down).await,
            Event::Failed { cause } => {
                self.update(index, MediaUpdate::Failed(cause)).await;
                self.event(index, MediaEvent::Failed).await;
            }
            Event::Digit { digit, duration, .. } => {
                self.event(index, MediaEvent::Digit { digit, duration }).await;
            }
            Event::DigitSent { digit } => self.digit_done(index, digit, EffectResult::Sent).await,
            Event::DigitFailed { digit } => {
                self.digit_done(index, digit, EffectResult::Failed(MediaFault::Engine)).await;
            }
            Event::FirstAudio => self.update(index, MediaUpdate::FirstAudio).await,
            Event::ToneChanged { hz, level_dbfs } => {
                self.update(index, MediaUpdate::Tone { hz, level_dbfs }).await;
            }
            Event::SourceEnded => self.update(index, MediaUpdate::SourceEnded).await,
        }
    }

    async fn digit_done(&mut self, index: usize, digit: char, result: EffectResult) {
        let digits = &mut self.legs.at(index).digits;
        if let Some(at) = digits.iter().position(|(_, sent)| *sent == digit)
            && let Some((id, _)) = digits.remove(at)
        {
            self.done(id, result).await;
        }
    }

    async fn event(&mut self, index: usize, event: MediaEvent) {
        let leg = self.legs.at(index).id;
        self.report(MediaReport::Event { leg, event }).await;
    }

    async fn update(&mut self, index: usize, update: MediaUpdate) {
        if let Some(update) = self.legs.update(index, update) {
            self.report(MediaReport::Update(update)).await;
        }
    }

    async fn done(&self, id: EffectId, result: EffectResult) {
        self.report(MediaReport::Done { id, result }).await;
    }

    /// Sends a report, unless the phone has stopped.
    async fn report(&self, report: MediaReport) {
        let _ = self.reports.send((self.setup.session, report)).await;
    }
}

/// What a session agreed on just now.
fn agreed_by(session: &MediaSession) -> Result<offhook::Agreed, MediaError> {
    session.agreed().map(agreed).ok_or(MediaError::WrongState("no agreement"))
}
