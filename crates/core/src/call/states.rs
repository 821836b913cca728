//! What a call owns in each state.

use super::established::Established;
use crate::base::name::ClientTx;
use crate::dialog::Dialog;
use crate::negotiation::{LocalOffer, RemoteOffer};
use crate::request::realm_set::RealmSet;
use crate::request::realms::Credentials;
use crate::request::restarts::Restarts;
use crate::transaction::ServerTx;
use crate::{ConnectionId, EffectId, EndReason};
use bytes::Bytes;
use offhook_wire::Message;

/// The state of a call, with what it owns.
pub(super) enum State {
    /// Within a transition only.
    Moving,
    Offering(Offering),
    Calling(Calling),
    Challenged(Challenged),
    Cancelling(Cancelling),
    Ringing(Ringing),
    Answering(Answering),
    /// Our 2xx was sent, without an ACK yet. `HangUpAfterAck` is the same with a BYE that waits for the ACK (§15).
    AwaitingAck(Established),
    HangUpAfterAck(Established, EndReason),
    Established(Established),
    /// The BYE is pending, or waits for a connection.
    Terminating(Established, EndReason),
    Ended,
}

/// The callee and the additional header fields of an INVITE.
pub(crate) struct Invitation {
    /// The Request-URI.
    pub(crate) uri: Bytes,
    /// The user's header fields, and `Referred-By`.
    pub(crate) headers: Vec<(Bytes, Bytes)>,
}

/// The media engine creates the offer.
pub(super) struct Offering {
    pub(super) effect: EffectId,
    pub(super) offer: LocalOffer,
    pub(super) invitation: Invitation,
}

/// The INVITE is pending.
pub(super) struct Calling {
    pub(super) tx: ClientTx,
    pub(super) offer: LocalOffer,
    pub(super) invite: Invite,
    pub(super) early_answer: EarlyAnswer,
    pub(super) restarts: Restarts,
}

/// The INVITE was challenged, and the host is asked for credentials.
pub(super) struct Challenged {
    /// Its transaction has ended.
    pub(super) calling: Calling,
    /// The challenge.
    pub(super) response: Box<Message>,
}

/// The INVITE was cancelled; its final response is expected (§9.1).
pub(super) struct Cancelling {
    pub(super) tx: ClientTx,
    pub(super) invite: Invite,
    pub(super) why: EndReason,
}

/// What is needed to send the INVITE again.
pub(super) struct Invite {
    pub(super) invitation: Invitation,
    /// The URI in To: the first Request-URI.
    pub(super) to: Bytes,
    pub(super) call_id: [u8; 24],
    pub(super) cseq: u32,
    pub(super) sdp: Bytes,
    /// The realms that challenged it.
    pub(super) realms: RealmSet,
    /// The credentials that it was sent with last, which its ACK has too (§13.2.2.4).
    pub(super) credentials: Credentials,
}

/// An answer in a provisional response: early media (§13.2.1). The first one is used.
pub(super) enum EarlyAnswer {
    None,
    Applying { effect: EffectId, of: Fork },
    Applied { of: Fork },
}

/// The tag and description of an early answer, for a 2xx without a description.
pub(super) struct Fork {
    pub(super) tag: Bytes,
    pub(super) answer: Bytes,
}

/// The user is alerted, and the caller has a 180.
pub(super) struct Ringing {
    pub(super) tx: ServerTx,
    pub(super) connection: ConnectionId,
    pub(super) invite: Box<Message>,
    pub(super) dialog: Dialog,
}

/// The user answered, and the media engine creates the description.
pub(super) struct Answering {
    pub(super) tx: ServerTx,
    pub(super) connection: ConnectionId,
    pub(super) invite: Box<Message>,
    pub(super) dialog: Dialog,
    pub(super) effect: EffectId,
    pub(super) open_offer: OpenOffer,
}

/// The side of the offer: the caller's in the INVITE, or ours in the 2xx (§13.2.1).
pub(super) enum OpenOffer {
    Remote(RemoteOffer),
    Local(LocalOffer),
}
