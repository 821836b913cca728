//! What a call owns in each state.

use super::established::{Credentials, Established};
use crate::base::name::ClientTx;
use crate::dialog::Dialog;
use crate::negotiation::{LocalOffer, RemoteOffer};
use crate::transaction::ServerTx;
use crate::{EffectId, EndReason, FlowId};
use bytes::Bytes;
use offhook_wire::Message;

/// A state owns what exists in it, and nothing else.
pub(super) enum State {
    /// Between two states; never seen by an input.
    Moving,
    Offering(Offering),
    Calling(Calling),
    Cancelling(Cancelling),
    Ringing(Ringing),
    Answering(Answering),
    /// 2xx sent, no ACK yet. `HangUpAfterAck` is the same with a hang-up that waits for the ACK (§15).
    AwaitingAck(Established),
    HangUpAfterAck(Established, EndReason),
    Established(Established),
    /// The BYE is out, or waits for a connection to go out on.
    Terminating(Established, EndReason),
    Ended,
}

/// Whom to invite, as it goes on the wire.
pub(crate) struct Invitation {
    /// The Request-URI.
    pub(crate) uri: Bytes,
    /// The user's own headers, and `Referred-By`.
    pub(crate) headers: Vec<(Bytes, Bytes)>,
}

/// The media engine makes the offer.
pub(super) struct Offering {
    pub(super) effect: EffectId,
    pub(super) offer: LocalOffer,
    pub(super) invitation: Invitation,
}

/// The INVITE is out.
pub(super) struct Calling {
    pub(super) tx: ClientTx,
    pub(super) offer: LocalOffer,
    pub(super) invite: Invite,
    pub(super) early_answer: EarlyAnswer,
    /// How many challenges the INVITE has answered.
    pub(super) auth_attempts: u8,
    /// The answer to the last of them.
    pub(super) credentials: Option<Credentials>,
}

/// The INVITE is given up; its final response is still to come (§9.1).
pub(super) struct Cancelling {
    pub(super) tx: ClientTx,
    pub(super) invite: Invite,
    pub(super) credentials: Option<Credentials>,
    pub(super) why: EndReason,
}

/// All that is needed to send the INVITE again with credentials.
pub(super) struct Invite {
    pub(super) invitation: Invitation,
    pub(super) call_id: [u8; 24],
    pub(super) cseq: u32,
    pub(super) sdp: Bytes,
}

/// An answer in a provisional response: media before the call is taken (§13.2.1). The first one that comes is used.
pub(super) enum EarlyAnswer {
    None,
    Applying { effect: EffectId, of: Fork },
    Applied { of: Fork },
}

/// Who sent an early answer: its tag, and what it said, for a 2xx that does not say it again.
pub(super) struct Fork {
    pub(super) tag: Bytes,
    pub(super) answer: Bytes,
}

/// The user is told, the caller hears it ring.
pub(super) struct Ringing {
    pub(super) tx: ServerTx,
    pub(super) flow: FlowId,
    pub(super) invite: Box<Message>,
    pub(super) dialog: Dialog,
}

/// The user took the call, and the media engine makes the description.
pub(super) struct Answering {
    pub(super) tx: ServerTx,
    pub(super) flow: FlowId,
    pub(super) invite: Box<Message>,
    pub(super) dialog: Dialog,
    pub(super) effect: EffectId,
    pub(super) open_offer: OpenOffer,
}

/// Who makes the offer: the caller in the INVITE, or we in the 2xx (§13.2.1).
pub(super) enum OpenOffer {
    Remote(RemoteOffer),
    Local(LocalOffer),
}
