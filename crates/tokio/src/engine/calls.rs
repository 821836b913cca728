//! The runtime's part of the calls of a phone: event queue, status and media task.

use crate::call::Request;
use crate::queue::Queue;
use crate::{Call, CallEvent, Clock, Options, entropy, media};
use offhook::{Incoming, SessionId, Status};
use std::collections::BTreeMap;
use std::net::IpAddr;
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
    events: Queue<CallEvent>,
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
            addresses: self.options.bind.addresses(signalling),
            play: self.options.play.clone(),
            record: self.options.record,
        };
        self.started += 1;
        let media = media::start(setup, self.reports.clone());
        let events = Queue::new();
        let (status, status_watch) = watch::channel(Status::Initial);
        self.live.insert(session, Entry { signalling, events: events.clone(), status, media: media.clone() });
        Call {
            session,
            incoming,
            status: status_watch,
            events,
            requests: self.requests.clone(),
            media,
            dropped: Some(self.dropped.clone()),
        }
    }

    /// The local address of the connection of a call.
    pub(super) fn signalling(&self, session: SessionId) -> Option<IpAddr> {
        self.live.get(&session)?.signalling
    }

    /// Queues an event for the handle of the call.
    pub(super) fn push_event(&self, session: SessionId, event: CallEvent) {
        if let Some(entry) = self.live.get(&session) {
            if let CallEvent::Status(status) = event {
                entry.status.send_replace(status);
            }
            entry.events.push(event);
        }
    }

    /// Sends a request to the call's media task; `false` if there is none, or its queue is full.
    #[must_use]
    pub(super) fn request_media(&self, session: SessionId, request: media::Request) -> bool {
        self.live.get(&session).is_some_and(|entry| entry.media.try_send(request).is_ok())
    }

    /// Ends a call with its last event. The media task continues while a handle exists, for the recording.
    pub(super) fn end(&mut self, session: SessionId, last: CallEvent) {
        self.push_event(session, last);
        if let Some(entry) = self.live.remove(&session) {
            entry.events.close();
            // If the queue is full, the task ends when the call is dropped and its senders are gone.
            let _ = entry.media.try_send(media::Request::Release);
        }
    }

    pub(super) fn close(&mut self) {
        for entry in self.live.values() {
            entry.events.close();
        }
    }
}
