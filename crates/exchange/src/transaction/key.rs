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
            Some(branch) if branch.starts_with(MAGIC_COOKIE) => matter.extend_from_slice(branch),
            // RFC 2543 had no unique branch. The ACK of a refusal has another To tag, so To is not compared.
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

    /// The key of the INVITE that the CANCEL with this key is about (RFC 3261 §9.2).
    pub(crate) fn cancelled(&self) -> Self {
        Self { matter: self.matter.clone(), kind: Kind::Invite }
    }
}
