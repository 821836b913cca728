//! What a drawing of a run is made of.

use super::axis::Axis;
use super::columns::Columns;
use crate::ladder::Ladder;

/// What the drawing is made of.
pub(super) struct Drawing<'a> {
    pub(super) ladder: &'a Ladder<'a>,
    pub(super) axis: &'a Axis,
    pub(super) columns: &'a Columns,
}
