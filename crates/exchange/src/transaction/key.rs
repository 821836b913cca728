//! Matching requests to server transactions: RFC 3261 §17.2.3.

use offhook_wire::{HeaderError, HeaderName, Message};

use crate::token::MAGIC_COOKIE;

/// What makes two requests the same transaction, apart from the method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerKey {
    /// An INVITE and its ACK and CANCEL have equal matter.
    matter: Box<[u8]>,
    kind: Kind,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Invite,
    Cancel,
    Other,
}

impl ServerKey {
    /// The key of the transaction that this request begins, repeats or acknowledges.
    pub(crate) fn of(request: &Message) -> Result<Self, HeaderError> {
        let method = request.method().map_or(&b""[..], |method| method.as_bytes());
        let kind = match method {
            b"INVITE" | b"ACK" => Kind::Invite,
            b"CANCEL" => Kind::Cancel,
            _ => Kind::Other,
        };
        let via = request.via()?;
        let mut matter = Vec::with_capacity(96);
        match via.branch() {
            // The branch is unique for ever; the sent-by tells a forger from the owner.
            Some(branch) if branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE) => {
                matter.extend_from_slice(branch);
            }
            // RFC 2543 had no unique branch, and a cookie alone is none either (RFC 4475 §3.2.1). The ACK of a refusal has
            // another To tag, so To is not compared.
            _ => {
                let cseq = request.cseq()?;
                let number = cseq.number.to_string();
                let from = request.from()?;
                let pieces = [
                    request.request_uri().unwrap_or_default(),
                    from.tag().unwrap_or_default(),
                    request.call_id()?,
                    number.as_bytes(),
                    request.header(HeaderName::Via).unwrap_or_default(),
                ];
                for piece in pieces {
                    matter.extend_from_slice(piece);
                    matter.push(0);
                }
            }
        }
        matter.push(0);
        matter.extend(via.host.iter().map(u8::to_ascii_lowercase));
        matter.extend_from_slice(&via.port.unwrap_or_default().to_be_bytes());
        if kind == Kind::Other {
            matter.extend_from_slice(method);
        }
        Ok(Self { matter: matter.into(), kind })
    }

    /// How many bytes this keeps, in its two places.
    pub(crate) fn bytes(&self) -> usize {
        2 * self.matter.len()
    }

    /// The key of the INVITE that the CANCEL with this key is about (RFC 3261 §9.2).
    pub(crate) fn cancelled(&self) -> Self {
        Self { matter: self.matter.clone(), kind: Kind::Invite }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(method: &str, via: &str, cseq: u32) -> ServerKey {
        let text = format!(
            "{method} sip:bob@example.com SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@example.com>;tag=a\r\n\
             To: <sip:b@example.com>\r\nCall-ID: 1\r\nCSeq: {cseq} {method}\r\n\r\n"
        );
        let request = Message::parse(text.into(), &offhook_wire::Limits::default()).unwrap();
        ServerKey::of(&request).unwrap()
    }

    #[test]
    fn the_branch_and_the_sender_make_the_key() {
        let via = "SIP/2.0/UDP host:5060;branch=z9hG4bK1";
        let invite = key("INVITE", via, 1);
        assert_eq!(invite, key("INVITE", "SIP/2.0/TCP HOST:5060;branch=z9hG4bK1;rport", 7));
        assert_ne!(invite, key("INVITE", "SIP/2.0/UDP host:5061;branch=z9hG4bK1", 1));
        assert_ne!(invite, key("INVITE", "SIP/2.0/UDP other:5060;branch=z9hG4bK1", 1));
        assert_ne!(invite, key("INVITE", "SIP/2.0/UDP host:5060;branch=z9hG4bK2", 1));
    }

    #[test]
    fn an_ack_belongs_to_its_invite_and_a_cancel_is_about_it() {
        let via = "SIP/2.0/UDP host;branch=z9hG4bK1";
        let invite = key("INVITE", via, 1);
        assert_eq!(key("ACK", via, 1), invite);
        assert_ne!(key("CANCEL", via, 1), invite);
        assert_eq!(key("CANCEL", via, 1).cancelled(), invite);
        assert_ne!(key("BYE", via, 1), invite);
        assert_ne!(key("BYE", via, 1), key("INFO", via, 1));
    }

    #[test]
    fn without_a_cookie_the_rest_of_the_request_makes_the_key() {
        for via in ["SIP/2.0/UDP host;branch=1", "SIP/2.0/UDP host;branch=z9hG4bK", "SIP/2.0/UDP host"] {
            assert_eq!(key("INVITE", via, 1), key("ACK", via, 1));
            assert_ne!(key("INVITE", via, 1), key("INVITE", via, 2));
        }
        let via = "SIP/2.0/UDP host;branch=1";
        assert_ne!(key("INVITE", via, 1), key("INVITE", "SIP/2.0/UDP host;branch=2", 1));
    }
}
