//! A message as all oracles read it: once, when it is seen.

use std::ops::Deref;

use offhook_wire::{HeaderName, Message, Method, NameAddr};

use crate::hash::Digest;

/// A message, and what names it to the phone that sends or receives it. Names are hashes: nobody looks into them.
pub struct Reading<'a> {
    message: &'a Message,
    /// Which transaction it belongs to, if any can be told.
    pub(super) transaction: Option<Transaction>,
    /// Which dialog.
    pub(super) dialog: DialogId,
    /// The number in CSeq.
    pub(super) number: u32,
    /// The method in CSeq.
    pub(super) of: MethodKey,
}

impl<'a> Reading<'a> {
    /// Reads what a phone sends, of a message that was checked.
    pub fn sent(message: &'a Message) -> Option<Self> {
        let (from, to) = (tag(message.from()), tag(message.to()));
        if message.status().is_some() {
            Self::new(message, peers_branch(message), to, from)
        } else {
            Self::new(message, own_branch(message), from, to)
        }
    }

    /// Reads what a phone receives, of a message that was checked.
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

/// What names a transaction: the branch and the method, and for one that somebody else began who that was. An ACK and a CANCEL
/// have one of their own here.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transaction {
    pub(super) branch: u64,
    pub(super) verb: MethodKey,
}

impl Transaction {
    /// The INVITE that this ACK or CANCEL is for (RFC 3261 §17.2.3, §9.2).
    pub(super) fn of_invite(self) -> Self {
        Self { verb: MethodKey::of(Method::Invite), ..self }
    }
}

/// A method, by its place in [`Method::KNOWN`]; all that are not there are one.
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

/// A dialog as one end sees it (RFC 3261 §12): the Call-ID, its own tag and the peer's.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DialogId {
    pub(super) call: u64,
    pub(super) local: u64,
    pub(super) remote: u64,
}

impl DialogId {
    /// What stands for a tag that is not there.
    pub(super) const NO_TAG: u64 = 0;
}

/// Of a request that a phone sends, or of a response that it receives (RFC 3261 §17.1.3). Branches compare without case
/// (§7.3.1); a response with more than one Via is for somebody else (§8.1.3.3).
fn own_branch(message: &Message) -> Option<u64> {
    if message.status().is_some() && message.values(HeaderName::Via).nth(1).is_some() {
        return None;
    }
    Some(name(&message.via().ok()?.branch()?.to_ascii_lowercase()))
}

/// Of a request that a phone receives, or of its response (RFC 3261 §17.2.3). None for a branch of the days before RFC 3261,
/// which names nothing alone.
fn peers_branch(message: &Message) -> Option<u64> {
    let via = message.via().ok()?;
    let branch = via.branch().filter(|branch| branch.starts_with(b"z9hG4bK"))?;
    Some(Digest::new(1).bytes(branch).bytes(via.host).word(via.port.map_or(0, u64::from)).finish())
}

/// What stands for the Call-ID of a message.
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
    fn both_ends_of_a_transaction_name_it_and_its_dialog_each_for_itself() {
        let (request, response) =
            (message("BYE sip:b SIP/2.0", "1", "2"), message("SIP/2.0 200 OK", "1", "2"));
        let read = |reading: Option<Reading<'_>>| {
            let reading = reading.expect("all that it needs is there");
            (reading.transaction, reading.dialog)
        };
        assert_eq!(read(Reading::sent(&request)), read(Reading::received(&response)), "who asks");
        assert_eq!(read(Reading::received(&request)), read(Reading::sent(&response)), "who is asked");
        let (asks, asked) = (read(Reading::sent(&request)).1, read(Reading::received(&request)).1);
        assert_eq!((asks.call, asks.local, asks.remote), (asked.call, asked.remote, asked.local));
    }
}
