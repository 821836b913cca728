//! Commands: checked first, so that a refused one changes nothing.

use super::{Phone, address};
use crate::call::Invitation;
use crate::call::dtmf;
use crate::planted::planted;
use crate::{AccountId, Command, Dial, DtmfPath, Input, Instant, Misuse, SessionId, Status};
use bytes::Bytes;
use std::time::Duration;

/// Each method handles the [`Command`] with its name, so that a recording has it.
impl Phone {
    /// The identifier of the next call.
    pub fn next_session(&self) -> SessionId {
        SessionId::new(self.sessions.vacant_key(), self.generation)
    }

    /// Makes a call. Without a connection it ends immediately with [`Cause::NotConnected`](crate::Cause).
    ///
    /// # Errors
    /// If there is no such account, the call limit is reached, or the address or a header field is malformed.
    pub fn dial(&mut self, now: Instant, dial: Dial) -> Result<SessionId, Misuse> {
        let session = self.next_session();
        self.handle(now, Input::Command(Command::Dial { session, dial }))?;
        Ok(session)
    }

    /// Answers an incoming call.
    ///
    /// # Errors
    /// If the call is not ringing.
    pub fn answer(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Answer { session }))
    }

    /// Rejects an incoming call with `code`, 300–699.
    ///
    /// # Errors
    /// If the call is not ringing, or the code is not in 300–699.
    pub fn reject(&mut self, now: Instant, session: SessionId, code: u16) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Reject { session, code }))
    }

    /// Ends a call in any status. It has no effect on a call that is ending.
    ///
    /// # Errors
    /// If there is no such call.
    pub fn hang_up(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::HangUp { session }))
    }

    /// Puts the peer on hold. The outcome is [`Event::Hold`](crate::Event) or [`Event::HoldFailed`](crate::Event).
    ///
    /// # Errors
    /// If the call is not established.
    pub fn hold(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Hold { session }))
    }

    /// Ends the hold.
    ///
    /// # Errors
    /// If the call is not established.
    pub fn resume(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Resume { session }))
    }

    /// Sends digits, one after another; each is reported as sent or failed.
    ///
    /// # Errors
    /// If the call is not established, a character is not a digit, the duration is not 40 ms – 6 s, or more than 64 digits would be
    /// queued.
    pub fn digits(
        &mut self,
        now: Instant,
        session: SessionId,
        digits: &str,
        duration: Duration,
        path: DtmfPath,
    ) -> Result<(), Misuse> {
        let digits = digits.to_owned();
        self.handle(now, Input::Command(Command::Digits { session, digits, duration, path }))
    }

    /// Blind transfer: asks the peer to call `target`. If that fails, the call with the peer continues.
    ///
    /// # Errors
    /// If the call is not established, a transfer is pending, or the address is malformed.
    pub fn transfer(&mut self, now: Instant, session: SessionId, target: &str) -> Result<(), Misuse> {
        let target = target.to_owned();
        self.handle(now, Input::Command(Command::Transfer { session, target }))
    }

    /// Accepts a REFER of the peer: calls its target. The event [`Event::Referred`](crate::Event) follows.
    ///
    /// # Errors
    /// If there is no such call, or no REFER with this number that waits for a decision; [`Misuse::TooManyCalls`] if the call limit is
    /// reached: the REFER then still waits.
    pub fn accept_transfer(&mut self, now: Instant, session: SessionId, request: u32) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::AcceptTransfer { session, request }))
    }

    /// Rejects a REFER of the peer, which gets a NOTIFY with 603.
    ///
    /// # Errors
    /// If there is no such call, or no REFER with this number that waits for a decision.
    pub fn reject_transfer(&mut self, now: Instant, session: SessionId, request: u32) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::RejectTransfer { session, request }))
    }

    /// Registers: again after a failure or an unregistration, or now instead of after the back-off.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn register(&mut self, now: Instant, account: AccountId) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Register { account }))
    }

    /// Unregisters. Calls continue.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn unregister(&mut self, now: Instant, account: AccountId) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Unregister { account }))
    }

    /// Whether the call limit allows one more call. Calls that are ending do not count.
    pub(super) fn has_room(&self) -> bool {
        self.has_room_beside(None)
    }

    /// The same, without counting `one`.
    pub(super) fn has_room_beside(&self, one: Option<SessionId>) -> bool {
        let limit = self.config.call_limit;
        let counts = |(_, session): &(usize, &crate::call::Session)| {
            session.status() != Status::Terminating && Some(session.id()) != one
        };
        planted!(self.config, CallLimitIgnored)
            || self.sessions.len() < limit
            || self.sessions.iter().filter(counts).count() < limit
    }

    pub(super) fn command(&mut self, command: Command) -> Result<(), Misuse> {
        match command {
            Command::Register { account } => {
                self.known(account)?;
                self.with_account(account, |account, cx, txs| account.register(cx, txs));
            }
            Command::Unregister { account } => {
                self.known(account)?;
                self.with_account(account, |account, cx, txs| account.unregister(cx, txs));
            }
            Command::Dial { session, dial } => self.dial_command(session, &dial)?,
            Command::Answer { session } => {
                self.ringing(session)?;
                self.with_session(session, |session, cx| session.answer(cx));
            }
            Command::Reject { session, code } => {
                if !(300..=699).contains(&code) {
                    return Err(Misuse::BadCode(code));
                }
                self.ringing(session)?;
                self.with_session(session, |session, cx| session.reject(cx, code));
            }
            Command::HangUp { session } => {
                self.status(session).ok_or(Misuse::UnknownSession(session))?;
                self.with_session(session, |session, cx| session.hang_up(cx));
            }
            Command::Hold { session } => {
                self.established(session)?;
                self.with_session(session, |session, cx| session.set_hold(cx, true));
            }
            Command::Resume { session } => {
                self.established(session)?;
                self.with_session(session, |session, cx| session.set_hold(cx, false));
            }
            Command::Digits { session, digits, duration, path } => {
                self.established(session)?;
                let good = digits.chars().all(dtmf::is_digit)
                    && (dtmf::SHORTEST..=dtmf::LONGEST).contains(&duration);
                let room = self.sessions[session.slot()].has_room_for(digits.len())
                    || planted!(self.config, DigitsUnbounded);
                if !good || !room {
                    return Err(Misuse::BadDigits);
                }
                self.with_session(session, |session, cx| session.send_digits(cx, &digits, duration, path));
            }
            Command::Transfer { session, target } => {
                self.established(session)?;
                if self.sessions[session.slot()].is_transferring() {
                    return Err(Misuse::Transferring);
                }
                let account = self.sessions[session.slot()].account();
                let target = self.address(account, &target)?;
                self.with_session(session, |session, cx| session.transfer(cx, target));
            }
            Command::AcceptTransfer { session, request } => self.decide_refer(session, request, true)?,
            Command::RejectTransfer { session, request } => self.decide_refer(session, request, false)?,
        }
        Ok(())
    }

    fn decide_refer(&mut self, id: SessionId, request: u32, accept: bool) -> Result<(), Misuse> {
        let session = self.session(id).ok_or(Misuse::UnknownSession(id))?;
        if session.requested_transfer() != Some(request) {
            return Err(Misuse::NoTransferRequest);
        }
        if accept && !self.has_room_beside(Some(id)) {
            return Err(Misuse::TooManyCalls(self.config.call_limit));
        }
        self.with_session(id, |session, cx| session.decide_refer(cx, accept));
        Ok(())
    }

    fn dial_command(&mut self, session: SessionId, dial: &Dial) -> Result<(), Misuse> {
        self.known(dial.account)?;
        if session != self.next_session() {
            return Err(Misuse::NotNextSession(session));
        }
        if !self.has_room() {
            return Err(Misuse::TooManyCalls(self.config.call_limit));
        }
        let uri = self.address(dial.account, &dial.to)?;
        let mut headers = Vec::with_capacity(dial.headers.len());
        for (name, value) in &dial.headers {
            address::check_header(name, value)?;
            headers.push((Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes())));
        }
        let id = self.new_session();
        self.start(id, dial.account, Invitation { uri, headers }, None);
        Ok(())
    }

    fn address(&self, account: AccountId, to: &str) -> Result<Bytes, Misuse> {
        address::target(to, &self.config.accounts[usize::from(account.0)].aor)
    }

    fn known(&self, account: AccountId) -> Result<(), Misuse> {
        if usize::from(account.0) < self.accounts.len() {
            Ok(())
        } else {
            Err(Misuse::UnknownAccount(account))
        }
    }

    fn ringing(&self, id: SessionId) -> Result<(), Misuse> {
        let session = self.session(id).ok_or(Misuse::UnknownSession(id))?;
        if session.is_ringing() { Ok(()) } else { Err(Misuse::WrongStatus(session.status())) }
    }

    fn established(&self, id: SessionId) -> Result<(), Misuse> {
        match self.status(id) {
            Some(Status::Established) => Ok(()),
            Some(other) => Err(Misuse::WrongStatus(other)),
            None => Err(Misuse::UnknownSession(id)),
        }
    }
}
