//! The SIP of one call, drawn as a ladder.

use super::stage::Noted;
use offhook::{Instant, Limits};
use offhook_wire::{HeaderName, Message};

/// Characters between two rails.
const WIDTH: usize = 38;

/// The messages of one call at its two ends; the exchange is in the middle.
pub(super) struct Ladder {
    rungs: Vec<Rung>,
    caller: &'static str,
    callee: &'static str,
}

/// One message between a phone and the exchange.
struct Rung {
    at: Instant,
    /// Between the caller and the exchange; else between the exchange and the callee.
    left: bool,
    rightwards: bool,
    label: String,
}

impl Ladder {
    /// The call of the first INVITE; empty when there is none.
    pub(super) fn of_first_call(messages: &[Noted]) -> Self {
        let read: Vec<(&Noted, Message)> = messages
            .iter()
            .filter_map(|noted| {
                Some((noted, Message::parse(noted.tapped.data.clone(), &Limits::default()).ok()?))
            })
            .collect();
        let mut ladder = Self { rungs: Vec::new(), caller: "caller", callee: "callee" };
        let invite = |(noted, message): &&(&Noted, Message)| noted.tapped.sent && is_invite(message);
        let Some((first, call)) = read.iter().find(invite) else { return ladder };
        let (caller, call_id) = (first.who, call.call_id());
        ladder.caller = caller;
        for (noted, message) in read.iter().filter(|(_, message)| message.call_id() == call_id) {
            let left = noted.who == caller;
            if !left {
                ladder.callee = noted.who;
            }
            let rightwards = noted.tapped.sent == left;
            ladder.rungs.push(Rung { at: noted.tapped.at, left, rightwards, label: label(message) });
        }
        ladder
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:>9}  {:<width$}{:<width$}{}",
            "ms",
            self.caller,
            "exchange",
            self.callee,
            width = WIDTH
        )];
        let Some(first) = self.rungs.first() else { return lines };
        for rung in &self.rungs {
            let ms = rung.at.saturating_since(first.at).as_secs_f64() * 1000.0;
            let (arrow, empty) = (arrow(&rung.label, rung.rightwards), " ".repeat(WIDTH - 1));
            let (left, right) = if rung.left { (arrow, empty) } else { (empty, arrow) };
            lines.push(format!("{ms:>9.1}  │{left}│{right}│"));
        }
        lines
    }
}

fn is_invite(message: &Message) -> bool {
    message.method().is_some_and(|method| method.as_bytes() == b"INVITE")
}

/// `INVITE +sdp` or `200 OK (INVITE) +sdp`.
fn label(message: &Message) -> String {
    let method = message.cseq().map(|cseq| String::from_utf8_lossy(cseq.method.as_bytes()).into_owned());
    let method = method.unwrap_or_else(|_| "?".to_owned());
    let head = match message.status() {
        Some(status) => format!("{status} {} ({method})", String::from_utf8_lossy(message.reason())),
        None => method,
    };
    let credentials = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let digest =
        if credentials.into_iter().any(|name| message.header(name).is_some()) { " +digest" } else { "" };
    let sdp = if message.content_type() == Some(b"application/sdp") { " +sdp" } else { "" };
    format!("{head}{digest}{sdp}")
}

/// The label on a line of the width between two rails.
fn arrow(label: &str, rightwards: bool) -> String {
    let room = WIDTH - 5;
    let label: String = label.chars().take(room).collect();
    let line = "─".repeat(room - label.chars().count());
    if rightwards { format!("─ {label} {line}►") } else { format!("◄ {label} {line}─") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::FlowId;
    use offhook_tokio::Tapped;
    use std::time::Duration;

    fn noted(who: &'static str, sent: bool, ms: u64, start: &str, call: &str, method: &str) -> Noted {
        let data = format!(
            "{start}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n\
             Call-ID: {call}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let at = Instant::ZERO + Duration::from_millis(ms);
        Noted { who, tapped: Tapped { at, sent, flow: FlowId(1), data: data.into_bytes().into() } }
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
        let lines = Ladder::of_first_call(&messages).lines();
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
        assert_eq!(Ladder::of_first_call(&[]).lines().len(), 1);
    }
}
