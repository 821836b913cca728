//! The messages and events of a phone, and the rules for them.

use offhook::{
    AccountEvent, AccountId, CallCommand, CallEvent, Command, ConnectionId, Event, Input, Instant, Limits,
    Output, RequestId, SessionId,
};
use offhook_testkit::Observer;
use offhook_wire::digest::Credentials as Digest;
use offhook_wire::{HeaderName, Message, Method};
use std::collections::{BTreeMap, BTreeSet};

/// The account, the host of its server, a nonce, and its count.
type Count = (AccountId, String, Vec<u8>, u32);

/// The Call-ID and the CSeq number of a request.
type Sent = (Vec<u8>, u32);

/// What a phone sent, and the commands that it accepted.
#[derive(Default)]
pub(crate) struct Log {
    named: bool,
    hosts: BTreeMap<ConnectionId, (AccountId, String)>,
    sent: Vec<(ConnectionId, Message)>,
    /// The nonces and counts of an account's credentials for a server, with the request that had them.
    counts: BTreeMap<Count, Sent>,
    removed: BTreeSet<AccountId>,
    pending: Option<Promise>,
    promised: BTreeSet<Promise>,
}

/// A command whose outcome is reported once.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    Call(SessionId),
    Request(RequestId),
    Info(SessionId, u32),
}

impl Log {
    pub(crate) fn new(named: bool) -> Self {
        Self { named, ..Self::default() }
    }

    /// The requests that a server answers, oldest first.
    pub(crate) fn requests(&self) -> impl DoubleEndedIterator<Item = (ConnectionId, Message)> + use<> {
        let answered = |message: &Message| message.method().is_some_and(|method| method != Method::Ack);
        let all: Vec<_> = self.sent.iter().filter(|(_, message)| answered(message)).cloned().collect();
        all.into_iter()
    }

    /// The last response to an INVITE that has a tag of the phone.
    pub(crate) fn last_response(&self) -> Option<(ConnectionId, Message)> {
        let with_tag = |message: &Message| {
            message.status().is_some_and(|code| (101..300).contains(&code))
                && message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
        };
        self.sent.iter().rev().find(|(_, message)| with_tag(message)).cloned()
    }

    /// The realm of the server at the other end: its host name.
    pub(crate) fn realm_of(&self, connection: ConnectionId) -> String {
        self.hosts[&connection].1.clone()
    }

    /// The last command was accepted, or refused.
    pub(crate) fn accepted(&mut self, accepted: bool) {
        if let Some(promise) = self.pending.take().filter(|_| accepted) {
            assert!(self.promised.insert(promise));
        }
    }

    fn sent(&mut self, connection: ConnectionId, message: &Message) {
        let cseq = message.cseq().expect("ours").number;
        let call_id = message.header(HeaderName::CallId).expect("ours").to_vec();
        for value in [HeaderName::Authorization, HeaderName::ProxyAuthorization]
            .into_iter()
            .flat_map(|name| message.rows(name))
        {
            let digest = Digest::parse(value).expect("credentials");
            let realm = String::from_utf8(digest.realm.value().into_owned()).expect("ASCII");
            let (account, host) = &self.hosts[&connection];
            let own = realm == *host;
            assert!(own || self.named && realm == "named", "a digest for {realm}: {message:?}");
            let key =
                (*account, host.clone(), digest.nonce.value().into_owned(), digest.nc.expect("a count"));
            let by = (call_id.clone(), cseq);
            let first = self.counts.entry(key).or_insert_with(|| by.clone());
            assert_eq!(*first, by, "a nonce count was used twice: {message:?}");
        }
    }

    /// Checks the events after the end of everything.
    pub(crate) fn check(&self, events: &[Event]) {
        let mut outcomes: BTreeMap<Promise, usize> = BTreeMap::new();
        let mut begun = BTreeSet::new();
        for event in events {
            let promise = match event {
                Event::Call { session, event: CallEvent::Ended(_) } => Promise::Call(*session),
                Event::Call { session, event: CallEvent::InfoOutcome { info, .. } } => {
                    Promise::Info(*session, *info)
                }
                Event::Call { session, .. } => {
                    begun.insert(Promise::Call(*session));
                    continue;
                }
                Event::Request { request, .. } => Promise::Request(*request),
                _ => continue,
            };
            *outcomes.entry(promise).or_default() += 1;
        }
        for promise in self.promised.union(&begun) {
            assert_eq!(outcomes.get(promise), Some(&1), "{promise:?}: {events:#?}");
        }
    }
}

impl Observer for Log {
    fn on_input(&mut self, _: Instant, input: &Input) {
        self.pending = match input {
            Input::Command(Command::Dial { session, .. }) => Some(Promise::Call(*session)),
            Input::Command(Command::Request { request, .. }) => Some(Promise::Request(*request)),
            Input::Command(Command::Call { session, command: CallCommand::Info { info, .. } }) => {
                Some(Promise::Info(*session, *info))
            }
            _ => None,
        };
    }

    fn on_output(&mut self, output: &Output) {
        match output {
            Output::Open { connection, hop, account } => {
                assert!(!self.removed.contains(account), "after its removal");
                self.hosts.insert(*connection, (*account, hop.host.clone()));
            }
            Output::Transmit { connection, data } if !data.trim_ascii().is_empty() => {
                let mut message = Message::parse(data.clone(), &Limits::default()).expect("a valid message");
                message.check().expect("a valid message");
                self.sent(*connection, &message);
                self.sent.push((*connection, message));
            }
            Output::Event(Event::Account { account, event }) => {
                assert!(!self.removed.contains(account), "after its removal: {event:?}");
                if *event == AccountEvent::Removed {
                    self.removed.insert(*account);
                }
            }
            _ => {}
        }
    }
}
