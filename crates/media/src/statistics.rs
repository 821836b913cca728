//! How well a session does.

use std::time::Duration;

use crate::codec::Codec;

/// A snapshot of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The codec in use, once one is agreed.
    pub codec: Option<Codec>,
    /// What went out.
    pub sent: Sent,
    /// What came in.
    pub received: Received,
    /// Round trip by RTCP, or by ICE before the first report.
    pub round_trip: Option<Duration>,
}

/// What went out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sent {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of RTP payload.
    pub bytes: u64,
    /// Share of our packets the peer missed, as its last report says (0 to 1).
    pub remote_loss: Option<f32>,
}

/// What came in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Received {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of RTP payload.
    pub bytes: u64,
    /// Packets that should have come and did not (RFC 3550 §A.3).
    pub lost: u64,
    /// Packets that came after their time had passed.
    pub late: u64,
    /// Frames of 20 ms that were made up.
    pub concealed: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// How much audio waits to be played.
    pub buffered: Duration,
}

/// Counts the packets of one synchronisation source after another.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    ssrc: Option<u32>,
    first: u64,
    highest: u64,
    /// Packets of this source, and the losses of the earlier ones.
    arrived: u64,
    lost_before: u64,
    transit: Option<i64>,
    jitter_ns: f64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Reception {
    /// A packet with its extended sequence number. Gives true when it starts another source.
    pub(crate) fn packet(&mut self, ssrc: u32, sequence: u64, bytes: usize) -> bool {
        let another = self.ssrc != Some(ssrc);
        if another {
            self.lost_before = self.lost();
            self.ssrc = Some(ssrc);
            (self.first, self.highest, self.arrived) = (sequence, sequence, 0);
            self.transit = None;
        }
        self.first = self.first.min(sequence);
        self.highest = self.highest.max(sequence);
        self.arrived += 1;
        self.packets += 1;
        self.bytes += bytes as u64;
        another
    }

    /// RFC 3550 §6.4.1, in nanoseconds so that a change of clock rate does not matter.
    pub(crate) fn timing(&mut self, arrival_ns: u64, media_ns: u64) {
        let transit = arrival_ns as i64 - media_ns as i64;
        if let Some(last) = self.transit.replace(transit) {
            let d = (transit - last).unsigned_abs() as f64;
            // A gap in the timeline (hold, a digit) is not jitter.
            if d < 1e9 {
                self.jitter_ns += (d - self.jitter_ns) / 16.0;
            }
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        let expected = if self.ssrc.is_some() { self.highest - self.first + 1 } else { 0 };
        self.lost_before + expected.saturating_sub(self.arrived)
    }

    pub(crate) fn jitter(&self) -> Duration {
        Duration::from_nanos(self.jitter_ns as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_counted_over_reordering_and_a_change_of_source() {
        let mut reception = Reception::default();
        assert!(reception.packet(1, 10, 100));
        for n in [12, 11, 15] {
            assert!(!reception.packet(1, n, 100));
        }
        assert_eq!(reception.lost(), 2, "13 and 14");
        assert!(reception.packet(2, 7, 100));
        reception.packet(2, 9, 100);
        assert_eq!((reception.lost(), reception.packets, reception.bytes), (3, 6, 600));
    }

    #[test]
    fn jitter_settles_at_the_mean_difference() {
        let mut reception = Reception::default();
        for n in 0..1000 {
            let late = if n % 2 == 0 { 0 } else { 4_000_000 };
            reception.timing(n * 20_000_000 + late, n * 20_000_000);
        }
        let ms = reception.jitter().as_secs_f64() * 1e3;
        assert!((3.5..4.5).contains(&ms), "{ms}");
    }
}
