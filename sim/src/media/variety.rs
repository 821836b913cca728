//! How the descriptions of phones differ: other lines beside the audio, and payload types that move from one offer to the next.

use super::{Line, MediaType};
use crate::hash::{Digest, Draw};
use crate::scenario::Codec;

/// The dynamic payload types of each format. No number is in two of them, because a number keeps its format (RFC 3264 §8.3.2).
const OPUS: [u8; 4] = [111, 96, 109, 107];
const TELEPHONE_EVENT: [u8; 4] = [101, 97, 110, 126];

/// The descriptions of a phone.
#[derive(Debug)]
pub(super) struct Variety {
    /// The lines of its first offers.
    pub(super) lines: Vec<Line>,
    /// The key of its payload types; `None` if they do not move.
    moves: Option<u64>,
    /// Whether it supports video.
    pub(super) video: bool,
}

impl Variety {
    pub(super) fn of(seed: u64, phone: &str) -> Self {
        let mut draw = Draw::new(seed, &format!("descriptions of {phone}"));
        let mut lines = others(&mut draw);
        lines.push(Line::AUDIO);
        lines.extend(others(&mut draw));
        let moves = draw.chance(500).then(|| draw.word());
        let video = draw.chance(500);
        if video {
            // Its line of video is added when video is offered.
            lines.retain(|line: &Line| line.media != MediaType::Video);
        }
        Self { lines, moves, video }
    }

    /// The payload type of a codec in an offer of this version.
    pub(super) fn payload_type(&self, codec: Codec, version: u64) -> u8 {
        match codec {
            // Static types stay (RFC 3551 §6).
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::Opus => self.of_format(OPUS, version),
        }
    }

    /// The payload type of telephone-event in an offer of this version.
    pub(super) fn telephone_event(&self, version: u64) -> u8 {
        self.of_format(TELEPHONE_EVENT, version)
    }

    fn of_format(&self, numbers: [u8; 4], version: u64) -> u8 {
        let place = |key: u64| Digest::new(key).word(u64::from(numbers[0])).word(version).finish() % 4;
        numbers[self.moves.map_or(0, place) as usize]
    }
}

/// In a third of the places one or two lines: data channels, which no phone supports, and closed lines of video.
fn others(draw: &mut Draw) -> Vec<Line> {
    let count = if draw.chance(350) { draw.between(1, 2) } else { 0 };
    let line = |draw: &mut Draw| {
        let media = *draw.pick(&[MediaType::Video, MediaType::Application]);
        Line { media, open: draw.chance(600) && media != MediaType::Video }
    };
    (0..count).map(|_| line(draw)).collect()
}
