//! What a rogue remembers of a call.

use offhook_wire::{HeaderName, Instant, Message};

use super::draft::Draft;
use crate::hash::{Digest, Draw};

/// One call, or one message out of the blue.
#[derive(Debug)]
pub(super) struct Call {
    /// What all decisions in it hang on: who is at the other end, and since when. Not the Call-ID, which is random.
    pub(super) key: u64,
    /// When it began.
    pub(super) born: Instant,
    /// Through which exchange it goes.
    pub(super) exchange: usize,
    /// The Call-ID.
    pub(super) id: String,
    /// The user at the other end.
    pub(super) peer: String,
    /// Our tag.
    pub(super) tag: String,
    /// From in our requests.
    pub(super) from: String,
    /// To in our requests; with a tag when there is a dialog.
    pub(super) to: String,
    pub(super) routes: Vec<String>,
    /// The Request-URI of our requests.
    pub(super) target: String,
    /// Of our last request.
    pub(super) cseq: u32,
    pub(super) state: State,
    /// The INVITE of the phone that is answered, or was answered last.
    pub(super) theirs: Option<Message>,
    /// Our first INVITE.
    pub(super) ours: Option<Draft>,
    /// How many descriptions were made.
    pub(super) descriptions: u64,
    /// How many branches and tags were made.
    names: u64,
}

/// How far a call is, as far as a rogue cares.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A phone calls, and has no final response.
    Invited,
    /// We call.
    Calling,
    /// There is a 2xx and no ACK.
    Accepted,
    /// Both ends talk.
    Talking,
    /// It is over, or never was a call.
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

    /// A call that we make, or something that is none: `aor` sends it to `to`.
    pub(super) fn to(key: u64, exchange: usize, peer: &str, aor: &str, to: &str, state: State) -> Self {
        let id = format!("{:016x}@rogue", Digest::new(key).bytes(b"call").finish());
        let mut call = Self::new(key, exchange, id, peer.to_owned(), state);
        call.from = format!("<{aor}>;tag={}", call.tag);
        call.to = format!("<{to}>");
        call.target = to.to_owned();
        call
    }

    /// A call that a phone makes. `None` when its INVITE lacks what a dialog needs.
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

    /// What the 2xx to our INVITE, or one before it, says of the other end.
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

    /// Whether a request of the other end can be sent: there is a dialog.
    pub(super) fn is_dialog(&self) -> bool {
        matches!(self.state, State::Accepted | State::Talking)
    }

    /// The number of a decision: the same for the same kind of message in the same call, whatever else happens.
    pub(super) fn draw(&self, kind: &str, number: u64) -> Draw {
        Draw::from_digest(Digest::new(self.key).bytes(kind.as_bytes()).word(number))
    }

    /// A branch or tag that was not used before.
    pub(super) fn fresh(&mut self) -> String {
        self.names += 1;
        format!("{:016x}", Digest::new(self.key).bytes(b"name").word(self.names).finish())
    }
}
