//! The runtime's part of the calls of a phone: event queue, status and media task.

use crate::call::Request;
use crate::queue::Queue;
use crate::{Call, CallUpdate, Clock, Options, entropy, media};
use offhook::{CallEvent, Incoming, SessionId, Status};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicU32;
use tokio::sync::{mpsc, watch};

pub(super) struct Calls {
    live: BTreeMap<SessionId, Entry>,
    seed: [u8; 32],
    started: u64,
    clock: Clock,
    options: Options,
    requests: mpsc::Sender<Request>,
    reports: media::Reports,
    dropped: mpsc::UnboundedSender<SessionId>,
}

struct Entry {
    /// The local address of the connection for its signalling.
    signalling: Option<IpAddr>,
    updates: Queue<CallUpdate>,
    status: watch::Sender<Status>,
    media: mpsc::Sender<media::Request>,
}

impl Calls {
    pub(super) fn new(
        seed: [u8; 32],
        clock: Clock,
        options: Options,
        requests: mpsc::Sender<Request>,
        reports: media::Reports,
        dropped: mpsc::UnboundedSender<SessionId>,
    ) -> Self {
        Self { live: BTreeMap::new(), seed, started: 0, clock, options, requests, reports, dropped }
    }

    /// Adds a call and starts its media task; `signalling` is the local address of the connection to the server.
    pub(super) fn begin(
        &mut self,
        session: SessionId,
        signalling: Option<IpAddr>,
        incoming: Option<Incoming>,
    ) -> Call {
        let setup = media::Setup {
            session,
            config: self.options.media.clone(),
            seed: entropy::part(&self.seed, self.started),
            clock: self.clock,
            bind: self.options.bind.clone(),
            signalling,
            play: self.options.play.clone(),
            record: self.options.record,
        };
        self.started += 1;
        let media = media::start(setup, self.reports.clone());
        let updates = Queue::new();
        let (status, status_watch) = watch::channel(Status::Initial);
        self.live
            .insert(session, Entry { signalling, updates: updates.clone(), status, media: media.clone() });
        Call {
            session,
            incoming,
            status: status_watch,
            updates,
            infos: AtomicU32::new(0),
            requests: self.requests.clone(),
            media,
            dropped: Some(self.dropped.clone()),
        }
    }

    /// The local address of the connection of a call.
    pub(super) fn signalling(&self, session: SessionId) -> Option<IpAddr> {
        self.live.get(&session)?.signalling
    }

    /// Queues an update for the handle of the call.
    pub(super) fn push(&self, session: SessionId, update: CallUpdate) {
        if let Some(entry) = self.live.get(&session) {
            if let Some(status) = update.status() {
                entry.status.send_replace(status);
            }
            entry.updates.push(update);
        }
    }

    /// Queues an event. After the last one the media task continues while a handle exists, for the recording.
    pub(super) fn on_event(&mut self, session: SessionId, event: CallEvent) {
        let update = CallUpdate::Event(event);
        let is_last = update.ended().is_some();
        self.push(session, update);
        if is_last && let Some(entry) = self.live.remove(&session) {
            entry.updates.close();
            // If the queue is full, the task ends when the call is dropped and its senders are gone.
            let _ = entry.media.try_send(media::Request::End);
        }
    }

    /// Sends a request to the call's media task; `false` if there is none, or its queue is full.
    #[must_use]
    pub(super) fn request_media(&self, session: SessionId, request: media::Request) -> bool {
        self.live.get(&session).is_some_and(|entry| entry.media.try_send(request).is_ok())
    }

    pub(super) fn close(&mut self) {
        for entry in self.live.values() {
            entry.updates.close();
        }
    }
}
