use bytes::Bytes;
use offhook::{
    Config, Direction, Effect, EffectId, EffectResult, Event, FlowChange, FlowId, Input, Instant, MediaEvent,
    MediaFault, Output, Phone, SessionId, Status,
};
use offhook_wire::sdp::Outline;
use offhook_wire::{Limits, Message};
use std::collections::VecDeque;
use std::time::Duration;

/// What the media engine of a desk does with effects.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// It answers at once, and its path comes up.
    Works,
    /// It answers at once, and its path never comes up.
    NoPath,
    /// It refuses every description.
    Refuses(MediaFault),
    /// It keeps its effects in [`Desk::effects`] for the test.
    Manual,
}

/// One phone, its connection, and all that it said.
pub(crate) struct Desk {
    pub(crate) phone: Phone,
    pub(crate) now: Instant,
    pub(crate) media: Media,
    pub(crate) sent: VecDeque<Bytes>,
    pub(crate) events: Vec<Event>,
    pub(crate) effects: Vec<(EffectId, Effect)>,
    pub(crate) flow: Option<FlowId>,
}

impl Desk {
    /// A phone whose connection is up.
    pub(crate) fn new(config: Config, seed: u8) -> Self {
        let mut desk = Self::unconnected(config, seed);
        desk.connect();
        desk
    }

    pub(crate) fn unconnected(config: Config, seed: u8) -> Self {
        let now = Instant::from_nanos(1_000_000_000);
        let mut desk = Self {
            phone: Phone::new(config, [seed; 32], now),
            now,
            media: Media::Works,
            sent: VecDeque::new(),
            events: Vec::new(),
            effects: Vec::new(),
            flow: None,
        };
        desk.pump();
        desk
    }

    pub(crate) fn connect(&mut self) {
        let flow = self.flow.expect("the phone asked for a connection");
        self.give(Input::Flow { flow, change: FlowChange::Up { local: Some("192.0.2.1:5060".to_owned()) } });
    }

    pub(crate) fn give(&mut self, input: Input) {
        self.phone.handle(self.now, input).expect("only commands can be misused");
        self.pump();
    }

    /// What arrives from the server, as text; `\n` stands for CRLF.
    pub(crate) fn receive(&mut self, text: &str) {
        self.receive_bytes(Bytes::from(text.replace('\n', "\r\n")));
    }

    pub(crate) fn receive_bytes(&mut self, data: Bytes) {
        let flow = self.flow.expect("connected");
        self.give(Input::Received { flow, data });
    }

    /// Polls until there is nothing more to do.
    pub(crate) fn pump(&mut self) {
        while let Some(output) = self.phone.poll() {
            match output {
                Output::Transmit { flow, data } => {
                    assert_eq!(Some(flow), self.flow, "bytes for a flow that is not open");
                    // Keep-alives (RFC 5626 §3.5.1) are not what these tests are about.
                    if !data.trim_ascii().is_empty() {
                        self.sent.push_back(data);
                    }
                }
                Output::Open { flow, .. } => self.flow = Some(flow),
                Output::Close { .. } => {}
                Output::Event(event) => self.events.push(event),
                Output::Effect { id, effect } => self.effect(id, effect),
            }
        }
    }

    fn effect(&mut self, id: EffectId, effect: Effect) {
        let result = match (self.media, &effect) {
            (_, Effect::Rollback { .. } | Effect::Release { .. }) => None,
            (Media::Manual, _) => None,
            (Media::Refuses(fault), _) => Some(EffectResult::Failed(fault)),
            (_, Effect::Offer { direction, .. }) => Some(EffectResult::Description(sdp(*direction))),
            (_, Effect::Answer { offer, direction, .. }) => {
                Some(EffectResult::Description(sdp(answer_direction(offer, *direction))))
            }
            (_, Effect::Apply { .. }) => Some(EffectResult::Applied),
            (_, Effect::Digit { .. }) => Some(EffectResult::Sent),
        };
        let session = match &effect {
            Effect::Answer { session, .. } | Effect::Apply { session, .. } => Some(*session),
            _ => None,
        };
        match result {
            None => self.effects.push((id, effect)),
            Some(result) => {
                self.phone.handle(self.now, Input::Done { effect: id, result }).expect("no command");
                if let (Media::Works, Some(session)) = (self.media, session) {
                    let event = MediaEvent::Up;
                    self.phone.handle(self.now, Input::Media { session, event }).expect("no command");
                }
            }
        }
    }

    /// Lets time pass, waking the phone whenever it asked for it.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut wakes = 0;
        while let Some(deadline) = self.phone.deadline().filter(|d| d.at <= end) {
            self.now = self.now.max(deadline.at);
            self.give(Input::Wake);
            wakes += 1;
            assert!(wakes < 100_000, "the phone wants to be woken for ever: {deadline:?}");
        }
        self.now = end;
    }

    /// The next message that the phone sent.
    pub(crate) fn next(&mut self) -> Message {
        let data = self.sent.pop_front().expect("the phone sent something");
        Message::parse(data, &Limits::default()).expect("what a phone sends can be read")
    }

    /// The next message, which must be a request of this method.
    pub(crate) fn next_request(&mut self, method: &str) -> Message {
        let message = self.next();
        assert_eq!(
            message.method().map(|m| m.as_bytes().to_vec()),
            Some(method.as_bytes().to_vec()),
            "{message:?}"
        );
        message
    }

    /// The next message, which must be a response with this code.
    pub(crate) fn next_response(&mut self, code: u16) -> Message {
        let message = self.next();
        assert_eq!(message.status(), Some(code), "{message:?}");
        message
    }

    /// Takes the events so far.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The statuses of a call in the order in which they were entered.
    pub(crate) fn walk(&self, id: SessionId) -> Vec<Status> {
        let mut walk = Vec::new();
        for event in &self.events {
            if let Event::Status { session, from, to } = event
                && *session == id
            {
                if walk.is_empty() {
                    walk.push(*from);
                }
                assert_eq!(walk.last(), Some(from), "a status was left out");
                walk.push(*to);
            }
        }
        walk
    }

    /// The call that came in.
    pub(crate) fn incoming(&self) -> SessionId {
        let incoming = |event: &Event| match event {
            Event::Incoming(incoming) => Some(incoming.session),
            _ => None,
        };
        self.events.iter().rev().find_map(incoming).expect("a call came in")
    }

    /// Why a call ended.
    pub(crate) fn ended(&self, id: SessionId) -> offhook::EndReason {
        let mut ends = self.events.iter().filter_map(|event| match event {
            Event::Ended { session, why } if *session == id => Some(why.clone()),
            _ => None,
        });
        let why = ends.next().expect("the call ended");
        assert_eq!(ends.next(), None, "a call ends once");
        why
    }
}

/// A small description; audio with telephone-event.
pub(crate) fn sdp(direction: Direction) -> Bytes {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na={}\r\n",
        direction.name()
    )
    .into()
}

fn answer_direction(offer: &[u8], wanted: Direction) -> Direction {
    let outline = Outline::parse(offer).expect("the peer's description");
    let offered = outline.media().flatten().next().expect("a media line").direction;
    offered.reversed().meet(wanted)
}
