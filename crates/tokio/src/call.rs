//! The handle of one call.

use crate::media;
use crate::queue::{Popped, Queue};
use crate::{CallUpdate, CommandError};
use bytes::Bytes;
use offhook::{
    Account, AccountId, CallCommand, Command, Dial, DtmfPath, Incoming, MediaTypes, Misuse, RequestOutcome,
    SessionId, Status,
};
use offhook_media::{ReceivedTone, Recording, Source, Statistics};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// A request of a handle to the task of the phone.
pub(crate) enum Request {
    Command { command: Command, reply: oneshot::Sender<Result<(), Misuse>> },
    Dial { dial: Dial, reply: oneshot::Sender<Result<Call, Misuse>> },
    Send { send: offhook::Request, reply: oneshot::Sender<Result<RequestOutcome, Misuse>> },
    AddAccount { config: Box<Account>, reply: oneshot::Sender<Result<AccountId, Misuse>> },
    ReplaceAccount { account: AccountId, config: Box<Account>, reply: oneshot::Sender<Result<(), Misuse>> },
}

/// One call, incoming or outgoing.
///
/// Several branches of an outgoing call may send early media at the same time (RFC 3261 §13.2.2.4), each in a media session of its own.
/// What the call plays is sent to all of them. Updates, recording, statistics and the received tone are those of one session: that of the
/// branch that was accepted; before that, of the last one with early media that continues.
///
/// Dropping it hangs up. [`Call::detach`] lets the call continue until the peer or the phone ends it.
///
/// [`Call::next`] returns its updates. At most 256 are queued; beyond that the oldest are dropped and their number is reported, so that a
/// program that does not read them delays nothing.
pub struct Call {
    pub(crate) session: SessionId,
    pub(crate) incoming: Option<Incoming>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) updates: Queue<CallUpdate>,
    /// The number of the next INFO.
    pub(crate) infos: AtomicU32,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) media: mpsc::Sender<media::Request>,
    /// Receives the id of the call when it is dropped. Unbounded, but each call sends once.
    pub(crate) dropped: Option<mpsc::UnboundedSender<SessionId>>,
}

impl Call {
    /// The id of the call within its phone.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The caller; `None` for an outgoing call.
    pub fn incoming(&self) -> Option<&Incoming> {
        self.incoming.as_ref()
    }

    /// The present status.
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// What happens next; `None` after the call has ended or its phone was stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<CallUpdate> {
        Some(match self.updates.next().await? {
            Popped::Item(update) => update,
            Popped::Missed(count) => CallUpdate::Missed(count),
        })
    }

    /// Answers an incoming call.
    ///
    /// # Errors
    /// [`Misuse`](offhook::Misuse) if it is not ringing (for the commands below: if the status does not allow the command);
    /// [`CommandError::Stopped`] if the phone was stopped.
    pub async fn answer(&self) -> Result<(), CommandError> {
        self.command(CallCommand::Answer).await
    }

    /// Sends early media to the caller before the call is answered: a 183 with a description, reliably if the caller supports that
    /// (RFC 3262). What the call plays is heard by the caller, and [`Call::answer`] continues the same media.
    ///
    /// # Errors
    /// As [`Call::answer`]; [`Misuse::NoEarlyMedia`](offhook::Misuse) if it was sent already, or the INVITE has no offer and its sender
    /// does not support reliable provisional responses.
    pub async fn early_media(&self) -> Result<(), CommandError> {
        self.command(CallCommand::EarlyMedia).await
    }

    /// Refuses an incoming call with `code` (300–699): 486 is "busy here", 603 "decline".
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn reject(&self, code: u16) -> Result<(), CommandError> {
        self.command(CallCommand::Reject { code }).await
    }

    /// Ends the call in any status. The event `Ended` follows.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn hang_up(&self) -> Result<(), CommandError> {
        self.command(CallCommand::HangUp).await
    }

    /// Puts the peer on hold; silence is sent to it. The event `Hold` or `HoldFailed` follows.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn hold(&self) -> Result<(), CommandError> {
        self.command(CallCommand::Hold).await
    }

    /// Ends the hold.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn resume(&self) -> Result<(), CommandError> {
        self.command(CallCommand::Resume).await
    }

    /// Restarts ICE (RFC 8445 §9): offers the media again with new ICE credentials, on the local addresses that the machine has now. The
    /// event `MediaRestarted` follows; media continues on the old path until the new one is found.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn restart_media(&self) -> Result<(), CommandError> {
        self.command(CallCommand::RestartMedia).await
    }

    /// Sends digits (`0-9 * # A-D`), one after another, `duration` each (40 ms – 6 s). For each of them
    /// the event `DigitSent` or `DigitFailed` follows.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn digits(&self, digits: &str, duration: Duration, path: DtmfPath) -> Result<(), CommandError> {
        self.command(CallCommand::Digits { digits: digits.to_owned(), duration, path }).await
    }

    /// Blind transfer (RFC 5589 §6): asks the peer to call `target`. The event `Transfer` reports the progress; after success the call
    /// ends.
    ///
    /// # Errors
    /// As [`Call::answer`].
    pub async fn transfer(&self, target: &str) -> Result<(), CommandError> {
        self.command(CallCommand::Transfer { target: target.to_owned() }).await
    }

    /// Accepts the transfer that the peer requested: the phone calls its target, and
    /// [`PhoneEvent::Referred`](crate::PhoneEvent::Referred) follows. `request` is that of the event `TransferRequested`.
    ///
    /// # Errors
    /// As [`Call::answer`]; [`Misuse::NoTransferRequest`](offhook::Misuse) if no request waits for a decision.
    pub async fn accept_transfer(&self, request: u32) -> Result<(), CommandError> {
        self.command(CallCommand::AcceptTransfer { request }).await
    }

    /// Rejects the transfer that the peer requested.
    ///
    /// # Errors
    /// As [`Call::accept_transfer`].
    pub async fn reject_transfer(&self, request: u32) -> Result<(), CommandError> {
        self.command(CallCommand::RejectTransfer { request }).await
    }

    /// Sends an INFO (RFC 6086) with an Info Package that the peer supports, or without one. Returns its number; the event `InfoOutcome`
    /// with this number follows.
    ///
    /// # Errors
    /// As [`Call::answer`]; and if the peer does not support the package, or the body is too large.
    pub async fn info(
        &self,
        package: Option<&str>,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<u32, CommandError> {
        let info = self.infos.fetch_add(1, Ordering::Relaxed);
        let (package, content_type) = (package.map(str::to_owned), content_type.to_owned());
        self.command(CallCommand::Info { info, package, content_type, body: body.into() }).await?;
        Ok(info)
    }

    /// Changes what is played.
    ///
    /// # Errors
    /// [`CommandError::Stopped`] if the phone was stopped.
    pub async fn play(&self, source: Source) -> Result<(), CommandError> {
        self.send_media(media::Request::Play(source)).await
    }

    /// Mutes (`true`) or unmutes the sent audio: silence is sent instead.
    ///
    /// # Errors
    /// As [`Call::hang_up`], and if the call is ending.
    pub async fn mute(&self, on: bool) -> Result<(), CommandError> {
        let types = if on { MediaTypes::AUDIO } else { MediaTypes::NONE };
        self.command(CallCommand::Mute { types }).await
    }

    /// Queues audio (48 kHz, mono) for [`Source::Live`].
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn push_audio(&self, samples: Vec<i16>) -> Result<(), CommandError> {
        self.send_media(media::Request::Push(samples)).await
    }

    /// Starts or pauses the recording of the received audio.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn record(&self, on: bool) -> Result<(), CommandError> {
        self.send_media(media::Request::Record(on)).await
    }

    /// The audio recorded since the last call of this function; also after the end of the call.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn take_recording(&self) -> Result<Recording, CommandError> {
        self.request_media(media::Request::Recording).await
    }

    /// Counters of both directions; also after the end of the call.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn statistics(&self) -> Result<Statistics, CommandError> {
        self.request_media(media::Request::Statistics).await
    }

    /// The tone and level received at present.
    ///
    /// # Errors
    /// As [`Call::play`].
    pub async fn heard(&self) -> Result<ReceivedTone, CommandError> {
        self.request_media(media::Request::ReceivedTone).await
    }

    /// Lets the call continue without a handle, until the peer or the phone ends it.
    pub fn detach(mut self) {
        self.dropped = None;
    }

    async fn command(&self, command: CallCommand) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Call { session: self.session, command };
        let request = Request::Command { command, reply };
        self.requests.send(request).await.map_err(|_| CommandError::Stopped)?;
        Ok(answer.await.map_err(|_| CommandError::Stopped)??)
    }

    async fn send_media(&self, request: media::Request) -> Result<(), CommandError> {
        self.media.send(request).await.map_err(|_| CommandError::Stopped)
    }

    async fn request_media<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> media::Request,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send_media(request(reply)).await?;
        answer.await.map_err(|_| CommandError::Stopped)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.updates.discard();
        if let Some(dropped) = self.dropped.take() {
            // A stopped phone has hung up already.
            let _ = dropped.send(self.session);
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, {})", self.session, self.status())
    }
}
