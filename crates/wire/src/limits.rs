//! What one message may cost.

/// Bounds on one message, checked before anything is buffered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of head and body together. Default 64 KiB: the largest datagram.
    pub message: usize,
    /// Bytes of the head: the start line, the headers and the empty line. Default 32 KiB.
    pub head: usize,
    /// Header rows. Default 128.
    pub headers: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self { message: 64 * 1024, head: 32 * 1024, headers: 128 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
