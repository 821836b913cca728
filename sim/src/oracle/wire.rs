//! A phone sends well-formed messages, and one final response per transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use offhook::ConnectionId;
use offhook_wire::{Fault, FaultKind, Frame, Instant, Limits, Message, Method, datagram};

use super::{CorruptedCalls, Observation, Oracle, WorldView};

/// How long a transaction keeps its response: timer J, 64·T1, by the clock of the phone.
const MEMORY: Duration = Duration::from_secs(31);

/// The same for a refused INVITE after its ACK: timer I, T4 over UDP. Over a stream it is zero, but no INVITE is retransmitted there.
const CONFIRMED: Duration = Duration::from_secs(5);

/// The number of CANCELs without a transaction that a phone remembers: under a larger flood a retransmission of an old one may get
/// another response.
const CANCELS: u64 = 32;

#[derive(Default)]
pub(super) struct Wire {
    limits: Limits,
    /// The final response of each server transaction (RFC 3261 §17.2.3), by phone and Via.
    finals: BTreeMap<(usize, Vec<u8>), Final>,
    /// The number of final responses, by phone.
    answered: BTreeMap<usize, u64>,
    /// The phone that just received an invalid message: its 400 copies the values as they are (§8.2.6.2).
    received_invalid: Option<usize>,
}

struct Final {
    status: u16,
    /// The number of final responses of the phone up to this one.
    nth: u64,
    /// When it was first sent. A call retransmits its 2xx over any connection, and for 64·T1 from the first a retransmitted INVITE
    /// matches its transaction (RFC 6026 §7.1).
    first: Instant,
    /// The first ACK, if it refuses an INVITE.
    acknowledged: Option<Instant>,
    /// The last connection. An exchange sends pending requests again when a phone reconnects; on another connection that is a new
    /// transaction.
    connection: ConnectionId,
}

impl Oracle for Wire {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let (phone, connection, data) = match *observation {
            // Other valid messages need no check.
            Observation::Sent { message: Some(message), .. }
                if message.status().is_none_or(|status| status < 200) =>
            {
                return Ok(());
            }
            Observation::Sent { phone, connection, data, .. } => (phone, connection, data),
            Observation::Received { phone, data, message, .. } => {
                if let Some(message) = message
                    && message.method() == Some(Method::Ack)
                {
                    self.acknowledged(view.local(phone), phone, message);
                }
                let valid = message.is_some() || self.is_keep_alive(data);
                self.received_invalid = (!valid).then_some(phone);
                return Ok(());
            }
            Observation::PhonePolled { .. } => {
                self.received_invalid = None;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let calls = if view.corrupted_calls.any() { CorruptedCalls::calls_in(data) } else { Vec::new() };
        let corrupted =
            view.corrupted_calls.any() && calls.iter().all(|call| view.corrupted_calls.of_call(*call));
        self.sent(view.local(phone), phone, connection, data, corrupted).map_err(|what| {
            let message = String::from_utf8_lossy(data);
            format!("{} sends a message that {what}:\n{message}", view.phones[phone].setup.name)
        })
    }
}

impl Wire {
    fn is_keep_alive(&self, data: &Bytes) -> bool {
        matches!(datagram(data.clone(), &self.limits), Frame::KeepAlive(_))
    }

    /// The ACK of a refusal has the branch of its INVITE (RFC 3261 §17.1.1.3).
    fn acknowledged(&mut self, now: Instant, phone: usize, ack: &Message) {
        let Some(key) = key(ack, Method::Invite) else { return };
        if let Some(refusal) = self.finals.get_mut(&(phone, key)).filter(|last| last.status >= 300) {
            refusal.acknowledged.get_or_insert(now);
        }
    }

    fn sent(
        &mut self,
        now: Instant,
        phone: usize,
        connection: ConnectionId,
        data: &Bytes,
        corrupted: bool,
    ) -> Result<(), String> {
        let mut message = match datagram(data.clone(), &self.limits) {
            Frame::Message(message) => message,
            Frame::KeepAlive(_) => return Ok(()),
            Frame::Faulty { fault, .. } => return Err(format!("is not a message: {fault}")),
        };
        // The refusal of a corrupted request copies its invalid fields (RFC 3261 §8.2.6.2).
        let refuses = corrupted && message.status().is_some_and(|status| status >= 400);
        match message.check() {
            Ok(()) => {}
            Err(_) if refuses => return Ok(()),
            Err(Fault { kind: FaultKind::Header(_) | FaultKind::Missing(_), .. })
                if self.received_invalid == Some(phone) =>
            {
                return Ok(());
            }
            Err(fault) => return Err(format!("is invalid: {fault}")),
        }
        let Some(status) = message.status().filter(|&status| status >= 200) else { return Ok(()) };
        // The Via of a corrupted request, which the response copies (§8.2.6.2), may match any transaction.
        if corrupted {
            return Ok(());
        }
        let key = transaction(&message).ok_or("has no branch")?;
        let answered = self.answered.entry(phone).or_default();
        let mut new = || {
            *answered += 1;
            Final { status, nth: *answered, first: now, acknowledged: None, connection }
        };
        let before = self.finals.entry((phone, key)).or_insert_with(&mut new);
        if before.status == status {
            before.connection = connection;
            return Ok(());
        }
        let after = new();
        let forgotten = message.cseq().is_ok_and(|cseq| cseq.method == Method::Cancel)
            && after.nth - before.nth > CANCELS;
        // By the clock of the phone, which may have been set forward.
        let confirmed = before.acknowledged.is_some_and(|at| now.saturating_since(at) >= CONFIRMED);
        // Over a reliable transport the transaction of another request than INVITE ends with its response (§17.2.2, timer J).
        let reliable = message.via().is_ok_and(|via| !via.transport.eq_ignore_ascii_case(b"UDP"));
        let ended = reliable && message.cseq().is_ok_and(|cseq| cseq.method != Method::Invite);
        let remembered = !forgotten && !ended && !confirmed && now.saturating_since(before.first) < MEMORY;
        if before.connection == connection && remembered {
            return Err(format!("is a second final response, after a {}", before.status));
        }
        *before = after;
        Ok(())
    }
}

/// The transaction of a response.
fn transaction(response: &Message) -> Option<Vec<u8>> {
    key(response, response.cseq().ok()?.method)
}

/// The branch, the sent-by and the method.
fn key(message: &Message, method: Method<'_>) -> Option<Vec<u8>> {
    let via = message.via().ok()?;
    let mut key = via.branch()?.to_vec();
    key.extend_from_slice(via.host);
    key.extend_from_slice(method.as_bytes());
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, branch: &str) -> Bytes {
        format!(
            "SIP/2.0 {status} So\r\nVia: SIP/2.0/UDP pbx;branch={branch}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        )
        .into()
    }

    #[test]
    fn a_transaction_has_one_final_response() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let mut wire = Wire::default();
        let mut sent = |now, connection, data| wire.sent(at(now), 0, ConnectionId(connection), &data, false);
        assert_eq!(sent(1, 1, response(180, "z9hG4bKa")), Ok(()));
        assert_eq!(sent(1, 1, response(200, "z9hG4bKa")), Ok(()));
        assert_eq!(sent(2, 1, response(200, "z9hG4bKa")), Ok(()), "again");
        assert!(sent(3, 1, response(486, "z9hG4bKa")).is_err());
        assert_eq!(sent(3, 1, response(486, "z9hG4bKb")), Ok(()), "another transaction");
        assert_eq!(sent(3, 2, response(486, "z9hG4bKa")), Ok(()), "another connection");
        assert!(sent(4, 2, response(200, "z9hG4bKa")).is_err(), "and the one before there");
        assert_eq!(sent(60, 2, response(481, "z9hG4bKa")), Ok(()), "long forgotten");
        assert_eq!(sent(70, 1, response(200, "z9hG4bKc")), Ok(()));
        assert_eq!(sent(100, 2, response(200, "z9hG4bKc")), Ok(()), "again, over another connection");
        assert!(sent(100, 2, response(486, "z9hG4bKc")).is_err(), "which carries it now");
        assert_eq!(sent(102, 2, response(486, "z9hG4bKc")), Ok(()), "long after the first of the 2xx");
    }

    #[test]
    fn an_acknowledged_refusal_is_remembered_for_t4() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let ack = "ACK sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP pbx;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\n\
                   Call-ID: c\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
        let ack = Message::parse(ack.into(), &Limits::default()).expect("a good message");
        let mut wire = Wire::default();
        let sent = |wire: &mut Wire, now, status| {
            wire.sent(at(now), 0, ConnectionId(1), &response(status, "z9hG4bKa"), false)
        };
        assert_eq!(sent(&mut wire, 1, 491), Ok(()));
        wire.acknowledged(at(2), 0, &ack);
        wire.acknowledged(at(4), 0, &ack);
        assert!(sent(&mut wire, 6, 500).is_err(), "timer I runs");
        assert_eq!(sent(&mut wire, 7, 500), Ok(()), "from the first ACK on");
    }

    #[test]
    fn invalid_data_is_a_violation() {
        let sent = |data: &'static [u8]| {
            Wire::default().sent(Instant::ZERO, 0, ConnectionId(1), &Bytes::from_static(data), false)
        };
        assert_eq!(sent(b"\r\n\r\n"), Ok(()));
        assert!(sent(b"hello").is_err());
        assert!(sent(b"OPTIONS sip:a SIP/2.0\r\n\r\n").is_err(), "no Via");
    }
}
