//! The phones of the scenario: the recorded ones, and one for each of their peers.

use super::steps::whole_millis;
use crate::recording::{EntryKind, PhoneRecording};
use crate::replay::{Observation, ObservationKind, Replay};
use crate::text::Seconds;
use offhook::{
    Account, AccountEvent, Cause, EffectResult, Event, Input, Instant, Limits, RegistrationState, Transport,
};
use offhook_wire::{Message, Method};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

pub(super) struct Participants {
    names: BTreeSet<String>,
    /// The recorded ones first, in the order of the recording.
    phones: Vec<Member>,
    recorded: usize,
    exchanges: usize,
    /// The options of a peer: its delay is that of the recorded phones.
    peers: String,
}

struct Member {
    name: String,
    user: String,
    /// The options after its name.
    options: String,
}

impl Participants {
    pub(super) fn of(replays: &[(&PhoneRecording, &Replay)]) -> Self {
        let servers = |(recording, _): &(&PhoneRecording, &Replay)| {
            recording.config.accounts.first().map(|a| a.servers.len())
        };
        let exchanges = replays.iter().filter_map(servers).max().unwrap_or(1).clamp(1, 2);
        let peers =
            format!(" ws{}", delay(replays.iter().filter_map(|(_, replay)| round_trip(replay)).max()));
        let (names, phones) = (BTreeSet::new(), Vec::new());
        let mut participants = Self { names, phones, recorded: replays.len(), exchanges, peers };
        participants.names.extend((0..exchanges).map(exchange));
        for (recording, replay) in replays {
            let account = recording.config.accounts.first();
            let user = account.map_or_else(|| recording.name.clone(), |account| user_of(&account.aor));
            let options =
                account.map_or_else(|| " ws".to_owned(), |account| options(account, recording, replay));
            participants.add(&recording.name, &user, options);
        }
        participants
    }

    pub(super) fn name(&self, phone: usize) -> &str {
        &self.phones[phone].name
    }

    pub(super) fn user(&self, phone: usize) -> &str {
        &self.phones[phone].user
    }

    pub(super) fn first_exchange() -> String {
        exchange(0)
    }

    /// Whether a user is that of a recorded phone, whose actions are in its own recording.
    pub(super) fn is_recorded(&self, user: &str) -> bool {
        self.phones[..self.recorded].iter().any(|member| member.user == user)
    }

    /// The phone of a peer that was not recorded.
    pub(super) fn peer(&mut self, user: &str) -> String {
        if let Some(member) = self.phones.iter().find(|member| member.user == user) {
            return member.name.clone();
        }
        self.add(user, user, self.peers.clone())
    }

    fn add(&mut self, name: &str, user: &str, options: String) -> String {
        let requested = sanitized(name);
        let numbered = (2..).map(|n| format!("{requested}-{n}"));
        let mut free = std::iter::once(requested.clone()).chain(numbered).filter(|n| !self.names.contains(n));
        let name = free.next().unwrap_or_default();
        self.names.insert(name.clone());
        self.phones.push(Member { name: name.clone(), user: sanitized(user), options });
        name
    }

    pub(super) fn write(&self, out: &mut String) {
        for place in 0..self.exchanges {
            let _ = writeln!(out, "exchange {}", exchange(place));
        }
        for Member { name, user, options } in &self.phones {
            let _ = write!(out, "phone {name}");
            let (transport, rest) =
                options.trim_start().split_once(' ').unwrap_or((options.trim_start(), ""));
            let _ = write!(out, " {transport}");
            if user != name {
                let _ = write!(out, " user={user}");
            }
            let _ = if rest.is_empty() { writeln!(out) } else { writeln!(out, " {rest}") };
        }
    }
}

fn exchange(place: usize) -> String {
    if place == 0 { "pbx".to_owned() } else { format!("pbx{}", place + 1) }
}

fn options(account: &Account, recording: &PhoneRecording, replay: &Replay) -> String {
    let udp = account.servers.first().is_some_and(|server| server.hop.transport == Transport::Udp);
    let mut text = String::from(if udp { " udp" } else { " ws" });
    text += &delay(round_trip(replay));
    if !offers_telephone_event(recording) {
        text += " no-telephone-event";
    }
    let refused = |event: &Event| {
        let state = event.of_account().map(|(_, event)| event);
        matches!(state, Some(AccountEvent::Registration(RegistrationState::Failed(why))) if why.cause == Cause::Unauthorized)
    };
    if replay
        .observations
        .iter()
        .any(|sight| matches!(&sight.kind, ObservationKind::Event(event) if refused(event)))
    {
        text += " wrong-password";
    }
    if let Some(attempts) = account.max_registration_attempts {
        let _ = write!(text, " attempts={attempts}");
    }
    if account.expires.as_secs() != 600 {
        let _ = write!(text, " expires={}", Seconds(account.expires));
    }
    text
}

/// The delay to the server, at least a millisecond; empty if it is unknown.
fn delay(round_trip: Option<Duration>) -> String {
    let one_way = |trip: Duration| whole_millis(trip / 2).max(Duration::from_millis(1));
    round_trip.map_or_else(String::new, |trip| format!(" delay={}", Seconds(one_way(trip))))
}

/// The shortest time from a REGISTER to its response.
fn round_trip(replay: &Replay) -> Option<Duration> {
    let (mut pending, mut shortest): (Option<(Instant, u32)>, Option<Duration>) = (None, None);
    for Observation { at, kind } in &replay.observations {
        let ObservationKind::Message { sent, data, .. } = kind else { continue };
        let Ok(message) = Message::parse(data.clone(), &Limits::default()) else { continue };
        let Ok(cseq) = message.cseq() else { continue };
        match (sent, pending) {
            _ if cseq.method != Method::Register => {}
            (true, _) => pending = Some((*at, cseq.number)),
            (false, Some((since, number))) if number == cseq.number => {
                let trip = at.saturating_since(since);
                shortest = Some(shortest.map_or(trip, |shortest| shortest.min(trip)));
                pending = None;
            }
            (false, _) => {}
        }
    }
    shortest
}

/// Whether all its descriptions contained telephone-event.
fn offers_telephone_event(recording: &PhoneRecording) -> bool {
    recording.entries.iter().all(|entry| match &entry.kind {
        EntryKind::Input {
            input:
                Input::Done {
                    result: EffectResult::Description(sdp) | EffectResult::Answered { answer: sdp, .. },
                    ..
                },
            ..
        } => sdp.windows(15).any(|part| part.eq_ignore_ascii_case(b"telephone-event")),
        _ => true,
    })
}

/// The user part of an address, with the characters that a scenario allows.
pub(super) fn user_of(address: &str) -> String {
    let address = address.trim();
    let rest = match address.split_once(':') {
        Some((scheme, rest)) if ["sip", "sips", "tel"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => rest,
        _ => address,
    };
    sanitized(rest.split(['@', ':', ';']).next().unwrap_or_default())
}

fn sanitized(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '-' };
    let text: String = text.chars().take(40).map(keep).collect();
    if text.is_empty() { "nobody".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_user() {
        for (address, user) in [
            ("sip:bob@h", "bob"),
            ("sips:bob:xxx@h;a=b", "bob"),
            ("tel:+1;phone-context=x", "+1"),
            (" 200 ", "200"),
            ("bob@h", "bob"),
            ("sip:b%20b@h", "b-20b"),
            ("", "nobody"),
        ] {
            assert_eq!(user_of(address), user, "{address}");
        }
    }
}
