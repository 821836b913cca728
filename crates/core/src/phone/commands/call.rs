//! Commands for calls.

use crate::call::{Info, dtmf};
use crate::phone::{Phone, address};
use crate::planted::planted;
use crate::{CallCommand, Command, DtmfPath, Input, Instant, MediaTypes, Misuse, SessionId, Status};
use bytes::Bytes;
use std::time::Duration;

/// Each method handles the [`CallCommand`] with its name, so that a recording has it.
impl Phone {
    /// Handles a command for a call.
    ///
    /// # Errors
    /// As for the method with the command's name.
    pub fn call(&mut self, now: Instant, session: SessionId, command: CallCommand) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Call { session, command }))
    }

    /// Answers an incoming call, with the types of media that [`Phone::set_media_types`] set before, by default audio. If the caller offers
    /// none of them ([`Incoming::types`](crate::Incoming::types)), the call ends with 488.
    ///
    /// # Errors
    /// If the call is not ringing.
    pub fn answer(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::Answer)
    }

    /// Sends early media to the caller: a 183 with a description.
    ///
    /// # Errors
    /// If the call is not ringing; [`Misuse::NoEarlyMedia`] if it has early media already, or if the INVITE has no offer and the caller
    /// does not support reliable provisional responses (RFC 3262 §5).
    pub fn early_media(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::EarlyMedia)
    }

    /// Restarts ICE (RFC 8445 §9). The outcome is `MediaRestarted` of [`CallEvent`](crate::CallEvent).
    ///
    /// # Errors
    /// If the call is not established.
    pub fn restart_media(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::RestartMedia)
    }

    /// Rejects an incoming call with `code`, 300–699.
    ///
    /// # Errors
    /// If the call is not ringing, or the code is not in 300–699.
    pub fn reject(&mut self, now: Instant, session: SessionId, code: u16) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::Reject { code })
    }

    /// Ends a call in any status. It has no effect on a call that is ending.
    ///
    /// # Errors
    /// If there is no such call.
    pub fn hang_up(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::HangUp)
    }

    /// Puts the peer on hold. The outcome is `Hold` or `HoldFailed` of [`CallEvent`](crate::CallEvent).
    ///
    /// # Errors
    /// If the call is not established.
    pub fn hold(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::Hold)
    }

    /// Ends the hold.
    ///
    /// # Errors
    /// If the call is not established.
    pub fn resume(&mut self, now: Instant, session: SessionId) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::Resume)
    }

    /// Sets the types of media that the call is to have: of the answer, or of an offer to the peer. The outcome in an established call
    /// is `MediaTypes` or `MediaTypesFailed` of [`CallEvent`](crate::CallEvent).
    ///
    /// # Errors
    /// If there is no such call, it is ending, or `types` is empty.
    pub fn set_media_types(
        &mut self,
        now: Instant,
        session: SessionId,
        types: MediaTypes,
    ) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::SetMediaTypes { types })
    }

    /// Sends nothing of these types of media, and sends the others. The peer is not informed, and there is no event.
    ///
    /// # Errors
    /// If there is no such call, or it is ending.
    pub fn mute(&mut self, now: Instant, session: SessionId, types: MediaTypes) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::Mute { types })
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
        self.call(now, session, CallCommand::Digits { digits, duration, path })
    }

    /// Sends an INFO (RFC 6086). The outcome is `InfoOutcome` of [`CallEvent`](crate::CallEvent) with the number `info`, exactly once.
    ///
    /// # Errors
    /// If the call is not established, the peer has not stated that it supports the Info Package, the content type is malformed, the body
    /// is longer than 16 KiB, or 16 INFOs of the call are pending.
    pub fn info(
        &mut self,
        now: Instant,
        session: SessionId,
        info: u32,
        package: Option<&str>,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(), Misuse> {
        let (package, content_type) = (package.map(str::to_owned), content_type.to_owned());
        self.call(now, session, CallCommand::Info { info, package, content_type, body: body.into() })
    }

    /// Blind transfer: asks the peer to call `target`. If that fails, the call with the peer continues.
    ///
    /// # Errors
    /// If the call is not established, a transfer is pending, or the address is malformed.
    pub fn transfer(&mut self, now: Instant, session: SessionId, target: &str) -> Result<(), Misuse> {
        let target = target.to_owned();
        self.call(now, session, CallCommand::Transfer { target })
    }

    /// Accepts a REFER of the peer: calls its target. `Referred` of [`CallEvent`](crate::CallEvent) follows.
    ///
    /// # Errors
    /// If there is no such call, or no REFER with this number that waits for a decision; [`Misuse::TooManyCalls`] if the call limit is
    /// reached: the REFER then still waits.
    pub fn accept_transfer(&mut self, now: Instant, session: SessionId, request: u32) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::AcceptTransfer { request })
    }

    /// Rejects a REFER of the peer, which gets a NOTIFY with 603.
    ///
    /// # Errors
    /// If there is no such call, or no REFER with this number that waits for a decision.
    pub fn reject_transfer(&mut self, now: Instant, session: SessionId, request: u32) -> Result<(), Misuse> {
        self.call(now, session, CallCommand::RejectTransfer { request })
    }
}

/// The commands, checked.
impl Phone {
    pub(super) fn call_command(&mut self, session: SessionId, command: CallCommand) -> Result<(), Misuse> {
        match command {
            CallCommand::Answer => {
                self.ringing(session)?;
                self.with_session(session, |session, cx| session.answer(cx));
            }
            CallCommand::EarlyMedia => {
                self.ringing(session)?;
                if !self.sessions[session.slot()].can_send_early_media() {
                    return Err(Misuse::NoEarlyMedia);
                }
                self.with_session(session, |session, cx| session.send_early_media(cx));
            }
            CallCommand::RestartMedia => {
                self.established(session)?;
                self.with_session(session, |session, cx| session.restart_media(cx));
            }
            CallCommand::Reject { code } => {
                if !(300..=699).contains(&code) {
                    return Err(Misuse::BadCode(code));
                }
                self.ringing(session)?;
                self.with_session(session, |session, cx| session.reject(cx, code));
            }
            CallCommand::HangUp => {
                self.status(session).ok_or(Misuse::UnknownSession(session))?;
                self.with_session(session, |session, cx| session.hang_up(cx));
            }
            CallCommand::Hold => {
                self.established(session)?;
                self.with_session(session, |session, cx| session.set_hold(cx, true));
            }
            CallCommand::Resume => {
                self.established(session)?;
                self.with_session(session, |session, cx| session.set_hold(cx, false));
            }
            CallCommand::SetMediaTypes { types } => self.media_types_command(session, types)?,
            CallCommand::Mute { types } => self.mute_command(session, types)?,
            CallCommand::Digits { digits, duration, path } => {
                self.digits_command(session, &digits, duration, path)?;
            }
            CallCommand::Info { info: number, package, content_type, body } => {
                self.established(session)?;
                address::check_body(&content_type, &body)?;
                self.sessions[session.slot()].check_info(&self.config, package.as_deref())?;
                let info = Info { number, package, content_type, body };
                self.with_session(session, |session, cx| session.send_info(cx, info));
            }
            CallCommand::Transfer { target } => {
                self.established(session)?;
                if self.sessions[session.slot()].is_transferring() {
                    return Err(Misuse::Transferring);
                }
                let account = self.sessions[session.slot()].account();
                let target = self.address(account, &target)?;
                self.with_session(session, |session, cx| session.transfer(cx, target));
            }
            CallCommand::AcceptTransfer { request } => self.decide_refer(session, request, true)?,
            CallCommand::RejectTransfer { request } => self.decide_refer(session, request, false)?,
        }
        Ok(())
    }

    fn media_types_command(&mut self, session: SessionId, types: MediaTypes) -> Result<(), Misuse> {
        if types.is_empty() {
            return Err(Misuse::NoMediaTypes);
        }
        self.not_ending(session)?;
        self.with_session(session, |session, cx| session.set_media_types(cx, types));
        Ok(())
    }

    fn mute_command(&mut self, session: SessionId, types: MediaTypes) -> Result<(), Misuse> {
        self.not_ending(session)?;
        self.with_session(session, |session, cx| session.mute(cx, types));
        Ok(())
    }

    fn digits_command(
        &mut self,
        session: SessionId,
        digits: &str,
        duration: Duration,
        path: DtmfPath,
    ) -> Result<(), Misuse> {
        self.established(session)?;
        let good = digits.chars().all(dtmf::is_digit) && (dtmf::SHORTEST..=dtmf::LONGEST).contains(&duration);
        let room = self.sessions[session.slot()].has_room_for(digits.len())
            || planted!(self.config, DigitsUnbounded);
        if !good || !room {
            return Err(Misuse::BadDigits);
        }
        self.with_session(session, |session, cx| session.send_digits(cx, digits, duration, path));
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

    fn ringing(&self, id: SessionId) -> Result<(), Misuse> {
        let session = self.session(id).ok_or(Misuse::UnknownSession(id))?;
        if session.is_ringing() { Ok(()) } else { Err(Misuse::WrongStatus(session.status())) }
    }

    fn not_ending(&self, id: SessionId) -> Result<(), Misuse> {
        match self.status(id) {
            Some(ending @ (Status::Terminating | Status::Idle)) => Err(Misuse::WrongStatus(ending)),
            Some(_) => Ok(()),
            None => Err(Misuse::UnknownSession(id)),
        }
    }

    fn established(&self, id: SessionId) -> Result<(), Misuse> {
        match self.status(id) {
            Some(Status::Established) => Ok(()),
            Some(other) => Err(Misuse::WrongStatus(other)),
            None => Err(Misuse::UnknownSession(id)),
        }
    }
}
