//! The SIP messages of one call as a ladder.

use super::testbed::LoggedMessage;
use offhook::Limits;
use offhook_recorder::ladder::{Ladder, label};
use offhook_wire::Message;

/// Characters between two lifelines.
const WIDTH: usize = 38;

/// The messages of the first call at its two ends, with the exchange in the middle; empty without a call.
pub(super) fn of_first_call(messages: &[LoggedMessage]) -> Ladder {
    let read: Vec<(&LoggedMessage, Message)> = messages
        .iter()
        .filter_map(|logged| {
            Some((logged, Message::parse(logged.tapped.data.clone(), &Limits::default()).ok()?))
        })
        .collect();
    let invite = |(logged, message): &&(&LoggedMessage, Message)| logged.tapped.sent && is_invite(message);
    let Some((first, call)) = read.iter().find(invite) else {
        return Ladder::new(&["caller", "callee"], "exchange", WIDTH);
    };
    let (caller, call_id) = (first.owner, call.call_id());
    let of_call = read.iter().filter(|(_, message)| message.call_id() == call_id);
    let callee =
        of_call.clone().map(|(logged, _)| logged.owner).find(|owner| *owner != caller).unwrap_or("callee");
    let mut ladder = Ladder::new(&[caller, callee], "exchange", WIDTH);
    for (logged, message) in of_call {
        let phone = usize::from(logged.owner != caller);
        ladder.message(logged.tapped.at, phone, logged.tapped.sent, &label(message));
    }
    ladder
}

fn is_invite(message: &Message) -> bool {
    message.method().is_some_and(|method| method.as_bytes() == b"INVITE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::{ConnectionId, Instant};
    use offhook_tokio::TappedMessage;
    use std::time::Duration;

    fn logged(
        owner: &'static str,
        sent: bool,
        ms: u64,
        start: &str,
        call: &str,
        method: &str,
    ) -> LoggedMessage {
        let data = format!(
            "{start}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n\
             Call-ID: {call}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let at = Instant::ZERO + Duration::from_millis(ms);
        LoggedMessage {
            owner,
            tapped: TappedMessage { at, sent, connection: ConnectionId(1), data: data.into_bytes().into() },
        }
    }

    #[test]
    fn only_one_call_is_drawn() {
        let messages = [
            logged("alice", true, 5, "REGISTER sip:x SIP/2.0", "r", "REGISTER"),
            logged("alice", true, 10, "INVITE sip:b@x SIP/2.0", "c", "INVITE"),
            logged("bob", false, 11, "INVITE sip:b@x SIP/2.0", "c", "INVITE"),
            logged("bob", true, 12, "SIP/2.0 180 Ringing", "c", "INVITE"),
            logged("alice", false, 13, "SIP/2.0 180 Ringing", "c", "INVITE"),
        ];
        let lines = of_first_call(&messages).lines();
        assert_eq!(lines.len(), 5);
        assert!(lines[0].contains("alice") && lines[0].contains("bob"));
        assert!(lines[1].starts_with("      0.0  │─ INVITE ─") && lines[1].contains("►│ "), "{}", lines[1]);
        assert!(lines[2].contains("│─ INVITE") && lines[2].ends_with("►│"), "{}", lines[2]);
        assert!(lines[3].contains("│◄ 180 Ringing (INVITE) ─") && lines[3].ends_with("─│"), "{}", lines[3]);
        assert!(lines[4].contains("  │◄ 180 Ringing"), "{}", lines[4]);
        let lengths: Vec<usize> = lines[1..].iter().map(|line| line.chars().count()).collect();
        assert!(lengths.windows(2).all(|two| two[0] == two[1]), "{lengths:?}");
    }

    #[test]
    fn ladder_without_a_call_is_empty() {
        assert_eq!(of_first_call(&[]).lines().len(), 1);
    }
}
