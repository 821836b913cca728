//! Statistics of a session.

use std::time::Duration;

use crate::codec::Codec;

/// A snapshot of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The codec in use, once negotiated.
    pub codec: Option<Codec>,
    /// The sending direction.
    pub sent: Sent,
    /// The receiving direction.
    pub received: Received,
    /// Round-trip time, from RTCP, or from ICE before the first report.
    pub round_trip: Option<Duration>,
}

/// The sending direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sent {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of RTP payload.
    pub bytes: u64,
    /// The share of our packets that the peer lost, from its last RTCP report (0 to 1).
    pub remote_loss: Option<f32>,
}

/// The receiving direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Received {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of RTP payload.
    pub bytes: u64,
    /// Packets lost (RFC 3550 §A.3).
    pub lost: u64,
    /// Packets that arrived after their playout time.
    pub late: u64,
    /// Frames of 20 ms that were concealed.
    pub concealed: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Audio in the playout buffer.
    pub buffered: Duration,
}

/// Reception statistics over successive synchronisation sources.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    ssrc: Option<u32>,
    first_sequence: u64,
    highest_sequence: u64,
    /// Packets of the current source.
    packets_of_source: u64,
    /// Packets lost of earlier sources.
    earlier_losses: u64,
    last_transit: Option<i64>,
    jitter_ns: f64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Reception {
    /// Counts a packet with its extended sequence number. Returns whether it is the first of another source.
    pub(crate) fn on_packet(&mut self, ssrc: u32, sequence: u64, bytes: usize) -> bool {
        let new_source = self.ssrc != Some(ssrc);
        if new_source {
            self.earlier_losses = self.lost();
            self.ssrc = Some(ssrc);
            (self.first_sequence, self.highest_sequence, self.packets_of_source) = (sequence, sequence, 0);
            self.last_transit = None;
        }
        self.first_sequence = self.first_sequence.min(sequence);
        self.highest_sequence = self.highest_sequence.max(sequence);
        self.packets_of_source += 1;
        self.packets += 1;
        self.bytes += bytes as u64;
        new_source
    }

    /// Updates the jitter (RFC 3550 §6.4.1), in nanoseconds, so that the clock rate may change.
    pub(crate) fn update_jitter(&mut self, arrival_ns: u64, media_ns: u64) {
        let transit = arrival_ns as i64 - media_ns as i64;
        if let Some(last) = self.last_transit.replace(transit) {
            let d = (transit - last).unsigned_abs() as f64;
            // A gap in the timeline (a hold, a digit) is not jitter.
            if d < 1e9 {
                self.jitter_ns += (d - self.jitter_ns) / 16.0;
            }
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        let expected = if self.ssrc.is_some() { self.highest_sequence - self.first_sequence + 1 } else { 0 };
        self.earlier_losses + expected.saturating_sub(self.packets_of_source)
    }

    pub(crate) fn jitter(&self) -> Duration {
        Duration::from_nanos(self.jitter_ns as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_counted_across_reordering_and_sources() {
        let mut reception = Reception::default();
        assert!(reception.on_packet(1, 10, 100));
        for n in [12, 11, 15] {
            assert!(!reception.on_packet(1, n, 100));
        }
        assert_eq!(reception.lost(), 2, "13 and 14");
        assert!(reception.on_packet(2, 7, 100));
        reception.on_packet(2, 9, 100);
        assert_eq!((reception.lost(), reception.packets, reception.bytes), (3, 6, 600));
    }

    #[test]
    fn jitter_converges_to_the_mean_difference() {
        let mut reception = Reception::default();
        for n in 0..1000 {
            let late = if n % 2 == 0 { 0 } else { 4_000_000 };
            reception.update_jitter(n * 20_000_000 + late, n * 20_000_000);
        }
        let ms = reception.jitter().as_secs_f64() * 1e3;
        assert!((3.5..4.5).contains(&ms), "{ms}");
    }
}
