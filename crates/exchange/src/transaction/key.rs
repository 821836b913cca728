//! Matching requests to server transactions: RFC 3261 §17.2.3.

use offhook_wire::{HeaderError, HeaderName, Message};

use crate::token::MAGIC_COOKIE;

/// The key of a server transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerKey {
    /// Equal for an INVITE and its ACK and CANCEL.
    id: Box<[u8]>,
    kind: Kind,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Invite,
    Cancel,
    Other,
}

impl ServerKey {
    /// The key of the transaction of this request: an INVITE and its ACK have the same key.
    pub(crate) fn of(request: &Message) -> Result<Self, HeaderError> {
        let method = request.method().map_or(&b""[..], |method| method.as_bytes());
        let kind = match method {
            b"INVITE" | b"ACK" => Kind::Invite,
            b"CANCEL" => Kind::Cancel,
            _ => Kind::Other,
        };
        let via = request.via()?;
        let mut id = Vec::with_capacity(96);
        match via.branch() {
            // The branch is globally unique; sent-by is compared against forged requests.
            Some(branch) if branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE) => {
                id.extend_from_slice(branch);
            }
            // RFC 2543: no unique branch. A branch of only the cookie is not unique either (RFC 4475 §3.2.1). To is not compared: the ACK of
            // a refusal has another To tag.
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
                    id.extend_from_slice(piece);
                    id.push(0);
                }
            }
        }
        id.push(0);
        id.extend(via.host.iter().map(u8::to_ascii_lowercase));
        id.extend_from_slice(&via.port.unwrap_or_default().to_be_bytes());
        if kind == Kind::Other {
            id.extend_from_slice(method);
        }
        Ok(Self { id: id.into(), kind })
    }

    /// The bytes of its two copies.
    pub(crate) fn bytes(&self) -> usize {
        2 * self.id.len()
    }

    /// The key of the INVITE that the CANCEL with this key cancels (RFC 3261 §9.2).
    pub(crate) fn cancelled(&self) -> Self {
        Self { id: self.id.clone(), kind: Kind::Invite }
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
    fn branch_and_sent_by_are_the_key() {
        let via = "SIP/2.0/UDP host:5060;branch=z9hG4bK1";
        let invite = key("INVITE", via, 1);
        assert_eq!(invite, key("INVITE", "SIP/2.0/TCP HOST:5060;branch=z9hG4bK1;rport", 7));
        assert_ne!(invite, key("INVITE", "SIP/2.0/UDP host:5061;branch=z9hG4bK1", 1));
        assert_ne!(invite, key("INVITE", "SIP/2.0/UDP other:5060;branch=z9hG4bK1", 1));
        assert_ne!(invite, key("INVITE", "SIP/2.0/UDP host:5060;branch=z9hG4bK2", 1));
    }

    #[test]
    fn ack_and_cancel_match_their_invite() {
        let via = "SIP/2.0/UDP host;branch=z9hG4bK1";
        let invite = key("INVITE", via, 1);
        assert_eq!(key("ACK", via, 1), invite);
        assert_ne!(key("CANCEL", via, 1), invite);
        assert_eq!(key("CANCEL", via, 1).cancelled(), invite);
        assert_ne!(key("BYE", via, 1), invite);
        assert_ne!(key("BYE", via, 1), key("INFO", via, 1));
    }

    #[test]
    fn key_without_a_cookie_covers_other_headers() {
        for via in ["SIP/2.0/UDP host;branch=1", "SIP/2.0/UDP host;branch=z9hG4bK", "SIP/2.0/UDP host"] {
            assert_eq!(key("INVITE", via, 1), key("ACK", via, 1));
            assert_ne!(key("INVITE", via, 1), key("INVITE", via, 2));
        }
        let via = "SIP/2.0/UDP host;branch=1";
        assert_ne!(key("INVITE", via, 1), key("INVITE", "SIP/2.0/UDP host;branch=2", 1));
    }
}
