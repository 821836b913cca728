//! What is not answered comes again, at the times of RFC 3261 and not for ever: requests over UDP (§17.1.1.2, §17.1.2.2),
//! refusals of INVITEs over UDP (§17.2.1), and 2xx to INVITEs over anything (§13.3.1.4). Nothing else comes twice, but for a
//! response whose request came again (§17.2.2).
//!
//! Times are the phone's own. Something is late only if the phone was awake and did not send it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::FlowId;
use offhook_wire::{Instant, Message, Method};

use super::watch::Watch;
use super::{DialogId, Oracle, Scene, Sight, Transaction, is_of, own_transaction, peers_transaction};
use crate::scenario::Transport;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// 64·T1.
const LIFE: Duration = Duration::from_secs(32);

/// What the change from one clock to another may take away from a time.
const EARLY: Duration = Duration::from_millis(1);

/// How much later than it should something may come.
const LATE: Duration = Duration::from_millis(100);

/// How long what is over is remembered: nobody repeats it later.
const MEMORY: Duration = Duration::from_secs(80);

#[derive(Default)]
pub(super) struct Repetition {
    watch: Watch,
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    sent: BTreeMap<Key, Repeated>,
    /// How often each request of others came that is no INVITE, less the final responses to it.
    asked: BTreeMap<Transaction, u32>,
    /// Where INVITEs came over.
    invited: BTreeMap<Transaction, FlowId>,
    /// INVITEs that came since the phone was last at rest.
    again: BTreeSet<Transaction>,
    /// INVITEs that came once more about when their transaction was over.
    anew: BTreeSet<Transaction>,
    /// Whether something came since then that is no good message: its answer is not counted.
    garbled: bool,
    /// When the phone was last at rest.
    rested: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Request(Transaction),
    Refusal(Transaction, FlowId),
    Accepted(DialogId, u32),
}

struct Repeated {
    flow: FlowId,
    first: Instant,
    last: Instant,
    /// From the last to the next.
    interval: Duration,
    /// The longest interval.
    most: Duration,
    /// Whether it goes over something that repeats by itself, or had its answer when the phone was last at rest. What is
    /// overdue when the answer comes may go out once more.
    done: bool,
    /// Whether it has its answer.
    answered: bool,
    /// Whether it may be missing, because it had nowhere to go once.
    may_wait: bool,
}

impl Oracle for Repetition {
    fn name(&self) -> &'static str {
        "repetition"
    }

    fn trusts_peers(&self) -> bool {
        true
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        self.phones.resize_with(scene.phones.len(), Phone::default);
        let (index, done) = match *sight {
            Sight::Sent { phone, flow, message: Some(message), .. } => {
                let now = self.watch.now(scene, phone);
                let udp = scene.phones[phone].setup.transport == Transport::Udp;
                (phone, self.phones[phone].sends(now, udp, flow, message))
            }
            Sight::Received { phone, flow, message, .. } => {
                match message {
                    Some(message) => {
                        let now = self.watch.now(scene, phone);
                        self.phones[phone].receives(now, flow, message);
                    }
                    None => self.phones[phone].garbled = true,
                }
                return Ok(());
            }
            Sight::Drained { phone, .. } => {
                let now = self.watch.now(scene, phone);
                let up = |flow| scene.phones[phone].flows.contains_key(&flow);
                (phone, self.phones[phone].rests(now, up))
            }
            _ => return Ok(()),
        };
        done.map_err(|what| format!("{} {what}", scene.phones[index].setup.name))
    }
}

impl Phone {
    fn sends(&mut self, now: Instant, udp: bool, flow: FlowId, message: &Message) -> Result<(), String> {
        let rested = self.rested;
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => Ok(()),
            (Some(method), _) => {
                if method == Method::Bye
                    && let Some(dialog) = DialogId::sent(message)
                {
                    self.forget_accepted(&dialog);
                }
                let Some(transaction) = own_transaction(message) else { return Ok(()) };
                let most = if method == Method::Invite { LIFE } else { T2 };
                self.send(Key::Request(transaction), Repeated::new(flow, now, most, !udp), rested)
                    .map_err(|what| format!("repeats a {} {what}", text(method.as_bytes())))
            }
            (None, Some(status @ 200..)) if is_of(message, Method::Invite) => {
                let Some(transaction) = peers_transaction(message) else { return Ok(()) };
                let came_over = self.invited.get(&transaction).copied();
                if status < 300 {
                    let (Some(dialog), Ok(cseq)) = (DialogId::sent(message), message.cseq()) else {
                        return Ok(());
                    };
                    let mut accepted = Repeated::new(flow, now, T2, false);
                    accepted.may_wait = came_over != Some(flow);
                    return self
                        .send(Key::Accepted(dialog, cseq.number), accepted, rested)
                        .map_err(|what| format!("repeats a {status} to an INVITE {what}"));
                }
                let key = Key::Refusal(transaction.clone(), flow);
                if self.garbled || came_over.is_none() {
                    return Ok(());
                }
                // One goes out for the INVITE that came again, and one at its time: from now on they cannot be told apart.
                if self.again.contains(&transaction)
                    && let Some(refusal) = self.sent.get_mut(&key)
                {
                    (refusal.interval, refusal.may_wait) = (Duration::ZERO, true);
                }
                let mut refusal = Repeated::new(flow, now, T2, !udp);
                if self.anew.contains(&transaction) {
                    (refusal.interval, refusal.may_wait, refusal.done) = (Duration::ZERO, true, false);
                }
                self.send(key, refusal, rested)
                    .map_err(|what| format!("repeats a {status} to an INVITE {what}"))
            }
            (None, Some(status @ 200..)) => {
                let Some(asked) = peers_transaction(message).and_then(|t| self.asked.get_mut(&t)) else {
                    return Ok(());
                };
                if *asked == 0 && !self.garbled {
                    return Err(format!("repeats a {status}, and its request did not come again"));
                }
                *asked = asked.saturating_sub(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self, key: Key, new: Repeated, rested: Instant) -> Result<(), String> {
        match self.sent.get_mut(&key) {
            Some(repeated) => repeated.again(&new, rested),
            None => {
                self.sent.insert(key, new);
                Ok(())
            }
        }
    }

    fn receives(&mut self, now: Instant, flow: FlowId, message: &Message) {
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {
                let invite = peers_transaction(message).map(|(branch, _)| (branch, b"INVITE".to_vec()));
                if let Some(refusal) =
                    invite.and_then(|invite| self.sent.get_mut(&Key::Refusal(invite, flow)))
                {
                    refusal.answered = true;
                }
                if let (Some(dialog), Ok(cseq)) = (DialogId::received(message), message.cseq())
                    && let Some(accepted) = self.sent.get_mut(&Key::Accepted(dialog, cseq.number))
                {
                    accepted.answered = true;
                }
            }
            (Some(method), _) => {
                if method == Method::Bye
                    && let Some(dialog) = DialogId::received(message)
                {
                    self.forget_accepted(&dialog);
                }
                let Some(transaction) = peers_transaction(message) else { return };
                if method == Method::Invite {
                    // After timer H it is a new one, and about that time it may be either.
                    let refusal = Key::Refusal(transaction.clone(), flow);
                    if self.sent.get(&refusal).is_some_and(|refusal| now + LATE >= refusal.first + LIFE) {
                        self.sent.remove(&refusal);
                        self.anew.insert(transaction.clone());
                    }
                    // A proxy that forgot sends it on in a new transaction, and its answer is what it was.
                    if let (Some(dialog), Ok(cseq)) = (DialogId::received(message), message.cseq())
                        && let Some(accepted) = self.sent.get_mut(&Key::Accepted(dialog, cseq.number))
                    {
                        (accepted.interval, accepted.may_wait) = (Duration::ZERO, true);
                    }
                    let known = self.invited.insert(transaction.clone(), flow);
                    if known == Some(flow) {
                        self.again.insert(transaction);
                    }
                } else {
                    *self.asked.entry(transaction).or_insert(0) += 1;
                }
            }
            (None, Some(status)) => {
                let Some(transaction) = own_transaction(message) else { return };
                let invite = is_of(message, Method::Invite);
                let cancel = (transaction.0.clone(), b"CANCEL".to_vec());
                let Some(request) =
                    self.sent.get_mut(&Key::Request(transaction)).filter(|request| request.flow == flow)
                else {
                    return;
                };
                if status >= 200 || invite {
                    request.answered = true;
                } else {
                    // §17.1.2.2: from the next one on.
                    request.most = T2;
                    request.interval = request.interval.max(T1);
                    request.may_wait = true;
                }
                if invite
                    && status >= 200
                    && let Some(cancel) = self.sent.get_mut(&Key::Request(cancel))
                {
                    // It is of no use to anybody, and may go with its INVITE.
                    cancel.may_wait = true;
                }
            }
            _ => {}
        }
    }

    fn forget_accepted(&mut self, dialog: &DialogId) {
        self.sent.retain(|key, _| !matches!(key, Key::Accepted(of, _) if of == dialog));
    }

    fn rests(&mut self, now: Instant, up: impl Fn(FlowId) -> bool) -> Result<(), String> {
        self.rested = now;
        self.again.clear();
        self.garbled = false;
        self.sent.retain(|_, repeated| now.saturating_since(repeated.first) < MEMORY.max(LIFE));
        for (key, repeated) in &mut self.sent {
            repeated.may_wait |= !up(repeated.flow);
            repeated.done |= repeated.answered;
            let due = repeated.last + repeated.interval;
            let dies = repeated.first + LIFE;
            let late = now > due + LATE && due + EARLY < dies;
            if late && !repeated.done && !repeated.may_wait {
                let what = match key {
                    Key::Request((_, method)) => format!("a {} without a response", text(method)),
                    Key::Refusal(..) => "the refusal of an INVITE, which has no ACK".to_owned(),
                    Key::Accepted(..) => "a 2xx to an INVITE, which has no ACK".to_owned(),
                };
                return Err(format!("does not repeat {what}"));
            }
        }
        Ok(())
    }
}

impl Repeated {
    fn new(flow: FlowId, now: Instant, most: Duration, done: bool) -> Self {
        Self { flow, first: now, last: now, interval: T1, most, done, answered: false, may_wait: false }
    }

    fn again(&mut self, again: &Self, rested: Instant) -> Result<(), String> {
        let now = again.first;
        if self.done {
            return Err("that nobody misses".to_owned());
        }
        if now + EARLY < self.last + self.interval {
            let waited = now.saturating_since(self.last);
            return Err(format!("after {waited:?}, and not after {:?}", self.interval));
        }
        if rested > self.first + LIFE + LATE {
            return Err("and does not give up".to_owned());
        }
        (self.last, self.flow) = (now, again.flow);
        self.interval = (self.interval * 2).min(self.most);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
