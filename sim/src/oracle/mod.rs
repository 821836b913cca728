//! Oracles: each knows one promise, watches a run, and objects when the promise is broken.
//!
//! An oracle sees what a user or a peer could see, and the media model. It never looks into a phone.

mod agreement;
mod bounds;
mod busy;
mod challenges;
mod commands;
mod dialog;
mod digits;
mod duties;
mod failover;
mod grammar;
mod keep_alive;
mod leaks;
mod liveness;
mod negotiation;
mod outcome;
mod prompt;
mod quiet;
mod reach;
mod registration;
mod repetition;
mod retries;
mod sequence;
mod sound;
mod stuck;
mod transfer;
mod watch;
mod will;
mod wire;

use std::fmt;

use bytes::Bytes;
use offhook::{Command, Event, FlowId, Misuse, SessionId, Target};
use offhook_wire::{HeaderName, Instant, Message, Method, NameAddr};

use crate::media::{End, Engines, Listening};
use crate::node::{ExchangeNode, PhoneNode};
use crate::scenario::Seconds;
use crate::tape::Node;
use crate::world::Phase;

/// One promise.
pub trait Oracle {
    /// Its name, for reports.
    fn name(&self) -> &'static str;

    /// Whether what it asks of a phone holds only where everybody else keeps the rules: it does not watch worlds with rogues,
    /// nor when messages are harmed on their way.
    fn trusts_peers(&self) -> bool {
        false
    }

    /// Watches something happen.
    ///
    /// # Errors
    /// What is wrong with it.
    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let _ = (scene, sight);
        Ok(())
    }

    /// Looks at the world at the end of a phase.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&mut self, scene: &Scene<'_>, moment: Moment) -> Result<(), String> {
        let _ = (scene, moment);
        Ok(())
    }
}

/// The world as an oracle may see it.
pub struct Scene<'a> {
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
}

impl Scene<'_> {
    /// Whether a message was harmed, anywhere, since then: whoever it was meant for may have got it wrong, and told others.
    pub fn was_harmed_since(&self, then: Instant) -> bool {
        self.phones.iter().any(|phone| phone.harmed.is_some_and(|at| at >= then))
    }
}

/// Something that happens.
pub enum Sight<'a> {
    /// A machine's deadline has come.
    Woken(Node),
    /// A user asked for something.
    Asked {
        /// At which phone.
        phone: usize,
        /// For what.
        command: &'a Command,
        /// Why it cannot be, if it cannot.
        refused: Option<&'a Misuse>,
    },
    /// A phone told its user something.
    Told {
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
        message: Option<&'a Message>,
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
        message: Option<&'a Message>,
    },
    /// A phone wants a connection.
    Opens {
        /// Which phone.
        phone: usize,
        /// To what.
        target: &'a Target,
    },
    /// A message that was harmed on its way arrives at a phone, or comes from it. It obliges nobody, and nobody can know what
    /// it did.
    Harmed {
        /// Which phone.
        phone: usize,
        /// On which of its connections it arrives, if it does not come from it.
        flow: Option<FlowId>,
    },
    /// A phone asked its media engine for something that cannot come now.
    Disorder {
        /// Which call.
        end: End,
        /// What.
        what: &'static str,
    },
    /// A media engine sends a digit.
    Dialled {
        /// Of which call.
        end: End,
        /// Which digit.
        digit: char,
        /// Where it arrives.
        arrives: Option<End>,
    },
    /// The first packet of a digit reached the other end's engine.
    Reaches {
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
    Listened(&'a Listening),
    /// An exchange took or refreshed a binding.
    Bound {
        /// Which exchange.
        exchange: usize,
        /// The phone whose connection it came over.
        phone: usize,
        /// The contact.
        contact: &'a str,
    },
    /// An exchange dropped a binding.
    Unbound {
        /// Which exchange.
        exchange: usize,
        /// The contact.
        contact: &'a str,
    },
    /// All outputs of a phone after one input were taken.
    Drained {
        /// Which phone.
        phone: usize,
        /// How many there were.
        outputs: usize,
    },
}

/// The end of a phase.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The storm is over; nothing is promised yet.
    Healed,
    /// Everything had time to settle.
    Settled,
    /// Everybody hung up, and everything had time to become quiet.
    Quiet,
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

/// One of each.
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::new(grammar::Grammar::default()),
        Box::new(negotiation::Negotiation::default()),
        Box::new(wire::Wire::default()),
        Box::new(sequence::Sequence::default()),
        Box::new(repetition::Repetition::default()),
        Box::new(dialog::Dialogs::default()),
        Box::new(challenges::Challenges::default()),
        Box::new(duties::Duties::default()),
        Box::new(prompt::Prompt::default()),
        Box::new(commands::Commands::default()),
        Box::new(transfer::Transfers::default()),
        Box::new(failover::FailOver::default()),
        Box::new(keep_alive::KeepAlives::default()),
        Box::new(bounds::Bounds::default()),
        Box::new(leaks::Leaks::default()),
        Box::new(stuck::Stuck),
        Box::new(busy::Busy::default()),
        Box::new(digits::Digits::default()),
        Box::new(sound::Sound::default()),
        Box::new(outcome::Outcome::default()),
        Box::new(will::Will::default()),
        Box::new(registration::Registration::default()),
        Box::new(liveness::Liveness),
        Box::new(reach::Reach::default()),
        Box::new(retries::Retries::default()),
        Box::new(agreement::Agreement),
        Box::new(quiet::Quiet),
    ]
}

/// The call that an event is about.
fn session_of(event: &Event) -> Option<SessionId> {
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

/// What names a transaction: the branch and the method, and for one that somebody else began who that was.
type Transaction = (Vec<u8>, Vec<u8>);

/// The transaction of a request that a phone sends, or of a response that it receives (RFC 3261 §17.1.3). Branches compare
/// without case (§7.3.1); a response with more than one Via is for somebody else (§8.1.3.3).
fn own_transaction(message: &Message) -> Option<Transaction> {
    if message.status().is_some() && message.values(HeaderName::Via).nth(1).is_some() {
        return None;
    }
    let branch = message.via().ok()?.branch()?.to_ascii_lowercase();
    Some((branch, message.cseq().ok()?.method.as_bytes().to_vec()))
}

/// The transaction of a request that a phone receives, or of its response (RFC 3261 §17.2.3). An ACK and a CANCEL have one of
/// their own here. None for a branch of the days before RFC 3261, which names nothing alone.
fn peers_transaction(message: &Message) -> Option<Transaction> {
    let via = message.via().ok()?;
    let branch = via.branch().filter(|branch| branch.starts_with(b"z9hG4bK"))?;
    let method = message.cseq().ok()?.method.as_bytes().to_vec();
    Some((
        [branch, b" ", via.host, via.port.map(|port| port.to_string()).unwrap_or_default().as_bytes()]
            .concat(),
        method,
    ))
}

/// A dialog as one end sees it (RFC 3261 §12): the Call-ID, its own tag and the peer's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DialogId {
    call: Vec<u8>,
    local: Vec<u8>,
    remote: Vec<u8>,
}

impl DialogId {
    /// Of a message that this end sends.
    fn sent(message: &Message) -> Option<Self> {
        let (from, to) = (tag(message.from()), tag(message.to()));
        let (local, remote) = if message.status().is_none() { (from, to) } else { (to, from) };
        Some(Self { call: message.call_id().ok()?.to_vec(), local, remote })
    }

    /// Of a message that this end receives.
    fn received(message: &Message) -> Option<Self> {
        let Self { call, local, remote } = Self::sent(message)?;
        Some(Self { call, local: remote, remote: local })
    }
}

/// Empty when there is none.
fn tag<E>(address: Result<NameAddr<'_>, E>) -> Vec<u8> {
    address.ok().and_then(|address| address.tag().map(<[u8]>::to_vec)).unwrap_or_default()
}

/// Whether a message belongs to a request of this method.
fn is_of(message: &Message, method: Method<'_>) -> bool {
    message.cseq().is_ok_and(|cseq| cseq.method == method)
}
