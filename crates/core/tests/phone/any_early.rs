//! One phone and peers that send responses, PRACKs, UPDATEs and re-INVITEs in any order, with a media engine that is slow or fails. Every
//! call ends once, every media session is released once and not used after that, and nothing is left at the end.

use bytes::Bytes;
use offhook::{
    CallCommand, CallEffect, CallEvent, Command, ConnectionChange, ConnectionFailure, ConnectionId, Dial,
    Direction, DtmfPath, Effect, Event, Input, Instant, LegId, Limits, MediaFault, MediaTypes, Output,
    RenegotiateBy, SessionId,
};
use offhook_testkit::{FakeMedia, MediaBehaviour, Observer, ScriptedPeer, TestPhone, config, peer, sdp};
use offhook_wire::{Builder, HeaderName, Message, Method};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Step {
    Dial,
    Command(CallCommand),
    /// The media engine works, or its effects wait.
    Media(bool),
    /// A result for one of the last effects, perhaps a second one: the right one, or a fault.
    Done(usize, bool),
    /// An INVITE with an offer or not, and a header field.
    Invite(bool, &'static str),
    /// A request of the last caller.
    Caller(&'static str, bool, u32),
    /// A request in a dialog of our last INVITE.
    Callee(&'static str, bool, &'static str),
    /// To one of the last requests: the code, the tag, whether with a description, and the RSeq.
    Answer(usize, u16, &'static str, bool, Option<u32>),
    Lose,
    Wait(u64),
}

fn command() -> impl Strategy<Value = CallCommand> {
    let digits = |path| CallCommand::Digits { digits: "1".to_owned(), duration: SECOND / 10, path };
    prop::sample::select(vec![
        CallCommand::Answer,
        CallCommand::Answer,
        CallCommand::Answer,
        CallCommand::EarlyMedia,
        CallCommand::EarlyMedia,
        CallCommand::EarlyMedia,
        CallCommand::RestartMedia,
        CallCommand::RestartMedia,
        CallCommand::SetMediaTypes { types: MediaTypes::AUDIO_VIDEO },
        CallCommand::SetMediaTypes { types: MediaTypes::AUDIO },
        CallCommand::SetMediaTypes { types: MediaTypes::VIDEO },
        CallCommand::Mute { types: MediaTypes::AUDIO },
        CallCommand::Mute { types: MediaTypes::NONE },
        CallCommand::Hold,
        CallCommand::Hold,
        CallCommand::Resume,
        CallCommand::HangUp,
        CallCommand::Reject { code: 486 },
        CallCommand::Transfer { target: "carol".to_owned() },
        digits(DtmfPath::Rtp),
        digits(DtmfPath::Info),
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let method = || {
        prop::sample::select(vec![
            "PRACK", "PRACK", "PRACK", "UPDATE", "UPDATE", "UPDATE", "INVITE", "ACK", "ACK", "INFO", "BYE",
            "CANCEL",
        ])
    };
    let tag = || prop::sample::select(vec!["one", "one", "one", "two", "three"]);
    let code = prop::sample::select(vec![
        180u16, 183, 183, 183, 200, 200, 200, 200, 200, 302, 401, 405, 481, 486, 488, 491, 500,
    ]);
    let wait = prop_oneof![Just(0u64), Just(250), Just(600), Just(6_000), Just(40_000)];
    let rows = prop::sample::select(vec!["Require: 100rel", "Supported: 100rel", "X: y"]);
    prop_oneof![
        2 => Just(Step::Dial),
        8 => command().prop_map(Step::Command),
        1 => any::<bool>().prop_map(Step::Media),
        6 => (0usize..4, prop::bool::weighted(0.6)).prop_map(|(nth, right)| Step::Done(nth, right)),
        2 => (any::<bool>(), rows).prop_map(|(offer, rows)| Step::Invite(offer, rows)),
        8 => (method(), any::<bool>(), prop_oneof![5 => Just(1u32), 1 => Just(0)])
            .prop_map(|(method, body, next)| Step::Caller(method, body, next)),
        4 => (method(), any::<bool>(), tag()).prop_map(|(method, body, tag)| Step::Callee(method, body, tag)),
        9 => (0usize..3, code, tag(), any::<bool>(), prop::option::of(1u32..4))
            .prop_map(|(to, code, tag, body, rseq)| Step::Answer(to, code, tag, body, rseq)),
        1 => Just(Step::Lose),
        2 => wait.prop_map(Step::Wait),
    ]
}

/// What the phone sent, and the media sessions of its calls: whether they are in use.
#[derive(Default)]
struct Seen {
    sent: Vec<(ConnectionId, Message)>,
    legs: BTreeMap<(SessionId, LegId), bool>,
}

impl Seen {
    fn last(&self, is: impl Fn(&Message) -> bool) -> Option<(ConnectionId, Message)> {
        self.sent.iter().rev().find(|(_, message)| is(message)).cloned()
    }
}

impl Observer for Seen {
    fn on_output(&mut self, output: &Output) {
        match output {
            Output::Transmit { connection, data } if !data.trim_ascii().is_empty() => {
                let mut message = Message::parse(data.clone(), &Limits::default()).expect("a valid message");
                message.check().expect("a valid message");
                self.sent.push((*connection, message));
            }
            Output::Effect { effect: Effect::Call { session, leg, effect }, .. } => {
                if matches!(effect, CallEffect::Check { .. }) {
                    return;
                }
                let in_use = !matches!(effect, CallEffect::Release);
                let before = self.legs.insert((*session, *leg), in_use);
                assert_ne!(before, Some(false), "{session:?}, {leg:?}: {effect:?} after its release");
                assert!(in_use || before.is_some(), "{session:?}, {leg:?}: released, but not used");
            }
            _ => {}
        }
    }
}

struct World {
    alice: TestPhone<Seen>,
    cseq: u32,
    calls: u32,
    commands: usize,
    restarts: BTreeMap<SessionId, usize>,
}

fn is_invite(message: &Message) -> bool {
    message.method() == Some(Method::Invite)
}

impl World {
    fn new(settings: offhook::Config) -> Self {
        let now = Instant::from_nanos(1_000_000_000);
        let mut alice = TestPhone::observed(settings, [1; 32], now, Seen::default());
        alice.connects_as = Some("192.0.2.1:5060".to_owned());
        alice.pump();
        Self { alice, cseq: 1, calls: 0, commands: 0, restarts: BTreeMap::new() }
    }

    fn command(&mut self, command: CallCommand) {
        self.commands += 1;
        let calls: Vec<SessionId> = self.alice.phone.sessions().collect();
        // Mostly the newest.
        let place = if self.commands.is_multiple_of(4) { 0 } else { calls.len().saturating_sub(1) };
        let Some(&session) = calls.get(place) else { return };
        let restarts = command == CallCommand::RestartMedia;
        let done = self.alice.handle(Input::Command(Command::Call { session, command }));
        if restarts && done.is_ok() {
            *self.restarts.entry(session).or_default() += 1;
        }
        self.alice.pump();
    }

    fn done(&mut self, nth: usize, right: bool) {
        let Some((effect, wanted)) = self.alice.effects.iter().rev().nth(nth).cloned() else { return };
        let behaviour =
            if right { MediaBehaviour::Works } else { MediaBehaviour::Refuses(MediaFault::NoCommonCodec) };
        let mut media = FakeMedia::of(behaviour);
        if let Some(result) = media.perform(&wanted) {
            self.alice.give(Input::Done { effect, result });
        }
        if let Some((session, leg)) = media.path_up(&wanted) {
            self.alice.give(Input::Media { session, leg, event: offhook::MediaEvent::Up });
        }
    }

    fn give(&mut self, connection: ConnectionId, data: Bytes) {
        if self.alice.open.contains_key(&connection) {
            self.alice.give(Input::Received { connection, data });
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(connection) = self.alice.connection {
            self.give(connection, Bytes::from(text.replace('\n', "\r\n")));
        }
    }

    fn invite(&mut self, offer: bool, rows: &str) {
        self.calls += 1;
        let name = format!("in{}", self.calls);
        let invite = peer::invite(offer.then_some(Direction::SendRecv))
            .replace("z9hG4bKin", &format!("z9hG4bK{name}"))
            .replace("Call-ID: in\n", &format!("Call-ID: {name}\n"))
            .replace("Max-Forwards", &format!("{rows}\nAllow: UPDATE\nMax-Forwards"));
        self.text(&invite);
    }

    /// A request of the peer, in the dialog that `with` has.
    fn request(&mut self, with: &ScriptedPeer, method: &str, body: bool, next: u32, rseq: Option<u32>) {
        self.cseq += next;
        let cseq = if method == "ACK" { 1 } else { self.cseq };
        let direction = if cseq.is_multiple_of(2) { Direction::SendRecv } else { Direction::SendOnly };
        let text = with.request_with_sdp(method, cseq, body.then_some(direction));
        let rows = rseq.filter(|_| method == "PRACK").map(|rseq| format!("RAck: {rseq} 1 INVITE\n"));
        let text = text.replacen("Content", &format!("{}Content", rows.unwrap_or_default()), 1);
        // A repeated number is in another transaction.
        self.commands += 1;
        self.text(&text.replacen(";branch=z9hG4bK", &format!(";branch=z9hG4bK{}x", self.commands), 1));
    }

    fn caller(&mut self, method: &str, body: bool, next: u32) {
        if method == "CANCEL" {
            let name = format!("in{}", self.calls);
            let cancel = peer::cancel("").replace("z9hG4bKin", &format!("z9hG4bK{name}"));
            return self.text(&cancel.replace("Call-ID: in\n", &format!("Call-ID: {name}\n")));
        }
        let of_invite = |message: &Message| {
            message.status().is_some_and(|code| (101..300).contains(&code))
                && message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
        };
        let Some((_, last)) = self.alice.observer.last(of_invite) else { return };
        let rseq = self.alice.observer.last(|message| matches!(message.rseq(), Ok(Some(_))));
        let rseq = rseq.and_then(|(_, message)| message.rseq().ok().flatten());
        if method == "ACK" {
            let number = last.cseq().expect("read").number;
            let peer = ScriptedPeer::of_response(&last);
            let body = body.then_some(Direction::SendRecv);
            return self.text(&peer.request_with_sdp("ACK", number, body));
        }
        self.request(&ScriptedPeer::of_response(&last), method, body, next, rseq);
    }

    fn callee(&mut self, method: &str, body: bool, tag: &str) {
        let Some((_, invite)) = self.alice.observer.last(is_invite) else { return };
        let own = invite.to().is_ok_and(|to| to.tag().is_some());
        let peer =
            if own { ScriptedPeer::of_request(&invite) } else { ScriptedPeer::of_invite(&invite, tag) };
        self.request(&peer, method, body, 1, None);
    }

    fn answer(&mut self, to: usize, code: u16, tag: &str, body: bool, rseq: Option<u32>) {
        let answered = |message: &Message| {
            message.method().is_some_and(|method| method != Method::Ack && method != Method::Cancel)
        };
        let mut all = self.alice.observer.sent.iter().rev().filter(|(_, message)| answered(message));
        let Some((connection, request)) = all.nth(to).cloned() else { return };
        let phrase = offhook_wire::reason_phrase(code);
        let mut b = Builder::reply(&request, code, phrase, Some(tag.as_bytes()));
        match code {
            302 => b.header(HeaderName::Contact, format!("<sip:t{to}{tag}@example.com>")),
            _ => b.header(HeaderName::Contact, format!("<sip:{tag}@peer.invalid;transport=ws>")),
        };
        b.header(HeaderName::Allow, "INVITE, UPDATE, PRACK");
        match (code, rseq) {
            (101..=199, Some(rseq)) => {
                b.header(HeaderName::Require, "100rel");
                b.header(HeaderName::RSeq, rseq.to_string());
            }
            (500, Some(after)) => {
                b.header(HeaderName::RetryAfter, after.to_string());
            }
            (401, _) => {
                let nonce = self.commands;
                let value = format!("Digest realm=\"pbx.test\", nonce=\"{nonce}\", qop=\"auth\", stale=true");
                b.header(HeaderName::WwwAuthenticate, value);
            }
            _ => {}
        }
        let describes = matches!(request.method(), Some(Method::Invite | Method::Update));
        let data = match body && describes && code < 300 {
            true => b.body("application/sdp", &sdp(Direction::SendRecv)),
            false => b.finish(),
        };
        self.give(connection, data);
    }

    fn lose(&mut self) {
        if let Some(connection) = self.alice.open.keys().next().copied() {
            self.alice.open.remove(&connection);
            let change = ConnectionChange::Down(ConnectionFailure::Closed);
            self.alice.give(Input::Connection { connection, change });
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Dial => drop(self.alice.phone.dial(self.alice.now, Dial::to("bob"))),
            Step::Command(command) => self.command(command.clone()),
            Step::Media(works) => {
                let behaviour = if *works { MediaBehaviour::Works } else { MediaBehaviour::Manual };
                self.alice.media.behaviour = behaviour;
            }
            Step::Done(nth, right) => self.done(*nth, *right),
            Step::Invite(offer, rows) => self.invite(*offer, rows),
            Step::Caller(method, body, next) => self.caller(method, *body, *next),
            Step::Callee(method, body, tag) => self.callee(method, *body, tag),
            Step::Answer(to, code, tag, body, rseq) => self.answer(*to, *code, tag, *body, *rseq),
            Step::Lose => self.lose(),
            Step::Wait(millis) => self.alice.pass(Duration::from_millis(*millis)),
        }
        self.alice.pump();
    }

    fn check(&self) {
        let held = self.alice.phone.holdings();
        let left = (held.calls, held.client_transactions, held.server_transactions, held.requests);
        assert_eq!(left, (0, 0, 0, 0));
        let mut calls: BTreeMap<SessionId, Vec<&CallEvent>> = BTreeMap::new();
        for event in &self.alice.events {
            if let Event::Call { session, event } = event {
                calls.entry(*session).or_default().push(event);
            }
        }
        for (id, events) in calls {
            let ends = events.iter().filter(|event| matches!(event, CallEvent::Ended(_))).count();
            assert!(ends == 1 && matches!(events.last(), Some(CallEvent::Ended(_))), "{id:?}: {events:#?}");
            let wanted = self.restarts.get(&id).copied().unwrap_or(0);
            let outcomes =
                events.iter().filter(|event| matches!(event, CallEvent::MediaRestarted { .. })).count();
            assert!(outcomes <= wanted && (wanted == 0) == (outcomes == 0), "{id:?}: {wanted} {events:#?}");
        }
        let used = self.alice.observer.legs.iter().filter(|(_, in_use)| **in_use);
        assert_eq!(used.collect::<Vec<_>>(), [], "not released");
    }
}

fn live(steps: &[Step], settings: offhook::Config) {
    let mut world = World::new(settings);
    for step in steps {
        world.take(step);
    }
    for id in world.alice.phone.sessions().collect::<Vec<_>>() {
        let _ = world.alice.phone.hang_up(world.alice.now, id);
    }
    world.alice.pump();
    world.alice.pass(SECOND * 300);
    world.check();
}

proptest! {
    #[test]
    fn early_dialogs_end_whatever_the_peers_send(
        steps in prop::collection::vec(step(), 1..60), udp: bool, manual: bool, legs in prop::sample::select(vec![1usize, 3]),
        reliable: bool, update: bool, role in prop::sample::select(vec![None, Some(true), Some(false), Some(false)]),
    ) {
        let mut settings = config("alice", if udp { "udp://pbx.test" } else { "ws://pbx.test" });
        settings.registration.keep_alive = SECOND * 100_000;
        settings.no_answer = SECOND * 60;
        settings.call_limit = 3;
        settings.media_legs = legs;
        settings.reliable_provisional = reliable;
        settings.renegotiate_by = if update { RenegotiateBy::Update } else { RenegotiateBy::Reinvite };
        settings.accounts[0].password = Some(offhook::Password::plain("secret"));
        // Mostly of one role only, so that more of the steps are possible.
        let of_role = |step: &Step| match step {
            Step::Dial | Step::Callee(..) | Step::Answer(..) => role != Some(false),
            Step::Invite(..) | Step::Caller(..) => role != Some(true),
            _ => true,
        };
        let first = [
            Step::Media(!manual),
            if role == Some(true) { Step::Dial } else { Step::Invite(reliable, "Supported: 100rel") },
            Step::Command(CallCommand::EarlyMedia),
        ];
        let steps: Vec<Step> = first.into_iter().chain(steps.into_iter().filter(of_role)).collect();
        live(&steps, settings);
    }
}
