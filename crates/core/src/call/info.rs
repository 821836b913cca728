//! INFO with Info Packages, and legacy usage by the application (RFC 6086). DTMF by INFO is in `digits`.

use super::cx::CallCx;
use super::dialog_request::DialogRequest;
use super::dtmf;
use super::session::Session;
use crate::base::bounds;
use crate::base::marks::Mark;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{CallEvent, Config, DtmfPath, Misuse};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message};

/// An INFO of the application.
pub(crate) struct Info {
    pub(crate) number: u32,
    pub(crate) package: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

/// The Info Packages of the last `Recv-Info` of the peer.
#[derive(Default)]
pub(super) struct PeerPackages(Vec<Box<[u8]>>);

impl PeerPackages {
    /// Takes the `Recv-Info` of a message, if it has one; an empty one names no package (RFC 6086 §5.2).
    pub(super) fn update(&mut self, message: &Message) {
        if message.header(HeaderName::RecvInfo).is_none() {
            return;
        }
        let names = message.values(HeaderName::RecvInfo).map(name_of);
        let short = names.filter(|name| !name.is_empty() && name.len() <= bounds::CAPABILITY);
        self.0 = short.take(bounds::CAPABILITIES).map(Box::from).collect();
    }

    fn has(&self, package: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(package.as_bytes()))
    }
}

/// The name of a package without its parameters.
fn name_of(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// The Info Package of a request, if the application understands it.
fn known_package(config: &Config, request: &Message) -> Result<Option<String>, ()> {
    let Some(value) = request.header(HeaderName::InfoPackage) else { return Ok(None) };
    let name = name_of(value);
    let known = config.info_packages.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(name));
    known.map(|known| Some(known.clone())).ok_or(())
}

impl Session {
    /// Whether an INFO can be sent.
    pub(crate) fn check_info(&mut self, package: Option<&str>) -> Result<(), Misuse> {
        let Some(e) = self.established_mut() else { return Ok(()) };
        if package.is_some_and(|package| !e.peer_packages.has(package)) {
            return Err(Misuse::PackageNotSupported);
        }
        let pending = e.pending.iter().filter(|p| matches!(p.request, DialogRequest::AppInfo(_))).count();
        if pending < bounds::INFOS { Ok(()) } else { Err(Misuse::TooManyRequests(bounds::INFOS)) }
    }

    pub(crate) fn send_info(&mut self, cx: &mut CallCx<'_, '_>, info: Info) {
        let number = info.number;
        if !self.send_request(cx, DialogRequest::AppInfo(Box::new(info))) {
            self.info_outcome(cx, number, None);
        }
    }

    pub(super) fn info_outcome(&self, cx: &mut CallCx<'_, '_>, info: u32, code: Option<u16>) {
        cx.base.out.call_event(self.id, CallEvent::InfoOutcome { info, code });
    }

    /// An INFO of the peer. One of a package that the application does not understand gets 469 (RFC 6086 §4.2.2).
    pub(super) fn on_info(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let package = match known_package(cx.base.config, request) {
            Ok(package) => package,
            Err(()) if planted!(cx.base.config, BadInfoPackageAccepted) => None,
            Err(()) => {
                cx.mark(Mark::InfoPackageUnknown);
                return respond::bad_info_package(cx.base, cx.txs, tx, request);
            }
        };
        respond::answer(cx.base, cx.txs, tx, request, 200);
        let content_type = request.content_type().unwrap_or_default();
        let digit = match &package {
            Some(_) => None,
            None => dtmf::read_info(content_type, request.body_bytes()),
        };
        cx.base.out.call_event(
            self.id,
            match digit {
                Some((digit, duration)) => CallEvent::Digit { digit, duration, path: DtmfPath::Info },
                None => CallEvent::Info {
                    package,
                    content_type: String::from_utf8_lossy(content_type).into_owned(),
                    body: request.body(),
                },
            },
        );
    }

    /// An INFO that was processed already gets the same response.
    pub(super) fn repeated_info(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        match known_package(cx.base.config, request) {
            Ok(_) => respond::answer(cx.base, cx.txs, tx, request, 200),
            Err(()) => respond::bad_info_package(cx.base, cx.txs, tx, request),
        }
    }
}
