//! Info Packages: those of the peer, and that of an INFO (RFC 6086).

use crate::Config;
use crate::base::bounds;
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, is_token};

/// An INFO of the application.
pub(crate) struct Info {
    pub(crate) number: u32,
    pub(crate) package: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

/// The Info Packages of the last `Recv-Info` of the peer.
#[derive(Default)]
pub(super) struct PeerPackages(Box<[Box<[u8]>]>);

impl PeerPackages {
    /// Takes the `Recv-Info` of a message, if it has one; an empty one names no package (RFC 6086 §5.2).
    pub(super) fn update(&mut self, message: &Message) {
        if message.header(HeaderName::RecvInfo).is_none() {
            return;
        }
        let names = message.values(HeaderName::RecvInfo).map(name_of);
        // A name is a token (RFC 6086).
        let short = names.filter(|name| is_token(name) && name.len() <= bounds::CAPABILITY);
        self.0 = short.take(bounds::CAPABILITIES).map(Box::from).collect();
    }

    pub(super) fn has(&self, package: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(package.as_bytes()))
    }
}

/// The name of a package without its parameters.
fn name_of(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// The request has an Info Package that the application does not understand.
#[derive(Debug)]
pub(super) struct UnknownPackage;

/// The Info Package of a request; `None` if it has none, an error if the application does not understand it.
pub(super) fn known_package(config: &Config, request: &Message) -> Result<Option<String>, UnknownPackage> {
    let Some(value) = request.header(HeaderName::InfoPackage) else { return Ok(None) };
    let name = name_of(value);
    if !is_token(name) {
        return Err(UnknownPackage);
    }
    let known = config.info_packages.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(name));
    known.map(|known| Some(known.clone())).ok_or(UnknownPackage)
}
