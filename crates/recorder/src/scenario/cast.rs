//! Who takes part: the recorded phones, and one for each peer that was reached or called in.

use super::whole;
use crate::recording::{Track, What};
use crate::replay::{Replay, Seen, Sight};
use crate::text::Seconds;
use offhook::{Account, Cause, EffectResult, Event, Input, Instant, Limits, RegistrationState, Transport};
use offhook_wire::{Message, Method};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

pub(super) struct Cast {
    names: BTreeSet<String>,
    /// The recorded ones first, in the order of the recording.
    phones: Vec<Member>,
    recorded: usize,
    exchanges: usize,
    /// What stands behind the name of a peer: it is taken to be as near as the recorded phones.
    peers: String,
}

struct Member {
    name: String,
    user: String,
    /// What stands behind its name.
    setting: String,
}

impl Cast {
    pub(super) fn of(replays: &[(&Track, &Replay)]) -> Self {
        let servers = |(track, _): &(&Track, &Replay)| track.config.accounts.first().map(|a| a.servers.len());
        let exchanges = replays.iter().filter_map(servers).max().unwrap_or(1).clamp(1, 2);
        let peers =
            format!(" ws{}", delay(replays.iter().filter_map(|(_, replay)| round_trip(replay)).max()));
        let (names, phones) = (BTreeSet::new(), Vec::new());
        let mut cast = Self { names, phones, recorded: replays.len(), exchanges, peers };
        cast.names.extend((0..exchanges).map(exchange));
        for (track, replay) in replays {
            let account = track.config.accounts.first();
            let user = account.map_or_else(|| track.name.clone(), |account| user_of(&account.aor));
            let setting = account.map_or_else(|| " ws".to_owned(), |account| setting(account, track, replay));
            cast.admit(&track.name, &user, setting);
        }
        cast
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

    /// Whether an address is one of a recorded phone, whose own recording tells what it did.
    pub(super) fn is_recorded(&self, user: &str) -> bool {
        self.phones[..self.recorded].iter().any(|member| member.user == user)
    }

    /// The phone of a peer that was not recorded.
    pub(super) fn peer(&mut self, user: &str) -> String {
        if let Some(member) = self.phones.iter().find(|member| member.user == user) {
            return member.name.clone();
        }
        self.admit(user, user, self.peers.clone())
    }

    fn admit(&mut self, name: &str, user: &str, setting: String) -> String {
        let wanted = clean(name);
        let numbered = (2..).map(|n| format!("{wanted}-{n}"));
        let mut free = std::iter::once(wanted.clone()).chain(numbered).filter(|n| !self.names.contains(n));
        let name = free.next().unwrap_or_default();
        self.names.insert(name.clone());
        self.phones.push(Member { name: name.clone(), user: clean(user), setting });
        name
    }

    pub(super) fn write(&self, out: &mut String) {
        for place in 0..self.exchanges {
            let _ = writeln!(out, "exchange {}", exchange(place));
        }
        for Member { name, user, setting } in &self.phones {
            let _ = write!(out, "phone {name}");
            let (transport, rest) =
                setting.trim_start().split_once(' ').unwrap_or((setting.trim_start(), ""));
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

fn setting(account: &Account, track: &Track, replay: &Replay) -> String {
    let udp = account.servers.first().is_some_and(|server| server.target.transport == Transport::Udp);
    let mut text = String::from(if udp { " udp" } else { " ws" });
    text += &delay(round_trip(replay));
    if !speaks_telephone_event(track) {
        text += " no-telephone-event";
    }
    let refused = |event: &Event| matches!(event, Event::Registration { state: RegistrationState::Failed(why), .. } if why.cause == Cause::Unauthorized);
    if replay.sights.iter().any(|sight| matches!(&sight.what, Seen::Told(event) if refused(event))) {
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

/// The way to the server, a millisecond at least; nothing if it is not known.
fn delay(round_trip: Option<Duration>) -> String {
    let way = |trip: Duration| whole(trip / 2).max(Duration::from_millis(1));
    round_trip.map_or_else(String::new, |trip| format!(" delay={}", Seconds(way(trip))))
}

/// The shortest time from a REGISTER to its answer.
fn round_trip(replay: &Replay) -> Option<Duration> {
    let (mut asked, mut shortest): (Option<(Instant, u32)>, Option<Duration>) = (None, None);
    for Sight { at, what } in &replay.sights {
        let Seen::Message { sent, data, .. } = what else { continue };
        let Ok(message) = Message::parse(data.clone(), &Limits::default()) else { continue };
        let Ok(cseq) = message.cseq() else { continue };
        match (sent, asked) {
            _ if cseq.method != Method::Register => {}
            (true, _) => asked = Some((*at, cseq.number)),
            (false, Some((since, number))) if number == cseq.number => {
                let trip = at.saturating_since(since);
                shortest = Some(shortest.map_or(trip, |shortest| shortest.min(trip)));
                asked = None;
            }
            (false, _) => {}
        }
    }
    shortest
}

/// Whether its media offered telephone-event whenever it described itself.
fn speaks_telephone_event(track: &Track) -> bool {
    track.entries.iter().all(|entry| match &entry.what {
        What::Input { input: Input::Done { result: EffectResult::Description(sdp), .. }, .. } => {
            sdp.windows(15).any(|part| part.eq_ignore_ascii_case(b"telephone-event"))
        }
        _ => true,
    })
}

/// The user part of an address, in a form that a scenario can hold.
pub(super) fn user_of(address: &str) -> String {
    let address = address.trim();
    let rest = match address.split_once(':') {
        Some((scheme, rest)) if ["sip", "sips", "tel"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => rest,
        _ => address,
    };
    clean(rest.split(['@', ':', ';']).next().unwrap_or_default())
}

fn clean(text: &str) -> String {
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
