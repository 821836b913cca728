//! The ledger of digits: each digit that a user sends is sent once or reported failed, in order; and the other end
//! hears each that was sent once, and none that was not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use offhook::{Command, DtmfPath, Event, Status};
use offhook_wire::{Instant, Method};

use super::{Observation, Oracle, WorldView, session_of};
use crate::media::End;

#[derive(Default)]
pub(super) struct Digits {
    calls: BTreeMap<End, Ledger>,
    /// The INFO that came in last.
    came: Option<Info>,
    /// Those whose sender was asked for credentials. Somebody on the way may have passed it on before: who forgot that, or does not
    /// know the sender by his new address, asks when it comes again, and then another one follows (RFC 3261 §22.3).
    challenged: BTreeSet<Info>,
}

/// By what an INFO is told apart from the next: the Call-ID and the number.
type Info = (u64, u32);

#[derive(Default)]
struct Ledger {
    /// Asked for and not reported yet. Digits go one after another: the first one is on its way.
    waiting: VecDeque<char>,
    /// Sent by RTP to this end, and not heard yet.
    coming: VecDeque<Coming>,
    /// By which INFO the other end heard the first waiting one.
    heard: Option<Info>,
    /// Reported failed, and not heard. An INFO may come late, or its answer be lost.
    failed: Vec<char>,
}

/// A digit that reached the engine of this end.
struct Coming {
    digit: char,
    /// When it must be heard by; `None` when it may be lost, because the engine may have had no keys for it yet.
    due: Option<Instant>,
}

/// How long a digit that reached an engine may take to its user: the longest is 6 s.
const LATEST: Duration = Duration::from_secs(8);

impl Oracle for Digits {
    fn name(&self) -> &'static str {
        "digits"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        match *sight {
            Observation::Command {
                phone,
                command: Command::Digits { session, digits, .. },
                refused: None,
            } => {
                self.on_command((phone, *session), digits);
                Ok(())
            }
            Observation::Received { message: Some(message), .. } if message.of == Method::Info => {
                let info = (message.dialog.call, message.number);
                match message.status() {
                    None => self.came = Some(info),
                    Some(401 | 407) => drop(self.challenged.insert(info)),
                    Some(_) => {}
                }
                Ok(())
            }
            Observation::DigitSent { end, digit, arrives } => {
                self.on_digit_sent(view.now, end, digit, arrives)
            }
            Observation::DigitArrived { end, digit, understood } => {
                let (phone, session) = end;
                let talks = view.phones[phone].calls.get(&session);
                let talks = talks.is_some_and(|call| call.status == Status::Established);
                let due = (understood && talks).then(|| view.now + LATEST);
                self.calls.entry(end).or_default().coming.push_back(Coming { digit, due });
                Ok(())
            }
            Observation::Audio(probe) if probe.time_stopped => {
                self.wait(view.now, probe.end);
                Ok(())
            }
            Observation::Audio(probe) => self.overdue(view, probe.end),
            Observation::Event { phone, event } => match session_of(event) {
                Some(session) => self
                    .on_event(view, (phone, session), event)
                    .map_err(|what| format!("{} says {event:?}, but {what}", view.phones[phone].setup.name)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl Digits {
    fn on_command(&mut self, end: End, digits: &str) {
        self.calls.entry(end).or_default().waiting.extend(digits.chars());
    }

    fn on_digit_sent(
        &mut self,
        now: Instant,
        end: End,
        digit: char,
        arrives: Option<End>,
    ) -> Result<(), String> {
        if self.calls.get(&end).and_then(|ledger| ledger.waiting.front()) != Some(&digit) {
            return Err(format!("{digit} is sent out of turn in call {}", end.1));
        }
        if let Some(peer) = arrives {
            let due = Some(now + LATEST);
            self.calls.entry(peer).or_default().coming.push_back(Coming { digit, due });
        }
        Ok(())
    }

    /// Time stands still for the engine of this end, which is how it knows that a digit is over whose last packets were lost.
    fn wait(&mut self, now: Instant, end: End) {
        let coming = self.calls.get_mut(&end).into_iter().flat_map(|ledger| &mut ledger.coming);
        coming.filter_map(|next| next.due.as_mut()).for_each(|due| *due = now + LATEST);
    }

    /// A digit that reached an engine is heard by its user.
    fn overdue(&self, view: &WorldView<'_>, end: End) -> Result<(), String> {
        let coming = self.calls.get(&end).and_then(|ledger| ledger.coming.front());
        match coming {
            Some(Coming { digit, due: Some(due) }) if *due < view.now => {
                let name = &view.phones[end.0].setup.name;
                Err(format!("{digit} reached call {} of {name}, and nobody was told", end.1))
            }
            _ => Ok(()),
        }
    }

    fn on_event(&mut self, view: &WorldView<'_>, end: End, event: &Event) -> Result<(), String> {
        match event {
            Event::DigitSent { digit, path, .. } => {
                let heard = self.reported(end, *digit)?;
                // Without the other end, its ledger cannot have been written.
                let known = view.engines.peer(end).is_some_and(|peer| !is_corrupted(view, end, peer));
                if *path == DtmfPath::Info && !heard && known {
                    return Err("the other end did not hear it".to_owned());
                }
                Ok(())
            }
            Event::DigitFailed { digit, .. } => {
                let heard = self.reported(end, *digit)?;
                if !heard {
                    self.calls.entry(end).or_default().failed.push(*digit);
                }
                Ok(())
            }
            Event::Digit { digit, path: DtmfPath::Info, .. } => match view.engines.peer(end) {
                Some(peer) => match self.heard_info(peer, *digit) {
                    Err(_) if is_corrupted(view, end, peer) => Ok(()),
                    heard => heard,
                },
                None => Ok(()),
            },
            Event::Digit { digit, .. } => {
                let coming = &mut self.calls.entry(end).or_default().coming;
                while coming.front().is_some_and(|next| next.due.is_none() && next.digit != *digit) {
                    coming.pop_front();
                }
                let next = coming.pop_front().map(|next| next.digit);
                if next == Some(*digit) { Ok(()) } else { Err(format!("{next:?} comes next")) }
            }
            Event::Ended { .. } => match self.calls.remove(&end).map(|ledger| ledger.waiting) {
                Some(waiting) if !waiting.is_empty() => Err(format!("nothing was said of {waiting:?}")),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// One digit has its outcome. Returns whether the other end heard it by INFO.
    fn reported(&mut self, end: End, digit: char) -> Result<bool, String> {
        let ledger = self.calls.entry(end).or_default();
        let next = ledger.waiting.pop_front();
        if next == Some(digit) {
            return Ok(ledger.heard.take().is_some());
        }
        Err(format!("{next:?} comes next"))
    }

    /// Something that `sender` sent was heard by INFO: what is on its way, once, or late what was given up.
    fn heard_info(&mut self, sender: End, digit: char) -> Result<(), String> {
        let Some(ledger) = self.calls.get_mut(&sender) else { return Err("nobody sent it".to_owned()) };
        let again = ledger.heard.as_ref().is_none_or(|before| self.challenged.contains(before));
        if again && ledger.waiting.front() == Some(&digit) {
            ledger.heard = self.came;
            return Ok(());
        }
        match ledger.failed.iter().position(|failed| *failed == digit) {
            Some(at) => {
                ledger.failed.remove(at);
                Ok(())
            }
            None if ledger.heard.is_some() => Err("it was heard before".to_owned()),
            None => Err("nobody sent it".to_owned()),
        }
    }
}

/// Whether a message of a call was harmed, as either end knows it.
fn is_corrupted(view: &WorldView<'_>, one: End, other: End) -> bool {
    view.corrupted_calls.of_end(one) || view.corrupted_calls.of_end(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    #[test]
    fn each_digit_is_heard_once_and_in_its_turn() {
        let world = World::builder().phone("alice").cold();
        let end: End = (0, world.phone("alice").next_session());
        let mut ledger = Digits::default();
        ledger.on_command(end, "1122");
        let infos = [(0, 1), (0, 2)];
        ledger.came = Some(infos[0]);
        assert_eq!(ledger.heard_info(end, '1'), Ok(()));
        assert!(ledger.heard_info(end, '1').is_err(), "twice, before its outcome");
        ledger.challenged.insert(infos[0]);
        ledger.came = Some(infos[1]);
        assert_eq!(
            ledger.heard_info(end, '1'),
            Ok(()),
            "a proxy wanted credentials, and had passed on the one without"
        );
        assert!(ledger.heard_info(end, '1').is_err(), "twice, and nobody wanted any");
        assert_eq!(ledger.reported(end, '1'), Ok(true));
        assert!(ledger.heard_info(end, '2').is_err(), "the second 1 is to come");
        assert_eq!(ledger.reported(end, '1'), Ok(false), "nobody heard it");
        ledger.calls.entry(end).or_default().failed.push('1');
        assert_eq!(ledger.heard_info(end, '2'), Ok(()));
        assert_eq!(ledger.heard_info(end, '1'), Ok(()), "late, after it was given up");
        assert!(ledger.heard_info(end, '1').is_err(), "late and twice");
        assert!(ledger.reported(end, '9').is_err(), "nobody asked for it");
    }

    #[test]
    fn rtp_digits_leave_in_order() {
        let world = World::builder().phone("alice").cold();
        let end: End = (0, world.phone("alice").next_session());
        let mut ledger = Digits::default();
        ledger.on_command(end, "12");
        let now = Instant::ZERO;
        assert!(ledger.on_digit_sent(now, end, '2', None).is_err());
        assert_eq!(ledger.on_digit_sent(now, end, '1', None), Ok(()));
    }
}
