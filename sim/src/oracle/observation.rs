//! The interface of oracles, and what they observe.

use std::fmt;

use bytes::Bytes;
use offhook::{AccountId, CallEffect, Command, ConnectionId, EffectResult, Event, Hop, Misuse};
use offhook_wire::Instant;

use super::{CorruptedCalls, Reading, Transaction};
use crate::media::{AudioProbe, End, Engines, Leg};
use crate::node::{ExchangeNode, PhoneNode};
use crate::scenario::{Phase, Seconds};
use crate::tape::Node;

/// The check of one invariant.
pub trait Oracle {
    /// Its name, as reports show it.
    fn name(&self) -> &'static str;

    /// Whether its invariant holds only when all peers are correct. Such an oracle is not run in worlds with rogues that break a rule.
    fn assumes_correct_peers(&self) -> bool {
        false
    }

    /// Whether it skips messages with the Call-ID of a message that was corrupted in transit: for these it observes only
    /// [`Observation::Exempted`].
    fn skips_corrupted_calls(&self) -> bool {
        self.assumes_correct_peers()
    }

    /// Observes one event of the run.
    ///
    /// # Errors
    /// The violation, in words.
    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let _ = (view, observation);
        Ok(())
    }

    /// Checks the world at the end of a phase.
    ///
    /// # Errors
    /// The violation, in words.
    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        let _ = (view, phase_end);
        Ok(())
    }
}

/// The state of the world that oracles can read.
pub struct WorldView<'a> {
    /// The time of the world.
    pub now: Instant,
    /// The current phase.
    pub phase: Phase,
    /// The phones, with what their users were told.
    pub phones: &'a [PhoneNode],
    /// The exchanges.
    pub exchanges: &'a [ExchangeNode],
    /// The media engines.
    pub engines: &'a Engines,
    /// The calls of which a message was corrupted in transit.
    pub corrupted_calls: &'a CorruptedCalls,
}

impl WorldView<'_> {
    /// The time on a phone's clock, made monotonic.
    pub fn local(&self, phone: usize) -> Instant {
        self.phones[phone].local(self.now)
    }
}

/// One event of a run, as oracles observe it.
pub enum Observation<'a> {
    /// The deadline of a node is reached.
    Woken(Node),
    /// A user gave a command.
    Command {
        /// The phone.
        phone: usize,
        /// The command.
        command: &'a Command,
        /// The reason, if the phone refused it.
        refused: Option<&'a Misuse>,
    },
    /// A phone reported an event to its user.
    Event {
        /// The phone.
        phone: usize,
        /// The event.
        event: &'a Event,
    },
    /// A phone sends a message.
    Sent {
        /// The phone.
        phone: usize,
        /// The connection.
        connection: ConnectionId,
        /// The data: a message or a keep-alive.
        data: &'a Bytes,
        /// The message, if the data is a valid one.
        message: Option<&'a Reading<'a>>,
    },
    /// A phone receives data.
    Received {
        /// The phone.
        phone: usize,
        /// The connection.
        connection: ConnectionId,
        /// The data: a message, a keep-alive, or anything else.
        data: &'a Bytes,
        /// The message, if the data is a valid one.
        message: Option<&'a Reading<'a>>,
    },
    /// A phone opens a connection.
    Connecting {
        /// The phone.
        phone: usize,
        /// The account.
        account: AccountId,
        /// The connection.
        connection: ConnectionId,
        /// The server.
        hop: &'a Hop,
    },
    /// A phone asks its user for credentials.
    CredentialsAsked {
        /// The phone.
        phone: usize,
        /// The account.
        account: AccountId,
        /// The realm.
        realm: &'a str,
    },
    /// A message that was corrupted in transit arrives, from a phone or at one. It creates no obligation, and the correct behaviour
    /// for its Call-ID is unknown from now on.
    Corrupted {
        /// The phone.
        phone: usize,
        /// The connection on which it arrives at the phone; `None` if the phone sent it.
        connection: Option<ConnectionId>,
        /// The Call-IDs before and after the corruption.
        calls: &'a [u64],
    },
    /// For oracles that skip corrupted calls: a phone sends or receives a message with the Call-ID of such a call.
    Exempted {
        /// The phone.
        phone: usize,
        /// The client transaction that it ends, if it is a response: responses match by the branch (RFC 3261 §17.1.3).
        ends: Option<Transaction>,
    },
    /// A phone gave its media engine an effect in an order that RFC 3264 §4 forbids.
    OutOfOrder {
        /// The end of the call.
        end: End,
        /// What is out of order.
        what: &'static str,
    },
    /// A phone gave its media engine an effect.
    Effect {
        /// The leg.
        leg: Leg,
        /// The effect.
        effect: &'a CallEffect,
    },
    /// A media engine carried out an effect, or failed. The phone learns it later, or never if the engine is unresponsive.
    EffectDone {
        /// The leg.
        leg: Leg,
        /// The effect.
        effect: &'a CallEffect,
        /// The result.
        result: &'a EffectResult,
    },
    /// A media engine sends a digit.
    DigitSent {
        /// The end of the call.
        end: End,
        /// The digit.
        digit: char,
        /// The end that receives it; `None` without a path.
        arrives: Option<End>,
    },
    /// The first packet of a digit arrived at the engine of the other end.
    DigitArrived {
        /// The end of the call.
        end: End,
        /// The digit.
        digit: char,
        /// Whether the engine certainly has the keys to decrypt it.
        decodable: bool,
    },
    /// A media engine sends a datagram.
    Datagram {
        /// The end of the call.
        end: End,
    },
    /// The audio that an end of a call receives now.
    Audio(&'a AudioProbe),
    /// An exchange added or refreshed a binding.
    BindingAdded {
        /// The exchange.
        exchange: usize,
        /// The phone on whose connection the REGISTER came.
        phone: usize,
        /// The phone's name for that connection.
        connection: ConnectionId,
        /// The contact.
        contact: &'a str,
    },
    /// An exchange removed a binding.
    BindingRemoved {
        /// The exchange.
        exchange: usize,
        /// The contact.
        contact: &'a str,
    },
    /// An exchange sends a message. It may be lost in transit.
    ExchangeSent {
        /// The exchange.
        exchange: usize,
        /// The phone or the rogue at the other end.
        to: Node,
        /// The message, named as its receiver names it.
        message: &'a Reading<'a>,
    },
    /// All outputs of an exchange after one input were polled.
    ExchangePolled {
        /// The exchange.
        exchange: usize,
        /// Whether it created a transaction.
        began: bool,
    },
    /// All outputs of a phone after one input were polled.
    PhonePolled {
        /// The phone.
        phone: usize,
        /// The number of outputs.
        outputs: usize,
    },
}

impl Observation<'_> {
    /// The observation for oracles that skip corrupted calls; `None` if it belongs to no corrupted call.
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
    /// Of the faults: the networks are about to be healed. Few invariants hold yet.
    Faults,
    /// Of the recovery: calls and registrations have recovered from the faults.
    Recovery,
    /// Of the drain: all users hung up, and all transactions are over.
    Drain,
}

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the oracle.
    pub oracle: &'static str,
    /// The time of the world.
    pub at: Instant,
    /// The violation, in words.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Seconds(self.at.saturating_since(Instant::ZERO));
        write!(f, "{} at {at}: {}", self.oracle, self.what)
    }
}
