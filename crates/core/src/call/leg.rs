//! A dialog of a call with its media, in both roles: early from the first response with a tag, confirmed from the 2xx (RFC 3261 §12).

use super::cx::CallCx;
use super::dialog_request::PendingRequest;
use super::info_package::PeerPackages;
use crate::base::entropy::Label;
use crate::dialog::Dialog;
use crate::negotiation::OfferAnswer;
use crate::planted::patched;
use crate::request::realm_set::RealmSet;
use crate::request::realms::Credentials;
use crate::{Agreed, Config, LegId, RenegotiateBy};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message};

/// The leg of a call that has only one: of a callee, and of a confirmed dialog. A caller has one for each branch that has answered
/// with a provisional response.
pub(super) const ONLY: usize = 0;

/// A leg: a dialog, and the media session of its offers and answers.
pub(super) struct Leg {
    pub(super) dialog: Dialog,
    /// The media session; an early dialog has none before its first description.
    pub(super) media: Option<LegId>,
    pub(super) offer_answer: OfferAnswer,
    /// The answer in a provisional response of a branch that had no media session then: the 2xx need not repeat it (RFC 3262 §5).
    pub(super) early_answer: Option<Box<Bytes>>,
    /// What the last offer and its answer agreed on.
    pub(super) agreed: Option<Agreed>,
    /// Our requests that wait for a final response.
    pub(super) pending: Vec<PendingRequest>,
    /// The RSeq of the last reliable provisional response (RFC 3262 §4).
    pub(super) rseq: Option<u32>,
    /// Whether the peer listed UPDATE in Allow.
    pub(super) allows_update: bool,
    /// The CSeq number and the answer of the peer's last UPDATE with an offer, for its retransmission in another transaction.
    pub(super) answered_update: Option<Box<(u32, Bytes)>>,
    /// The Info Packages that the peer understands.
    pub(super) peer_packages: PeerPackages,
    /// The realms that challenged our requests of the call: later ones carry credentials for them (RFC 3261 §22.3).
    pub(super) realms: RealmSet,
    /// The CSeq number and the credentials of our last INVITE, if it had any: its ACK has them too (§13.2.2.4), that of an earlier one
    /// does not.
    credentials: Option<Box<(u32, Credentials)>>,
}

impl Leg {
    pub(super) fn new(dialog: Dialog, offer_answer: OfferAnswer) -> Self {
        Self {
            dialog,
            media: None,
            offer_answer,
            early_answer: None,
            agreed: None,
            pending: Vec::new(),
            rseq: None,
            allows_update: false,
            answered_update: None,
            peer_packages: PeerPackages::default(),
            realms: RealmSet::default(),
            credentials: None,
        }
    }

    /// Reads what the peer states about itself in a message that creates or refreshes the dialog.
    pub(super) fn update_peer(&mut self, config: &Config, message: &Message) {
        self.peer_packages.update(message);
        // Each search reads the names of all rows.
        if config.renegotiate_by == RenegotiateBy::Update && message.header(HeaderName::Allow).is_some() {
            self.allows_update = message.has_token(HeaderName::Allow, "UPDATE");
        }
    }

    /// Stores the credentials of our last INVITE.
    pub(super) fn keep_credentials(&mut self, cseq: u32, credentials: Credentials) {
        self.credentials = if credentials.is_empty() { None } else { Some(Box::new((cseq, credentials))) };
    }

    /// Sends the ACK for a 2xx to our INVITE of this CSeq.
    pub(super) fn send_ack(&self, cx: &mut CallCx<'_, '_>, cseq: u32) {
        let Some(path) = cx.account.path() else { return };
        let branch: [u8; 16] = cx.base.entropy.token(Label::Ids);
        let of_invite = self.credentials.as_deref().filter(|(of, _)| *of == cseq);
        let credentials = of_invite.map_or(&[][..], |(_, credentials)| credentials);
        let cseq = patched!(cx.base.config, AckMiscounted, cseq, cseq + 1);
        let ack = self.dialog.ack(cseq, path, &branch, credentials);
        cx.base.out.transmit(path.connection, ack);
    }
}
