//! The rogue itself: its connections, its calls and what it is about to send.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::{Instant, Limits, Message};

use super::breach::{Breach, Occasion};
use super::call::{Call, State};
use super::draft::Sent;
use super::oddity::Oddity;
use super::turn::{Identity, Line, Only, Turn, Way};
use crate::hash::Digest;
use crate::media::Address;
use crate::node::realm::DOMAIN;
use crate::scenario::{Prank, RogueSetup, Scenario, Transport};

/// The first 2xx is repeated so often without an ACK.
pub(super) const REPEATS: u32 = 6;

/// One rogue.
pub struct RogueNode {
    /// What the scenario says of it.
    pub setup: RogueSetup,
    pub(super) key: u64,
    pub(super) me: Identity,
    /// By exchange: whether it is connected.
    pub(super) links: Vec<bool>,
    /// By Call-ID.
    pub(super) calls: BTreeMap<String, Call>,
    /// Requests without a final response, by branch.
    pub(super) sent: BTreeMap<String, Sent>,
    /// Requests that came, by branch and method.
    seen: BTreeSet<Vec<u8>>,
    /// The Contacts of users that it was told of.
    pub(super) known: BTreeMap<String, String>,
    /// The users whose Contacts it claims.
    pub(super) claimed: BTreeSet<String>,
    diary: BTreeMap<(Instant, u64), (String, Line)>,
    planned: u64,
    pub(super) out: VecDeque<Shot>,
    limits: Limits,
}

/// What a rogue wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shot {
    /// To an exchange.
    Exchange {
        /// Which one.
        exchange: usize,
        /// What.
        data: Bytes,
    },
    /// To the phones of a user, as if it came from their exchange.
    Straight {
        /// Which user.
        user: String,
        /// What.
        data: Bytes,
    },
}

impl RogueNode {
    /// A rogue that is not connected yet.
    pub fn new(scenario: &Scenario, index: usize) -> Self {
        let setup = scenario.rogues[index].clone();
        let (transport, host) = match setup.transport {
            Transport::Ws => ("WS", format!("rogue{index}.invalid")),
            Transport::Udp => ("UDP", Self::address(index).to_string()),
        };
        let me = Identity {
            aor: format!("sip:{}@{DOMAIN}", setup.name),
            contact: format!("sip:{}@{};transport={}", setup.name, host, transport.to_lowercase()),
            via: format!("SIP/2.0/{transport} {host}"),
            media: Address::STRANGERS + index,
        };
        Self {
            key: Digest::new(scenario.seed).bytes(setup.name.as_bytes()).finish(),
            me,
            links: vec![false; scenario.exchanges.len()],
            calls: BTreeMap::new(),
            sent: BTreeMap::new(),
            seen: BTreeSet::new(),
            known: BTreeMap::new(),
            claimed: BTreeSet::new(),
            diary: BTreeMap::new(),
            planned: 0,
            out: VecDeque::new(),
            limits: Limits::default(),
            setup,
        }
    }

    /// Where its connections come from.
    pub fn address(index: usize) -> SocketAddr {
        ([10, 0, 1, (index + 1) as u8], 5060).into()
    }

    /// It is connected to an exchange, and registers there.
    pub fn connected(&mut self, now: Instant, exchange: usize) {
        self.links[exchange] = true;
        let key = Digest::new(self.key).bytes(b"register").word(now.as_nanos()).finish();
        let mut call = Call::to(key, exchange, "", &self.me.aor, &self.me.aor, State::Over);
        call.target = format!("sip:{DOMAIN}");
        self.take_turn(now, call, None, "register", None, |turn| {
            let register = turn.request("REGISTER").row("Expires", "3600");
            turn.say(0, register);
        });
        self.claim_again(now, exchange);
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, exchange: usize) {
        self.links[exchange] = false;
    }

    /// A message comes from an exchange.
    pub fn received(&mut self, now: Instant, exchange: usize, data: Bytes) {
        let Ok(message) = Message::parse(data, &self.limits) else { return };
        if message.check().is_err() {
            return;
        }
        if message.is_request() {
            // It has no transactions: nothing is lost on its way, so what comes again was answered, or will not be.
            let branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default();
            let method = message.method().map_or(&b""[..], |method| method.as_bytes());
            if self.seen.insert([branch, method].concat()) {
                self.asked(now, exchange, &message);
            }
        } else {
            self.answered(now, &message);
        }
    }

    /// Does what the scenario wants.
    pub fn act(&mut self, now: Instant, prank: &Prank) {
        match prank {
            Prank::Call(user) => {
                let key = Digest::new(self.key).bytes(b"calls").bytes(user.as_bytes()).word(now.as_nanos());
                let mut call = self.call_to(key.finish(), user, State::Calling);
                call.born = now;
                self.take_turn(now, call, None, "INVITE", Some(Occasion::Calls), |turn| {
                    let invite = turn.invite();
                    turn.say(0, invite);
                });
            }
            Prank::HangUp => {
                self.with_newest(now, Call::is_dialog, "hangs up", Some(Occasion::Leaves), |turn| {
                    let bye = turn.request("BYE");
                    turn.say(0, bye);
                    turn.call.state = State::Over;
                })
            }
            Prank::Cancel => {
                let calls = |call: &Call| call.state == State::Calling;
                self.with_newest(now, calls, "cancels", None, |turn| {
                    if let Some(cancel) = turn.call.ours.as_ref().map(|invite| invite.companion("CANCEL")) {
                        turn.say(0, cancel);
                    }
                });
            }
            Prank::Claim(user) => self.claims(now, user),
            Prank::Flood { user, count, with } => self.flood(now, user, *count, *with),
        }
    }

    fn flood(&mut self, now: Instant, user: &str, count: u32, with: Oddity) {
        let key = Digest::new(self.key).bytes(with.as_str().as_bytes()).bytes(user.as_bytes());
        let with_user = |call: &Call| call.peer == user && call.is_dialog();
        let call = match self.take_newest(with_user) {
            Some(call) => call,
            None => self.call_to(key.word(now.as_nanos()).finish(), user, State::Over),
        };
        let draws = call.draw("flood", now.as_nanos());
        self.take_turn(now, call, None, "flood", None, |turn| {
            turn.draw = draws;
            for n in 0..u64::from(count) {
                let before = turn.lines.len();
                with.apply(turn);
                for line in &mut turn.lines[before..] {
                    line.after += Duration::from_millis(n * 3);
                }
            }
        });
    }

    fn call_to(&self, key: u64, user: &str, state: State) -> Call {
        let exchange = self.links.iter().position(|up| *up).unwrap_or(0);
        Call::to(key, exchange, user, &self.me.aor, &format!("sip:{user}@{DOMAIN}"), state)
    }

    /// Acts in the newest call that fits; without one, not at all.
    fn with_newest(
        &mut self,
        now: Instant,
        fits: impl Fn(&Call) -> bool,
        kind: &str,
        occasion: Option<Occasion>,
        plan: impl FnOnce(&mut Turn<'_>),
    ) {
        if let Some(call) = self.take_newest(fits) {
            self.take_turn(now, call, None, kind, occasion, plan);
        }
    }

    /// Takes the newest call that fits out of the list.
    fn take_newest(&mut self, fits: impl Fn(&Call) -> bool) -> Option<Call> {
        let newest = self.calls.values().filter(|call| fits(call)).max_by_key(|call| call.born)?;
        let id = newest.id.clone();
        self.calls.remove(&id)
    }

    /// Makes the honest plan, breaks it, and plans what is left. The call is kept.
    pub(super) fn take_turn(
        &mut self,
        now: Instant,
        mut call: Call,
        message: Option<&Message>,
        kind: &str,
        occasion: Option<Occasion>,
        plan: impl FnOnce(&mut Turn<'_>),
    ) {
        let number = message.and_then(|message| message.cseq().ok()).map_or(0, |cseq| cseq.number.into());
        let draw = call.draw(kind, number);
        let broken = occasion.and_then(|occasion| self.broken(&call, occasion, kind, number));
        let mut turn =
            Turn { me: &self.me, known: &self.known, call: &mut call, message, draw, lines: Vec::new() };
        plan(&mut turn);
        if let Some(breach) = broken {
            breach.apply(&mut turn);
        }
        let mut lines = turn.lines;
        if lines.iter().any(|line| line.draft.is_response())
            && let Some(breach) = self.broken(&call, Occasion::Responds, kind, number)
        {
            let draw = call.draw("responds", number);
            let mut turn = Turn { me: &self.me, known: &self.known, call: &mut call, message, draw, lines };
            breach.apply(&mut turn);
            lines = turn.lines;
        }
        for line in lines {
            if line.draft.method() == "INVITE" && call.ours.is_none() {
                call.ours = Some(line.draft.clone());
            }
            self.plan(now + line.after, call.id.clone(), line);
        }
        self.calls.insert(call.id.clone(), call);
    }

    /// Which rule is broken now. Each one that can be has a rank of its own, and the first one is; so that another one may be
    /// taken out. A rogue that breaks many leaves them be now and then, or no call would come far.
    fn broken(&self, call: &Call, occasion: Occasion, kind: &str, number: u64) -> Option<Breach> {
        let rank = |what: &str| {
            Digest::new(call.key).bytes(what.as_bytes()).bytes(kind.as_bytes()).word(number).finish()
        };
        let fits = self.setup.breaks.iter().filter(|breach| breach.occasion() == occasion);
        let (first, breach) = fits.map(|breach| (rank(breach.as_str()), *breach)).min()?;
        let spared = self.setup.breaks.len() > 1 && rank("nothing") < first;
        (!spared).then_some(breach)
    }

    pub(super) fn plan(&mut self, at: Instant, call: String, line: Line) {
        self.planned += 1;
        self.diary.insert((at, self.planned), (call, line));
    }

    /// When it wants to be woken.
    pub fn deadline(&self) -> Option<Instant> {
        self.diary.keys().next().map(|(at, _)| *at)
    }

    /// Sends what is due.
    pub fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.diary.first_entry().filter(|entry| entry.key().0 <= now) {
            let (id, line) = entry.remove();
            self.fire(now, id, line);
        }
    }

    fn fire(&mut self, now: Instant, id: String, mut line: Line) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let wanted = match line.only {
            Only::Always => true,
            Only::Asked => call.state == State::Asked,
            Only::Calling => call.state == State::Calling,
            Only::Unacknowledged => call.state == State::Accepted,
        };
        if !wanted {
            return;
        }
        let is_final = line.draft.is_response() && !line.draft.start.starts_with("SIP/2.0 1");
        if is_final && call.state == State::Asked && line.draft.get("CSeq").ends_with("INVITE") {
            let taken = line.draft.start.starts_with("SIP/2.0 2");
            call.state = if taken { State::Accepted } else { State::Over };
        }
        let data = line.draft.write();
        match line.way {
            Way::Exchange if self.links[call.exchange] => {
                let exchange = call.exchange;
                if !line.draft.is_response() && line.draft.method() != "ACK" {
                    self.sent.insert(line.draft.branch.clone(), Sent::new(&id, &line.draft));
                }
                self.out.push_back(Shot::Exchange { exchange, data });
            }
            Way::Exchange => {}
            Way::Straight => self.out.push_back(Shot::Straight { user: call.peer.clone(), data }),
        }
        if line.again > 0 {
            line.again -= 1;
            line.only = Only::Unacknowledged;
            let wait = Duration::from_millis(500 << (REPEATS - line.again - 1).min(3));
            self.plan(now + wait, id, line);
        }
    }

    /// What it wants sent.
    pub fn poll(&mut self) -> Option<Shot> {
        self.out.pop_front()
    }
}
