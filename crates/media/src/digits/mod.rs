//! Digits: telephone-events (RFC 4733) in both directions, and in-band DTMF.

mod detector;
mod keypad;
mod receiver;
mod sender;

pub(crate) use detector::DtmfDetector;
pub(crate) use keypad::{ReceivedDigit, event_code};
pub(crate) use receiver::EventReceiver;
pub(crate) use sender::EventSender;
