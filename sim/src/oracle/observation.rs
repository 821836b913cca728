//! What an oracle is, and what it can observe.

use std::fmt;

use bytes::Bytes;
use offhook::{Command, Event, FlowId, Misuse, SessionId, Target};
use offhook_wire::Instant;

use super::{CorruptedCalls, Reading, Transaction};
use crate::media::{AudioProbe, End, Engines};
use crate::node::{ExchangeNode, PhoneNode};
use crate::scenario::{Phase, Seconds};
use crate::tape::Node;

/// One promise.
pub trait Oracle {
    /// Its name, for reports.
    fn name(&self) -> &'static str;

    /// Whether what it asks of a phone holds only where everybody else keeps the rules: it does not watch worlds with rogues that
    /// break any.
    fn assumes_correct_peers(&self) -> bool {
        false
    }

    /// Whether it looks away from what has the Call-ID of a message that was harmed on its way: all that it sees of it is
    /// [`Sight::Muddled`].
    fn skips_corrupted_calls(&self) -> bool {
        self.assumes_correct_peers()
    }

    /// Watches something happen.
    ///
    /// # Errors
    /// What is wrong with it.
    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        let _ = (view, sight);
        Ok(())
    }

    /// Looks at the world at the end of a phase.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        let _ = (view, moment);
        Ok(())
    }
}

/// The world as an oracle may see it.
pub struct WorldView<'a> {
    /// The time.
    pub now: Instant,
    /// The phase.
    pub phase: Phase,
    /// The phones, and what their users know.
    pub phones: &'a [PhoneNode],
    /// The exchanges.
    pub exchanges: &'a [ExchangeNode],
    /// The media engines.
    pub engines: &'a Engines,
    /// What was harmed on its way.
    pub corrupted_calls: &'a CorruptedCalls,
}

impl WorldView<'_> {
    /// What a phone takes the time to be: time that runs backwards stands still.
    pub fn local(&self, phone: usize) -> Instant {
        self.phones[phone].local(self.now)
    }
}

/// Something that happens.
pub enum Observation<'a> {
    /// A machine's deadline has come.
    Woken(Node),
    /// A user asked for something.
    Command {
        /// At which phone.
        phone: usize,
        /// For what.
        command: &'a Command,
        /// Why it cannot be, if it cannot.
        refused: Option<&'a Misuse>,
    },
    /// A phone told its user something.
    Event {
        /// Which phone.
        phone: usize,
        /// What.
        event: &'a Event,
    },
    /// A phone sends a message.
    Sent {
        /// Which phone.
        phone: usize,
        /// On which connection.
        flow: FlowId,
        /// What goes out: a message or a keep-alive.
        data: &'a Bytes,
        /// The message, if it is one that keeps the rules.
        message: Option<&'a Reading<'a>>,
    },
    /// Something reaches a phone.
    Received {
        /// Which phone.
        phone: usize,
        /// On which connection.
        flow: FlowId,
        /// What comes in: a message, a keep-alive, or something else.
        data: &'a Bytes,
        /// The message, if it is one that keeps the rules.
        message: Option<&'a Reading<'a>>,
    },
    /// A phone wants a connection.
    Connecting {
        /// Which phone.
        phone: usize,
        /// To what.
        target: &'a Target,
    },
    /// A message that was harmed on its way arrives at a phone, or comes from it. It obliges nobody, and of what has its Call-ID
    /// nobody can know any more what ought to be.
    Corrupted {
        /// Which phone.
        phone: usize,
        /// On which of its connections it arrives, if it does not come from it.
        flow: Option<FlowId>,
        /// The Call-IDs that it had, and has.
        calls: &'a [u64],
    },
    /// For an oracle that looks away: a phone sends or receives something with such a Call-ID.
    Exempted {
        /// Which phone.
        phone: usize,
        /// Which transaction of the phone it ends all the same, if it is a response: those are known by the branch (RFC 3261 §17.1.3).
        ends: Option<Transaction>,
    },
    /// A phone asked its media engine for something that cannot come now.
    OutOfOrder {
        /// Which call.
        end: End,
        /// What.
        what: &'static str,
    },
    /// A media engine sends a digit.
    DigitSent {
        /// Of which call.
        end: End,
        /// Which digit.
        digit: char,
        /// Where it arrives.
        arrives: Option<End>,
    },
    /// The first packet of a digit reached the other end's engine.
    DigitArrived {
        /// Of which call.
        end: End,
        /// Which digit.
        digit: char,
        /// Whether the engine has the keys to read it for certain.
        understood: bool,
    },
    /// An engine sends a datagram.
    Datagram {
        /// Of which call.
        end: End,
    },
    /// What an end of a call hears now.
    Audio(&'a AudioProbe),
    /// An exchange took or refreshed a binding.
    BindingAdded {
        /// Which exchange.
        exchange: usize,
        /// The phone whose connection it came over.
        phone: usize,
        /// The phone's name for that connection.
        flow: FlowId,
        /// The contact.
        contact: &'a str,
    },
    /// An exchange dropped a binding.
    BindingRemoved {
        /// Which exchange.
        exchange: usize,
        /// The contact.
        contact: &'a str,
    },
    /// An exchange sends a message over its end of a connection. It may be lost on its way.
    ExchangeSent {
        /// Which exchange.
        exchange: usize,
        /// The phone or the rogue at the other end.
        to: Node,
        /// The message, as its receiver would read it.
        message: &'a Reading<'a>,
    },
    /// All outputs of an exchange after one input were taken.
    ExchangePolled {
        /// Which exchange.
        exchange: usize,
        /// Whether it began a transaction.
        began: bool,
    },
    /// All outputs of a phone after one input were taken.
    PhonePolled {
        /// Which phone.
        phone: usize,
        /// How many there were.
        outputs: usize,
    },
}

impl Observation<'_> {
    /// What those see of it who look away from calls of which a message was harmed; `None` if it is of no such call.
    pub(crate) fn exempted(&self, corrupted_calls: &CorruptedCalls) -> Option<Self> {
        match *self {
            Observation::Sent { phone, message: Some(message), .. }
                if corrupted_calls.of_call(message.dialog.call) =>
            {
                Some(Observation::Exempted { phone, ends: None })
            }
            Observation::Received { phone, message: Some(message), .. }
                if corrupted_calls.of_call(message.dialog.call) =>
            {
                let ends = message.transaction.filter(|_| message.status().is_some());
                Some(Observation::Exempted { phone, ends })
            }
            _ => None,
        }
    }
}

/// The end of a phase.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PhaseEnd {
    /// The storm is over; nothing is promised yet.
    Faults,
    /// Everything had time to settle.
    Recovery,
    /// Everybody hung up, and everything had time to become quiet.
    Drain,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The oracle that objects.
    pub oracle: &'static str,
    /// When.
    pub at: Instant,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Seconds(self.at.saturating_since(Instant::ZERO));
        write!(f, "{} at {at}: {}", self.oracle, self.what)
    }
}

/// The call that an event is about.
pub(super) fn session_of(event: &Event) -> Option<SessionId> {
    match event {
        Event::Incoming(incoming) => Some(incoming.session),
        Event::Status { session, .. }
        | Event::Progress { session, .. }
        | Event::Hold { session, .. }
        | Event::HoldFailed { session, .. }
        | Event::Digit { session, .. }
        | Event::DigitSent { session, .. }
        | Event::DigitFailed { session, .. }
        | Event::Transfer { session, .. }
        | Event::Referred { session, .. }
        | Event::Media { session, .. }
        | Event::Info { session, .. }
        | Event::Ended { session, .. } => Some(*session),
        _ => None,
    }
}
