//! What is not answered comes again, at the times of RFC 3261 and not for ever: requests over UDP (§17.1.1.2, §17.1.2.2),
//! refusals of INVITEs over UDP (§17.2.1), and 2xx to INVITEs over anything (§13.3.1.4). Nothing else comes twice, but for a
//! response whose request came again (§17.2.2).
//!
//! Nothing here is early or late by a little. A phone lives by its clock, and looks at it once for each thing that it is handed:
//! then what was due by that look is done, in the order in which it was due, and after that what it was handed. So is it here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::{FlowId, Status};
use offhook_wire::{Instant, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::node::PhoneNode;
use crate::scenario::Transport;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const T4: Duration = Duration::from_secs(5);

/// 64·T1: timers B, F and H, and how long a 2xx waits for its ACK.
const LIFE: Duration = Duration::from_secs(32);

/// Why something is not to come again.
const NOT_MISSED: &str = "that nobody misses";
const NOT_GIVEN_UP: &str = "and does not give up";

#[derive(Default)]
pub(super) struct Retransmissions {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// What waits for its answer, or what may be asked for again.
    waits: BTreeMap<Key, Repeated>,
    /// What never comes again, and why.
    over: BTreeMap<Key, &'static str>,
    /// Where INVITEs came over last, and those that came over more than one connection.
    invited: BTreeMap<Transaction, FlowId>,
    moved: BTreeSet<Transaction>,
    /// Whether the phone looked at its clock since it was last at rest.
    awake: bool,
    /// The request that it was handed, for one that is no INVITE until it is answered.
    came: Option<Transaction>,
    /// The INVITE that it was handed, for one that came before.
    invite: Option<Transaction>,
    /// What the message that it was handed says of what waits, once that was heard.
    news: Option<(FlowId, News)>,
    /// Whether it had a connection when it was last at rest.
    connected: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Request(Transaction),
    Refusal(Transaction),
    /// By the dialog that it makes, and the number of its INVITE.
    Accepted(DialogId, u32),
}

/// What a message means for what waits.
#[derive(Copy, Clone)]
enum News {
    /// It is answered.
    Answered(Key),
    /// A request that is no INVITE is being worked on.
    Working(Key),
    /// A refusal has its ACK.
    Confirmed(Key),
    /// The peer hangs up.
    Bye(DialogId),
}

struct Repeated {
    call: u64,
    flow: FlowId,
    /// Of which INVITE a 2xx is the answer: a proxy that forgot sends it on in a new transaction, and that has an answer of its own.
    of: Option<Transaction>,
    timer: Option<Timer>,
    /// When it is given up.
    ends: Instant,
    last: Instant,
    /// How often it is still to be sent before the phone rests.
    owed: u32,
    /// Whether it may be sent once more. A refusal that was due before its INVITE came again is in time for that.
    spare: bool,
    /// A 2xx whose transaction went with its connection: nobody saw when the call gave it for the first time.
    unseen: bool,
    /// A refusal that has its ACK, and absorbs what comes late.
    confirmed: bool,
}

/// One that sends again: timer A, E or G, or that of a 2xx.
struct Timer {
    due: Instant,
    /// From then to the next.
    wait: Duration,
    /// The longest.
    most: Duration,
}

impl Oracle for Retransmissions {
    fn name(&self) -> &'static str {
        "retransmission"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        if let Observation::Corrupted { calls, .. } = *sight {
            for phone in &mut self.phones {
                phone.waits.retain(|_, repeated| !calls.contains(&repeated.call));
            }
        }
        let (Observation::Sent { phone: index, .. }
        | Observation::Received { phone: index, .. }
        | Observation::PhonePolled { phone: index, .. }) = *sight
        else {
            return Ok(());
        };
        let (node, phone) = (&view.phones[index], &mut self.phones[index]);
        let now = view.local(index);
        phone.on_clock_read(now);
        let done = match *sight {
            Observation::Sent { flow, message: Some(message), .. } => {
                phone.on_sent(now, node.setup.transport == Transport::Udp, flow, message)
            }
            Observation::Received { flow, message: Some(message), .. } => {
                phone.on_received(now, flow, message);
                Ok(())
            }
            Observation::PhonePolled { .. } => phone.on_polled(now, node),
            _ => Ok(()),
        };
        done.map_err(|what| format!("{} {what}", node.setup.name))
    }
}

impl Phone {
    /// The phone looks at its clock: what is due is owed. What was due before it is given up is owed too, in its turn.
    fn on_clock_read(&mut self, now: Instant) {
        if std::mem::replace(&mut self.awake, true) {
            return;
        }
        for (key, repeated) in &mut self.waits {
            // A call that gives up its 2xx does not send it once more, and a transaction has a timer for each.
            let in_time = !matches!(key, Key::Accepted(..)) || now < repeated.ends;
            if let Some(timer) = &mut repeated.timer
                && timer.due <= now
                && timer.due < repeated.ends
            {
                repeated.owed += u32::from(in_time);
                timer.due = now + timer.wait;
                timer.wait = (timer.wait * 2).min(timer.most);
            }
        }
    }

    fn on_sent(
        &mut self,
        now: Instant,
        udp: bool,
        flow: FlowId,
        message: &Reading<'_>,
    ) -> Result<(), String> {
        let Some(transaction) = message.transaction else { return Ok(()) };
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => Ok(()),
            (Some(method), _) => {
                if method == Method::Bye {
                    self.hang_up(message.dialog);
                }
                let most = if method == Method::Invite { LIFE } else { T2 };
                let request = Repeated::new(now, message.dialog.call, flow, udp.then_some(most));
                self.send(Key::Request(transaction), request, now)
                    .map_err(|what| format!("repeats a {method} {what}"))
            }
            (None, Some(status @ 200..)) if message.of == Method::Invite => {
                let done = if status < 300 {
                    let mut accepted = Repeated::new(now, message.dialog.call, flow, Some(T2));
                    accepted.of = Some(transaction);
                    accepted.unseen =
                        self.moved.contains(&transaction) || self.invited.get(&transaction) != Some(&flow);
                    self.send(Key::Accepted(message.dialog, message.number), accepted, now)
                } else if matches!(status, 482 | 503) {
                    // What came by two ways, or is one too many, is refused without a memory (§8.2.7).
                    Ok(())
                } else {
                    let mut refusal = Repeated::new(now, message.dialog.call, flow, udp.then_some(T2));
                    refusal.spare = self.invite == Some(transaction);
                    self.send(Key::Refusal(transaction), refusal, now)
                };
                done.map_err(|what| format!("repeats a {status} to an INVITE {what}"))
            }
            (None, Some(status @ 200..)) => match self.came.take_if(|came| *came == transaction) {
                Some(_) => Ok(()),
                None => Err(format!("repeats a {status}, and its request did not come again")),
            },
            _ => Ok(()),
        }
    }

    fn send(&mut self, key: Key, new: Repeated, now: Instant) -> Result<(), String> {
        if let Some(why) = self.over.get(&key) {
            return Err((*why).to_owned());
        }
        let Some(repeated) = self.waits.get_mut(&key) else {
            // Who needs no repetition waits for none.
            if new.timer.is_none() && matches!(key, Key::Request(_)) {
                self.over.insert(key, NOT_MISSED);
            } else {
                self.waits.insert(key, new);
            }
            return Ok(());
        };
        // The answer to an INVITE that comes in a new transaction: all begins anew.
        if repeated.of != new.of {
            *repeated = new;
            return Ok(());
        }
        match repeated.owed.checked_sub(1) {
            Some(owed) => {
                (repeated.owed, repeated.last) = (owed, now);
                Ok(())
            }
            None if std::mem::take(&mut repeated.spare) => Ok(()),
            None if repeated.unseen && now < repeated.ends => Ok(()),
            // Given up, it is as if it had never been.
            None if now >= repeated.ends && matches!(key, Key::Refusal(_)) => {
                *repeated = new;
                Ok(())
            }
            None if now >= repeated.ends => Err(NOT_GIVEN_UP.to_owned()),
            None if repeated.confirmed || repeated.timer.is_none() => Err(NOT_MISSED.to_owned()),
            None => Err(format!("after {:?}, and not in its time", now.saturating_since(repeated.last))),
        }
    }

    fn on_received(&mut self, now: Instant, flow: FlowId, message: &Reading<'_>) {
        let accepted = Key::Accepted(message.dialog, message.number);
        let Some(transaction) = message.transaction else { return };
        let news = match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {
                let refusal = Key::Refusal(transaction.of_invite());
                if self.waits.contains_key(&refusal) {
                    News::Confirmed(refusal)
                } else {
                    News::Answered(accepted)
                }
            }
            (Some(Method::Invite), _) => return self.on_invite(now, flow, transaction),
            (Some(method), _) => {
                self.came = Some(transaction);
                if method != Method::Bye {
                    return;
                }
                News::Bye(message.dialog)
            }
            (None, Some(status)) if status >= 200 || message.of == Method::Invite => {
                News::Answered(Key::Request(transaction))
            }
            (None, _) => News::Working(Key::Request(transaction)),
        };
        self.news = Some((flow, news));
    }

    fn on_invite(&mut self, now: Instant, flow: FlowId, transaction: Transaction) {
        match self.waits.get_mut(&Key::Refusal(transaction)) {
            Some(refusal) if refusal.flow == flow && !refusal.confirmed && now < refusal.ends => {
                refusal.owed += 1;
            }
            _ => {}
        }
        let Some(before) = self.invited.insert(transaction, flow) else { return };
        self.invite = Some(transaction);
        if before == flow {
            return;
        }
        self.moved.insert(transaction);
        for accepted in self.waits.values_mut().filter(|repeated| repeated.of == Some(transaction)) {
            (accepted.unseen, accepted.ends) = (true, now + LIFE);
        }
    }

    /// Neither end waits for an ACK any more.
    fn hang_up(&mut self, dialog: DialogId) {
        self.waits.retain(|key, _| {
            let over = matches!(key, Key::Accepted(of, _) if *of == dialog);
            if over {
                self.over.insert(*key, NOT_MISSED);
            }
            !over
        });
    }

    fn on_polled(&mut self, now: Instant, node: &PhoneNode) -> Result<(), String> {
        (self.awake, self.came, self.invite) = (false, None, None);
        let up = |flow| node.flows.contains_key(&flow);
        // A call without a connection is over before its BYE goes out, and its 2xx is not repeated over the next one.
        let closes = node.calls.values().any(|call| call.status == Status::Terminating);
        let stays = std::mem::replace(&mut self.connected, node.is_connected()) && self.connected && !closes;
        for (key, repeated) in &mut self.waits {
            let (owed, lost) = (std::mem::take(&mut repeated.owed), !up(repeated.flow));
            repeated.spare = false;
            let what = match key {
                Key::Request(transaction) if !lost => {
                    format!("a {} without a response", transaction.verb.method())
                }
                Key::Refusal(_) if !lost => "the refusal of an INVITE, which has no ACK".to_owned(),
                Key::Accepted(..) if stays && !repeated.unseen => {
                    "a 2xx to an INVITE, which has no ACK".to_owned()
                }
                _ => continue,
            };
            if owed > 0 {
                return Err(format!("does not repeat {what}"));
            }
        }
        // With its connection a transaction is over (§17.1.4, §17.2.4), and a 2xx goes over the next one.
        self.waits.retain(|key, repeated| {
            let lives = now < repeated.ends && (up(repeated.flow) || matches!(key, Key::Accepted(..)));
            if !lives && !matches!(key, Key::Refusal(_)) {
                self.over.insert(*key, NOT_GIVEN_UP);
            }
            lives
        });
        // On a connection that it gave up when it looked at its clock it hears nothing.
        if let Some((flow, news)) = self.news.take()
            && up(flow)
        {
            self.apply(now, node.setup.transport == Transport::Udp, flow, news);
        }
        Ok(())
    }

    fn apply(&mut self, now: Instant, udp: bool, flow: FlowId, news: News) {
        let (News::Answered(key) | News::Working(key) | News::Confirmed(key)) = news else {
            if let News::Bye(dialog) = news {
                self.hang_up(dialog);
            }
            return;
        };
        let Some(repeated) = self.waits.get_mut(&key) else { return };
        match news {
            // A response belongs to a request of its connection (§18.1.2), an ACK to a call.
            News::Answered(_) if repeated.flow == flow || matches!(key, Key::Accepted(..)) => {
                self.waits.remove(&key);
                self.over.insert(key, NOT_MISSED);
            }
            // §17.1.2.2: from the next one on.
            News::Working(_) if repeated.flow == flow => {
                if let Some(timer) = &mut repeated.timer {
                    (timer.wait, timer.most) = (T2, T2);
                }
            }
            // Timer I.
            News::Confirmed(_) if !udp => drop(self.waits.remove(&key)),
            News::Confirmed(_) if !repeated.confirmed => {
                (repeated.confirmed, repeated.timer, repeated.ends) = (true, None, now + T4);
            }
            _ => {}
        }
    }
}

impl Repeated {
    /// Sent for the first time, and again with waits of at most this.
    fn new(now: Instant, call: u64, flow: FlowId, most: Option<Duration>) -> Self {
        let timer = most.map(|most| Timer { due: now + T1, wait: T1 * 2, most });
        let ends = now + LIFE;
        Self {
            call,
            flow,
            of: None,
            timer,
            ends,
            last: now,
            owed: 0,
            spare: false,
            unseen: false,
            confirmed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;
    use offhook_wire::{Limits, Message};

    const OPTIONS: &str = "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag=1\r\n\
                           To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    /// Whether a phone that sends a request at these times, in ms, and is handed something at each of those, does as it should.
    fn fate(sends: &[u64], looks: &[u64]) -> Result<(), String> {
        let world = World::builder().phone("alice").cold();
        let node = world.phone("alice");
        let flow = *node.flows.keys().next().expect("it opens a connection at once");
        let request = Message::parse(OPTIONS.into(), &Limits::default()).expect("a good message");
        let request = Reading::sent(&request).expect("all that it needs is there");
        let mut phone = Phone::default();
        for &look in looks {
            let now = Instant::ZERO + Duration::from_millis(look);
            phone.on_clock_read(now);
            if sends.contains(&look) {
                phone.on_sent(now, true, flow, &request)?;
            }
            phone.on_polled(now, node)?;
        }
        Ok(())
    }

    #[test]
    fn a_request_comes_again_when_it_is_due_and_never_else() {
        assert_eq!(fate(&[0, 500, 1500, 3500], &[0, 300, 500, 1499, 1500, 3500]), Ok(()));
        assert!(fate(&[0, 499], &[0, 499]).is_err(), "too early");
        assert!(fate(&[0, 500], &[0, 500, 1500]).is_err(), "not at all");
        assert!(fate(&[0, 500, 1000], &[0, 500, 1000]).is_err(), "in step");
        assert_eq!(fate(&[0, 900, 1900], &[0, 900, 1899, 1900]), Ok(()), "from when it was looked at");
        assert_eq!(fate(&[0, 40_000], &[0, 40_000]), Ok(()), "overdue, and before it is given up");
        assert!(fate(&[0, 40_000, 41_000], &[0, 40_000, 41_000]).is_err(), "given up");
    }
}
