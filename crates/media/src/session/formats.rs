//! The formats of the configuration, and their payload types in a first offer.

use crate::codec::Codec;
use crate::config::MediaConfig;
use crate::sdp::{Format, Payload};

/// The configured formats, in order of preference.
pub(super) fn preferred_formats(config: &MediaConfig) -> Vec<Format> {
    let mut formats: Vec<Format> = Vec::new();
    for codec in &config.codecs {
        if !formats.contains(&Format::Audio(*codec)) {
            formats.push(Format::Audio(*codec));
        }
    }
    if config.telephone_event {
        formats.extend([Format::Event(48_000), Format::Event(8_000)]);
    }
    formats
}

/// The payload types of a first offer, with the numbers that browsers use.
pub(super) fn first_payloads(config: &MediaConfig) -> Vec<Payload> {
    let clocks: Vec<u32> = config.codecs.iter().map(|codec| codec.clock()).collect();
    let number = |format| match format {
        Format::Audio(Codec::Opus) => Some(111),
        Format::Audio(Codec::Pcmu) => Some(0),
        Format::Audio(Codec::Pcma) => Some(8),
        Format::Event(clock) if !clocks.contains(&clock) => None,
        Format::Event(48_000) => Some(110),
        Format::Event(_) => Some(126),
    };
    let payload = |format| number(format).map(|number| Payload { number, format });
    preferred_formats(config).into_iter().filter_map(payload).collect()
}
