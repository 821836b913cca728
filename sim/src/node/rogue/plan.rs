//! One turn of a rogue: what an honest phone would do now, and what is to be made of it.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_wire::{Message, Method};

use super::call::Call;
use super::draft::Draft;
use crate::hash::Draw;
use crate::media::{Address, Description};
use crate::scenario::Codec;

/// What a rogue is called in messages.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) aor: String,
    /// The URI of its Contact.
    pub(super) contact: String,
    /// `SIP/2.0/WS host`.
    pub(super) via: String,
    /// The host of its media.
    pub(super) media: usize,
}

/// One message that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct PlannedMessage {
    pub(super) after: Duration,
    pub(super) draft: Draft,
    pub(super) only: SendIf,
    pub(super) way: Way,
    /// Sent so often again while there is no ACK (RFC 3261 §13.3.1.4).
    pub(super) again: u32,
}

/// When a message is still to be sent, when its time has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum SendIf {
    Always,
    /// While the call has no final response.
    Invited,
    /// While our call has no final response.
    Calling,
    /// While its 2xx has no ACK.
    Unacknowledged,
}

/// How a message goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it should: through the exchange.
    Exchange,
    /// Straight to the phone, as if it came from the exchange.
    Direct,
}

/// Something happens in a call, and something is to be sent.
pub(super) struct Plan<'a> {
    pub(super) me: &'a Identity,
    /// The Contacts of users.
    pub(super) known: &'a BTreeMap<String, String>,
    pub(super) call: &'a mut Call,
    /// What came in, if that is why.
    pub(super) message: Option<&'a Message>,
    pub(super) draw: Draw,
    pub(super) messages: Vec<PlannedMessage>,
}

impl Plan<'_> {
    /// Sends something after so many milliseconds, whatever happens meanwhile.
    pub(super) fn send(&mut self, after: u64, draft: Draft) -> &mut PlannedMessage {
        let after = Duration::from_millis(after);
        let message = PlannedMessage { after, draft, only: SendIf::Always, way: Way::Exchange, again: 0 };
        self.messages.push(message);
        self.messages.last_mut().expect("it was just put there")
    }

    /// A response to what came in.
    pub(super) fn reply(&self, code: u16) -> Draft {
        let Some(request) = self.message else { return Draft::request("GARBAGE", "sip:nobody") };
        let draft = Draft::reply(request, code, (code > 100).then_some(self.call.tag.as_str()));
        draft.row("Contact", format!("<{}>", self.me.contact))
    }

    /// A response with a description.
    pub(super) fn reply_with_sdp(&mut self, code: u16) -> Draft {
        let sdp = self.sdp();
        self.reply(code).body("application/sdp", sdp)
    }

    /// The honest 2xx, in whose place a worse one comes.
    pub(super) fn replace_2xx(&mut self, change: impl FnOnce(Draft) -> Draft) {
        if let Some(message) =
            self.messages.iter_mut().find(|message| message.draft.start.starts_with("SIP/2.0 2"))
        {
            message.draft = change(message.draft.clone());
        }
    }

    /// Changes the first message of the honest plan.
    pub(super) fn change_first(&mut self, change: impl FnOnce(Draft) -> Draft) {
        if let Some(message) = self.messages.first_mut() {
            message.draft = change(message.draft.clone());
        }
    }

    /// A request in the call, or, without a dialog, out of the blue.
    pub(super) fn request(&mut self, method: &str) -> Draft {
        self.call.cseq += 1;
        self.numbered(method, self.call.cseq)
    }

    /// To the phone, not in a call.
    pub(super) fn outside(&mut self, draft: Draft) -> Draft {
        let id = self.call.fresh();
        draft.without("Route").tagged("To", None).set("Call-ID", id)
    }

    /// A request with this CSeq.
    pub(super) fn numbered(&mut self, method: &str, cseq: u32) -> Draft {
        let branch = format!("z9hG4bK{}", self.call.fresh());
        let call = &*self.call;
        let mut draft = Draft::request(method, &call.target)
            .row("Via", format!("{};branch={branch}", self.me.via))
            .row("Max-Forwards", "70");
        for route in &call.routes {
            draft = draft.row("Route", route.as_str());
        }
        draft = draft
            .row("From", call.from.as_str())
            .row("To", call.to.as_str())
            .row("Call-ID", call.id.as_str())
            .row("CSeq", format!("{cseq} {method}"))
            .row("Contact", format!("<{}>", self.me.contact));
        (draft.branch, draft.cseq) = (branch, cseq);
        draft
    }

    /// A request in the call that has a description.
    pub(super) fn invite(&mut self) -> Draft {
        let sdp = self.sdp();
        self.request("INVITE").body("application/sdp", sdp)
    }

    /// An ACK for the 2xx that came in.
    pub(super) fn ack(&mut self) -> Draft {
        let response = self.message.and_then(|message| message.cseq().ok());
        let number = response.filter(|cseq| cseq.method == Method::Invite).map_or(1, |cseq| cseq.number);
        self.numbered("ACK", number)
    }

    /// A description of one audio stream in good order, newer than the one before.
    pub(super) fn sdp(&mut self) -> Vec<u8> {
        self.call.descriptions += 1;
        let port = 20_000 + 2 * (self.call.key % 10_000) as u16;
        let description = Description {
            address: Address { phone: self.me.media, port },
            id: self.call.key >> 16,
            version: self.call.descriptions,
            codecs: Codec::ALL.to_vec(),
            telephone_event: true,
            direction: offhook_wire::sdp::Direction::SendRecv,
        };
        description.write().to_vec()
    }

    /// A description that nobody can read.
    pub(super) fn garbage(&mut self) -> Vec<u8> {
        let garbage: [&[u8]; 6] = [
            b"",
            b"v=0",
            b"\xff\xfe\x00",
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 99999999 RTP/AVP 0\r\n",
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 4000 RTP/AVP 31\r\n",
            b"this is no description\r\n\r\nm=audio\r\nm=\r\n=\r\n",
        ];
        self.draw.pick(&garbage).to_vec()
    }
}
