//! The parts of a scenario: exchanges, phones, rogues and steps.

use std::time::Duration;

use offhook::{RedirectPolicy, ReferPolicy};

use super::{Codec, PhaseLengths, RogueSetup, Step, Streaming, Transport, Weather};

/// A complete run of a world, from the first connection to the drain.
///
/// `Display` and `FromStr` write and parse its text; [`Scenario::to_json`] has the same lines as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The seed of all randomness: fates of packets, delays of effects, seeds of the nodes.
    pub seed: u64,
    /// The exchanges, in order of preference. Each phone has all of them as servers.
    pub exchanges: Vec<ExchangeSetup>,
    /// The phones.
    pub phones: Vec<PhoneSetup>,
    /// The rogues: peers that break rules of the protocol.
    pub rogues: Vec<RogueSetup>,
    /// The lengths of the phases.
    pub phases: PhaseLengths,
    /// The fidelity of media.
    pub media: Fidelity,
    /// User actions and faults, in order of time.
    pub steps: Vec<Step>,
    /// The planted bug, in all phones or all exchanges. It is not part of the text.
    #[cfg(feature = "planted")]
    pub planted: Option<crate::planted::Planted>,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSetup {
    /// Its name in ladders, and its host name.
    pub name: String,
    /// Clock drift in parts per million; positive is fast.
    pub drift: i32,
    /// Whether it is multi-homed, and adds a Record-Route for each interface (RFC 5658 §3.1).
    pub two_homes: bool,
    /// The Min-Expires of its registrar (RFC 3261 §10.3); `None` for the default.
    pub min_expires: Option<Duration>,
    /// Whether it sends 100 immediately to non-INVITE requests, as before RFC 4320.
    pub says_trying: bool,
}

impl ExchangeSetup {
    /// An exchange without clock drift.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), drift: 0, two_homes: false, min_expires: None, says_trying: false }
    }
}

/// One phone and its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSetup {
    /// Its name in ladders.
    pub name: String,
    /// The user part of its address of record. Calls to a user with two phones are forked.
    pub user: String,
    /// Its transport.
    pub transport: Transport,
    /// The network between it and the exchanges in the phase of faults.
    pub weather: Weather,
    /// The framing of messages on its WebSocket.
    pub streaming: Streaming,
    /// The mapping time-out of its NAT; `None` without a NAT.
    pub nat: Option<Duration>,
    /// Clock drift in parts per million; positive is fast.
    pub drift: i32,
    /// The codecs of its media, in order of preference.
    pub codecs: Vec<Codec>,
    /// Whether its media supports telephone-event (RFC 4733).
    pub telephone_event: bool,
    /// Whether it has the right password.
    pub right_password: bool,
    /// `max_registration_attempts` of its account.
    pub attempts: Option<u32>,
    /// The Expires of its REGISTERs.
    pub expires: Duration,
    /// Its policy for REFERs of the peer.
    pub refers: ReferPolicy,
    /// Its policy for redirections.
    pub redirects: RedirectPolicy,
    /// Whether it has no password until its user gives one, and asks for it.
    pub late_password: bool,
    /// The realms that its account names.
    pub realms: Vec<String>,
    /// The Info Packages of its application.
    pub packages: Vec<String>,
    /// Whether it prefers reliable provisional responses (RFC 3262).
    pub reliable: bool,
    /// Whether it changes media by UPDATE (RFC 3311), and not by re-INVITE.
    pub by_update: bool,
    /// How many media sessions it can hold for the early dialogs of a call.
    pub legs: usize,
}

impl PhoneSetup {
    /// A phone on a WebSocket without faults, with its name as the user.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            user: name.clone(),
            name,
            transport: Transport::Ws,
            weather: Weather::CLEAR,
            streaming: Streaming::default(),
            nat: None,
            drift: 0,
            codecs: Codec::ALL.to_vec(),
            telephone_event: true,
            right_password: true,
            attempts: None,
            expires: Duration::from_secs(600),
            refers: ReferPolicy::OwnDomain,
            redirects: RedirectPolicy::OwnDomain,
            late_password: false,
            realms: Vec::new(),
            packages: Vec::new(),
            reliable: false,
            by_update: false,
            legs: 1,
        }
    }
}

/// The fidelity of media.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Fidelity {
    /// A model without audio; about a thousand times faster than the real engine.
    #[default]
    Model,
    /// The engine of `offhook-media`, with its datagrams on the simulated networks.
    #[cfg(feature = "media")]
    Real,
}

impl Scenario {
    /// A scenario without phones or steps.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            exchanges: vec![ExchangeSetup::new("pbx")],
            phones: Vec::new(),
            rogues: Vec::new(),
            phases: PhaseLengths::default(),
            media: Fidelity::Model,
            steps: Vec::new(),
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    /// The index of a phone in [`Scenario::phones`].
    pub fn phone(&self, name: &str) -> Option<usize> {
        self.phones.iter().position(|phone| phone.name == name)
    }

    /// The index of an exchange in [`Scenario::exchanges`].
    pub fn exchange(&self, name: &str) -> Option<usize> {
        self.exchanges.iter().position(|exchange| exchange.name == name)
    }

    /// The index of a rogue in [`Scenario::rogues`].
    pub fn rogue(&self, name: &str) -> Option<usize> {
        self.rogues.iter().position(|rogue| rogue.name == name)
    }
}
