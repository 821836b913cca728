//! The state of a rogue: its connections, calls and scheduled messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::{Instant, Limits, Message};

use super::breach::{Breach, Trigger};
use super::call::{Call, State};
use super::draft::Sent;
use super::plan::{Identity, Plan, PlannedMessage, SendIf, Way};
use super::unsolicited::UnsolicitedMessage;
use crate::hash::Digest;
use crate::media::Address;
use crate::node::realm::DOMAIN;
use crate::scenario::{RogueAction, RogueSetup, Scenario, Transport};

/// The number of retransmissions of a 2xx without an ACK.
pub(super) const REPEATS: u32 = 6;

/// A rogue.
pub struct RogueNode {
    /// Its setup in the scenario.
    pub setup: RogueSetup,
    pub(super) key: u64,
    pub(super) me: Identity,
    /// Whether it is connected, by exchange.
    pub(super) links: Vec<bool>,
    /// Its calls, by Call-ID.
    pub(super) calls: BTreeMap<String, Call>,
    /// Requests without a final response, by branch.
    pub(super) sent: BTreeMap<String, Sent>,
    /// Received requests, by branch and method.
    seen: BTreeSet<Vec<u8>>,
    /// The known Contacts, by user.
    pub(super) known: BTreeMap<String, String>,
    /// The users whose Contacts it claims.
    pub(super) claimed: BTreeSet<String>,
    scheduled: BTreeMap<(Instant, u64), (String, PlannedMessage)>,
    planned: u64,
    pub(super) out: VecDeque<RogueOutput>,
    limits: Limits,
}

/// A message that a rogue sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RogueOutput {
    /// To an exchange.
    Exchange {
        /// The exchange.
        exchange: usize,
        /// The message.
        data: Bytes,
    },
    /// Directly to the phones of a user, as if from their exchange.
    Direct {
        /// The user.
        user: String,
        /// The message.
        data: Bytes,
    },
}

impl RogueNode {
    /// A rogue that is not connected.
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
            lists_update: setup.breaks.contains(&Breach::UpdateRefused),
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
            scheduled: BTreeMap::new(),
            planned: 0,
            out: VecDeque::new(),
            limits: Limits::default(),
            setup,
        }
    }

    /// The address of its connections.
    pub fn address(index: usize) -> SocketAddr {
        ([10, 0, 1, (index + 1) as u8], 5060).into()
    }

    /// A connection to an exchange is up: it registers.
    pub fn connected(&mut self, now: Instant, exchange: usize) {
        self.links[exchange] = true;
        let key = Digest::new(self.key).bytes(b"register").word(now.as_nanos()).finish();
        let mut call = Call::to(key, exchange, "", &self.me.aor, &self.me.aor, State::Over);
        call.target = format!("sip:{DOMAIN}");
        self.make_plan(now, call, None, "register", None, |plan| {
            let register = plan.request("REGISTER").row("Expires", "3600");
            plan.send(0, register);
        });
        self.claim_again(now, exchange);
    }

    /// A connection is lost.
    pub fn disconnected(&mut self, exchange: usize) {
        self.links[exchange] = false;
    }

    /// A message arrives from an exchange.
    pub fn received(&mut self, now: Instant, exchange: usize, data: Bytes) {
        let Ok(mut message) = Message::parse(data, &self.limits) else { return };
        if message.check().is_err() {
            return;
        }
        if message.is_request() {
            // It has no transactions: its network has no loss, so retransmissions are ignored.
            let branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default();
            let method = message.method().map_or(&b""[..], |method| method.as_bytes());
            if self.seen.insert([branch, method].concat()) {
                self.asked(now, exchange, &message);
            }
        } else {
            self.answered(now, &message);
        }
    }

    /// Executes an action of the scenario.
    pub fn action(&mut self, now: Instant, action: &RogueAction) {
        match action {
            RogueAction::Call(user) => {
                let key = Digest::new(self.key).bytes(b"calls").bytes(user.as_bytes()).word(now.as_nanos());
                let mut call = self.call_to(key.finish(), user, State::Calling);
                call.born = now;
                self.make_plan(now, call, None, "INVITE", Some(Trigger::Calling), |plan| {
                    let invite = plan.invite();
                    plan.send(0, invite);
                });
            }
            RogueAction::HangUp => {
                self.with_newest(now, Call::is_dialog, "hangs up", Some(Trigger::HangingUp), |plan| {
                    let bye = plan.request("BYE");
                    plan.send(0, bye);
                    plan.call.state = State::Over;
                })
            }
            RogueAction::Cancel => {
                let calls = |call: &Call| call.state == State::Calling;
                self.with_newest(now, calls, "cancels", None, |plan| {
                    if let Some(cancel) = plan.call.ours.as_ref().map(|invite| invite.companion("CANCEL")) {
                        plan.send(0, cancel);
                    }
                });
            }
            RogueAction::Claim(user) => self.claims(now, user),
            RogueAction::Flood { user, count, with } => self.flood(now, user, *count, *with),
        }
    }

    fn flood(&mut self, now: Instant, user: &str, count: u32, with: UnsolicitedMessage) {
        let key = Digest::new(self.key).bytes(with.as_str().as_bytes()).bytes(user.as_bytes());
        let with_user = |call: &Call| call.peer == user && call.is_dialog();
        let call = match self.take_newest(with_user) {
            Some(call) => call,
            None => self.call_to(key.word(now.as_nanos()).finish(), user, State::Over),
        };
        let draws = call.draw("flood", now.as_nanos());
        self.make_plan(now, call, None, "flood", None, |plan| {
            plan.draw = draws;
            for n in 0..u64::from(count) {
                let before = plan.messages.len();
                with.apply(plan);
                for message in &mut plan.messages[before..] {
                    message.after += Duration::from_millis(n * 3);
                }
            }
        });
    }

    fn call_to(&self, key: u64, user: &str, state: State) -> Call {
        let exchange = self.links.iter().position(|up| *up).unwrap_or(0);
        Call::to(key, exchange, user, &self.me.aor, &format!("sip:{user}@{DOMAIN}"), state)
    }

    /// Acts in the newest call that fits; without one, it does nothing.
    fn with_newest(
        &mut self,
        now: Instant,
        fits: impl Fn(&Call) -> bool,
        kind: &str,
        trigger: Option<Trigger>,
        correct: impl FnOnce(&mut Plan<'_>),
    ) {
        if let Some(call) = self.take_newest(fits) {
            self.make_plan(now, call, None, kind, trigger, correct);
        }
    }

    /// Removes the newest call that fits from the list.
    fn take_newest(&mut self, fits: impl Fn(&Call) -> bool) -> Option<Call> {
        let newest = self.calls.values().filter(|call| fits(call)).max_by_key(|call| call.born)?;
        let id = newest.id.clone();
        self.calls.remove(&id)
    }

    /// Makes the correct plan, applies breaches, and schedules the messages. The call is kept.
    pub(super) fn make_plan(
        &mut self,
        now: Instant,
        mut call: Call,
        message: Option<&Message>,
        kind: &str,
        trigger: Option<Trigger>,
        correct: impl FnOnce(&mut Plan<'_>),
    ) {
        let number = message.and_then(|message| message.cseq().ok()).map_or(0, |cseq| cseq.number.into());
        let draw = call.draw(kind, number);
        let broken = trigger.and_then(|trigger| self.breach_for(&call, trigger, kind, number));
        let mut plan =
            Plan { me: &self.me, known: &self.known, call: &mut call, message, draw, messages: Vec::new() };
        correct(&mut plan);
        if let Some(breach) = broken {
            breach.apply(&mut plan);
        }
        let mut messages = plan.messages;
        if messages.iter().any(|message| message.draft.is_response())
            && let Some(breach) = self.breach_for(&call, Trigger::Responding, kind, number)
        {
            let draw = call.draw("responds", number);
            let mut plan =
                Plan { me: &self.me, known: &self.known, call: &mut call, message, draw, messages };
            breach.apply(&mut plan);
            messages = plan.messages;
        }
        for message in messages {
            if message.draft.method() == "INVITE" && call.ours.is_none() {
                call.ours = Some(message.draft.clone());
            }
            self.schedule(now + message.after, call.id.clone(), message);
        }
        self.calls.insert(call.id.clone(), call);
    }

    /// The breach that applies now: the one of lowest rank, so that removing another one changes nothing. A rogue with several breaches
    /// sometimes applies none, so that calls make progress.
    fn breach_for(&self, call: &Call, trigger: Trigger, kind: &str, number: u64) -> Option<Breach> {
        let rank = |what: &str| {
            Digest::new(call.key).bytes(what.as_bytes()).bytes(kind.as_bytes()).word(number).finish()
        };
        let fits = self.setup.breaks.iter().filter(|breach| breach.trigger() == trigger);
        let (first, breach) = fits.map(|breach| (rank(breach.as_str()), *breach)).min()?;
        let skipped = self.setup.breaks.len() > 1 && rank("nothing") < first;
        (!skipped).then_some(breach)
    }

    pub(super) fn schedule(&mut self, at: Instant, call: String, message: PlannedMessage) {
        self.planned += 1;
        self.scheduled.insert((at, self.planned), (call, message));
    }

    /// The time of the next scheduled message.
    pub fn deadline(&self) -> Option<Instant> {
        self.scheduled.keys().next().map(|(at, _)| *at)
    }

    /// Sends the due messages.
    pub fn wake(&mut self, now: Instant) {
        while let Some(entry) = self.scheduled.first_entry().filter(|entry| entry.key().0 <= now) {
            let (id, message) = entry.remove();
            self.fire(now, id, message);
        }
    }

    fn fire(&mut self, now: Instant, id: String, mut message: PlannedMessage) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let wanted = match message.only {
            SendIf::Always => true,
            SendIf::Invited => call.state == State::Invited,
            SendIf::Calling => call.state == State::Calling,
            SendIf::Unacknowledged => call.state == State::Accepted,
        };
        if !wanted {
            return;
        }
        let is_final = message.draft.is_response() && !message.draft.start.starts_with("SIP/2.0 1");
        if is_final && call.state == State::Invited && message.draft.get("CSeq").ends_with("INVITE") {
            let taken = message.draft.start.starts_with("SIP/2.0 2");
            call.state = if taken { State::Accepted } else { State::Over };
        }
        let data = message.draft.write();
        match message.way {
            Way::Exchange if self.links[call.exchange] => {
                let exchange = call.exchange;
                if !message.draft.is_response() && message.draft.method() != "ACK" {
                    self.sent.insert(message.draft.branch.clone(), Sent::new(&id, &message.draft));
                }
                self.out.push_back(RogueOutput::Exchange { exchange, data });
            }
            Way::Exchange => {}
            Way::Direct => self.out.push_back(RogueOutput::Direct { user: call.peer.clone(), data }),
        }
        if message.again > 0 {
            message.again -= 1;
            message.only = SendIf::Unacknowledged;
            let wait = Duration::from_millis(500 << (REPEATS - message.again - 1).min(3));
            self.schedule(now + wait, id, message);
        }
    }

    /// The next message to send.
    pub fn poll(&mut self) -> Option<RogueOutput> {
        self.out.pop_front()
    }
}
