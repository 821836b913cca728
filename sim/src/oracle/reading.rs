//! A message as oracles read it, parsed once.

use std::ops::Deref;

use offhook_wire::{HeaderName, Message, Method, NameAddr};

use crate::hash::Digest;

/// A message with its transaction and dialog, as the phone that sends or receives it identifies them. Identifiers are hashes.
pub struct Reading<'a> {
    message: &'a Message,
    /// Its transaction; `None` without a usable branch.
    pub(super) transaction: Option<Transaction>,
    /// Its dialog.
    pub(super) dialog: DialogId,
    /// The CSeq number.
    pub(super) number: u32,
    /// The CSeq method.
    pub(super) of: MethodKey,
}

impl<'a> Reading<'a> {
    /// Reads a valid message that a phone sends.
    pub fn sent(message: &'a Message) -> Option<Self> {
        let (from, to) = (tag(message.from()), tag(message.to()));
        if message.status().is_some() {
            Self::new(message, peers_branch(message), to, from)
        } else {
            Self::new(message, own_branch(message), from, to)
        }
    }

    /// Reads a valid message that a phone receives.
    pub fn received(message: &'a Message) -> Option<Self> {
        let (from, to) = (tag(message.from()), tag(message.to()));
        if message.status().is_some() {
            Self::new(message, own_branch(message), from, to)
        } else {
            Self::new(message, peers_branch(message), to, from)
        }
    }

    fn new(message: &'a Message, branch: Option<u64>, local: u64, remote: u64) -> Option<Self> {
        let cseq = message.cseq().ok()?;
        let of = MethodKey::of(cseq.method);
        let transaction = branch.map(|branch| Transaction { branch, verb: of });
        let dialog = DialogId { call: call_of(message)?, local, remote };
        Some(Self { message, transaction, dialog, number: cseq.number, of })
    }
}

impl Deref for Reading<'_> {
    type Target = Message;

    fn deref(&self) -> &Message {
        self.message
    }
}

/// Identifies a transaction: the branch and the method, and the sent-by of a server transaction. An ACK and a CANCEL have
/// transactions of their own here.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transaction {
    pub(super) branch: u64,
    pub(super) verb: MethodKey,
}

impl Transaction {
    /// The INVITE transaction of this ACK or CANCEL (RFC 3261 §17.2.3, §9.2).
    pub(super) fn of_invite(self) -> Self {
        Self { verb: MethodKey::of(Method::Invite), ..self }
    }
}

/// A method, by its index in [`Method::KNOWN`]; all unknown methods are equal.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MethodKey(usize);

impl MethodKey {
    pub(super) fn of(method: Method<'_>) -> Self {
        Self(Method::KNOWN.iter().position(|known| *known == method).unwrap_or(Method::KNOWN.len()))
    }

    pub(super) fn method(self) -> Method<'static> {
        Method::KNOWN.get(self.0).copied().unwrap_or(Method::Other(b"request"))
    }
}

impl PartialEq<Method<'_>> for MethodKey {
    fn eq(&self, method: &Method<'_>) -> bool {
        self.method() == *method
    }
}

/// A dialog ID (RFC 3261 §12): the Call-ID, the local tag and the remote tag.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DialogId {
    pub(super) call: u64,
    pub(super) local: u64,
    pub(super) remote: u64,
}

impl DialogId {
    /// The absent tag.
    pub(super) const NO_TAG: u64 = 0;
}

/// The branch of a sent request or received response (RFC 3261 §17.1.3). Branches are case-insensitive (§7.3.1); a response with more
/// than one Via is not for this phone (§8.1.3.3).
fn own_branch(message: &Message) -> Option<u64> {
    if message.status().is_some() && message.values(HeaderName::Via).nth(1).is_some() {
        return None;
    }
    Some(name(&message.via().ok()?.branch()?.to_ascii_lowercase()))
}

/// The branch of a received request or sent response (RFC 3261 §17.2.3). `None` for a branch of RFC 2543, which is not unique.
fn peers_branch(message: &Message) -> Option<u64> {
    let via = message.via().ok()?;
    let branch = via.branch().filter(|branch| branch.starts_with(b"z9hG4bK"))?;
    Some(Digest::new(1).bytes(branch).bytes(via.host).word(via.port.map_or(0, u64::from)).finish())
}

/// The hash of the Call-ID.
pub(super) fn call_of(message: &Message) -> Option<u64> {
    message.call_id().ok().map(name)
}

fn tag<E>(address: Result<NameAddr<'_>, E>) -> u64 {
    address.ok().and_then(|address| address.tag().map(name)).unwrap_or(DialogId::NO_TAG)
}

fn name(bytes: &[u8]) -> u64 {
    Digest::new(0).bytes(bytes).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook_wire::Limits;

    fn message(first: &str, from: &str, to: &str) -> Message {
        let text = format!(
            "{first}\r\nVia: SIP/2.0/UDP host;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag={from}\r\nTo: <sip:b@x>;tag={to}\r\n\
             Call-ID: c\r\nCSeq: 7 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Message::parse(text.into(), &Limits::default()).expect("a good message")
    }

    #[test]
    fn request_and_response_have_the_same_transaction_and_dialog() {
        let (request, response) =
            (message("BYE sip:b SIP/2.0", "1", "2"), message("SIP/2.0 200 OK", "1", "2"));
        let read = |reading: Option<Reading<'_>>| {
            let reading = reading.expect("all that it needs is there");
            (reading.transaction, reading.dialog)
        };
        assert_eq!(read(Reading::sent(&request)), read(Reading::received(&response)), "client");
        assert_eq!(read(Reading::received(&request)), read(Reading::sent(&response)), "server");
        let (asks, asked) = (read(Reading::sent(&request)).1, read(Reading::received(&request)).1);
        assert_eq!((asks.call, asks.local, asks.remote), (asked.call, asked.remote, asked.local));
    }
}
