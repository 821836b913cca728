//! The handle of one call.

use crate::engine::Request;
use crate::media;
use crate::queue::{Queue, Taken};
use crate::{CallEvent, CommandError};
use offhook::{Command, DtmfPath, Incoming, SessionId, Status};
use offhook_media::{ReceivedTone, Recording, Source, Statistics};
use std::fmt;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// One call, in or out.
///
/// Dropping it hangs up: a call that nobody holds is a call that nobody can end. [`Call::detach`] lets it go on
/// until the peer or the phone ends it.
///
/// [`Call::next`] gives the events. At most 256 wait; when more come, the oldest are dropped and their number is
/// told, so a program that does not listen costs memory for no more than that and slows down nothing.
pub struct Call {
    pub(crate) session: SessionId,
    pub(crate) incoming: Option<Incoming>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) events: Queue<CallEvent>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) media: mpsc::Sender<media::Request>,
    /// Takes the name of the call when it is dropped. Unbounded, but each call sends once.
    pub(crate) dropped: Option<mpsc::UnboundedSender<SessionId>>,
}

impl Call {
    /// The name of the call within its phone.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Who calls; `None` for a call of ours.
    pub fn incoming(&self) -> Option<&Incoming> {
        self.incoming.as_ref()
    }

    /// The status at this moment.
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// The next event; `None` after the call has ended, or its phone was stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<CallEvent> {
        Some(match self.events.next().await? {
            Taken::Item(event) => event,
            Taken::Missed(count) => CallEvent::Missed(count),
        })
    }

    /// Takes an incoming call.
    ///
    /// # Errors
    /// [`Misuse`](offhook::Misuse) when it is not one that rings, as all commands below when the call's status
    /// does not allow them; [`CommandError::Stopped`] when the phone is gone.
    pub async fn answer(&self) -> Result<(), CommandError> {
        self.command(Command::Answer { session: self.session }).await
    }

    /// Refuses an incoming call with `code` (300–699): 486 is "busy here", 603 "decline".
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn reject(&self, code: u16) -> Result<(), CommandError> {
        self.command(Command::Reject { session: self.session, code }).await
    }

    /// Ends the call, whatever its status. [`CallEvent::Ended`] follows.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn hang_up(&self) -> Result<(), CommandError> {
        self.command(Command::HangUp { session: self.session }).await
    }

    /// Puts the peer on hold, who hears silence then. [`CallEvent::Hold`] or [`CallEvent::HoldFailed`] follows.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn hold(&self) -> Result<(), CommandError> {
        self.command(Command::Hold { session: self.session }).await
    }

    /// Ends the hold.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn resume(&self) -> Result<(), CommandError> {
        self.command(Command::Resume { session: self.session }).await
    }

    /// Sends digits (`0-9 * # A-D`), one after another, `duration` each (40 ms – 6 s). For each of them
    /// [`CallEvent::DigitSent`] or [`CallEvent::DigitFailed`] follows.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn digits(&self, digits: &str, duration: Duration, path: DtmfPath) -> Result<(), CommandError> {
        self.command(Command::Digits { session: self.session, digits: digits.to_owned(), duration, path })
            .await
    }

    /// Blind transfer: asks the peer to call `target` instead of us. [`CallEvent::Transfer`] tells how it goes; when it
    /// is done, the call ends.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn transfer(&self, target: &str) -> Result<(), CommandError> {
        self.command(Command::Transfer { session: self.session, target: target.to_owned() }).await
    }

    /// Plays something else from now on.
    ///
    /// # Errors
    /// [`CommandError::Stopped`] when the phone is gone, as for all that follow.
    pub async fn play(&self, source: Source) -> Result<(), CommandError> {
        self.tell(media::Request::Play(source)).await
    }

    /// Sends silence instead of what is played, or no longer.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn mute(&self, on: bool) -> Result<(), CommandError> {
        self.tell(media::Request::Mute(on)).await
    }

    /// Adds sound of one's own (48 kHz, mono) to what [`Source::Live`] sends.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn push_audio(&self, samples: Vec<i16>) -> Result<(), CommandError> {
        self.tell(media::Request::Push(samples)).await
    }

    /// Records what is heard, or pauses that.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn record(&self, on: bool) -> Result<(), CommandError> {
        self.tell(media::Request::Record(on)).await
    }

    /// What was recorded since the last time; also after the end of the call.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn take_recording(&self) -> Result<Recording, CommandError> {
        self.ask(media::Request::Recording).await
    }

    /// Counters of both directions; also after the end of the call.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn statistics(&self) -> Result<Statistics, CommandError> {
        self.ask(media::Request::Statistics).await
    }

    /// What is heard at the moment.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn heard(&self) -> Result<ReceivedTone, CommandError> {
        self.ask(media::Request::Heard).await
    }

    /// Lets the call go on without a handle, until the peer or the phone ends it.
    pub fn detach(mut self) {
        self.dropped = None;
    }

    async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Command { command, reply };
        self.requests.send(request).await.map_err(|_| CommandError::Stopped)?;
        Ok(answer.await.map_err(|_| CommandError::Stopped)??)
    }

    async fn tell(&self, request: media::Request) -> Result<(), CommandError> {
        self.media.send(request).await.map_err(|_| CommandError::Stopped)
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<T>) -> media::Request,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.tell(ask(reply)).await?;
        answer.await.map_err(|_| CommandError::Stopped)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.events.discard();
        if let Some(dropped) = self.dropped.take() {
            // A phone that is gone has hung up already.
            let _ = dropped.send(self.session);
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, {})", self.session, self.status())
    }
}
