//! The calls of a phone, as much of them as the runtime has: a queue of events, a status, a media task.

use super::Request;
use crate::queue::Queue;
use crate::{Call, CallEvent, Clock, Options, entropy, media};
use offhook::{Incoming, SessionId, Status};
use std::collections::BTreeMap;
use std::net::IpAddr;
use tokio::sync::{mpsc, watch};

pub(super) struct Calls {
    live: BTreeMap<SessionId, Entry>,
    seed: [u8; 32],
    begun: u64,
    clock: Clock,
    options: Options,
    requests: mpsc::Sender<Request>,
    reports: media::Reports,
    dropped: mpsc::UnboundedSender<SessionId>,
}

struct Entry {
    /// Our end of the connection that carries its signalling.
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
        Self { live: BTreeMap::new(), seed, begun: 0, clock, options, requests, reports, dropped }
    }

    /// A new call and its media task; `signalling` is our end of the connection to the server.
    pub(super) fn begin(
        &mut self,
        session: SessionId,
        signalling: Option<IpAddr>,
        incoming: Option<Incoming>,
    ) -> Call {
        let setup = media::Setup {
            session,
            config: self.options.media.clone(),
            seed: entropy::part(&self.seed, self.begun),
            clock: self.clock,
            addresses: self.options.bind.addresses(signalling),
            play: self.options.play.clone(),
            record: self.options.record,
        };
        self.begun += 1;
        let media = media::start(setup, self.reports.clone());
        let events = Queue::new();
        let (status, watched) = watch::channel(Status::Initial);
        self.live.insert(session, Entry { signalling, events: events.clone(), status, media: media.clone() });
        Call {
            session,
            incoming,
            status: watched,
            events,
            requests: self.requests.clone(),
            media,
            dropped: Some(self.dropped.clone()),
        }
    }

    /// Our end of the connection of a call.
    pub(super) fn signalling(&self, session: SessionId) -> Option<IpAddr> {
        self.live.get(&session)?.signalling
    }

    /// An event for whoever holds the call.
    pub(super) fn tell(&self, session: SessionId, event: CallEvent) {
        if let Some(entry) = self.live.get(&session) {
            if let CallEvent::Status(status) = event {
                entry.status.send_replace(status);
            }
            entry.events.push(event);
        }
    }

    /// A request for the call's media; `false` if there is none that could do it.
    #[must_use]
    pub(super) fn ask(&self, session: SessionId, request: media::Request) -> bool {
        self.live.get(&session).is_some_and(|entry| entry.media.try_send(request).is_ok())
    }

    /// Nothing comes after this. The media task lives on while somebody holds the call, for its recording.
    pub(super) fn end(&mut self, session: SessionId, last: CallEvent) {
        self.tell(session, last);
        if let Some(entry) = self.live.remove(&session) {
            entry.events.close();
            // A task too busy to hear it hears that its senders are gone, once the call is dropped.
            let _ = entry.media.try_send(media::Request::Release);
        }
    }

    pub(super) fn close(&mut self) {
        for entry in self.live.values() {
            entry.events.close();
        }
    }
}
