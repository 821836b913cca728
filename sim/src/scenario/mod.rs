//! What will be played: who is there, over what networks, and what goes wrong when.
//!
//! A scenario is explicit: nothing that happens in a run is drawn while it runs except the fates of
//! packets, and those hang on the packets' own identity ([`crate::fate`]). So a step can be taken out
//! and the rest goes on as it did.

mod act;
mod fault;
mod harm;
mod read;
mod rogue;
mod stream;
mod trouble;
mod write;

use std::time::Duration;

pub use act::{Act, Deed, Manner, Prank, Step};
pub use fault::{Fault, MediaTrouble, Way};
pub use harm::Harm;
pub use read::{ScenarioError, parse_duration};
pub use rogue::RogueSetup;
pub use stream::{End, StreamTrouble, Streaming};
pub use trouble::{ClockStep, ExchangeTrouble, Stillness};
pub use write::Seconds;

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
    pub span: Span,
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

/// What a connection is made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket: messages in order, none lost while the connection lives.
    Ws,
    /// Datagrams, which may be lost, doubled and overtaken.
    Udp,
}

/// What a network does to messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// The shortest way through.
    pub delay: Duration,
    /// What may be added to it, exponentially distributed in the mean.
    pub jitter: Duration,
    /// Datagrams lost, of a thousand.
    pub loss: u16,
    /// Datagrams that arrive twice, of a thousand.
    pub duplicate: u16,
    /// Datagrams that arrive so late that others overtake them, of a thousand.
    pub late: u16,
    /// Messages that take much longer, some of them very much, of a thousand.
    pub tail: u16,
    /// How much of the time nearly all datagrams are lost, of a thousand.
    pub bursts: u16,
}

impl Weather {
    /// 10 ms, always.
    pub const CLEAR: Self = Self {
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
        loss: 0,
        duplicate: 0,
        late: 0,
        tail: 0,
        bursts: 0,
    };

    /// The same way without the faults: what is left of it when the storm is over.
    #[must_use]
    pub fn healed(self) -> Self {
        Self { delay: self.delay, jitter: self.jitter.min(Duration::from_millis(20)), ..Self::CLEAR }
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

/// A codec of a phone's media.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// `opus/48000/2`
    Opus,
    /// `PCMU/8000`
    Pcmu,
    /// `PCMA/8000`
    Pcma,
}

impl Codec {
    /// All of them, best first.
    pub const ALL: [Self; 3] = [Self::Opus, Self::Pcmu, Self::Pcma];
}

/// The phases of a run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Steps are taken and faults are at work.
    pub storm: Duration,
    /// The networks are healed, nobody does anything new: what was promised must come about.
    pub settle: Duration,
    /// Everybody hangs up, and then all must be quiet.
    pub quiesce: Duration,
}

impl Default for Span {
    /// The storm is what the scenario says. Settling takes the longest back-off of a registration (60 s and its
    /// jitter), the longest `Retry-After`, a keep-alive that finds a dead connection (35 s) and a transaction
    /// (64·T1). Quiescing takes two transactions, one for the BYE that nobody answers and one for its 2xx.
    fn default() -> Self {
        Self {
            storm: Duration::from_secs(60),
            settle: Duration::from_secs(240),
            quiesce: Duration::from_secs(120),
        }
    }
}

impl Span {
    /// From the start to the end.
    pub fn total(&self) -> Duration {
        self.storm + self.settle + self.quiesce
    }
}

impl Scenario {
    /// A scenario without phones or steps.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            exchanges: vec![ExchangeSetup::new("pbx")],
            phones: Vec::new(),
            rogues: Vec::new(),
            span: Span::default(),
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

    /// The lines of the text form, cut into `setting` and `steps`.
    pub fn to_json(&self) -> serde_json::Value {
        let text = self.to_string();
        let (steps, setting): (Vec<&str>, Vec<&str>) = text
            .lines()
            .filter(|line| !line.is_empty())
            .partition(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        serde_json::json!({ "setting": setting, "steps": steps })
    }

    /// Reads what [`Scenario::to_json`] wrote.
    ///
    /// # Errors
    /// When `setting` and `steps` are no lists of lines, or a line is not understood.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ScenarioError> {
        let mut text = String::new();
        for key in ["setting", "steps"] {
            let lines =
                json[key].as_array().ok_or_else(|| ScenarioError::new(0, format!("no list `{key}`")))?;
            for line in lines {
                text.push_str(
                    line.as_str().ok_or_else(|| ScenarioError::new(0, format!("`{key}` holds no text")))?,
                );
                text.push('\n');
            }
        }
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "\
offhook-scenario 1
seed 42
span storm=60s settle=240s quiesce=120s
exchange pbx min-expires=90s says-trying
exchange pbx2 drift=-50000 two-homes
phone alice ws
phone bob udp user=robert delay=5ms jitter=30ms loss=50 duplicate=10 late=20 tail=5 bursts=30 nat=30s drift=-200 codecs=pcma,opus no-telephone-event attempts=3 expires=60s
phone mallory ws split=1 gather=2 fragment=3 ping=4 binary=5 wrong-password
rogue trudy udp breaks=final-twice,no-ack
rogue eve ws

0.5s bob will answer after 1.5s
0.75s bob will reject 603 after 0s
1s bob will ignore
1.2s alice dials bob
2s bob answers
2s bob rejects 486
2.25s alice holds
2.5s alice resumes
2.5s alice sends 159# by info for 100ms
3s alice sends 42 by auto for 40ms
3s alice transfers to carol
4s alice unregisters
4.001s alice registers
5s alice hangs up
6s alice loses its connection
6s bob loses its connection silently
6s alice loses its connection at this end
6s alice loses its connection at the far end
6s alice is closed with 1001
6s alice is closed without a word
6s alice is refused for 10s
6s alice is stalled both ways for 5s
6s alice trickles from the network for 5s
6s alice breaks off after 300 bytes to the network
7s bob is cut off both ways for 12s
8s bob is cut off from the network for 4s
8s bob is cut off to the network for 4s
9s pbx crashes for 4s
9s alice has slow media of 2s for 10s
9s alice has broken media for 10s
9s alice has pathless media for 10s
9s alice has deaf media for 10s
10s bob dies
11s alice freezes for 20s
11s alice sleeps for 7200s
11s alice sleeps without counting for 20s
12s alice sets its clock forward by 30s
12s alice sets its clock back by 30s
13s alice is parted from pbx for ever
13s alice cannot reach pbx for 5s
13s alice cannot hear pbx for 5s
14s pbx forgets its bindings
14s pbx forgets its nonces
14s pbx forgets its transactions
15s pbx is overloaded for 10s and says to come back after 3s
15s pbx grants no bindings for 10s
15s pbx wants bindings of 300s for 60s
15s pbx lags by 31s for 5s
15s pbx freezes for 5s
15s pbx finds each nonce stale for 5s
15s pbx sets its clock back by 2s
16s pbx2 dies
16s trudy calls bob
16s trudy floods bob with 60 refer-to-self
16s trudy claims bob
17s trudy cancels
17s bob gets another port
17s bob suffers flips of 200 both ways for 5s
17s bob suffers injections of 1000 to the network for 5s
18s eve hangs up
";

    #[test]
    fn what_is_written_is_read_back() {
        let scenario: Scenario = EXAMPLE.parse().expect("the example is understood");
        assert_eq!(scenario.to_string(), EXAMPLE);
        assert_eq!(Scenario::from_json(&scenario.to_json()), Ok(scenario.clone()));
        assert_eq!(scenario.steps.len(), 60);
        assert_eq!(scenario.phones[1].user, "robert");
        assert_eq!(scenario.phones[1].weather.loss, 50);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (line, wrong) in [
            (1, "scenario 1"),
            (2, "offhook-scenario 1\nphone"),
            (2, "offhook-scenario 1\nphone alice pigeon"),
            (2, "offhook-scenario 1\nphone alice ws loss=lots"),
            (3, "offhook-scenario 1\nphone alice ws\nphone alice ws"),
            (2, "offhook-scenario 1\n1s bob dials alice"),
            (3, "offhook-scenario 1\nphone bob ws\n1x bob dials alice"),
            (3, "offhook-scenario 1\nphone bob ws\n1s bob dances"),
            (3, "offhook-scenario 1\nphone bob ws\n1s bob answers now"),
            (2, "offhook-scenario 1\nseed x"),
            (2, "offhook-scenario 1\nrogue eve ws breaks=hearts"),
            (3, "offhook-scenario 1\nrogue eve ws\n1s eve sings"),
            (3, "offhook-scenario 1\nphone eve ws\nrogue eve ws"),
        ] {
            let refused = wrong.parse::<Scenario>().expect_err(wrong);
            assert_eq!(refused.line(), line, "{wrong}: {refused}");
        }
    }

    #[test]
    fn real_media_is_a_word_where_there_is_any() {
        let read = |media: &str| format!("offhook-scenario 1\nmedia {media}\n").parse::<Scenario>();
        assert_eq!(read("model").map(|scenario| scenario.media), Ok(Fidelity::Model));
        assert_eq!(read("silent").map_err(|refused| refused.line()), Err(2));
        #[cfg(feature = "media")]
        {
            let scenario = read("real").expect("there is");
            assert_eq!(scenario.media, Fidelity::Real);
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        #[cfg(not(feature = "media"))]
        assert!(read("real").is_err_and(|refused| refused.to_string().contains("`media`")));
    }

    #[test]
    fn comments_and_blank_lines_are_free() {
        let text = "# why\noffhook-scenario 1\n\n  # the key\nseed 3\nphone a ws\n\n1s a hangs up\n";
        assert_eq!(text.parse::<Scenario>().map(|s| (s.seed, s.steps.len())), Ok((3, 1)));
    }
}
