//! INFO with Info Packages, and legacy usage by the application (RFC 6086). DTMF by INFO is in `digits`.

use super::cx::CallCx;
use super::dialog_request::DialogRequest;
use super::dtmf;
use super::info_package::{Info, UnknownPackage, known_package};
use super::leg::ONLY;
use super::session::Session;
use crate::base::bounds;
use crate::base::marks::Mark;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{CallEvent, Config, DtmfPath, Misuse};
use offhook_wire::Message;

impl Session {
    /// Whether an INFO can be sent.
    pub(crate) fn check_info(&mut self, config: &Config, package: Option<&str>) -> Result<(), Misuse> {
        let Some(e) = self.established_mut() else { return Ok(()) };
        let listed = package.is_none_or(|package| e.leg.peer_packages.has(package));
        if !listed && !planted!(config, PackageNotChecked) {
            return Err(Misuse::PackageNotSupported);
        }
        let pending = e.leg.pending.iter().filter(|p| matches!(p.request, DialogRequest::AppInfo(_))).count();
        if pending < bounds::INFOS { Ok(()) } else { Err(Misuse::TooManyRequests(bounds::INFOS)) }
    }

    pub(crate) fn send_info(&mut self, cx: &mut CallCx<'_, '_>, info: Info) {
        let number = info.number;
        if !self.send_request(cx, ONLY, DialogRequest::AppInfo(Box::new(info))) {
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
            Err(UnknownPackage) if planted!(cx.base.config, BadInfoPackageAccepted) => None,
            Err(UnknownPackage) => {
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
        if let Some(digit) = digit {
            return self.digit_received(cx, digit, DtmfPath::Info);
        }
        let content_type = String::from_utf8_lossy(content_type).into_owned();
        let body = request.body();
        cx.base.out.call_event(self.id, CallEvent::Info { package, content_type, body });
    }

    /// An INFO that was processed already gets the same response.
    pub(super) fn repeated_info(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        match known_package(cx.base.config, request) {
            Ok(_) => respond::answer(cx.base, cx.txs, tx, request, 200),
            Err(UnknownPackage) => respond::bad_info_package(cx.base, cx.txs, tx, request),
        }
    }
}
