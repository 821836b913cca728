//! What all phones, rogues and exchanges of a world share.

/// The domain of everybody.
pub(crate) const DOMAIN: &str = "pbx.example";

/// The password of everybody who knows it.
pub(super) const PASSWORD: &str = "sesame";
