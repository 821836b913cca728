//! The plan of a rogue: the messages that a correct peer would send now, which breaches change.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_wire::{Message, Method};

use super::call::Call;
use super::draft::{ALLOW, Draft};
use crate::hash::Draw;
use crate::media::{Address, Description, Line};
use crate::scenario::Codec;

/// The identity of a rogue in messages.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) aor: String,
    /// The URI of its Contact.
    pub(super) contact: String,
    /// `SIP/2.0/WS host`.
    pub(super) via: String,
    /// Whether its INVITEs and 2xx list UPDATE.
    pub(super) lists_update: bool,
    /// The host number of its media.
    pub(super) media: usize,
}

/// A message of the plan.
#[derive(Clone, Debug)]
pub(super) struct PlannedMessage {
    pub(super) after: Duration,
    pub(super) draft: Draft,
    pub(super) only: SendIf,
    pub(super) way: Way,
    /// The number of retransmissions without an ACK (RFC 3261 §13.3.1.4).
    pub(super) again: u32,
}

/// The condition for sending a message when it is due.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum SendIf {
    Always,
    /// While the call has no final response.
    Invited,
    /// While the INVITE of the rogue has no final response.
    Calling,
    /// While its 2xx has no ACK.
    Unacknowledged,
}

/// The route of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Through the exchange.
    Exchange,
    /// Directly to the phone, as if from the exchange.
    Direct,
}

/// The plan of an event in a call.
pub(super) struct Plan<'a> {
    pub(super) me: &'a Identity,
    /// The known Contacts, by user.
    pub(super) known: &'a BTreeMap<String, String>,
    pub(super) call: &'a mut Call,
    /// The received message, if there is one.
    pub(super) message: Option<&'a Message>,
    pub(super) draw: Draw,
    pub(super) messages: Vec<PlannedMessage>,
}

impl Plan<'_> {
    /// Adds a message, sent after a number of milliseconds.
    pub(super) fn send(&mut self, after: u64, draft: Draft) -> &mut PlannedMessage {
        let after = Duration::from_millis(after);
        let message = PlannedMessage { after, draft, only: SendIf::Always, way: Way::Exchange, again: 0 };
        self.messages.push(message);
        self.messages.last_mut().expect("just added")
    }

    /// A response to the received request.
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

    /// Changes the 2xx of the plan.
    pub(super) fn replace_2xx(&mut self, change: impl FnOnce(Draft) -> Draft) {
        if let Some(message) =
            self.messages.iter_mut().find(|message| message.draft.start.starts_with("SIP/2.0 2"))
        {
            message.draft = change(message.draft.clone());
        }
    }

    /// Changes the first message of the plan.
    pub(super) fn change_first(&mut self, change: impl FnOnce(Draft) -> Draft) {
        if let Some(message) = self.messages.first_mut() {
            message.draft = change(message.draft.clone());
        }
    }

    /// A request, in the dialog of the call if there is one.
    pub(super) fn request(&mut self, method: &str) -> Draft {
        self.call.cseq += 1;
        self.numbered(method, self.call.cseq)
    }

    /// Makes a request out of dialog.
    pub(super) fn outside(&mut self, draft: Draft) -> Draft {
        let id = self.call.fresh();
        draft.without("Route").tagged("To", None).set("Call-ID", id)
    }

    /// A request with this CSeq number.
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

    /// An INVITE with an offer.
    pub(super) fn invite(&mut self) -> Draft {
        let sdp = self.sdp();
        let invite = self.request("INVITE").body("application/sdp", sdp);
        self.listing(invite)
    }

    /// With the supported methods, if it lists them.
    pub(super) fn listing(&self, draft: Draft) -> Draft {
        if self.me.lists_update { draft.row("Allow", ALLOW) } else { draft }
    }

    /// The ACK of the received 2xx.
    pub(super) fn ack(&mut self) -> Draft {
        let response = self.message.and_then(|message| message.cseq().ok());
        let number = response.filter(|cseq| cseq.method == Method::Invite).map_or(1, |cseq| cseq.number);
        self.numbered("ACK", number)
    }

    /// A valid description of one audio stream, with a new version.
    pub(super) fn sdp(&mut self) -> Vec<u8> {
        self.call.descriptions += 1;
        let port = 20_000 + 2 * (self.call.key % 10_000) as u16;
        let description = Description {
            address: Address { phone: self.me.media, port },
            id: self.call.key >> 16,
            version: self.call.descriptions,
            lines: vec![Line::AUDIO],
            codecs: vec![(111, Codec::Opus), (0, Codec::Pcmu), (8, Codec::Pcma)],
            telephone_event: Some(101),
            direction: offhook_wire::sdp::Direction::SendRecv,
        };
        description.write().to_vec()
    }

    /// An invalid description.
    pub(super) fn garbage(&mut self) -> Vec<u8> {
        let garbage: [&[u8]; 7] = [
            b"",
            b"v=0",
            b"\xff\xfe\x00",
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 99999999 RTP/AVP 0\r\n",
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=video 4000 RTP/AVP 31\r\n",
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n",
            b"this is no description\r\n\r\nm=audio\r\nm=\r\n=\r\n",
        ];
        self.draw.pick(&garbage).to_vec()
    }
}
