//! Ladder diagrams of messages and events: a rail for each phone, and one for the servers in the middle.

use crate::recording::PhoneRecording;
use crate::replay::{Observation, ObservationKind, Replay};
use offhook::{
    AccountCheckpoint, AccountId, Checkpoint, Command, EffectResult, Event, Input, Instant, Limits, Machine,
    RegistrationCheckpoint,
};
use offhook_wire::{HeaderName, Message};

/// A ladder diagram; time goes downwards.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// The names of the rails, from left to right.
    rails: Vec<String>,
    /// The index of the server's rail.
    server: usize,
    /// The distance of two rails, in characters.
    width: usize,
    rows: Vec<(Instant, Vec<char>)>,
}

impl Ladder {
    /// An empty ladder. `server` is in the middle, so that most arrows are short.
    pub fn new(phones: &[&str], server: &str, width: usize) -> Self {
        let place = phones.len().div_ceil(2);
        let mut rails: Vec<String> = phones.iter().map(|&name| name.to_owned()).collect();
        rails.insert(place, server.to_owned());
        Self { rails, server: place, width: width.max(12), rows: Vec::new() }
    }

    /// The ladder of replays, in order of time. Keep-alives and wake-ups are left out.
    pub fn of(replays: &[(&PhoneRecording, &Replay)]) -> Self {
        let names: Vec<&str> = replays.iter().map(|(track, _)| track.name.as_str()).collect();
        let mut ladder = Self::new(&names, "server", 36);
        let mut observations: Vec<(usize, &Observation)> = Vec::new();
        for (phone, (_, replay)) in replays.iter().enumerate() {
            observations.extend(replay.observations.iter().map(|sight| (phone, sight)));
        }
        observations.sort_by_key(|(_, sight)| sight.at);
        for (phone, Observation { at, kind }) in observations {
            match kind {
                ObservationKind::Message { sent, data, .. } => {
                    if data.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
                        let label = Message::parse(data.clone(), &Limits::default())
                            .map_or_else(|_| "unreadable".to_owned(), |message| label(&message));
                        ladder.message(*at, phone, *sent, &label);
                    }
                }
                ObservationKind::Restored(state) => ladder.note(*at, phone, &describe_checkpoint(state)),
                ObservationKind::Open { hop, .. } => ladder.note(*at, phone, &format!("connects to {hop}")),
                ObservationKind::Input { input, refused } => {
                    let refused =
                        refused.as_ref().map_or_else(String::new, |why| format!(" (refused: {why})"));
                    if let Some(text) = describe_input(input) {
                        ladder.note(*at, phone, &format!("{text}{refused}"));
                    }
                }
                ObservationKind::Event(event) => {
                    ladder.note(*at, phone, &describe_event(event));
                }
                ObservationKind::Mark { machine: Some(Machine::Session(session)), words } => {
                    ladder.note(*at, phone, &format!(". {session} {words}"));
                }
                ObservationKind::Mark { words, .. } => ladder.note(*at, phone, &format!(". {words}")),
            }
        }
        ladder
    }

    /// Adds a message between a phone and the server.
    pub fn message(&mut self, at: Instant, phone: usize, sent: bool, label: &str) {
        let (phone, server) = (self.rail(phone), self.server);
        let (left, right) = (phone.min(server), phone.max(server));
        let room = (right - left) * self.width - 5;
        let label: String = label.chars().take(room).collect();
        let line = "─".repeat(room - label.chars().count());
        let rightwards = sent == (phone < server);
        let arrow =
            if rightwards { format!("─ {label} {line}►") } else { format!("◄ {label} {line}─") };
        let mut row = self.empty_row();
        for (place, c) in (left * self.width + 1..right * self.width).zip(arrow.chars()) {
            row[place] = c;
        }
        self.rows.push((at, row));
    }

    /// Adds a note at a phone.
    pub fn note(&mut self, at: Instant, phone: usize, text: &str) {
        let start = self.rail(phone) * self.width + 2;
        let mut row = self.empty_row();
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        row.resize(row.len().max(start + text.chars().count()), ' ');
        for (place, c) in (start..).zip(text.chars()) {
            row[place] = c;
        }
        self.rows.push((at, row));
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the diagram; times are in milliseconds since the first row.
    pub fn lines(&self) -> Vec<String> {
        let mut head = format!("{:>9}  ", "ms");
        for (place, name) in self.rails.iter().enumerate() {
            let width = if place + 1 == self.rails.len() { 0 } else { self.width };
            let name: String = name.chars().take(self.width - 1).collect();
            head.push_str(&format!("{name:<width$}"));
        }
        let first = self.rows.first().map_or(Instant::ZERO, |(at, _)| *at);
        let row = |(at, row): &(Instant, Vec<char>)| {
            let ms = at.saturating_since(first).as_secs_f64() * 1000.0;
            format!("{ms:>9.1}  {}", row.iter().collect::<String>())
        };
        std::iter::once(head).chain(self.rows.iter().map(row)).collect()
    }

    fn rail(&self, phone: usize) -> usize {
        if phone < self.server { phone } else { phone + 1 }
    }

    fn empty_row(&self) -> Vec<char> {
        let last = (self.rails.len() - 1) * self.width;
        (0..=last).map(|place| if place % self.width == 0 { '│' } else { ' ' }).collect()
    }
}

/// `INVITE +sdp` or `200 OK (INVITE) +sdp`.
pub fn label(message: &Message) -> String {
    let method = message.cseq().map(|cseq| String::from_utf8_lossy(cseq.method.as_bytes()).into_owned());
    let method = method.unwrap_or_else(|_| "?".to_owned());
    let head = match message.status() {
        Some(status) => format!("{status} {} ({method})", String::from_utf8_lossy(message.reason())),
        None => method,
    };
    let credentials = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let digest =
        if credentials.into_iter().any(|name| message.header(name).is_some()) { " +digest" } else { "" };
    let sdp = if message.content_type() == Some(b"application/sdp") { " +sdp" } else { "" };
    format!("{head}{digest}{sdp}")
}

fn describe_checkpoint(at: &Checkpoint) -> String {
    let registered =
        |line: &AccountCheckpoint| matches!(line.registration, RegistrationCheckpoint::Registered { .. });
    match at.accounts.iter().filter(|line| registered(line)).count() {
        0 => "restored".to_owned(),
        1 if at.accounts.len() == 1 => "restored, registered".to_owned(),
        count => format!("restored, {count} of {} registered", at.accounts.len()),
    }
}

/// Commands, and results with credentials. The other inputs cause an event or a message, which the ladder shows.
fn describe_input(input: &Input) -> Option<String> {
    Some(match input {
        Input::Command(Command::Account { account, command }) => format!("> {}{command}", subject(*account)),
        Input::Command(command) => format!("> {command}"),
        Input::Done { result: EffectResult::Credentials(Some(_)), .. } => "> credentials".to_owned(),
        Input::Done { result: EffectResult::Credentials(None), .. } => "> no credentials".to_owned(),
        _ => return None,
    })
}

fn describe_event(event: &Event) -> String {
    match event {
        Event::Account { account, event } => format!("{}{event}", subject(*account)),
        event => event.to_string(),
    }
}

/// The account, unless it is the first one: most phones have no other.
fn subject(account: AccountId) -> String {
    if account.0 == 0 { String::new() } else { format!("account {}: ", account.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn arrows_reach_from_rail_to_rail() {
        let mut ladder = Ladder::new(&["alice", "bob", "carol"], "exchange", 14);
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        ladder.message(at(5), 0, true, "INVITE");
        ladder.message(at(6), 2, false, "INVITE");
        ladder.message(at(7), 2, true, "180 Ringing, and more");
        ladder.note(at(8), 1, "rings");
        assert_eq!(
            ladder.lines(),
            [
                "       ms  alice         bob           exchange      carol",
                "      0.0  │─ INVITE ─────────────────►│             │",
                "      1.0  │             │             │─ INVITE ───►│",
                "      2.0  │             │             │◄ 180 Ringi ─│",
                "      3.0  │             │ rings       │             │",
            ]
        );
    }

    #[test]
    fn empty_ladder_is_only_a_head() {
        assert_eq!(Ladder::new(&[], "server", 20).lines(), ["       ms  server"]);
    }
}
