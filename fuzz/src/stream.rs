//! Arbitrary data as a stream, with arbitrary segmentation.

use offhook_wire::{Frame, Limits, StreamFramer};

/// Low enough for a fuzzer to reach.
const LIMITS: Limits = Limits { message: 4096, head: 2048, headers: 32 };

/// The first byte is the number of segment lengths that follow; the rest is a stream, which is fed to a framer in one
/// piece and again in pieces of those lengths, over and over.
///
/// # Panics
///
/// When the segmentation changes the frames.
pub fn stream_split(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else { return };
    let (cuts, stream) = rest.split_at((usize::from(count) % 16).min(rest.len()));
    let whole = frames(std::iter::once(stream));
    let mut lengths = cuts.iter().map(|&cut| usize::from(cut) + 1).cycle();
    let mut left = stream;
    let pieces = std::iter::from_fn(|| {
        let length = lengths.next().unwrap_or(1).min(left.len());
        let (piece, rest) = left.split_at(length);
        left = rest;
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(frames(pieces), whole, "the cuts do not matter");
}

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut framer = StreamFramer::new(LIMITS);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.next() {
            frames.push(match frame {
                Ok(Frame::Message(message)) => message.bytes().escape_ascii().to_string(),
                // The received part of a lost message depends on the segmentation.
                Ok(Frame::Faulty { fault, .. }) => fault.to_string(),
                Ok(Frame::KeepAlive(keep_alive)) => format!("{keep_alive:?}"),
                Err(error) => error.to_string(),
            });
        }
    }
    frames
}
