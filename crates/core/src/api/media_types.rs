/// Types of media (RFC 8866 §5.14): those that a call is to have, has, or does not send while they are muted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaTypes {
    /// Audio.
    pub audio: bool,
    /// Video.
    pub video: bool,
}

impl MediaTypes {
    /// Neither.
    pub const NONE: Self = Self { audio: false, video: false };
    /// Audio only: what a call has unless the program asks for other types.
    pub const AUDIO: Self = Self { audio: true, video: false };
    /// Video only.
    pub const VIDEO: Self = Self { audio: false, video: true };
    /// Audio and video.
    pub const AUDIO_VIDEO: Self = Self { audio: true, video: true };

    /// The types that at least one of both has.
    pub(crate) fn union(self, other: Self) -> Self {
        Self { audio: self.audio || other.audio, video: self.video || other.video }
    }

    /// Whether it has neither type.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

impl Default for MediaTypes {
    fn default() -> Self {
        Self::AUDIO
    }
}
