//! The ledger of digits: each digit that a user sends is sent once or reported failed, in order; and the other end
//! hears each that was sent once, and none that was not.

use std::collections::{BTreeMap, VecDeque};

use offhook::{Command, DtmfPath, Event};

use super::{Oracle, Scene, Sight, session_of};
use crate::media::End;

#[derive(Default)]
pub(super) struct Digits {
    calls: BTreeMap<End, Ledger>,
}

#[derive(Default)]
struct Ledger {
    /// Asked for and not reported yet.
    waiting: VecDeque<char>,
    /// Sent by RTP to this end, and not heard yet.
    coming: VecDeque<char>,
    /// What INFO may have carried to this end, in order.
    info: VecDeque<Carried>,
}

/// A digit that the other end asked to be sent, of which this end may hear by INFO.
struct Carried {
    digit: char,
    heard: bool,
}

impl Oracle for Digits {
    fn name(&self) -> &'static str {
        "digits"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Asked { phone, command: Command::Digits { session, digits, .. }, refused: None } => {
                self.asked(scene, (phone, *session), digits);
                Ok(())
            }
            Sight::Dialled { end, digit, arrives } => self.dialled(end, digit, arrives),
            Sight::Told { phone, event } => match session_of(event) {
                Some(session) => self
                    .told(scene, (phone, session), event)
                    .map_err(|what| format!("{} says {event:?}, but {what}", scene.phones[phone].setup.name)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl Digits {
    fn asked(&mut self, scene: &Scene<'_>, end: End, digits: &str) {
        self.calls.entry(end).or_default().waiting.extend(digits.chars());
        if let Some(peer) = scene.engines.peer(end) {
            let carried = digits.chars().map(|digit| Carried { digit, heard: false });
            self.calls.entry(peer).or_default().info.extend(carried);
        }
    }

    fn dialled(&mut self, end: End, digit: char, arrives: Option<End>) -> Result<(), String> {
        if self.calls.get(&end).and_then(|ledger| ledger.waiting.front()) != Some(&digit) {
            return Err(format!("{digit} is sent out of turn in call {}", end.1));
        }
        if let Some(peer) = arrives {
            self.calls.entry(peer).or_default().coming.push_back(digit);
        }
        Ok(())
    }

    fn told(&mut self, scene: &Scene<'_>, end: End, event: &Event) -> Result<(), String> {
        match event {
            Event::DigitSent { digit, path, .. } => {
                self.reported(end, *digit)?;
                match scene.engines.peer(end) {
                    Some(peer) if *path == DtmfPath::Info => self.must_have_heard(peer, *digit),
                    _ => Ok(()),
                }
            }
            Event::DigitFailed { digit, .. } => self.reported(end, *digit),
            Event::Digit { digit, path: DtmfPath::Info, .. } => self.heard_info(end, *digit),
            Event::Digit { digit, .. } => {
                let next = self.calls.entry(end).or_default().coming.pop_front();
                if next == Some(*digit) { Ok(()) } else { Err(format!("{next:?} comes next")) }
            }
            Event::Ended { .. } => match self.calls.remove(&end).map(|ledger| ledger.waiting) {
                Some(waiting) if !waiting.is_empty() => Err(format!("nothing was said of {waiting:?}")),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn reported(&mut self, end: End, digit: char) -> Result<(), String> {
        let next = self.calls.entry(end).or_default().waiting.pop_front();
        if next == Some(digit) { Ok(()) } else { Err(format!("{next:?} comes next")) }
    }

    /// Takes the first that fits and was not heard; earlier ones were lost, or went by RTP.
    fn heard_info(&mut self, end: End, digit: char) -> Result<(), String> {
        let ledger = self.calls.entry(end).or_default();
        let after_last = ledger.info.iter().rposition(|carried| carried.heard).map_or(0, |at| at + 1);
        match ledger.info.range_mut(after_last..).find(|carried| carried.digit == digit) {
            Some(carried) => carried.heard = true,
            None => return Err("nobody sent it, or it was heard before".to_owned()),
        }
        Ok(())
    }

    /// The INFO was answered with 2xx: the other end told its user.
    fn must_have_heard(&mut self, peer: End, digit: char) -> Result<(), String> {
        let Some(ledger) = self.calls.get_mut(&peer) else { return Ok(()) };
        match ledger.info.iter().position(|carried| carried.heard) {
            Some(at) if ledger.info[at].digit == digit => {
                ledger.info.drain(..=at);
                Ok(())
            }
            _ => Err("the other end did not hear it".to_owned()),
        }
    }
}
