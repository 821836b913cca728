//! Received bytes: framed, checked and routed.

use super::{Parts, Phone};
use crate::account::ActiveAccount;
use crate::base::marks::Mark;
use crate::base::name::Owner;
use crate::call::{Session, slot_of};
use crate::dialog::to_tag;
use crate::request::respond;
use crate::transaction::{Routed, ServerTx};
use crate::{AccountId, ConnectionId, Framing, SessionId};
use bytes::Bytes;
use offhook_wire::{Frame, Message, Method, Scheme, Uri};

impl Phone {
    /// Bytes were received on a connection.
    pub(super) fn on_traffic(&mut self, connection: ConnectionId) {
        if let Some(account) = self.account_of(connection) {
            self.with_account(account, |account, cx, _| account.on_traffic(cx));
        }
    }

    pub(super) fn receive(&mut self, connection: ConnectionId, data: Bytes) {
        let Some(account) = self.account_of(connection) else { return };
        let path = self.active(account).and_then(ActiveAccount::path);
        let Some(transport) = path.map(|path| path.transport) else { return };
        let limits = &self.config.limits;
        let frame = match transport.framing() {
            Framing::Message => offhook_wire::websocket(data, limits),
            Framing::Datagram => offhook_wire::datagram(data, limits),
        };
        match frame {
            Frame::KeepAlive(kind) => {
                self.with_account(account, |account, cx, _| account.keep_alive_received(cx, kind))
            }
            Frame::Faulty { fault, data } => self.malformed(connection, data, fault.kind.status()),
            Frame::Message(mut message) => match message.check() {
                Ok(()) => self.route(account, connection, message),
                Err(fault) => self.malformed(connection, message.bytes().clone(), fault.kind.status()),
            },
        }
    }

    /// Answers a malformed message if that is possible, without a transaction: a retransmission gets the same response.
    fn malformed(&mut self, connection: ConnectionId, data: Bytes, code: u16) {
        self.counters.malformed += 1;
        self.trace.mark(self.now, None, Mark::Malformed);
        let Some(request) = Message::salvage(data, &self.config.limits) else { return };
        if request.method() == Some(Method::Ack) {
            return;
        }
        let Parts { cx, .. } = self.parts();
        let tag: [u8; 16] = cx.entropy.token(crate::base::entropy::Label::Ids);
        let response = respond::bare(cx.config, &request, code, Some(&tag));
        cx.out.transmit(connection, response);
    }

    fn route(&mut self, account: AccountId, connection: ConnectionId, message: Message) {
        let Parts { mut cx, txs, accounts, .. } = self.parts();
        let Some(path) = accounts[usize::from(account.0)].as_ref().and_then(ActiveAccount::path) else {
            return;
        };
        match txs.receive(&mut cx, path, message) {
            Routed::Absorbed => {}
            Routed::Request { tx, message } => self.on_request(account, connection, tx, message),
            Routed::Ack(message) => match to_tag(&message).and_then(|tag| self.called(tag)) {
                Some(id) => self.with_session(id, |session, cx| session.on_ack(cx, &message)),
                None => {
                    self.trace.mark(self.now, None, Mark::StrayAck);
                    self.counters.stray += 1;
                }
            },
            Routed::Cancelled { invite, owner, message } => {
                if let Some(id) = owner {
                    self.with_session(id, |session, cx| session.on_cancelled(cx, invite, &message));
                }
            }
            Routed::Stray => {
                self.trace.mark(self.now, None, Mark::StrayResponse);
                self.counters.stray += 1;
            }
            Routed::Response { owner, tx, message } => match owner {
                Owner::Session(id) if self.session(id).is_some() => {
                    self.with_session(id, |session, cx| session.on_response(cx, tx, &message));
                }
                Owner::Account(account) => {
                    let change = self
                        .with_account(account, |account, cx, txs| account.on_response(cx, txs, tx, &message));
                    self.on_connection_change(account, change);
                }
                // A fork that answers after the end of its call.
                Owner::Session(_) => {
                    self.with_call_cx(account, None, |_, cx| Session::refuse_late(cx, tx, &message))
                }
                Owner::Request(id) => {
                    self.with_request(id, |request, cx| request.on_response(cx, tx, &message));
                }
                Owner::None => {}
            },
        }
    }

    /// Sends a response with only a status code.
    fn respond(&mut self, tx: ServerTx, request: &Message, code: u16) {
        let Parts { mut cx, txs, .. } = self.parts();
        respond::answer(&mut cx, txs, tx, request, code);
    }

    /// The call of a To tag.
    fn called(&self, tag: &[u8]) -> Option<SessionId> {
        let session = self.sessions.get(slot_of(tag)?)?;
        session.has_tag(tag).then(|| session.id())
    }

    fn on_request(&mut self, account: AccountId, connection: ConnectionId, tx: ServerTx, message: Message) {
        let Parts { mut cx, txs, .. } = self.parts();
        let Some(tx) = respond::admit(&mut cx, txs, tx, &message) else { return };
        if let Some(tag) = to_tag(&message) {
            match self.called(tag) {
                Some(id) => self.with_session(id, |session, cx| session.on_request(cx, tx, &message)),
                None => self.respond(tx, &message, 481),
            }
        } else if message.method() == Some(Method::Invite) {
            self.invited(account, connection, tx, message);
        } else {
            let invite_code =
                if message.method() == Some(Method::Options) { self.invite_code(account) } else { 200 };
            let Parts { mut cx, txs, .. } = self.parts();
            respond::out_of_dialog(&mut cx, txs, account, tx, &message, invite_code);
        }
    }

    /// The response code to an INVITE, as far as it does not depend on its content: 200 if it is accepted.
    fn invite_code(&self, account: AccountId) -> u16 {
        if self.active(account).is_none_or(ActiveAccount::is_retiring) {
            480
        } else if self.has_room() {
            200
        } else {
            486
        }
    }

    fn invited(&mut self, account: AccountId, connection: ConnectionId, tx: ServerTx, invite: Message) {
        let scheme = invite.request_uri().and_then(|uri| Uri::parse(uri).ok()).map(|uri| uri.scheme);
        let code = match scheme {
            Some(Scheme::Sip | Scheme::Sips | Scheme::Tel) => self.invite_code(account),
            Some(Scheme::Other(_)) => 416,
            None => 400,
        };
        if code >= 300 {
            if code == 486 {
                self.trace.mark(self.now, None, Mark::NoRoom);
            }
            return self.respond(tx, &invite, code);
        }
        let foreign_body = !invite.body_bytes().is_empty() && !invite.has_content_type(respond::SDP);
        if foreign_body {
            let Parts { mut cx, txs, .. } = self.parts();
            return respond::unsupported_media(&mut cx, txs, tx, &invite);
        }
        let id = self.new_session();
        self.with_call_cx(account, Some(id), |sessions, cx| {
            cx.txs.set_owner(&tx, id);
            if let Some(session) = Session::incoming(id, cx, tx, connection, invite) {
                cx.account.call_begins();
                let slot = sessions.insert(session);
                assert_eq!(slot, id.slot(), "the next slot of a slab is the one it gives");
            }
        });
    }
}
