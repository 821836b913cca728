//! The keys of machines and of timers. Everything may import them; they import nothing but identifiers.

use super::machine::words;
use crate::api::id::{AccountId, FlowId, SessionId};
use std::fmt;
use std::num::NonZeroU32;

/// The name of a client transaction. Never used twice: the place may be, the serial number not.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientTx {
    place: u32,
    serial: NonZeroU32,
}

impl ClientTx {
    pub(crate) fn new(place: usize, serial: NonZeroU32) -> Self {
        Self { place: u32::try_from(place).expect("bounded"), serial }
    }

    pub(crate) fn place(self) -> usize {
        self.place as usize
    }

    pub(crate) fn parts(self) -> (u32, NonZeroU32) {
        (self.place, self.serial)
    }

    pub(crate) fn from_parts(place: u32, serial: NonZeroU32) -> Self {
        Self { place, serial }
    }
}

/// The name of a server transaction. Never used twice: the place may be, the serial number not.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerRef {
    place: u32,
    serial: NonZeroU32,
}

impl ServerRef {
    pub(crate) fn new(place: usize, serial: NonZeroU32) -> Self {
        Self { place: u32::try_from(place).expect("bounded"), serial }
    }

    pub(crate) fn place(self) -> usize {
        self.place as usize
    }
}

/// Whom the responses to a request of ours belong to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Line(AccountId),
    Session(SessionId),
    /// Nobody reads them: they are absorbed.
    Nobody,
}

/// A state machine of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// A client transaction, by its place; places are used again.
    Client(u32),
    /// A server transaction, by its place; places are used again.
    Server(u32),
    /// A connection.
    Flow(FlowId),
    /// The registration of an account.
    Registration(AccountId),
    /// A call.
    Session(SessionId),
}

impl From<ClientTx> for Machine {
    fn from(tx: ClientTx) -> Self {
        Machine::Client(tx.place)
    }
}

impl From<ServerRef> for Machine {
    fn from(tx: ServerRef) -> Self {
        Machine::Server(tx.place)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Machine::Client(place) => write!(f, "client {place}"),
            Machine::Server(place) => write!(f, "server {place}"),
            Machine::Flow(flow) => write!(f, "flow {}", flow.0),
            Machine::Registration(account) => write!(f, "registration {}", account.0),
            Machine::Session(session) => write!(f, "session {session}"),
        }
    }
}

/// What is due.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    Client(ClientTx, ClientTimer),
    Server(ServerRef, ServerTimer),
    Line(AccountId, AccountTimer),
    Session(SessionId, SessionTimer),
}

words! {
    /// The timers of client transactions (RFC 3261 §17.1, RFC 6026 §8.4).
    pub(crate) enum ClientTimer {
        /// An INVITE goes out again.
        A = "A",
        /// No answer to an INVITE.
        B = "B",
        /// Repeated refusals of an INVITE have died out.
        D = "D",
        /// Another request goes out again.
        E = "E",
        /// No answer to another request.
        F = "F",
        /// Repeated answers to another request have died out.
        K = "K",
        /// Repeated 2xx to an INVITE have died out.
        M = "M",
        /// No final response after a CANCEL (RFC 3261 §9.1).
        Cancelled = "487 after CANCEL",
    }
}

words! {
    /// The timers of server transactions (RFC 3261 §17.2, RFC 6026 §8.7).
    pub(crate) enum ServerTimer {
        /// The refusal of an INVITE goes out again.
        G = "G",
        /// No ACK for it.
        H = "H",
        /// Repeated ACKs have died out.
        I = "I",
        /// Repeated requests have died out.
        J = "J",
        /// Repeated INVITEs have died out after a 2xx.
        L = "L",
    }
}

words! {
    /// The timers of an account.
    pub enum AccountTimer {
        /// The connection attempt took too long.
        Connect = "connect",
        /// The back-off before the next connection attempt is over.
        Reconnect = "reconnect",
        /// The next keep-alive.
        KeepAlive = "keep-alive",
        /// The answer to a keep-alive is missing.
        Pong = "pong",
        /// The next REGISTER: a refresh, or a retry.
        Register = "register",
    }
}

words! {
    /// The timers of a call.
    pub(crate) enum SessionTimer {
        /// It rang long enough.
        NoAnswer = "no answer",
        /// Our 2xx to an INVITE goes out again until the ACK (RFC 3261 §13.3.1.4).
        Retransmit2xx = "2xx again",
        /// No media path in time.
        MediaPath = "media path",
        /// The wait after a 491 (RFC 3261 §14.1).
        Glare = "glare",
        /// The subscription of a REFER brings no news (RFC 3515 §2.4.4).
        Transfer = "transfer",
        /// The BYE found no connection, or no answer.
        Closing = "closing",
        /// A change of the call waits too long for the media engine, or for the peer (RFC 3261 §14).
        Change = "change",
    }
}

impl SessionTimer {
    /// How many there are: a call has each of them once at most. The match names all, so that one more is counted.
    pub(crate) const COUNT: usize = {
        use SessionTimer::{Change, Closing, Glare, MediaPath, NoAnswer, Retransmit2xx, Transfer};
        let last = Change;
        match last {
            NoAnswer | Retransmit2xx | MediaPath | Glare | Transfer | Closing | Change => last as usize + 1,
        }
    };
}
