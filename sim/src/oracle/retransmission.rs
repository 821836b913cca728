//! Retransmissions at exactly the times of RFC 3261, and for a limited time: requests over UDP (§17.1.1.2, §17.1.2.2), non-2xx responses
//! to INVITEs over UDP (§17.2.1), and 2xx to INVITEs over all transports (§13.3.1.4). Nothing else is sent twice, except a response to a
//! retransmitted request (§17.2.2).
//!
//! There is no tolerance. A phone reads its clock once for each input: all timers that are due fire first, in order, and then the input
//! is handled. This model does the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::{ConnectionId, Status};
use offhook_wire::{Instant, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::node::PhoneNode;
use crate::scenario::{Seconds, Transport};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const T4: Duration = Duration::from_secs(5);

/// 64·T1: timers B, F and H, and the wait of a 2xx for its ACK.
const LIFE: Duration = Duration::from_secs(32);

/// Why a message must not be retransmitted.
const ANSWERED: &str = "which is answered";
const TIMED_OUT: &str = "after its time-out";

#[derive(Default)]
pub(super) struct Retransmissions {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Messages that wait for an answer, or whose request may be retransmitted.
    waits: BTreeMap<Key, Transmission>,
    /// Messages that must not be retransmitted, and the reason.
    over: BTreeMap<Key, &'static str>,
    /// The last connection of each received INVITE, and the INVITEs that were received on more than one.
    invited: BTreeMap<Transaction, ConnectionId>,
    moved: BTreeSet<Transaction>,
    /// Whether the phone has read its clock since it was last polled.
    awake: bool,
    /// The received non-INVITE request, until it has a response.
    request: Option<Transaction>,
    /// Received UPDATEs and PRACKs with a description, and whether they have no response yet: the media engine makes the answer.
    described: BTreeMap<Transaction, bool>,
    /// The received INVITE, if it is a retransmission.
    invite: Option<Transaction>,
    /// The effect of the received message, which applies after the timers.
    effect: Option<(ConnectionId, Effect)>,
    /// The dialog of a BYE that the phone accepted since it was last polled. One that it refuses (§12.2.2) does not end the call.
    accepted_bye: Option<DialogId>,
    /// Whether it had a connection when it was last polled.
    connected: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Request(Transaction),
    Refusal(Transaction),
    /// A 2xx to an INVITE, by its dialog and CSeq number.
    Accepted(DialogId, u32),
}

/// The effect of a received message on waiting messages.
#[derive(Copy, Clone)]
enum Effect {
    /// The message is answered.
    Answered(Key),
    /// A non-INVITE request has a provisional response.
    Working(Key),
    /// A non-2xx response has its ACK.
    Confirmed(Key),
}

struct Transmission {
    call: u64,
    connection: ConnectionId,
    /// The INVITE of a 2xx: a proxy that lost its state forwards a retransmission in a new transaction, with a 2xx of its own.
    of: Option<Transaction>,
    timer: Option<Timer>,
    /// When it times out.
    ends: Instant,
    last: Instant,
    /// The number of transmissions due before the phone is polled.
    due_now: u32,
    /// Whether one more transmission is allowed: a refusal that was due before its INVITE was retransmitted.
    one_more: bool,
    /// A 2xx whose times are unknown: its transaction ended with its connection, or the connection closed when its ACK was received.
    times_unknown: bool,
    /// A refusal that has its ACK, and absorbs retransmissions.
    confirmed: bool,
}

/// A retransmission timer: A, E or G, or that of a 2xx.
struct Timer {
    due: Instant,
    /// The interval to the next one.
    wait: Duration,
    /// The longest interval.
    most: Duration,
}

impl Oracle for Retransmissions {
    fn name(&self) -> &'static str {
        "retransmission"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        if let Observation::Corrupted { calls, .. } = *observation {
            for phone in &mut self.phones {
                phone.waits.retain(|_, transmission| !calls.contains(&transmission.call));
            }
        }
        let (Observation::Sent { phone: index, .. }
        | Observation::Received { phone: index, .. }
        | Observation::PhonePolled { phone: index, .. }) = *observation
        else {
            return Ok(());
        };
        let (node, phone) = (&view.phones[index], &mut self.phones[index]);
        let now = view.local(index);
        phone.on_clock_read(now);
        let done = match *observation {
            Observation::Sent { connection, message: Some(message), .. } => {
                phone.on_sent(now, node.setup.transport == Transport::Udp, connection, message)
            }
            // Data on a closed connection is ignored.
            Observation::Received { connection, message: Some(message), .. }
                if node.connections.contains_key(&connection) =>
            {
                phone.on_received(now, connection, message);
                Ok(())
            }
            Observation::PhonePolled { .. } => phone.on_polled(now, node),
            _ => Ok(()),
        };
        done.map_err(|what| format!("{} {what}", node.setup.name))
    }
}

impl Phone {
    /// The phone reads its clock: retransmissions that are due are expected, also those before a time-out.
    fn on_clock_read(&mut self, now: Instant) {
        if std::mem::replace(&mut self.awake, true) {
            return;
        }
        for (key, transmission) in &mut self.waits {
            // A call whose 2xx times out does not retransmit it; a transaction has separate timers for both.
            let in_time = !matches!(key, Key::Accepted(..)) || now < transmission.ends;
            if let Some(timer) = &mut transmission.timer
                && timer.due <= now
                && timer.due < transmission.ends
            {
                transmission.due_now += u32::from(in_time);
                timer.due = now + timer.wait;
                timer.wait = (timer.wait * 2).min(timer.most);
            }
        }
    }

    fn on_sent(
        &mut self,
        now: Instant,
        udp: bool,
        connection: ConnectionId,
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
                let request = Transmission::new(now, message.dialog.call, connection, udp.then_some(most));
                self.send(Key::Request(transaction), request, now)
                    .map_err(|what| format!("retransmits a {method} {what}"))
            }
            (None, Some(status @ 200..)) if message.of == Method::Invite => {
                let done = if status < 300 {
                    let mut accepted = Transmission::new(now, message.dialog.call, connection, Some(T2));
                    accepted.of = Some(transaction);
                    accepted.times_unknown = self.moved.contains(&transaction)
                        || self.invited.get(&transaction) != Some(&connection);
                    self.send(Key::Accepted(message.dialog, message.number), accepted, now)
                } else if matches!(status, 482 | 503) {
                    // Merged requests, and those above a limit, are refused statelessly (§8.2.7).
                    Ok(())
                } else {
                    let mut refusal =
                        Transmission::new(now, message.dialog.call, connection, udp.then_some(T2));
                    refusal.one_more = self.invite == Some(transaction);
                    self.send(Key::Refusal(transaction), refusal, now)
                };
                done.map_err(|what| format!("retransmits a {status} to an INVITE {what}"))
            }
            (None, Some(status @ 200..)) => {
                let is_first = self.described.get_mut(&transaction).is_some_and(std::mem::take);
                // A refusal after a time-out and the answer to a retransmission may leave the phone together.
                let is_asked =
                    |asked: &mut Option<_>| asked.take_if(|request| *request == transaction).is_some();
                if !is_first && !is_asked(&mut self.request) {
                    return Err(format!(
                        "retransmits a {status}, although its request was not retransmitted"
                    ));
                }
                if message.of == Method::Bye && status < 300 {
                    self.accepted_bye = Some(message.dialog);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self, key: Key, new: Transmission, now: Instant) -> Result<(), String> {
        if let Some(why) = self.over.get(&key) {
            return Err((*why).to_owned());
        }
        let Some(transmission) = self.waits.get_mut(&key) else {
            // Over a reliable transport a request is not retransmitted.
            if new.timer.is_none() && matches!(key, Key::Request(_)) {
                self.over.insert(key, ANSWERED);
            } else {
                self.waits.insert(key, new);
            }
            return Ok(());
        };
        // The 2xx to an INVITE in a new transaction starts again.
        if transmission.of != new.of {
            *transmission = new;
            return Ok(());
        }
        match transmission.due_now.checked_sub(1) {
            Some(due_now) => {
                (transmission.due_now, transmission.last) = (due_now, now);
                Ok(())
            }
            None if std::mem::take(&mut transmission.one_more) => Ok(()),
            None if transmission.times_unknown && now < transmission.ends => Ok(()),
            // After its time-out the transaction is forgotten.
            None if now >= transmission.ends && matches!(key, Key::Refusal(_)) => {
                *transmission = new;
                Ok(())
            }
            None if now >= transmission.ends => Err(TIMED_OUT.to_owned()),
            None if transmission.confirmed || transmission.timer.is_none() => Err(ANSWERED.to_owned()),
            None => {
                Err(format!("after {}, when none is due", Seconds(now.saturating_since(transmission.last))))
            }
        }
    }

    fn on_received(&mut self, now: Instant, connection: ConnectionId, message: &Reading<'_>) {
        let accepted = Key::Accepted(message.dialog, message.number);
        let Some(transaction) = message.transaction else { return };
        let effect = match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {
                let refusal = Key::Refusal(transaction.of_invite());
                if self.waits.contains_key(&refusal) {
                    Effect::Confirmed(refusal)
                } else {
                    Effect::Answered(accepted)
                }
            }
            (Some(Method::Invite), _) => return self.on_invite(now, connection, transaction),
            (Some(method), _) => {
                self.request = Some(transaction);
                if matches!(method, Method::Update | Method::Prack) && !message.body_bytes().is_empty() {
                    self.described.entry(transaction).or_insert(true);
                }
                return;
            }
            (None, Some(status)) if status >= 200 || message.of == Method::Invite => {
                Effect::Answered(Key::Request(transaction))
            }
            (None, _) => Effect::Working(Key::Request(transaction)),
        };
        self.effect = Some((connection, effect));
    }

    fn on_invite(&mut self, now: Instant, connection: ConnectionId, transaction: Transaction) {
        match self.waits.get_mut(&Key::Refusal(transaction)) {
            Some(refusal) if refusal.connection == connection && !refusal.confirmed && now < refusal.ends => {
                refusal.due_now += 1;
            }
            _ => {}
        }
        let Some(before) = self.invited.insert(transaction, connection) else { return };
        self.invite = Some(transaction);
        if before == connection {
            return;
        }
        self.moved.insert(transaction);
        for accepted in self.waits.values_mut().filter(|transmission| transmission.of == Some(transaction)) {
            (accepted.times_unknown, accepted.ends) = (true, now + LIFE);
        }
    }

    /// After a BYE no 2xx waits for an ACK.
    fn hang_up(&mut self, dialog: DialogId) {
        self.waits.retain(|key, _| {
            let over = matches!(key, Key::Accepted(of, _) if *of == dialog);
            if over {
                self.over.insert(*key, ANSWERED);
            }
            !over
        });
    }

    fn on_polled(&mut self, now: Instant, node: &PhoneNode) -> Result<(), String> {
        (self.awake, self.request, self.invite) = (false, None, None);
        let up = |connection| node.connections.contains_key(&connection);
        // A call without a connection ends before its BYE is sent, and its 2xx is not retransmitted over the next connection.
        let closes = node.calls.values().any(|call| call.status == Status::Terminating);
        let stays = std::mem::replace(&mut self.connected, node.is_connected()) && self.connected && !closes;
        for (key, transmission) in &mut self.waits {
            let (due_now, lost) = (std::mem::take(&mut transmission.due_now), !up(transmission.connection));
            transmission.one_more = false;
            let what = match key {
                Key::Request(transaction) if !lost => {
                    format!("a {} without a response", transaction.verb.method())
                }
                Key::Refusal(_) if !lost => "the refusal of an INVITE without an ACK".to_owned(),
                Key::Accepted(..) if stays && !transmission.times_unknown => {
                    "a 2xx to an INVITE without an ACK".to_owned()
                }
                _ => continue,
            };
            if due_now > 0 {
                return Err(format!("does not retransmit {what}"));
            }
        }
        // A transaction ends with its connection (§17.1.4, §17.2.4); a 2xx is sent over the next one.
        self.waits.retain(|key, transmission| {
            let lives =
                now < transmission.ends && (up(transmission.connection) || matches!(key, Key::Accepted(..)));
            if !lives && !matches!(key, Key::Refusal(_)) {
                self.over.insert(*key, TIMED_OUT);
            }
            lives
        });
        // Not when the BYE is received: an account that was removed closes its connection when its last call ends, in the same input.
        if let Some(dialog) = self.accepted_bye.take() {
            self.hang_up(dialog);
        }
        match self.effect.take() {
            Some((connection, effect)) if up(connection) => {
                self.apply(now, node.setup.transport == Transport::Udp, connection, effect);
            }
            // If a timer closed the connection before, the ACK was discarded. If it closed with the replaced account, the ACK was handled.
            Some((_, Effect::Answered(key @ Key::Accepted(..)))) => {
                if let Some(accepted) = self.waits.get_mut(&key) {
                    accepted.times_unknown = true;
                }
            }
            // Other data on a connection that a timer just closed is discarded.
            _ => {}
        }
        Ok(())
    }

    fn apply(&mut self, now: Instant, udp: bool, connection: ConnectionId, effect: Effect) {
        let (Effect::Answered(key) | Effect::Working(key) | Effect::Confirmed(key)) = effect;
        let Some(transmission) = self.waits.get_mut(&key) else { return };
        match effect {
            // A response matches a request of its connection (§18.1.2), an ACK matches a call.
            Effect::Answered(_)
                if transmission.connection == connection || matches!(key, Key::Accepted(..)) =>
            {
                self.waits.remove(&key);
                self.over.insert(key, ANSWERED);
            }
            // §17.1.2.2: from the next retransmission on.
            Effect::Working(_) if transmission.connection == connection => {
                if let Some(timer) = &mut transmission.timer {
                    (timer.wait, timer.most) = (T2, T2);
                }
            }
            // Timer I.
            Effect::Confirmed(_) if !udp => drop(self.waits.remove(&key)),
            Effect::Confirmed(_) if !transmission.confirmed => {
                (transmission.confirmed, transmission.timer, transmission.ends) = (true, None, now + T4);
            }
            _ => {}
        }
    }
}

impl Transmission {
    /// A first transmission, retransmitted at intervals of at most `most`.
    fn new(now: Instant, call: u64, connection: ConnectionId, most: Option<Duration>) -> Self {
        let timer = most.map(|most| Timer { due: now + T1, wait: T1 * 2, most });
        let ends = now + LIFE;
        Self {
            call,
            connection,
            of: None,
            timer,
            ends,
            last: now,
            due_now: 0,
            one_more: false,
            times_unknown: false,
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

    /// The verdict on a phone that sends a request at the times `sends`, in ms, and reads its clock at the times `looks`.
    fn fate(sends: &[u64], looks: &[u64]) -> Result<(), String> {
        let world = World::builder().phone("alice").cold();
        let node = world.phone("alice");
        let connection = *node.connections.keys().next().expect("it opens a connection immediately");
        let request = Message::parse(OPTIONS.into(), &Limits::default()).expect("a good message");
        let request = Reading::sent(&request).expect("all that it needs is there");
        let mut phone = Phone::default();
        for &look in looks {
            let now = Instant::ZERO + Duration::from_millis(look);
            phone.on_clock_read(now);
            if sends.contains(&look) {
                phone.on_sent(now, true, connection, &request)?;
            }
            phone.on_polled(now, node)?;
        }
        Ok(())
    }

    #[test]
    fn a_request_is_retransmitted_exactly_when_due() {
        assert_eq!(fate(&[0, 500, 1500, 3500], &[0, 300, 500, 1499, 1500, 3500]), Ok(()));
        assert!(fate(&[0, 499], &[0, 499]).is_err(), "too early");
        assert!(fate(&[0, 500], &[0, 500, 1500]).is_err(), "missing");
        assert!(fate(&[0, 500, 1000], &[0, 500, 1000]).is_err(), "interval not doubled");
        assert_eq!(
            fate(&[0, 900, 1900], &[0, 900, 1899, 1900]),
            Ok(()),
            "the interval starts when the clock is read"
        );
        assert_eq!(
            fate(&[0, 40_000], &[0, 40_000]),
            Ok(()),
            "overdue when the clock is read, before the time-out"
        );
        assert!(fate(&[0, 40_000, 41_000], &[0, 40_000, 41_000]).is_err(), "timed out");
    }
}
