//! What a scenario is made of: exchanges, phones, rogues and steps.

use std::time::Duration;

use super::{Codec, PhaseLengths, RogueSetup, Step, Streaming, Transport, Weather};

/// A whole test of a world, from the first connection to the last hang-up.
///
/// `Display` writes it and `FromStr` reads it back; [`Scenario::to_json`] wraps the same lines for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The key of all entropy: fates of packets, delays of effects, the seeds of the nodes.
    pub seed: u64,
    /// The exchanges, best first. Every phone knows all of them.
    pub exchanges: Vec<ExchangeSetup>,
    /// The phones.
    pub phones: Vec<PhoneSetup>,
    /// The peers that break rules on purpose.
    pub rogues: Vec<RogueSetup>,
    /// How long each phase lasts.
    pub phases: PhaseLengths,
    /// How faithful its media is.
    pub media: Fidelity,
    /// What users do and what goes wrong, in order of time.
    pub steps: Vec<Step>,
    /// The rule that all phones, or all exchanges, break on purpose. It is not written with the rest.
    #[cfg(feature = "planted")]
    pub planted: Option<crate::planted::Planted>,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSetup {
    /// Its name in the ladder, and its host name.
    pub name: String,
    /// How much faster its clock runs, in parts per million.
    pub drift: i32,
    /// Whether it stands in two networks, and record-routes with a name for each (RFC 5658 §3.1).
    pub two_homes: bool,
    /// The shortest registration that it takes, where it is another than usual (RFC 3261 §10.3).
    pub min_expires: Option<Duration>,
    /// Whether it says 100 at once to each request that is no INVITE, as before RFC 4320.
    pub says_trying: bool,
}

impl ExchangeSetup {
    /// An exchange with a good clock.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), drift: 0, two_homes: false, min_expires: None, says_trying: false }
    }
}

/// One phone and the network it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSetup {
    /// Its name in the ladder.
    pub name: String,
    /// The user part of its address of record. Two phones with one user are forked to.
    pub user: String,
    /// What its connection is made of.
    pub transport: Transport,
    /// The network between it and the exchanges, while the storm lasts.
    pub weather: Weather,
    /// How its stream carries messages.
    pub streaming: Streaming,
    /// After how long a silence of the phone a translator of addresses forgets its datagrams; `None`: there is none.
    pub nat: Option<Duration>,
    /// How much faster its clock runs, in parts per million.
    pub drift: i32,
    /// The codecs of its media, best first.
    pub codecs: Vec<Codec>,
    /// Whether its media speaks telephone-event (RFC 4733).
    pub telephone_event: bool,
    /// Whether it knows its password.
    pub right_password: bool,
    /// `max_registration_attempts` of its account.
    pub attempts: Option<u32>,
    /// The lifetime of registrations it asks for.
    pub expires: Duration,
}

impl PhoneSetup {
    /// A phone in good order on a good WebSocket, its user named as itself.
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
        }
    }
}

/// How faithful the media of a run is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Fidelity {
    /// A model of it, without sound: a thousand times faster.
    #[default]
    Model,
    /// The engine of `offhook-media`, its datagrams on the networks of the phones.
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

    /// The place of a phone in [`Scenario::phones`].
    pub fn phone(&self, name: &str) -> Option<usize> {
        self.phones.iter().position(|phone| phone.name == name)
    }

    /// The place of an exchange in [`Scenario::exchanges`].
    pub fn exchange(&self, name: &str) -> Option<usize> {
        self.exchanges.iter().position(|exchange| exchange.name == name)
    }

    /// The place of a rogue in [`Scenario::rogues`].
    pub fn rogue(&self, name: &str) -> Option<usize> {
        self.rogues.iter().position(|rogue| rogue.name == name)
    }
}
