//! The results of the media engine, as the core takes them.

use offhook::{Agreed, EffectResult, MediaFault};
use offhook_media::{MediaConfig, MediaError};

/// What would be agreed on with this offer, or why it cannot be used. It needs no media session.
pub(crate) fn check(config: &MediaConfig, offer: &[u8]) -> EffectResult {
    match offhook_media::check(config, offer) {
        Ok(what) => EffectResult::Checked(agreed(what)),
        Err(error) => failed(&error),
    }
}

pub(super) fn agreed(what: offhook_media::Agreed) -> Agreed {
    Agreed::new(what.direction).with_held(what.held).with_telephone_event(what.telephone_event)
}

pub(super) fn failed(error: &MediaError) -> EffectResult {
    EffectResult::Failed(match error {
        MediaError::NoCommonCodec => MediaFault::NoCommonCodec,
        MediaError::NoCommonTransport(_) => MediaFault::NoCommonTransport,
        MediaError::NoCommonMedia => MediaFault::NoCommonMedia,
        MediaError::Malformed(_) => MediaFault::BadDescription,
        _ => MediaFault::Engine,
    })
}
