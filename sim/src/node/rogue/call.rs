//! The state of a call of a rogue.

use offhook_wire::{HeaderName, Instant, Message};

use super::draft::Draft;
use crate::hash::{Digest, Draw};

/// A call, or an out-of-dialog message.
#[derive(Debug)]
pub(super) struct Call {
    /// The key of all decisions in the call: its peer and start, but not the Call-ID, which is random.
    pub(super) key: u64,
    /// When it started.
    pub(super) born: Instant,
    /// Its exchange.
    pub(super) exchange: usize,
    /// The Call-ID.
    pub(super) id: String,
    /// The remote user.
    pub(super) peer: String,
    /// The local tag.
    pub(super) tag: String,
    /// The From of its requests.
    pub(super) from: String,
    /// The To of its requests; with a tag in a dialog.
    pub(super) to: String,
    pub(super) routes: Vec<String>,
    /// The Request-URI of its requests.
    pub(super) target: String,
    /// The CSeq number of its last request.
    pub(super) cseq: u32,
    pub(super) state: State,
    /// The last INVITE of the phone.
    pub(super) theirs: Option<Message>,
    /// The first INVITE of the rogue.
    pub(super) ours: Option<Draft>,
    /// The number of descriptions.
    pub(super) descriptions: u64,
    /// The number of branches and tags.
    names: u64,
}

/// The state of a call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A phone calls, without a final response.
    Invited,
    /// The rogue calls.
    Calling,
    /// The rogue sent a 2xx without an ACK.
    Accepted,
    /// Established.
    Talking,
    /// Ended, or not a call.
    Over,
}

impl Call {
    fn new(key: u64, exchange: usize, id: String, peer: String, state: State) -> Self {
        let tag = format!("{:016x}", Digest::new(key).bytes(b"tag").finish());
        Self {
            key,
            born: Instant::ZERO,
            exchange,
            id,
            peer,
            tag,
            from: String::new(),
            to: String::new(),
            routes: Vec::new(),
            target: String::new(),
            cseq: 0,
            state,
            theirs: None,
            ours: None,
            descriptions: 0,
            names: 0,
        }
    }

    /// An outgoing call, or an out-of-dialog message, from `aor` to `to`.
    pub(super) fn to(key: u64, exchange: usize, peer: &str, aor: &str, to: &str, state: State) -> Self {
        let id = format!("{:016x}@rogue", Digest::new(key).bytes(b"call").finish());
        let mut call = Self::new(key, exchange, id, peer.to_owned(), state);
        call.from = format!("<{aor}>;tag={}", call.tag);
        call.to = format!("<{to}>");
        call.target = to.to_owned();
        call
    }

    /// A call from a phone. `None` if its INVITE lacks what a dialog needs.
    pub(super) fn of(key: u64, exchange: usize, invite: &Message) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let id = text(invite.call_id().ok()?);
        let from = invite.from().ok()?;
        let user = from.uri_parsed().ok()?.user?;
        let mut call = Self::new(key, exchange, id, text(user), State::Invited);
        call.from = format!("{};tag={}", text(invite.to().ok()?.raw()), call.tag);
        call.to = text(from.raw());
        call.routes = invite.values(HeaderName::RecordRoute).map(text).collect();
        call.target = text(invite.contact().ok()??.uri);
        call.theirs = Some(invite.clone());
        Some(call)
    }

    /// Takes the remote tag, route set and target from a response to the INVITE.
    pub(super) fn accepted(&mut self, response: &Message) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if let Ok(to) = response.to() {
            self.to = text(to.raw());
        }
        let routes: Vec<String> = response.values(HeaderName::RecordRoute).map(text).collect();
        self.routes = routes.into_iter().rev().collect();
        if let Ok(Some(contact)) = response.contact() {
            self.target = text(contact.uri);
        }
    }

    /// Whether there is a dialog.
    pub(super) fn is_dialog(&self) -> bool {
        matches!(self.state, State::Accepted | State::Talking)
    }

    /// The randomness of a decision, which depends on the call and the kind of message only.
    pub(super) fn draw(&self, kind: &str, number: u64) -> Draw {
        Draw::from_digest(Digest::new(self.key).bytes(kind.as_bytes()).word(number))
    }

    /// A new branch or tag.
    pub(super) fn fresh(&mut self) -> String {
        self.names += 1;
        format!("{:016x}", Digest::new(self.key).bytes(b"name").word(self.names).finish())
    }
}
