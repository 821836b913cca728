//! An exchange that is overloaded: it refuses what is new, and goes on with what it took on before.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::{Builder, Frame, HeaderName, Limits, Message, Method, datagram, reason_phrase};

/// What was refused, so that it stays refused.
#[derive(Clone, Debug)]
pub struct Refusing {
    retry_after: Duration,
    refused: BTreeSet<Vec<u8>>,
    limits: Limits,
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is looked at.
    Admitted,
    /// It is answered like this.
    Answered(Bytes),
    /// It is the ACK to a refusal.
    Absorbed,
}

impl Refusing {
    /// Refuses with 503 and `Retry-After`.
    pub fn new(retry_after: Duration) -> Self {
        Self { retry_after, refused: BTreeSet::new(), limits: Limits::default() }
    }

    /// Judges a message. `known` says whether a branch was admitted before.
    pub fn judge(&mut self, data: &Bytes, known: impl FnOnce(&[u8]) -> bool) -> Admission {
        let Some((branch, request)) = request(data, &self.limits) else { return Admission::Admitted };
        match request.method() {
            Some(Method::Ack) if self.refused.contains(&branch) => return Admission::Absorbed,
            Some(Method::Ack | Method::Cancel) => return Admission::Admitted,
            _ if request.to().is_ok_and(|to| to.tag().is_some()) || known(&branch) => {
                return Admission::Admitted;
            }
            _ => {}
        }
        let seconds = self.retry_after.as_secs().to_string();
        let tag = format!("busy{:016x}", crate::hash::Digest::new(1).bytes(&branch).finish());
        let mut reply = Builder::reply(&request, 503, reason_phrase(503), Some(tag.as_bytes()));
        let _ = reply.untrusted(HeaderName::RetryAfter.canonical().as_bytes(), seconds.as_bytes());
        self.refused.insert(branch);
        Admission::Answered(reply.finish())
    }
}

/// A request that can be answered, and its branch.
pub(super) fn request(data: &Bytes, limits: &Limits) -> Option<(Vec<u8>, Message)> {
    let Frame::Message(message) = datagram(data.clone(), limits) else { return None };
    let is_good = message.is_request() && message.check().is_ok();
    let branch = message.via().ok()?.branch()?.to_vec();
    is_good.then_some((branch, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(method: &str, branch: &str, tag: &str) -> Bytes {
        format!(
            "{method} sip:bob@pbx SIP/2.0\r\nVia: SIP/2.0/WS a;branch={branch}\r\nFrom: <sip:a@pbx>;tag=1\r\n\
             To: <sip:bob@pbx>{tag}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        .into()
    }

    #[test]
    fn what_is_new_is_refused_and_what_is_known_goes_on() {
        let mut refusing = Refusing::new(Duration::from_secs(7));
        let mut judge = |data: &Bytes, known: bool| refusing.judge(data, |_| known);
        let Admission::Answered(reply) = judge(&message("INVITE", "z9hG4bK1", ""), false) else {
            panic!("a new INVITE is refused")
        };
        let text = String::from_utf8_lossy(&reply).into_owned();
        assert!(text.starts_with("SIP/2.0 503 ") && text.contains("Retry-After: 7\r\n"), "{text}");
        assert_eq!(judge(&message("ACK", "z9hG4bK1", ";tag=x"), false), Admission::Absorbed);
        for (method, branch, tag, known) in [
            ("ACK", "z9hG4bK2", ";tag=x", false),
            ("CANCEL", "z9hG4bK2", "", false),
            ("BYE", "z9hG4bK3", ";tag=x", false),
            ("INVITE", "z9hG4bK2", "", true),
        ] {
            assert_eq!(judge(&message(method, branch, tag), known), Admission::Admitted, "{method}");
        }
        assert_eq!(judge(&Bytes::from_static(b"\r\n\r\n"), false), Admission::Admitted);
    }
}
