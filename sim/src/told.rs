//! What events tell of calls. No other file of the simulator reads the events of a call, so that a new one changes only this file and
//! what checks it.

use offhook::{
    AccountId, CallEvent, DtmfPath, EndReason, Event, MediaTypes, SessionId, Status, TransferState,
};

/// What an event tells of a call.
#[derive(Copy, Clone, Debug)]
pub enum Told<'a> {
    /// It is a new call from a peer.
    Incoming {
        /// The account that received it.
        account: AccountId,
        /// The types of media that an answer could have.
        types: Option<MediaTypes>,
    },
    /// It is a new call that the peer of another call asked for.
    Referred {
        /// The other call.
        by: SessionId,
        /// The target.
        target: &'a str,
    },
    /// Its status changed.
    Status {
        /// The status before.
        from: Status,
        /// The status now.
        to: Status,
        /// Why it ends, if it does.
        why: Option<&'a EndReason>,
    },
    /// A provisional response was received.
    Progress,
    /// Its hold changed.
    Hold {
        /// Whether this phone holds the peer.
        local: bool,
        /// Whether the peer holds this phone.
        remote: bool,
    },
    /// A hold or resume failed.
    HoldFailed {
        /// Whether it was a hold.
        hold: bool,
        /// The code of the refusal.
        code: Option<u16>,
    },
    /// A restart of the media path has an outcome.
    MediaRestarted {
        /// Whether the peer accepted it.
        accepted: bool,
        /// The code of the refusal.
        code: Option<u16>,
    },
    /// Its types of media.
    MediaTypes {
        /// The agreed ones.
        agreed: MediaTypes,
    },
    /// Other types of media were refused.
    MediaTypesFailed {
        /// The code of the refusal.
        code: Option<u16>,
    },
    /// A digit was received.
    Digit {
        /// The digit.
        digit: char,
        /// How it was received.
        path: DtmfPath,
    },
    /// A digit of a command was sent, or failed.
    DigitDone {
        /// The digit.
        digit: char,
        /// How it was sent; `None` if it failed.
        path: Option<DtmfPath>,
    },
    /// The state of its transfer changed.
    Transfer(TransferState),
    /// The peer asks for a transfer, and the user decides.
    TransferRequested {
        /// The number of the REFER.
        request: u32,
        /// The target.
        target: &'a str,
    },
    /// The transfer can no longer be decided on.
    TransferRequestEnded {
        /// The number of the REFER.
        request: u32,
    },
    /// The INVITE is sent to another target.
    Redirected {
        /// The target.
        target: &'a str,
    },
    /// An INFO without a digit was received.
    Info {
        /// Its package.
        package: Option<&'a str>,
    },
    /// An INFO of a command has an outcome.
    InfoDone {
        /// The number of the command.
        info: u32,
        /// The final response.
        code: Option<u16>,
    },
    /// It has ended.
    Ended(&'a EndReason),
    /// Anything else.
    Other,
}

/// The call of an event, and what the event tells of it. `None` if it is no event of a call.
pub fn told(event: &Event) -> Option<(SessionId, Told<'_>)> {
    let (session, event) = event.of_call()?;
    let told = match event {
        CallEvent::Incoming(incoming) => Told::Incoming { account: incoming.account, types: incoming.types },
        CallEvent::Referred { by, target } => Told::Referred { by: *by, target },
        CallEvent::Status { from, to, why } => Told::Status { from: *from, to: *to, why: why.as_ref() },
        CallEvent::Progress { .. } => Told::Progress,
        CallEvent::Hold { local, remote } => Told::Hold { local: *local, remote: *remote },
        CallEvent::HoldFailed { hold, code } => Told::HoldFailed { hold: *hold, code: *code },
        CallEvent::MediaRestarted { accepted, code } => {
            Told::MediaRestarted { accepted: *accepted, code: *code }
        }
        CallEvent::MediaTypes { agreed } => Told::MediaTypes { agreed: *agreed },
        CallEvent::MediaTypesFailed { code } => Told::MediaTypesFailed { code: *code },
        CallEvent::Digit { digit, path, .. } => Told::Digit { digit: *digit, path: *path },
        CallEvent::DigitSent { digit, path } => Told::DigitDone { digit: *digit, path: Some(*path) },
        CallEvent::DigitFailed { digit, .. } => Told::DigitDone { digit: *digit, path: None },
        CallEvent::Transfer(state) => Told::Transfer(*state),
        CallEvent::TransferRequested { request, target, .. } => {
            Told::TransferRequested { request: *request, target }
        }
        CallEvent::TransferRequestEnded { request } => Told::TransferRequestEnded { request: *request },
        CallEvent::Redirected { target } => Told::Redirected { target },
        CallEvent::Info { package, .. } => Told::Info { package: package.as_deref() },
        CallEvent::InfoOutcome { info, code } => Told::InfoDone { info: *info, code: *code },
        CallEvent::Ended(why) => Told::Ended(why),
        _ => Told::Other,
    };
    Some((session, told))
}
