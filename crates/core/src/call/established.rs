//! The state of a call that has a dialog, in both roles.

use super::cx::CallCx;
use super::description::sdp_of;
use super::dialog_request::PendingRequest;
use super::dtmf::Digits;
use super::info_package::PeerPackages;
use crate::EffectId;
use crate::base::entropy::Label;
use crate::dialog::Dialog;
use crate::negotiation::{LocalOffer, RemoteOffer};
use crate::planted::patched;
use crate::request::realm_set::RealmSet;
use crate::request::realms::Credentials;
use crate::transaction::{ServerTx, parse_own};
use bytes::Bytes;
use offhook_wire::sdp::Outline;
use offhook_wire::{Instant, Message};
use std::time::Duration;

pub(super) struct Established {
    pub(super) dialog: Dialog,
    pub(super) renegotiation: Renegotiation,
    pub(super) hold: Hold,
    pub(super) pending: Vec<PendingRequest>,
    pub(super) unacked: Option<Unacked>,
    pub(super) digits: Option<Box<Digits>>,
    pub(super) transfer: Option<Transfer>,
    pub(super) referral: Option<Referral>,
    /// The CSeq of the last REFER that was accepted.
    pub(super) referred: Option<u32>,
    /// Whether we own the Call-ID: the owner waits longer after a glare (§14.1).
    pub(super) caller: bool,
    /// How many consecutive re-INVITEs of ours got 491.
    pub(super) glares: u8,
    /// Whether the peer accepts telephone-event by RTP.
    pub(super) telephone_event: bool,
    /// The Info Packages that the peer understands.
    pub(super) peer_packages: PeerPackages,
    /// The realms that challenged our requests of the call: later ones carry credentials for them (§22.3).
    pub(super) realms: RealmSet,
    /// The CSeq number and the credentials of our last INVITE: its ACK has them too (§13.2.2.4), that of an earlier one does not.
    pub(super) credentials: Option<Box<(u32, Credentials)>>,
}

/// The hold of both sides. The user's intent is stored, and the description derived from it.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Hold {
    pub(super) intent: bool,
    pub(super) agreed: bool,
    pub(super) remote: bool,
    /// Whether the intent waits for a connection, with the timer of renegotiations pending.
    pub(super) awaiting_connection: bool,
    /// Whether the user has not been told the outcome of the intent yet.
    pub(super) outcome_pending: bool,
}

/// A 2xx to an INVITE that is retransmitted until its ACK (§13.3.1.4), over any transport: a later hop may lose it.
pub(super) struct Unacked {
    pub(super) response: Bytes,
    pub(super) cseq: u32,
    pub(super) interval: Duration,
    pub(super) give_up: Instant,
}

/// The state of the renegotiation. `hold` is our hold in the description that is being negotiated.
pub(super) enum Renegotiation {
    /// No renegotiation.
    Settled,
    /// The media engine creates our offer.
    Offering { effect: EffectId, offer: LocalOffer, hold: bool },
    /// Our re-INVITE is pending.
    Inviting { offer: LocalOffer, hold: bool },
    /// The media engine applies the peer's answer.
    Applying { effect: EffectId, offer: LocalOffer },
    /// Our re-INVITE got 491; the next attempt waits (§14.1).
    Glare,
    /// The media engine creates the answer to the peer's re-INVITE.
    Answering { tx: ServerTx, request: Box<Message>, effect: EffectId, offer: RemoteOffer, hold: bool },
    /// The peer's re-INVITE had no offer: the media engine creates ours.
    Proposing { tx: ServerTx, request: Box<Message>, effect: EffectId, offer: LocalOffer, hold: bool },
    /// Our offer is in a 2xx; the answer is expected in the ACK.
    Proposed { offer: LocalOffer, hold: bool },
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
    /// Stores the credentials of our last INVITE.
    pub(super) fn keep_credentials(&mut self, cseq: u32, credentials: Credentials) {
        self.credentials = if credentials.is_empty() { None } else { Some(Box::new((cseq, credentials))) };
    }

    pub(super) fn new(dialog: Dialog, caller: bool) -> Self {
        Self {
            dialog,
            renegotiation: Renegotiation::Settled,
            hold: Hold::default(),
            pending: Vec::new(),
            unacked: None,
            digits: None,
            transfer: None,
            referral: None,
            referred: None,
            caller,
            glares: 0,
            telephone_event: false,
            peer_packages: PeerPackages::default(),
            realms: RealmSet::default(),
            credentials: None,
        }
    }

    /// Sends the ACK for a 2xx to our INVITE of this CSeq.
    pub(super) fn send_ack(&self, cx: &mut CallCx<'_, '_>, cseq: u32) {
        let Some(path) = cx.account.path() else { return };
        let branch: [u8; 16] = cx.base.entropy.token(Label::Ids);
        let credentials = match self.credentials.as_deref() {
            Some((of, credentials)) if *of == cseq => &credentials[..],
            _ => &[],
        };
        let cseq = patched!(cx.base.config, AckMiscounted, cseq, cseq + 1);
        let ack = self.dialog.ack(cseq, path, &branch, credentials);
        cx.base.out.transmit(path.connection, ack);
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

    /// Reads the direction and telephone-event of the peer's description. Returns whether the peer's hold changed.
    pub(super) fn apply_remote_sdp(&mut self, sdp: &[u8]) -> bool {
        let Ok(outline) = Outline::parse(sdp) else { return false };
        let Some(audio) = outline.media().flatten().find(|m| m.kind == b"audio") else { return false };
        self.telephone_event = audio.telephone_event.is_some();
        let remote = !audio.direction.receives() || audio.held_by_address;
        std::mem::replace(&mut self.hold.remote, remote) != remote
    }
}
