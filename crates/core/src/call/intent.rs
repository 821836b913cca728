//! The media that the user wants, apart from what was agreed on. Our descriptions are derived from it.

use crate::MediaTypes;

/// The media that the user wants.
#[derive(Copy, Clone, Debug)]
pub(super) struct Intent {
    /// The peer is to be held.
    pub(super) hold: bool,
    /// Whether the outcome of the last hold or resume was not reported yet.
    pub(super) hold_pending: bool,
    /// ICE is to be restarted.
    pub(super) restart: bool,
    /// The types of media that the call is to have.
    pub(super) types: MediaTypes,
    /// Whether the outcome of the last change of the types was not reported yet.
    pub(super) types_pending: bool,
    /// The types of media of which nothing is sent.
    pub(super) muted: MediaTypes,
    /// The agreed types that were reported last.
    pub(super) reported: MediaTypes,
}

impl Default for Intent {
    fn default() -> Self {
        Self {
            hold: false,
            hold_pending: false,
            restart: false,
            types: MediaTypes::AUDIO,
            types_pending: false,
            muted: MediaTypes::NONE,
            reported: MediaTypes::AUDIO,
        }
    }
}
