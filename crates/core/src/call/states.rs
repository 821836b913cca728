//! What a call owns in each state.

use super::established::Established;
use super::leg::Leg;
use super::machine::Phase;
use super::provisional::Provisional;
use crate::base::name::ClientTx;
use crate::negotiation::OfferAnswer;
use crate::request::realm_set::RealmSet;
use crate::request::realms::Credentials;
use crate::request::restarts::Restarts;
use crate::transaction::ServerTx;
use crate::{ConnectionId, EffectId, EndReason, MediaTypes};
use bytes::Bytes;
use offhook_wire::Message;

/// The state of a call, with what it owns.
pub(super) enum State {
    New,
    Offering(Offering),
    Calling(Calling),
    Challenged(Challenged),
    Cancelling(Cancelling),
    /// The media engine judges the offer; the user is not alerted yet.
    Checking(Incoming, EffectId),
    /// The user is alerted, and the caller has a 180.
    Ringing(Incoming),
    /// The user answered; the 2xx waits for the media engine, or for a PRACK.
    Answering(Incoming),
    /// Our 2xx was sent, without an ACK yet. `HangUpAfterAck` is the same with a BYE that waits for the ACK (§15).
    AwaitingAck(Established),
    HangUpAfterAck(Established, EndReason),
    Established(Established),
    /// The BYE is pending, or waits for a connection.
    Terminating(Established, EndReason),
    Ended,
}

/// The callee and the additional header fields of an INVITE.
#[derive(Default)]
pub(crate) struct Invitation {
    /// The Request-URI.
    pub(crate) uri: Bytes,
    /// The user's header fields, and `Referred-By`.
    pub(crate) headers: Vec<(Bytes, Bytes)>,
    /// The types of media to offer.
    pub(crate) types: MediaTypes,
}

/// The media engine creates the offer.
pub(super) struct Offering {
    pub(super) offer_answer: OfferAnswer,
    pub(super) invitation: Invitation,
}

/// The INVITE is pending.
pub(super) struct Calling {
    pub(super) tx: ClientTx,
    pub(super) invite: Invite,
    /// The early dialogs, oldest first.
    pub(super) legs: Vec<Leg>,
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
    /// The branches in whose early dialogs a request was sent: the CSeq of a BYE follows it.
    pub(super) branches: Vec<Leg>,
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

/// An INVITE of the peer without a final response, and its early dialog.
pub(super) struct Incoming {
    pub(super) tx: ServerTx,
    pub(super) connection: ConnectionId,
    pub(super) invite: Box<Message>,
    pub(super) leg: Leg,
    pub(super) provisional: Provisional,
}

impl State {
    /// The state without what it owns.
    pub(super) fn phase(&self) -> Phase {
        match self {
            State::New => Phase::New,
            State::Offering(_) => Phase::Offering,
            State::Calling(_) => Phase::Calling,
            State::Challenged(_) => Phase::Challenged,
            State::Cancelling(_) => Phase::Cancelling,
            State::Checking(..) => Phase::Checking,
            State::Ringing(_) => Phase::Ringing,
            State::Answering(_) => Phase::Answering,
            State::AwaitingAck(_) => Phase::AwaitingAck,
            State::HangUpAfterAck(..) => Phase::HangUpAfterAck,
            State::Established(_) => Phase::Established,
            State::Terminating(..) => Phase::Terminating,
            State::Ended => Phase::Ended,
        }
    }

    /// The legs: the early dialogs of a caller, or the one of every other state that has a dialog.
    pub(super) fn legs(&self) -> &[Leg] {
        match self {
            State::Calling(calling) => &calling.legs,
            State::Checking(incoming, _) | State::Ringing(incoming) | State::Answering(incoming) => {
                std::slice::from_ref(&incoming.leg)
            }
            State::AwaitingAck(e) | State::Established(e) => std::slice::from_ref(&e.leg),
            State::HangUpAfterAck(e, _) | State::Terminating(e, _) => std::slice::from_ref(&e.leg),
            State::New | State::Offering(_) | State::Challenged(_) | State::Cancelling(_) | State::Ended => {
                &[]
            }
        }
    }

    /// As [`legs`](Self::legs).
    pub(super) fn legs_mut(&mut self) -> &mut [Leg] {
        match self {
            State::Calling(calling) => &mut calling.legs,
            State::Checking(incoming, _) | State::Ringing(incoming) | State::Answering(incoming) => {
                std::slice::from_mut(&mut incoming.leg)
            }
            State::AwaitingAck(e) | State::Established(e) => std::slice::from_mut(&mut e.leg),
            State::HangUpAfterAck(e, _) | State::Terminating(e, _) => std::slice::from_mut(&mut e.leg),
            State::New | State::Offering(_) | State::Challenged(_) | State::Cancelling(_) | State::Ended => {
                &mut []
            }
        }
    }

    /// The session of a confirmed dialog.
    pub(super) fn established_mut(&mut self) -> Option<&mut Established> {
        match self {
            State::AwaitingAck(e) | State::Established(e) => Some(e),
            State::HangUpAfterAck(e, _) | State::Terminating(e, _) => Some(e),
            _ => None,
        }
    }
}
