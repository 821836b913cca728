//! One phone with random commands for accounts, calls and requests, and a server that answers anything: challenges of several realms,
//! redirections, refusals, late and repeated responses. Every call and every request ends once, no digest is sent to a foreign realm,
//! and nothing is left at the end.

use crate::server_log::Log;
use offhook::{
    Account, AccountCommand, AccountId, Agreed, CallCommand, Command, Config, Credentials, Dial, Direction,
    EffectId, EffectResult, Input, MediaFault, Password, RedirectPolicy, Request, RequestKind,
};
use offhook::{ConnectionChange, ConnectionFailure, DtmfPath, Instant};
use offhook_testkit::{MediaBehaviour, ScriptedPeer, TestPhone, sdp};
use offhook_wire::{Builder, HeaderName, Message, Method};
use proptest::prelude::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Act {
    Dial,
    Answer,
    HangUp,
    Hold,
    Transfer,
    Digits,
    Info(Option<&'static str>),
    Message(usize),
    Options,
    /// With this server, and with a password or without.
    Add(bool, bool),
    Replace(bool, bool),
    Remove,
    Register,
    Unregister,
    SetCredentials,
    /// The media engine works, or its effects wait for `Done`.
    Media(bool),
    /// A result for one of the last effects, the right one or another.
    Done(usize, bool),
    Lose,
}

#[derive(Clone, Debug)]
enum Answer {
    Code(u16, bool),
    Challenge { proxy: bool, rows: Vec<(usize, usize, bool, bool)> },
    Redirect(Vec<&'static str>),
    Header(u16, HeaderName, &'static str),
}

#[derive(Clone, Debug)]
enum Step {
    Act(Act),
    /// To one of the last requests.
    Answer(usize, Answer, &'static str),
    /// An INVITE of a caller.
    Invite,
    /// A request within the last call of a caller.
    Caller(&'static str, &'static str),
    /// A request within the last call of the phone.
    Peer(&'static str, &'static str),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Dial),
        3 => Just(Act::Answer),
        1 => Just(Act::HangUp),
        2 => Just(Act::Hold),
        1 => Just(Act::Transfer),
        2 => Just(Act::Digits),
        2 => prop::sample::select(vec![None, Some("foo"), Some("bar")]).prop_map(Act::Info),
        3 => prop_oneof![Just(1usize), Just(2000)].prop_map(Act::Message),
        2 => Just(Act::Options),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(server, password)| Act::Add(server, password)),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(server, password)| Act::Replace(server, password)),
        1 => Just(Act::Remove),
        2 => Just(Act::Register),
        1 => Just(Act::Unregister),
        2 => Just(Act::SetCredentials),
        1 => any::<bool>().prop_map(Act::Media),
        4 => (0usize..4, any::<bool>()).prop_map(|(nth, right)| Act::Done(nth, right)),
        1 => Just(Act::Lose),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let code = prop::sample::select(vec![
        100, 180, 183, 200, 200, 200, 200, 202, 404, 408, 469, 481, 486, 487, 491, 503, 503, 603,
    ]);
    let row = (0usize..5, 0usize..3, any::<bool>(), any::<bool>());
    let contact = prop::sample::select(vec![
        "<sip:a@example.com>;q=0.5",
        "<sip:b@example.com>;q=1",
        "<sip:bob@example.com>",
        "<sip:c@elsewhere.example;method=BYE?Route=x>;q=nan",
        "<tel:+1900>",
        "<sips:d@example.com>, sip:e@example.com",
        "*",
        "nonsense<",
    ]);
    prop_oneof![
        6 => (code, any::<bool>()).prop_map(|(code, body)| Answer::Code(code, body)),
        6 => (any::<bool>(), prop::collection::vec(row, 1..4))
            .prop_map(|(proxy, rows)| Answer::Challenge { proxy, rows }),
        3 => prop::collection::vec(contact, 0..4).prop_map(Answer::Redirect),
        1 => Just(Answer::Header(423, HeaderName::MinExpires, "1200")),
        1 => Just(Answer::Header(422, HeaderName::MinSe, "1800")),
        1 => Just(Answer::Header(503, HeaderName::RetryAfter, "30")),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let tag = prop::sample::select(vec!["bob", "bob", "bob", "carol"]);
    let peer = prop::sample::select(vec![
        ("BYE", ""),
        ("INFO", "Info-Package: foo\n"),
        ("INFO", "Info-Package: nobody\n"),
        ("INFO", ""),
        ("REFER", "Refer-To: <sip:carol@example.com>\n"),
        ("INVITE", "Recv-Info: bar\n"),
        ("INVITE", "Recv-Info: \n"),
        ("ACK", ""),
        ("MESSAGE", ""),
        ("OPTIONS", ""),
        ("NOTIFY", "Event: refer\nSubscription-State: terminated;reason=noresource\n"),
    ]);
    let caller = peer.clone();
    let wait = prop_oneof![Just(0u64), Just(10), Just(600), Just(6_000), Just(40_000), Just(130_000)];
    prop_oneof![
        6 => act().prop_map(Step::Act),
        9 => (0usize..4, answer(), tag).prop_map(|(to, answer, tag)| Step::Answer(to, answer, tag)),
        2 => peer.prop_map(|(method, extra)| Step::Peer(method, extra)),
        2 => Just(Step::Invite),
        3 => caller.prop_map(|(method, extra)| Step::Caller(method, extra)),
        2 => wait.prop_map(Step::Wait),
    ]
}

struct World {
    alice: TestPhone<Log>,
    cseq: u32,
    nonces: u32,
    infos: u32,
    ask: bool,
    named: bool,
    udp: bool,
}

fn account(udp: bool, named: bool, ask: bool, second: bool, password: bool) -> Account {
    let host = if second { "two.test" } else { "one.test" };
    let server = format!("{}://{host}", if udp { "udp" } else { "ws" });
    let mut account = Account::new("sip:alice@example.com", None, &server).expect("a hop");
    account.password = password.then(|| Password::plain("secret"));
    account.ask_credentials = ask;
    account.realms = if named { vec!["named".to_owned()] } else { Vec::new() };
    account
}

impl World {
    fn account(&self, second: bool, password: bool) -> Account {
        account(self.udp, self.named, self.ask, second, password)
    }

    fn command(&mut self, command: Command) {
        let accepted = self.alice.handle(Input::Command(command)).is_ok();
        self.alice.observer.accepted(accepted);
        self.alice.pump();
    }

    fn act(&mut self, act: &Act) {
        if matches!(act, Act::Replace(..) | Act::SetCredentials | Act::Done(..)) {
            // Counts end with the credentials.
            self.nonces += 1;
        }
        let calls = self.alice.phone.sessions().count();
        let session = self.alice.phone.sessions().nth(self.nonces as usize % calls.max(1));
        let account = *self.alice.open.values().next_back().unwrap_or(&AccountId(0));
        let of_account = |command| Command::Account { account, command };
        let of_call = |command| session.map(|session| Command::Call { session, command });
        let command = match act {
            Act::Dial => Some(Command::Dial {
                session: self.alice.phone.next_session(),
                dial: Dial::to("bob").with_account(account).with_header("Session-Expires", "90"),
            }),
            Act::Answer => of_call(CallCommand::Answer),
            Act::HangUp => of_call(CallCommand::HangUp),
            Act::Hold => of_call(CallCommand::Hold),
            Act::Transfer => of_call(CallCommand::Transfer { target: "carol".to_owned() }),
            Act::Digits => of_call(CallCommand::Digits {
                digits: "12".to_owned(),
                duration: SECOND / 10,
                path: DtmfPath::Info,
            }),
            Act::Info(package) => {
                self.infos += 1;
                of_call(CallCommand::Info {
                    info: self.infos,
                    package: package.map(str::to_owned),
                    content_type: "text/plain".to_owned(),
                    body: "x".into(),
                })
            }
            Act::Message(bytes) => {
                Some(self.request(Request::message("bob", "x".repeat(*bytes)).with_account(account)))
            }
            Act::Options => {
                Some(self.request(Request::new("bob", RequestKind::Options).with_account(account)))
            }
            Act::Add(second, password) => Some(Command::Account {
                account: self.alice.phone.next_account(),
                command: AccountCommand::Add(Box::new(self.account(*second, *password))),
            }),
            Act::Replace(second, password) => {
                Some(of_account(AccountCommand::Replace(Box::new(self.account(*second, *password)))))
            }
            Act::Remove => Some(of_account(AccountCommand::Remove)),
            Act::Register => Some(of_account(AccountCommand::Register)),
            Act::Unregister => Some(of_account(AccountCommand::Unregister)),
            Act::SetCredentials => {
                let credentials = Credentials::new(Password::plain("other")).with_username("al");
                Some(of_account(AccountCommand::SetCredentials(credentials)))
            }
            Act::Media(works) => {
                let behaviour = if *works { MediaBehaviour::Works } else { MediaBehaviour::Manual };
                self.alice.media.behaviour = behaviour;
                None
            }
            Act::Done(nth, right) => {
                self.done(*nth, *right);
                None
            }
            Act::Lose => {
                if let Some(connection) = self.alice.open.keys().next().copied() {
                    self.alice.open.remove(&connection);
                    let change = ConnectionChange::Down(ConnectionFailure::Closed);
                    self.alice.give(Input::Connection { connection, change });
                }
                None
            }
        };
        if let Some(command) = command {
            self.command(command);
        }
    }

    fn request(&self, send: Request) -> Command {
        Command::Request { request: self.alice.phone.next_request(), send }
    }

    fn done(&mut self, nth: usize, right: bool) {
        let Some((effect, wanted)) = self.alice.effects.iter().rev().nth(nth).cloned() else {
            let effect = EffectId::from_u64(nth as u64 * 0x11_0000_0001);
            return self.alice.give(Input::Done {
                effect,
                result: EffectResult::Applied(Agreed::new(Direction::SendRecv)),
            });
        };
        let mut working = offhook_testkit::FakeMedia::of(MediaBehaviour::Works);
        let credentials = EffectResult::Credentials(Some(Credentials::new(Password::plain("late"))));
        let result = match working.perform(&wanted) {
            Some(result) if right => result,
            None if right => credentials,
            Some(_) => credentials,
            None if nth == 0 => EffectResult::Credentials(None),
            None => EffectResult::Failed(MediaFault::Engine),
        };
        self.alice.give(Input::Done { effect, result });
    }

    fn answer(&mut self, to: usize, answer: &Answer, tag: &str) {
        let Some((connection, request)) = self.alice.observer.requests().rev().nth(to) else { return };
        if !self.alice.open.contains_key(&connection) {
            return;
        }
        let code = match answer {
            Answer::Code(code, _) | Answer::Header(code, ..) => *code,
            Answer::Challenge { proxy, .. } => {
                if *proxy {
                    407
                } else {
                    401
                }
            }
            Answer::Redirect(_) => 302,
        };
        let is_invite = request.method() == Some(Method::Invite);
        let reason = offhook_wire::reason_phrase(code);
        let mut b = Builder::reply(&request, code, reason, Some(tag.as_bytes()));
        match answer {
            Answer::Code(..) => {
                let contact = request.header(HeaderName::Contact).filter(|_| !is_invite);
                b.header(HeaderName::Contact, contact.unwrap_or(b"<sip:bob@peer.invalid>"));
                b.header(HeaderName::RecvInfo, b"foo");
            }
            Answer::Header(_, name, value) => {
                b.header(*name, value);
            }
            Answer::Redirect(contacts) => {
                for contact in contacts {
                    b.header(HeaderName::Contact, contact);
                }
            }
            Answer::Challenge { proxy, rows } => {
                let own = self.alice.observer.realm_of(connection);
                let name = if *proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
                let foreign = request.method() != Some(Method::Register);
                // Counts end with a refusal.
                let had = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
                self.nonces += u32::from(had.into_iter().any(|name| request.header(name).is_some()));
                for (realm, algorithm, fresh, stale) in rows {
                    self.nonces += u32::from(*fresh);
                    let realms = [&own[..], &own, "named", "evil", "ONE.test"];
                    let realm = realms[if foreign { *realm } else { *realm % 2 }];
                    let algorithm = ["MD5", "SHA-256", "SHA-512-256"][*algorithm];
                    let nonce = self.nonces;
                    b.header(name, format!(
                        "Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\", stale={stale}"
                    ));
                }
            }
        }
        let data = match answer {
            Answer::Code(_, true) if is_invite => b.body("application/sdp", &sdp(Direction::SendRecv)),
            _ => b.finish(),
        };
        self.alice.give(Input::Received { connection, data });
    }

    fn peer(&mut self, method: &str, extra: &str) {
        let of_call = |(connection, request): &(_, Message)| {
            self.alice.open.contains_key(connection) && request.method() == Some(Method::Invite)
        };
        let Some((connection, invite)) = self.alice.observer.requests().rev().find(of_call) else { return };
        // In a dialog, the peer has the tag of its 2xx, which is nearly always this one.
        let response = Message::parse(
            Builder::reply(&invite, 200, "OK", Some(b"bob")).finish(),
            &offhook::Limits::default(),
        )
        .expect("a response");
        self.cseq += 1;
        let swapped = ScriptedPeer::of_request(&response);
        let text = match method {
            "INVITE" => swapped.request(
                method,
                self.cseq,
                &format!("{extra}Content-Type: application/sdp\n"),
                &String::from_utf8_lossy(&sdp(Direction::SendRecv)).replace("\r\n", "\n"),
            ),
            _ => swapped.request(method, self.cseq, extra, ""),
        };
        self.alice.give(Input::Received { connection, data: text.replace('\n', "\r\n").into() });
    }

    fn invite(&mut self) {
        let Some(connection) = self.alice.open.keys().next().copied() else { return };
        self.cseq += 1;
        let unique = format!("in{}", self.cseq);
        let invite = offhook_testkit::peer::invite(Some(Direction::SendRecv))
            .replace("z9hG4bKin", &format!("z9hG4bK{unique}"))
            .replace("Call-ID: in\n", &format!("Call-ID: {unique}\n"));
        self.alice.give(Input::Received { connection, data: invite.replace('\n', "\r\n").into() });
    }

    fn caller(&mut self, method: &str, extra: &str) {
        let Some((connection, response)) = self.alice.observer.last_response() else { return };
        if !self.alice.open.contains_key(&connection) {
            return;
        }
        self.cseq += 1;
        let invite = response.cseq().expect("read").number;
        let cseq = if method == "ACK" { invite } else { self.cseq };
        let text = ScriptedPeer::of_response(&response).request(method, cseq, extra, "");
        self.alice.give(Input::Received { connection, data: text.replace('\n', "\r\n").into() });
    }

    fn connect_all(&mut self) {
        for connection in self.alice.open.keys().copied().collect::<Vec<_>>() {
            let local = Some("192.0.2.1:5060".to_owned());
            let change = ConnectionChange::Up { local };
            self.alice.give(Input::Connection { connection, change });
        }
    }
}

fn live(steps: Vec<Step>, udp: bool, ask: bool, named: bool, follow: bool) {
    let mut config =
        Config::new(Account::new("sip:alice@example.com", None, "ws://one.test").expect("a hop"));
    config.redirect_policy = if follow { RedirectPolicy::Follow } else { RedirectPolicy::OwnDomain };
    config.info_packages = vec!["foo".to_owned()];
    config.call_limit = 3;
    config.accounts[0] = account(udp, named, ask, false, !ask);
    let alice = TestPhone::observed(config, [1; 32], Instant::from_nanos(1_000_000_000), Log::new(named));
    let mut world = World { alice, cseq: 100, nonces: 0, infos: 0, ask, named, udp };
    world.alice.pump();
    world.connect_all();
    for step in &steps {
        match step {
            Step::Act(act) => world.act(act),
            Step::Answer(to, answer, tag) => world.answer(*to, answer, tag),
            Step::Invite => world.invite(),
            Step::Caller(method, extra) => world.caller(method, extra),
            Step::Peer(method, extra) => world.peer(method, extra),
            Step::Wait(millis) => world.alice.pass(Duration::from_millis(*millis)),
        }
        world.connect_all();
    }
    let now = world.alice.now;
    for id in 0..world.alice.phone.next_account().0 {
        let _ = world.alice.phone.remove_account(now, AccountId(id));
    }
    world.alice.pump();
    for _ in 0..40 {
        world.alice.pass(SECOND * 5);
        world.connect_all();
    }
    assert!(world.alice.open.is_empty(), "the connections of removed accounts are closed");
    let held = world.alice.phone.holdings();
    assert_eq!(
        (held.calls, held.client_transactions, held.server_transactions, held.timers, held.requests),
        (0, 0, 0, 0, 0)
    );
    world.alice.observer.check(&world.alice.events);
}

proptest! {
    #[test]
    fn calls_and_requests_end_whatever_the_server_answers(
        steps in prop::collection::vec(step(), 1..60), udp: bool, ask: bool, named: bool, follow: bool,
    ) {
        live(steps, udp, ask, named, follow);
    }
}
