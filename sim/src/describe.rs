//! Words for ladders, pages and the messages of oracles. Events and commands have theirs in the core.

use offhook::{AccountEvent, DeadlineKind, Event, Machine};

/// An event as a ladder shows it. `None` for states of connections: the ladder shows what follows from them.
pub(crate) fn ladder_event(event: &Event) -> Option<String> {
    let is_connection = matches!(event, Event::Account { event: AccountEvent::Connection { .. }, .. });
    (!is_connection).then(|| event.to_string())
}

/// A mark, with the call that it belongs to.
pub(crate) fn mark(machine: Option<Machine>, words: &str) -> String {
    match machine {
        Some(Machine::Session(session)) => format!("{session} {words}"),
        _ => words.to_owned(),
    }
}

pub(crate) fn deadline(kind: DeadlineKind) -> &'static str {
    match kind {
        DeadlineKind::Output => "queued output",
        DeadlineKind::Transaction => "a transaction",
        DeadlineKind::Connection => "a connection",
        DeadlineKind::Registration => "a registration",
        DeadlineKind::Session => "a call",
        _ => "another timer",
    }
}

/// An event of a media engine.
#[cfg(feature = "media")]
pub(crate) fn media_event(event: &offhook_media::MediaEvent) -> String {
    use offhook_media::MediaEvent;
    match event {
        MediaEvent::Connected => "media path up".to_owned(),
        MediaEvent::Disconnected => "media path down".to_owned(),
        MediaEvent::Failed { cause } => format!("media path failed: {cause}"),
        MediaEvent::FirstAudio => "first audio".to_owned(),
        MediaEvent::Digit { digit, .. } => format!("digit {digit} received"),
        MediaEvent::DigitSent { digit } => format!("digit {digit} sent"),
        MediaEvent::DigitFailed { digit } => format!("digit {digit} failed"),
        MediaEvent::ToneChanged { hz: Some(hz), .. } => format!("tone of {hz} Hz"),
        MediaEvent::ToneChanged { hz: None, .. } => "no tone".to_owned(),
        MediaEvent::SourceEnded => "source ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;
    use crate::oracle;
    use crate::tape::EntryKind;
    use crate::world::World;

    /// Neither identifiers of the code nor `Debug` output.
    fn is_prose(text: &str) -> bool {
        !text.contains('_') && !text.contains("Some(") && !text.contains("None") && !text.contains(" {")
    }

    #[test]
    fn events_and_commands_are_described_in_words() {
        for seed in 0..30 {
            let mut world = World::new(generate(seed), oracle::all(), true);
            world.play();
            for entry in world.tape().entries() {
                let text = match &entry.what {
                    EntryKind::Event { event, .. } => event.to_string(),
                    EntryKind::Command { command, .. } => command.to_string(),
                    EntryKind::Mark { machine, words, .. } => mark(*machine, words),
                    EntryKind::Note { text, .. } => text.clone(),
                    EntryKind::Sent { .. } | EntryKind::Phase { .. } => continue,
                };
                assert!(is_prose(&text), "{text}");
            }
        }
    }
}
