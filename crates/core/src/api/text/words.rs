//! Words for the values in events and commands.

use crate::{ConnectionFailure, ConnectionState, DigitFailure, DtmfPath, EndReason, EndedBy};
use crate::{MediaFault, MediaTypes, RegistrationState, TransferState};
use offhook_wire::reason_phrase;
use std::fmt;

/// A status code with its reason phrase, in parentheses; nothing without a code.
pub(super) struct InParentheses(pub(super) Option<u16>);

impl fmt::Display for InParentheses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.map(|code| (code, reason_phrase(code))) {
            Some((code, "")) => write!(f, " ({code})"),
            Some((code, phrase)) => write!(f, " ({code} {phrase})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RegistrationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistrationState::Unregistered => f.write_str("unregistered"),
            RegistrationState::Registering { attempt } => write!(f, "registering (attempt {attempt})"),
            RegistrationState::Registered { .. } => f.write_str("registered"),
            RegistrationState::Refreshing => f.write_str("refreshing"),
            RegistrationState::Waiting { attempt, why, .. } => {
                write!(f, "waiting for attempt {attempt}: {}{}", why.cause, InParentheses(why.code))
            }
            RegistrationState::Unregistering => f.write_str("unregistering"),
            RegistrationState::Failed(why) => {
                write!(f, "registration failed: {}{}", why.cause, InParentheses(why.code))
            }
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionState::Connecting => f.write_str("connecting"),
            ConnectionState::Up => f.write_str("connected"),
            ConnectionState::Down(why) => write!(f, "connection lost: {why}"),
        }
    }
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectionFailure::Unreachable => "unreachable",
            ConnectionFailure::Untrusted => "untrusted certificate",
            ConnectionFailure::Refused => "refused",
            ConnectionFailure::Closed => "closed",
            ConnectionFailure::TimedOut => "timed out",
        })
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            EndedBy::Us => "us",
            EndedBy::Peer => "the peer",
            EndedBy::Network => "the network",
        };
        write!(f, "ended by {by}: {}{}", self.cause, InParentheses(self.code))
    }
}

impl fmt::Display for TransferState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferState::Trying => f.write_str("requested"),
            TransferState::Progress { code } => write!(f, "progress {code}"),
            TransferState::Done => f.write_str("done"),
            TransferState::Failed { code } => write!(f, "failed{}", InParentheses(*code)),
        }
    }
}

impl fmt::Display for DtmfPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DtmfPath::Auto => "RTP or INFO",
            DtmfPath::Rtp => "RTP",
            DtmfPath::Info => "INFO",
        })
    }
}

impl fmt::Display for MediaTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.audio, self.video) {
            (true, false) => "audio",
            (false, true) => "video",
            (true, true) => "audio and video",
            (false, false) => "nothing",
        })
    }
}

impl fmt::Display for MediaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MediaFault::NoCommonCodec => "no common codec",
            MediaFault::NoCommonTransport => "no common transport",
            MediaFault::NoCommonMedia => "no common type of media",
            MediaFault::BadDescription => "malformed session description",
            MediaFault::Engine => "the media engine failed",
        })
    }
}

impl fmt::Display for DigitFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DigitFailure::NotSupported => "not supported",
            DigitFailure::Refused => "refused",
            DigitFailure::Media => "media failed",
            DigitFailure::Ended => "the call ended",
        })
    }
}
