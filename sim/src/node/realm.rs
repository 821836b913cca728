//! The domain and the password of a world.

/// The domain of all users, and the realm of all exchanges.
pub(crate) const DOMAIN: &str = "pbx.example";

/// The password of all users.
pub(super) const PASSWORD: &str = "sesame";
