//! Each digit of a command is sent once or reported as failed, in order; the other end receives each sent digit once, and no other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use offhook::{CallCommand, Command, DtmfPath, Status};
use offhook_wire::{Instant, Method};

use super::{Observation, Oracle, WorldView};
use crate::media::End;
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct Digits {
    calls: BTreeMap<End, Ledger>,
    /// The last received INFO.
    last_info: Option<Info>,
    /// INFOs that were challenged. A proxy may have forwarded such an INFO before: if it lost its state, or the sender has another
    /// address now, it challenges the retransmission, and a new INFO follows (RFC 3261 §22.3).
    challenged: BTreeSet<Info>,
}

/// The Call-ID and the CSeq number of an INFO.
type Info = (u64, u32);

#[derive(Default)]
struct Ledger {
    /// Digits without an outcome. They are sent one after another: the first one is being sent.
    waiting: VecDeque<char>,
    /// Digits sent to this end by RTP and not reported yet.
    coming: VecDeque<Coming>,
    /// The INFO by which the other end received the first waiting digit.
    heard: Option<Info>,
    /// Digits reported as failed and not received. An INFO may arrive late, or its response may be lost.
    failed: Vec<char>,
    /// Digits received by INFO while the media of this end had no peer: the accepted branch may be renegotiated meanwhile.
    unassigned: Vec<char>,
}

/// A digit that reached the engine of this end.
struct Coming {
    digit: char,
    /// The deadline of its event; `None` if it may be lost, because the engine may not have had the keys.
    due: Option<Instant>,
}

/// The limit from the arrival of a digit at an engine to its event: the longest digit lasts 6 s.
const LATEST: Duration = Duration::from_secs(8);

impl Oracle for Digits {
    fn name(&self) -> &'static str {
        "digits"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command {
                phone,
                command: Command::Call { session, command: CallCommand::Digits { digits, .. } },
                refused: None,
            } => {
                self.on_command((phone, *session), digits);
                Ok(())
            }
            Observation::Received { message: Some(message), .. } if message.of == Method::Info => {
                let info = (message.dialog.call, message.number);
                match message.status() {
                    None => self.last_info = Some(info),
                    Some(401 | 407) => drop(self.challenged.insert(info)),
                    Some(_) => {}
                }
                Ok(())
            }
            Observation::DigitSent { end, digit, arrives } => {
                self.on_digit_sent(view.now, end, digit, arrives)
            }
            Observation::DigitArrived { end, digit, decodable } => {
                let (phone, session) = end;
                let talks = view.phones[phone].calls.get(&session);
                let talks = talks.is_some_and(|call| call.status == Status::Established);
                let due = (decodable && talks).then(|| view.now + LATEST);
                self.calls.entry(end).or_default().coming.push_back(Coming { digit, due });
                Ok(())
            }
            Observation::Audio(probe) if probe.time_stopped => {
                self.extend_deadlines(view.now, probe.end);
                Ok(())
            }
            Observation::Audio(probe) => self.overdue(view, probe.end),
            Observation::Event { phone, event } => match told(event) {
                Some((session, told)) => self.on_told(view, (phone, session), told).map_err(|what| {
                    format!("{} reports `{event}`, but {what}", view.phones[phone].setup.name)
                }),
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
            return Err(format!("digit {digit} is sent out of order in call {}", end.1));
        }
        if let Some(peer) = arrives {
            let due = Some(now + LATEST);
            self.calls.entry(peer).or_default().coming.push_back(Coming { digit, due });
        }
        Ok(())
    }

    /// Extends the deadlines while the clock of this engine is stopped: it needs the time to detect the end of a digit whose last
    /// packets were lost.
    fn extend_deadlines(&mut self, now: Instant, end: End) {
        let coming = self.calls.get_mut(&end).into_iter().flat_map(|ledger| &mut ledger.coming);
        coming.filter_map(|next| next.due.as_mut()).for_each(|due| *due = now + LATEST);
    }

    /// Checks that a digit that arrived at an engine was reported.
    fn overdue(&self, view: &WorldView<'_>, end: End) -> Result<(), String> {
        let coming = self.calls.get(&end).and_then(|ledger| ledger.coming.front());
        match coming {
            Some(Coming { digit, due: Some(due) }) if *due < view.now => {
                let name = &view.phones[end.0].setup.name;
                Err(format!("digit {digit} arrived at call {} of {name}, but was not reported", end.1))
            }
            _ => Ok(()),
        }
    }

    fn on_told(&mut self, view: &WorldView<'_>, end: End, told: Told<'_>) -> Result<(), String> {
        match told {
            Told::DigitDone { digit, path: Some(path) } => {
                let heard = self.reported(end, digit)?.is_some();
                // Without a peer there is no ledger to compare with.
                let known = view.engines.peer(end).is_some_and(|peer| !is_corrupted(view, end, peer));
                if path == DtmfPath::Info && !heard && known && !self.was_unassigned(view, end, digit) {
                    return Err("the other end did not receive it".to_owned());
                }
                Ok(())
            }
            Told::DigitDone { digit, path: None } => {
                let heard = self.reported(end, digit)?;
                // A challenged INFO was sent again, and may arrive yet.
                if heard.is_none_or(|info| self.challenged.contains(&info)) {
                    self.calls.entry(end).or_default().failed.push(digit);
                }
                Ok(())
            }
            Told::Digit { digit, path: DtmfPath::Info } => match view.engines.peer(end) {
                Some(peer) => match self.info_received(peer, digit) {
                    Err(_) if is_corrupted(view, end, peer) => Ok(()),
                    heard => heard,
                },
                None => {
                    self.calls.entry(end).or_default().unassigned.push(digit);
                    Ok(())
                }
            },
            Told::Digit { digit, .. } => {
                let coming = &mut self.calls.entry(end).or_default().coming;
                while coming.front().is_some_and(|next| next.due.is_none() && next.digit != digit) {
                    coming.pop_front();
                }
                let next = coming.pop_front().map(|next| next.digit);
                if next == Some(digit) { Ok(()) } else { Err(expected(next)) }
            }
            Told::Ended(_) => match self.calls.remove(&end).map(|ledger| ledger.waiting) {
                Some(waiting) if !waiting.is_empty() => {
                    let digits: String = waiting.into_iter().collect();
                    Err(format!("digits {digits} have no outcome"))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Whether the other end received this digit by INFO before its media had a peer. Such a digit counts once.
    fn was_unassigned(&mut self, view: &WorldView<'_>, end: End, digit: char) -> bool {
        let peer = view.engines.peer(end).and_then(|peer| self.calls.get_mut(&peer));
        peer.is_some_and(|ledger| {
            let at = ledger.unassigned.iter().position(|received| *received == digit);
            at.map(|at| ledger.unassigned.swap_remove(at)).is_some()
        })
    }

    /// Records the outcome of a digit. Returns the INFO by which the other end received it.
    fn reported(&mut self, end: End, digit: char) -> Result<Option<Info>, String> {
        let ledger = self.calls.entry(end).or_default();
        let next = ledger.waiting.pop_front();
        if next == Some(digit) {
            return Ok(ledger.heard.take());
        }
        Err(expected(next))
    }

    /// Records that a digit of `sender` was received by INFO: the one being sent, once, or late one that was reported as failed.
    fn info_received(&mut self, sender: End, digit: char) -> Result<(), String> {
        let Some(ledger) = self.calls.get_mut(&sender) else { return Err("it was not sent".to_owned()) };
        let again = ledger.heard.as_ref().is_none_or(|before| self.challenged.contains(before));
        if again && ledger.waiting.front() == Some(&digit) {
            ledger.heard = self.last_info;
            return Ok(());
        }
        match ledger.failed.iter().position(|failed| *failed == digit) {
            Some(at) => {
                ledger.failed.remove(at);
                Ok(())
            }
            None if ledger.heard.is_some() => Err("it was received before".to_owned()),
            None => Err("it was not sent".to_owned()),
        }
    }
}

/// The digit that should have been reported.
fn expected(next: Option<char>) -> String {
    next.map_or("no digit is next".to_owned(), |next| format!("{next} is next"))
}

/// Whether a message of a call was corrupted, at either end.
fn is_corrupted(view: &WorldView<'_>, one: End, other: End) -> bool {
    view.corrupted_calls.of_end(one) || view.corrupted_calls.of_end(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    #[test]
    fn each_digit_is_received_once_and_in_order() {
        let world = World::builder().phone("alice").cold();
        let end: End = (0, world.phone("alice").next_session());
        let mut ledger = Digits::default();
        ledger.on_command(end, "1122");
        let infos = [(0, 1), (0, 2)];
        ledger.last_info = Some(infos[0]);
        assert_eq!(ledger.info_received(end, '1'), Ok(()));
        assert!(ledger.info_received(end, '1').is_err(), "twice, before its outcome");
        ledger.challenged.insert(infos[0]);
        ledger.last_info = Some(infos[1]);
        assert_eq!(ledger.info_received(end, '1'), Ok(()), "a proxy challenged the INFO after forwarding it");
        assert!(ledger.info_received(end, '1').is_err(), "twice, without a challenge");
        assert_eq!(ledger.reported(end, '1'), Ok(Some(infos[1])));
        assert!(ledger.info_received(end, '2').is_err(), "the second 1 is next");
        assert_eq!(ledger.reported(end, '1'), Ok(None), "not received");
        ledger.calls.entry(end).or_default().failed.push('1');
        assert_eq!(ledger.info_received(end, '2'), Ok(()));
        assert_eq!(ledger.info_received(end, '1'), Ok(()), "late, after it failed");
        assert!(ledger.info_received(end, '1').is_err(), "late and twice");
        assert!(ledger.reported(end, '9').is_err(), "without a command");
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
