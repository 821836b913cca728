//! The time axis, down the page. Each entry has a row; longer pauses have larger gaps.

use std::time::Duration;

use offhook_wire::Instant;

use crate::machine_trace::Point;

/// The height of a row, and of a further line of text in it.
pub(super) const ROW: usize = 22;
pub(super) const LINE: usize = 13;

/// The room above the first row.
const TOP: usize = 24;

pub(super) struct Axis {
    /// The time of each entry of the tape, and the base line of its text.
    rows: Vec<(Instant, usize)>,
    end: Instant,
    bottom: usize,
}

impl Axis {
    /// An axis with rows at these times, each with its number of lines; one without lines has no height.
    pub(super) fn new(rows: impl Iterator<Item = (Instant, usize)>, end: Instant) -> Self {
        let mut axis = Self { rows: Vec::new(), end, bottom: TOP };
        let mut last = Instant::ZERO;
        for (at, lines) in rows {
            let y = axis.bottom + gap(at.saturating_since(last));
            axis.rows.push((at, y));
            axis.bottom = y + if lines == 0 { 0 } else { ROW + LINE * (lines - 1) };
            last = at;
        }
        axis.bottom += gap(end.saturating_since(last));
        axis
    }

    /// The base line of an entry.
    pub(super) fn row(&self, entry: usize) -> usize {
        self.rows[entry].1
    }

    /// Where the world ends.
    pub(super) fn bottom(&self) -> usize {
        self.bottom
    }

    /// A point between entries.
    pub(super) fn point(&self, point: Point) -> usize {
        match self.rows.get(point.entry) {
            Some(&(at, y)) if at == point.at => y - ROW / 2 - 3,
            _ => self.between(point.entry, point.at),
        }
    }

    /// A time, after all that happened at it.
    pub(super) fn time(&self, at: Instant) -> usize {
        self.between(self.rows.partition_point(|(row, _)| *row <= at), at)
    }

    /// A time between an entry and the one before it.
    fn between(&self, entry: usize, at: Instant) -> usize {
        let (from, top) = match entry.checked_sub(1) {
            Some(before) => (self.rows[before].0, self.rows[before].1 + 4),
            None => (Instant::ZERO, TOP - ROW),
        };
        let (to, bottom) = match self.rows.get(entry) {
            Some(&(to, y)) => (to, y - ROW / 2 - 3),
            None => (self.end, self.bottom),
        };
        let (part, whole) =
            (at.saturating_since(from).as_secs_f64(), to.saturating_since(from).as_secs_f64());
        let share = if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 1.0 };
        top + (bottom.saturating_sub(top) as f64 * share) as usize
    }
}

/// The gap of a second is one row, that of a minute five.
fn gap(time: Duration) -> usize {
    (18.0 * (1.0 + time.as_secs_f64() * 1.3).log2()).min(140.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_times_are_below_earlier_ones() {
        let at = |millis: u64| Instant::ZERO + Duration::from_millis(millis);
        let times = [5, 5, 5, 40, 3_000, 3_000, 90_000];
        let axis = Axis::new(times.iter().map(|&millis| (at(millis), 1)), at(600_000));
        let rows: Vec<usize> = (0..times.len()).map(|entry| axis.row(entry)).collect();
        assert!(rows.is_sorted_by(|one, other| one + ROW <= *other), "{rows:?}");
        let mut last = 0;
        for millis in 0..6_000 {
            let y = axis.time(at(millis * 100));
            assert!(y >= last && y <= axis.bottom(), "{y} after {last}");
            last = y;
        }
        assert_eq!(axis.time(at(600_000)), axis.bottom());
        for (entry, &millis) in times.iter().enumerate() {
            let y = axis.point(Point { at: at(millis), entry });
            assert!(y < rows[entry] && (entry == 0 || y > rows[entry - 1]), "{entry}");
        }
        let quiet = axis.point(Point { at: at(1_500), entry: 4 });
        assert!(rows[3] < quiet && quiet < rows[4]);
    }
}
