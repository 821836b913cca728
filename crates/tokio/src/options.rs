//! What a program may choose beside the phone's own configuration.

use crate::{Clock, Roots, Tap, Track};
use offhook_media::{MediaConfig, Source};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The choices for one phone's runtime. The default suits a softphone.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The seed of everything that the phone and its media draw. `None` asks the operating system.
    pub seed: Option<[u8; 32]>,
    /// The clock; share one between phones whose times are to be compared. `None` starts one.
    pub clock: Option<Clock>,
    /// Codecs, DTMF, time-outs and limits of the media. Without a certificate the phone makes one for all its calls.
    pub media: MediaConfig,
    /// What every call plays from its first packet on, until [`Call::play`](crate::Call::play) says otherwise.
    pub play: Source,
    /// Whether every call is recorded from its start.
    pub record: bool,
    /// Where media is received.
    pub bind: Bind,
    /// Whom `wss://` servers have to be certified by.
    pub roots: Roots,
    /// Sees every SIP message, credentials included. For ladders and bug hunts.
    pub tap: Option<Tap>,
    /// Where what happens to the phone is recorded, to be run again.
    pub recorder: Option<Track>,
}

/// Which local addresses a call offers for its media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bind {
    /// Every interface that is up; but only the loopback when the server is reached over it, because then everything
    /// else is most likely on this machine too, and fewer addresses are sooner tried.
    #[default]
    Auto,
    /// These.
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

/// The addresses of all interfaces; the loopback when there is no other.
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
    fn a_server_on_the_loopback_keeps_media_there() {
        let local = Bind::Auto.addresses(Some(Ipv4Addr::LOCALHOST.into()));
        assert!(!local.is_empty() && local.iter().all(IpAddr::is_loopback));
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        let ip: IpAddr = "192.0.2.1".parse().expect("an address");
        assert_eq!(Bind::Addresses(vec![ip]).addresses(Some(Ipv4Addr::LOCALHOST.into())), [ip]);
    }

    #[test]
    fn there_is_always_somewhere_to_listen() {
        assert!(!Bind::Auto.addresses(None).is_empty());
    }
}
