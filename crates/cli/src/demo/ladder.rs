//! The SIP of one call, drawn as a ladder.

use super::stage::Noted;
use offhook::Limits;
use offhook_recorder::ladder::{Ladder, label};
use offhook_wire::Message;

/// Characters between two rails.
const WIDTH: usize = 38;

/// The messages of the call of the first INVITE at its two ends, the exchange in the middle; empty when there is none.
pub(super) fn of_first_call(messages: &[Noted]) -> Ladder {
    let read: Vec<(&Noted, Message)> = messages
        .iter()
        .filter_map(|noted| {
            Some((noted, Message::parse(noted.tapped.data.clone(), &Limits::default()).ok()?))
        })
        .collect();
    let invite = |(noted, message): &&(&Noted, Message)| noted.tapped.sent && is_invite(message);
    let Some((first, call)) = read.iter().find(invite) else {
        return Ladder::new(&["caller", "callee"], "exchange", WIDTH);
    };
    let (caller, call_id) = (first.who, call.call_id());
    let of_call = read.iter().filter(|(_, message)| message.call_id() == call_id);
    let callee = of_call.clone().map(|(noted, _)| noted.who).find(|who| *who != caller).unwrap_or("callee");
    let mut ladder = Ladder::new(&[caller, callee], "exchange", WIDTH);
    for (noted, message) in of_call {
        let phone = usize::from(noted.who != caller);
        ladder.message(noted.tapped.at, phone, noted.tapped.sent, &label(message));
    }
    ladder
}

fn is_invite(message: &Message) -> bool {
    message.method().is_some_and(|method| method.as_bytes() == b"INVITE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::{FlowId, Instant};
    use offhook_tokio::TappedMessage;
    use std::time::Duration;

    fn noted(who: &'static str, sent: bool, ms: u64, start: &str, call: &str, method: &str) -> Noted {
        let data = format!(
            "{start}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n\
             Call-ID: {call}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let at = Instant::ZERO + Duration::from_millis(ms);
        Noted { who, tapped: TappedMessage { at, sent, flow: FlowId(1), data: data.into_bytes().into() } }
    }

    #[test]
    fn one_call_is_drawn_and_others_are_left_out() {
        let messages = [
            noted("alice", true, 5, "REGISTER sip:x SIP/2.0", "r", "REGISTER"),
            noted("alice", true, 10, "INVITE sip:b@x SIP/2.0", "c", "INVITE"),
            noted("bob", false, 11, "INVITE sip:b@x SIP/2.0", "c", "INVITE"),
            noted("bob", true, 12, "SIP/2.0 180 Ringing", "c", "INVITE"),
            noted("alice", false, 13, "SIP/2.0 180 Ringing", "c", "INVITE"),
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
    fn no_call_is_no_ladder() {
        assert_eq!(of_first_call(&[]).lines().len(), 1);
    }
}
