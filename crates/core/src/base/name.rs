//! The keys of machines and timers. Every layer imports them; they import only identifiers.

use super::machine::named_enum;
use crate::api::id::{AccountId, ConnectionId, LegId, RequestId, SessionId};
use std::fmt;
use std::num::NonZeroU32;

/// The key of a client transaction. It is never reused: an index is, but with another serial number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientTx {
    index: u32,
    serial: NonZeroU32,
}

impl ClientTx {
    pub(crate) fn new(index: usize, serial: NonZeroU32) -> Self {
        Self { index: u32::try_from(index).expect("bounded"), serial }
    }

    pub(crate) fn index(self) -> usize {
        self.index as usize
    }

    pub(crate) fn parts(self) -> (u32, NonZeroU32) {
        (self.index, self.serial)
    }

    pub(crate) fn from_parts(index: u32, serial: NonZeroU32) -> Self {
        Self { index, serial }
    }
}

/// The key of a server transaction. It is never reused: an index is, but with another serial number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerRef {
    index: u32,
    serial: NonZeroU32,
}

impl ServerRef {
    pub(crate) fn new(index: usize, serial: NonZeroU32) -> Self {
        Self { index: u32::try_from(index).expect("bounded"), serial }
    }

    pub(crate) fn index(self) -> usize {
        self.index as usize
    }
}

/// The owner of a request of ours: it gets the responses.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Account(AccountId),
    Session(SessionId),
    Request(RequestId),
    /// The responses are absorbed.
    None,
}

/// A state machine of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// A client transaction, by its index; an index is reused.
    Client(u32),
    /// A server transaction, by its index; an index is reused.
    Server(u32),
    /// A connection.
    Connection(ConnectionId),
    /// The registration of an account.
    Registration(AccountId),
    /// A call.
    Session(SessionId),
    /// A request outside of a dialog.
    Request(RequestId),
    /// The offers and answers of a leg of a call.
    OfferAnswer(SessionId, LegId),
    /// The renegotiation of a call.
    Renegotiation(SessionId),
    /// The transfer of a call.
    Transfer(SessionId),
    /// The digits of a call.
    Digits(SessionId),
    /// The reliable provisional responses to the INVITE of a call.
    Reliable(SessionId),
}

impl From<ClientTx> for Machine {
    fn from(tx: ClientTx) -> Self {
        Machine::Client(tx.index)
    }
}

impl From<ServerRef> for Machine {
    fn from(tx: ServerRef) -> Self {
        Machine::Server(tx.index)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Machine::Client(index) => write!(f, "client {index}"),
            Machine::Server(index) => write!(f, "server {index}"),
            Machine::Connection(connection) => write!(f, "connection {}", connection.0),
            Machine::Registration(account) => write!(f, "registration {}", account.0),
            Machine::Session(session) => write!(f, "session {session}"),
            Machine::Request(request) => write!(f, "request {}", request.0),
            Machine::OfferAnswer(session, LegId(0)) => write!(f, "offer/answer {session}"),
            Machine::OfferAnswer(session, leg) => write!(f, "offer/answer {session} leg {}", leg.0),
            Machine::Renegotiation(session) => write!(f, "renegotiation {session}"),
            Machine::Transfer(session) => write!(f, "transfer {session}"),
            Machine::Digits(session) => write!(f, "digits {session}"),
            Machine::Reliable(session) => write!(f, "reliable responses {session}"),
        }
    }
}

/// The key of a timer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    Client(ClientTx, ClientTimer),
    Server(ServerRef, ServerTimer),
    Account(AccountId, AccountTimer),
    Session(SessionId, SessionTimer),
    /// The limit of the time that a request outside of a dialog waits for credentials.
    Request(RequestId),
}

named_enum! {
    /// The timers of client transactions (RFC 3261 §17.1, RFC 6026 §8.4).
    pub(crate) enum ClientTimer {
        /// Retransmission of an INVITE.
        A = "A",
        /// Time-out of an INVITE.
        B = "B",
        /// End of the retransmissions of a final response 300–699 to an INVITE.
        D = "D",
        /// Retransmission of another request.
        E = "E",
        /// Time-out of another request.
        F = "F",
        /// End of the retransmissions of the final response to another request.
        K = "K",
        /// End of the retransmissions of a 2xx to an INVITE.
        M = "M",
        /// No final response after a CANCEL (RFC 3261 §9.1).
        Cancelled = "487 after CANCEL",
    }
}

named_enum! {
    /// The timers of server transactions (RFC 3261 §17.2, RFC 6026 §8.7).
    pub(crate) enum ServerTimer {
        /// Retransmission of a final response 300–699 to an INVITE.
        G = "G",
        /// No ACK for that response.
        H = "H",
        /// End of the retransmissions of the ACK.
        I = "I",
        /// End of the retransmissions of another request.
        J = "J",
        /// End of the retransmissions of an INVITE after a 2xx.
        L = "L",
    }
}

named_enum! {
    /// The timers of an account.
    pub enum AccountTimer {
        /// Time-out of the connection attempt.
        Connect = "connect",
        /// End of the back-off before the next connection attempt.
        Reconnect = "reconnect",
        /// The next keep-alive.
        KeepAlive = "keep-alive",
        /// Time-out of the answer to a keep-alive.
        Pong = "pong",
        /// The next REGISTER: a refresh, or a retry.
        Register = "register",
    }
}

named_enum! {
    /// The timers of a call.
    pub(crate) enum SessionTimer {
        /// Limit of the time for a check of the offer, and then of the time that a call may ring.
        NoAnswer = "no answer",
        /// Retransmission of our 2xx to an INVITE until the ACK (RFC 3261 §13.3.1.4), and before that of a reliable provisional
        /// response until the PRACK (RFC 3262 §3).
        Retransmit = "retransmission",
        /// Limit of the time without a media path.
        MediaPath = "media path",
        /// The wait after a 491 (RFC 3261 §14.1).
        Glare = "glare",
        /// Time-out of the subscription of a REFER (RFC 3515 §2.4.4).
        Transfer = "transfer",
        /// Limit of the time for a decision on a REFER of the peer.
        Consent = "consent",
        /// Limit of the time that a BYE waits for a connection or a response.
        Terminating = "terminating",
        /// Limit of the time that a renegotiation waits for the media engine or the peer (RFC 3261 §14).
        Renegotiation = "renegotiation",
    }
}

impl SessionTimer {
    /// How many there are; a call has at most one of each. The match names all, so that a new one cannot be forgotten here.
    pub(crate) const COUNT: usize = {
        use SessionTimer::{
            Consent, Glare, MediaPath, NoAnswer, Renegotiation, Retransmit, Terminating, Transfer,
        };
        let last = Renegotiation;
        match last {
            NoAnswer | Retransmit | MediaPath | Glare | Transfer | Consent | Terminating | Renegotiation => {
                last as usize + 1
            }
        }
    };
}
