//! Options of the runtime, besides the configuration of the phone.

use crate::{Clock, RecorderTrack, Roots, Tap};
use offhook_media::{MediaConfig, Source};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The options of one phone's runtime. The default suits a softphone.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The seed of all randomness of the phone and its media. `None` takes one from the operating system.
    pub seed: Option<[u8; 32]>,
    /// The clock; phones that share one have comparable times. `None` starts one.
    pub clock: Option<Clock>,
    /// Codecs, DTMF, timeouts and limits of the media. Without a certificate the phone creates one for all of its calls.
    pub media: MediaConfig,
    /// The audio source of every call, until [`Call::play`](crate::Call::play) changes it.
    pub play: Source,
    /// Whether every call is recorded from its start.
    pub record: bool,
    /// The local addresses for media.
    pub bind: Bind,
    /// The certificate authorities trusted for `wss://` servers.
    pub roots: Roots,
    /// Receives every SIP message, credentials included, for ladders and debugging.
    pub tap: Option<Tap>,
    /// The track of the phone in a flight recording.
    pub recorder: Option<RecorderTrack>,
}

impl Options {
    /// With this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// With this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// With these settings of the media.
    #[must_use]
    pub fn with_media(mut self, media: MediaConfig) -> Self {
        self.media = media;
        self
    }

    /// With this audio source.
    #[must_use]
    pub fn with_play(mut self, play: Source) -> Self {
        self.play = play;
        self
    }

    /// With a recording of the received audio of every call.
    #[must_use]
    pub fn with_record(mut self, record: bool) -> Self {
        self.record = record;
        self
    }

    /// With these local addresses for media.
    #[must_use]
    pub fn with_bind(mut self, bind: Bind) -> Self {
        self.bind = bind;
        self
    }

    /// With these trusted certificate authorities.
    #[must_use]
    pub fn with_roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// With this callback for every message.
    #[must_use]
    pub fn with_tap(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    /// With this track in a flight recording.
    #[must_use]
    pub fn with_recorder(mut self, track: RecorderTrack) -> Self {
        self.recorder = Some(track);
        self
    }
}

/// The local addresses that a call offers for its media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bind {
    /// Every interface that is up; only the loopback if the server is reached over it, because the peer is then most likely on this machine
    /// too, and fewer candidates connect faster.
    #[default]
    Auto,
    /// These addresses.
    Addresses(Vec<IpAddr>),
}

impl Bind {
    /// The addresses to bind, given the local end of the connection to the server.
    pub(crate) fn addresses(&self, signalling: Option<IpAddr>) -> Vec<IpAddr> {
        match self {
            Bind::Addresses(list) => list.clone(),
            Bind::Auto if signalling.is_some_and(|ip| ip.is_loopback()) => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Bind::Auto => interfaces(),
        }
    }
}

/// The addresses of all interfaces; the loopback if there is no other.
fn interfaces() -> Vec<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let mut found: Vec<IpAddr> = all
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(if_addrs::Interface::ip)
        .collect();
    found.sort();
    found.dedup();
    if found.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_stays_on_the_loopback_of_the_server() {
        let local = Bind::Auto.addresses(Some(Ipv4Addr::LOCALHOST.into()));
        assert!(!local.is_empty() && local.iter().all(IpAddr::is_loopback));
    }

    #[test]
    fn configured_addresses_are_used() {
        let ip: IpAddr = "192.0.2.1".parse().expect("an address");
        assert_eq!(Bind::Addresses(vec![ip]).addresses(Some(Ipv4Addr::LOCALHOST.into())), [ip]);
    }

    #[test]
    fn auto_is_never_empty() {
        assert!(!Bind::Auto.addresses(None).is_empty());
    }
}
