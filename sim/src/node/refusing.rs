//! An exchange that is overloaded, or whose registrar grants no bindings: it refuses new requests, and continues with admitted ones.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::{Builder, Frame, HeaderName, Limits, Message, Method, datagram, reason_phrase};

/// A refusal of new requests.
#[derive(Clone, Debug)]
pub struct Refusing {
    how: How,
    refused: BTreeSet<Vec<u8>>,
    limits: Limits,
}

#[derive(Copy, Clone, Debug)]
enum How {
    /// Out-of-dialog requests, with 503.
    Overloaded { retry_after: Duration },
    /// Registrations, by a 200 with expires=0.
    Forgetful,
}

/// The decision on a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is handled.
    Admitted,
    /// It gets this response.
    Answered(Bytes),
    /// It is the ACK of a refusal.
    Absorbed,
}

impl Refusing {
    /// Refuses with 503 and `Retry-After`.
    pub fn new(retry_after: Duration) -> Self {
        Self::how(How::Overloaded { retry_after })
    }

    /// Grants registrations with expires=0.
    pub fn bindings() -> Self {
        Self::how(How::Forgetful)
    }

    fn how(how: How) -> Self {
        Self { how, refused: BTreeSet::new(), limits: Limits::default() }
    }

    /// Decides on a message. `known` tells whether a branch was admitted before.
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
        let (code, name, value) = match self.how {
            How::Overloaded { retry_after } => {
                (503, HeaderName::RetryAfter, retry_after.as_secs().to_string())
            }
            How::Forgetful => match granted_contact(&request) {
                Some(contact) => (200, HeaderName::Contact, contact),
                None => return Admission::Admitted,
            },
        };
        let tag = format!("busy{:016x}", crate::hash::Digest::new(1).bytes(&branch).finish());
        let mut reply = Builder::reply(&request, code, reason_phrase(code), Some(tag.as_bytes()));
        let _ = reply.untrusted(name.canonical().as_bytes(), value.as_bytes());
        self.refused.insert(branch);
        Admission::Answered(reply.finish())
    }
}

/// The Contact of the response to a REGISTER with credentials and a lifetime.
fn granted_contact(request: &Message) -> Option<String> {
    let wants = request.method() == Some(Method::Register) && request.expires().ok()? != Some(0);
    request.header(HeaderName::Authorization).filter(|_| wants)?;
    let contact = String::from_utf8_lossy(request.contact().ok()??.uri).into_owned();
    Some(format!("<{contact}>;expires=0"))
}

/// A valid request and its branch.
pub(super) fn request(data: &Bytes, limits: &Limits) -> Option<(Vec<u8>, Message)> {
    let Frame::Message(mut message) = datagram(data.clone(), limits) else { return None };
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
    fn new_requests_are_refused_and_known_ones_admitted() {
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

    #[test]
    fn a_registration_is_granted_with_expires_0() {
        let mut refusing = Refusing::bindings();
        let register = |rows: &str| {
            let text = message("REGISTER", "z9hG4bK1", "");
            let text =
                String::from_utf8_lossy(&text).replace("Content-Length", &format!("{rows}Content-Length"));
            Bytes::from(text)
        };
        let mut judge = |rows: &str| refusing.judge(&register(rows), |_| false);
        let contact = "Contact: <sip:x@a;transport=ws>;expires=60\r\n";
        assert_eq!(judge(contact), Admission::Admitted, "it has no credentials");
        let credentials = format!("{contact}Authorization: Digest username=\"bob\"\r\n");
        assert_eq!(judge(&format!("{credentials}Expires: 0\r\n")), Admission::Admitted);
        let Admission::Answered(reply) = judge(&credentials) else { panic!("it is answered") };
        let text = String::from_utf8_lossy(&reply).into_owned();
        assert!(text.starts_with("SIP/2.0 200 "), "{text}");
        assert!(text.contains("Contact: <sip:x@a;transport=ws>;expires=0\r\n"), "{text}");
        assert_eq!(refusing.judge(&message("INVITE", "z9hG4bK2", ""), |_| false), Admission::Admitted);
    }
}
