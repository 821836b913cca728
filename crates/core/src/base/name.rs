//! The keys of machines and of timers. Everything may import them; they import nothing but identifiers.

use super::machine::named_enum;
use crate::api::id::{AccountId, FlowId, SessionId};
use std::fmt;
use std::num::NonZeroU32;

/// The name of a client transaction. Never used twice: the index may be, the serial number not.
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

/// The name of a server transaction. Never used twice: the index may be, the serial number not.
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

/// Whom the responses to a request of ours belong to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Account(AccountId),
    Session(SessionId),
    /// Nobody reads them: they are absorbed.
    None,
}

/// A state machine of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// A client transaction, by its index; places are used again.
    Client(u32),
    /// A server transaction, by its index; places are used again.
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
    Account(AccountId, AccountTimer),
    Session(SessionId, SessionTimer),
}

named_enum! {
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

named_enum! {
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

named_enum! {
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

named_enum! {
    /// The timers of a call.
    pub(crate) enum SessionTimer {
        /// It rang long enough.
        NoAnswer = "no answer",
        /// Our 2xx to an INVITE goes out again until the ACK (RFC 3261 §13.3.1.4).
        Retransmit2xx = "2xx retransmission",
        /// No media path in time.
        MediaPath = "media path",
        /// The wait after a 491 (RFC 3261 §14.1).
        Glare = "glare",
        /// The subscription of a REFER brings no news (RFC 3515 §2.4.4).
        Transfer = "transfer",
        /// The BYE found no connection, or no answer.
        Terminating = "terminating",
        /// A change of the call waits too long for the media engine, or for the peer (RFC 3261 §14).
        Renegotiation = "renegotiation",
    }
}

impl SessionTimer {
    /// How many there are: a call has each of them once at most. The match names all, so that one more is counted.
    pub(crate) const COUNT: usize = {
        use SessionTimer::{Glare, MediaPath, NoAnswer, Renegotiation, Retransmit2xx, Terminating, Transfer};
        let last = Renegotiation;
        match last {
            NoAnswer | Retransmit2xx | MediaPath | Glare | Transfer | Terminating | Renegotiation => {
                last as usize + 1
            }
        }
    };
}
