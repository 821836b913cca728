//! The domain and the password of a world.

/// The domain of all users, and the realm of all exchanges.
pub(crate) const DOMAIN: &str = "pbx.example";

/// The realm of rogues that demand credentials as a proxy of a provider would. The accounts of some phones name it.
pub(crate) const OTHER_REALM: &str = "trunk.example";

/// The password of all users.
pub(super) const PASSWORD: &str = "sesame";
