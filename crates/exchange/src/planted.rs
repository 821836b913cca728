//! Planted bugs: each switch breaks one rule, so that the simulator can prove that its oracles detect it.
//!
//! They exist only with the feature `planted`, which no published crate enables. Without it `planted!` is `false` at compile time.

/// Whether a bug is planted: `planted!(config, Name)`.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($config:expr, $bug:ident) => {
        $config.planted == Some($crate::planted::Bug::$bug)
    };
}

/// No bug is planted.
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($config:expr, $bug:ident) => {{
        _ = &$config;
        false
    }};
}

pub(crate) use planted;

/// Declares the switches and their list.
#[cfg(feature = "planted")]
macro_rules! bugs {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// A rule that can be broken. See [`Config::planted`](crate::Config::planted).
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        pub enum Bug { $($(#[$meta])* $name),+ }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$name),+];
        }
    };
}

#[cfg(feature = "planted")]
bugs! {
    /// Routing: a request inside a dialog goes to any user that has registered the Contact of the peer (RFC 3261 §16.5).
    OwnerNotCompared,
    /// Routing: a registered phone needs no credentials for a From that names another user (RFC 3261 §22.3).
    FromNotCompared,
    /// Forwarding: the identity that a phone asserts is kept (RFC 3325 §5).
    IdentityForwarded,
    /// Forwarding: credentials for the exchange's own realm are kept (RFC 3261 §22.3).
    CredentialsForwarded,
    /// Authentication: a challenge leaves a transaction behind (RFC 3261 §26.3.2.4).
    ChallengeKept,
    /// Authentication: wrong credentials slow down every sender, even one that has authenticated.
    GuessersNotToldApart,
}
