//! The state of a call whose dialog is confirmed, in both roles: the session and the subscriptions of its dialog (RFC 5057).

use super::cx::CallCx;
use super::description::sdp_of;
use super::dtmf::Digits;
use super::leg::Leg;
use super::machine::renegotiation::Phase;
use crate::transaction::{ServerTx, parse_own};
use bytes::Bytes;
use offhook_wire::{Instant, Message};
use std::time::Duration;

pub(super) struct Established {
    pub(super) leg: Leg,
    /// Whether the agreed media has our hold.
    pub(super) holds: bool,
    pub(super) renegotiation: Phase,
    /// How many consecutive offers of ours are to be tried again.
    pub(super) glares: u8,
    /// Whether an UPDATE of ours was lost with its connection, or refused by a proxy, so that it is unknown whether the peer has
    /// accepted its offer.
    pub(super) uncertain: bool,
    /// Nor after an offer that was to find out was refused: the next hold or resume is offered, also if nothing seems to differ.
    pub(super) unsettled: bool,
    pub(super) unacked: Option<Unacked>,
    /// The RSeq of our last reliable provisional response, if the 2xx followed it before its PRACK.
    pub(super) provisional: Option<u32>,
    /// The other branches of our INVITE in whose early dialogs a request was sent: a 2xx of them gets a BYE with the next CSeq.
    pub(super) branches: Vec<Leg>,
    pub(super) digits: Option<Box<Digits>>,
    pub(super) transfer: Option<Transfer>,
    pub(super) referral: Option<Referral>,
    /// The CSeq of the last REFER that was accepted.
    pub(super) referred: Option<u32>,
    /// Whether we own the Call-ID: the owner waits longer after a glare (RFC 3261 §14.1).
    pub(super) caller: bool,
}

/// A 2xx to an INVITE that is retransmitted until its ACK (§13.3.1.4), over any transport: a later hop may lose it.
pub(super) struct Unacked {
    pub(super) response: Bytes,
    pub(super) cseq: u32,
    pub(super) interval: Duration,
    pub(super) give_up: Instant,
}

/// Our REFER. The call with the peer is kept until the target has answered.
#[derive(Default)]
pub(super) struct Transfer {
    /// The CSeq of the REFER: the `id` of its subscription (RFC 3515 §2.4.6).
    pub(super) cseq: u32,
    /// Whether the REFER was accepted; the peer reports by NOTIFY.
    pub(super) accepted: bool,
}

/// A REFER of the peer, to whose subscription we send NOTIFYs.
pub(super) struct Referral {
    /// The `id` of the subscription; the first REFER of a dialog needs none (RFC 3515 §2.4.6).
    pub(super) id: Option<u32>,
    /// The last reported code.
    pub(super) last_reported: u16,
    /// The request, while the user has not decided on it.
    pub(super) undecided: Option<Box<ReferRequest>>,
}

/// The call that a REFER asks for.
pub(super) struct ReferRequest {
    /// The CSeq number of the REFER.
    pub(super) number: u32,
    pub(super) target: Vec<u8>,
    pub(super) referred_by: Option<Vec<u8>>,
}

impl Established {
    pub(super) fn new(leg: Leg, caller: bool) -> Self {
        Self {
            leg,
            holds: false,
            renegotiation: Phase::Idle,
            glares: 0,
            uncertain: false,
            unsettled: false,
            unacked: None,
            provisional: None,
            branches: Vec::new(),
            digits: None,
            transfer: None,
            referral: None,
            referred: None,
            caller,
        }
    }

    /// Whether the peer holds us.
    pub(super) fn is_held(&self) -> bool {
        self.leg.agreed.is_some_and(|agreed| agreed.held)
    }

    pub(super) fn send_2xx(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        tx: ServerTx,
        invite: &Message,
        response: Bytes,
    ) {
        let cseq = invite.cseq().map_or(0, |cseq| cseq.number);
        let times = cx.base.config.times;
        let give_up = cx.base.now + times.t1 * 64;
        self.unacked = Some(Unacked { response: response.clone(), cseq, interval: times.t1, give_up });
        cx.txs.finish(cx.base, tx, 200, response);
    }

    /// The description of our 2xx to the INVITE with this CSeq, while that is not acknowledged.
    pub(super) fn answered_sdp(&self, cseq: u32) -> Option<Bytes> {
        let unacked = self.unacked.as_ref().filter(|unacked| unacked.cseq == cseq)?;
        parse_own(&unacked.response).as_ref().and_then(sdp_of)
    }
}
