//! Commands: checked first, so that a refused one changes nothing.

mod account;
mod call;
mod request;

use super::{Phone, address};
use crate::call::Invitation;
use crate::planted::planted;
use crate::{AccountId, Command, Dial, Input, Instant, Misuse, SessionId, Status};
use bytes::Bytes;

impl Phone {
    /// The identifier of the next call.
    pub fn next_session(&self) -> SessionId {
        SessionId::new(self.sessions.vacant_key(), self.generation)
    }

    /// Makes a call. Without a connection it ends immediately with [`Cause::NotConnected`](crate::Cause).
    ///
    /// # Errors
    /// If there is no such account, the call limit is reached, the address or a header field is malformed, or `types` is empty.
    pub fn dial(&mut self, now: Instant, dial: Dial) -> Result<SessionId, Misuse> {
        let session = self.next_session();
        self.handle(now, Input::Command(Command::Dial { session, dial }))?;
        Ok(session)
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
            Command::Account { account, command } => self.account_command(account, command),
            Command::Dial { session, dial } => self.dial_command(session, &dial),
            Command::Call { session, command } => self.call_command(session, command),
            Command::Request { request, send } => self.request_command(request, send),
        }
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
        let headers = address::checked_headers(&dial.headers)?;
        if dial.types.is_empty() {
            return Err(Misuse::NoMediaTypes);
        }
        let id = self.new_session();
        self.start(id, dial.account, Invitation { uri, headers, types: dial.types }, None);
        Ok(())
    }

    fn address(&self, account: AccountId, to: &str) -> Result<Bytes, Misuse> {
        address::target(to, &self.config.accounts[usize::from(account.0)].aor)
    }
}
