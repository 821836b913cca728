//! The configuration and limits of an exchange.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_wire::digest::{Algorithm, Password, Secret};

/// The configuration of one [`Exchange`](crate::Exchange). Fields are public; [`Config::new`] fills in defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host[:port]` that the exchange writes into its Via and Record-Route values. Must be reachable for peers on UDP
    /// (RFC 3261 §16.6 step 4); peers on a WebSocket never resolve it.
    pub host: String,
    /// The host in a second network. If set, each dialog gets two Record-Route values, [`Config::host`] nearest to
    /// its caller and this one nearest to its callee, as from a multi-homed proxy (RFC 5658 §3.1).
    pub second_host: Option<String>,
    /// The domains the exchange is responsible for (RFC 3261 §16.5), compared without case; an IPv6 literal is in
    /// brackets. All domains share one list of users. [`Config::host`] and [`Config::second_host`] are always included.
    pub domains: Vec<String>,
    /// The realm of digest challenges (RFC 3261 §22.1).
    pub realm: String,
    /// User part of the address-of-record, without escapes, to passwords: one in plaintext, or one hash for each offered algorithm
    /// (see [`Config::missing_password`]). [`Exchange::set_users`](crate::Exchange::set_users) changes them later.
    pub users: BTreeMap<String, Vec<Password>>,
    /// The algorithms of the challenges, in this order: the strongest first (RFC 8760 §2.4). MD5 is last by default: JsSIP and SIP.js
    /// use only the last row and support nothing else.
    pub algorithms: Vec<Algorithm>,
    /// Whether a caller with a foreign domain in From may send INVITE and OPTIONS to local users without credentials (default: no).
    /// Callers with a local domain are always challenged, and requests to a foreign domain are always refused.
    pub guests: bool,
    /// The shortest registration granted; a shorter interval is refused with 423 (RFC 3261 §10.3 step 7). An interval of an
    /// hour or more is never refused, so a larger minimum has no further effect.
    pub min_expires: Duration,
    /// The registration granted to a Contact without an interval.
    pub default_expires: Duration,
    /// The longest registration granted; a longer interval is shortened.
    pub max_expires: Duration,
    /// How long a nonce is valid; after that a new challenge has `stale=true`.
    pub nonce_lifetime: Duration,
    /// Timer C: how long a branch may ring without a new provisional response (RFC 3261 §16.6 step 11: more than three minutes).
    pub timer_c: Duration,
    /// How long a pending request, or a request inside a dialog, waits for the callee to register again after its connection was lost.
    /// The binding itself is removed immediately: a new call gets 480.
    pub flow_grace: Duration,
    /// Bounds on the state that peers can create.
    pub limits: Limits,
    /// The planted bug of this exchange; `None` by default.
    #[cfg(feature = "planted")]
    pub planted: Option<crate::Bug>,
}

impl Config {
    /// An exchange for one domain, which is also its host and realm; MD5 and SHA-256 challenges.
    pub fn new(domain: impl Into<String>) -> Self {
        let domain = domain.into();
        Self {
            host: domain.clone(),
            second_host: None,
            domains: vec![domain.clone()],
            realm: domain,
            users: BTreeMap::new(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            guests: false,
            min_expires: Duration::from_secs(30),
            default_expires: Duration::from_secs(600),
            max_expires: Duration::from_secs(3600),
            nonce_lifetime: Duration::from_secs(300),
            timer_c: Duration::from_secs(181),
            flow_grace: Duration::from_secs(10),
            limits: Limits::default(),
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    /// Adds a user with a plaintext password.
    #[must_use]
    pub fn with_user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.users.insert(name.into(), vec![Password::Plain(Secret::new(password.into()))]);
        self
    }

    /// Sets [`Config::host`].
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }
}

/// Bounds on the state of one exchange. Input beyond a bound is refused, never queued.
#[derive(Copy, Clone, Debug)]
pub struct Limits {
    /// Limits of the parser (bytes of a message, of its head, and rows).
    pub message: offhook_wire::Limits,
    /// Simultaneous connections, including unauthenticated ones. One more is closed unless an unauthenticated one can be closed for it.
    /// Default 4,096.
    pub connections: usize,
    /// Unauthenticated connections of all sources. One more closes the oldest without an INVITE. Default 256: the other connections are
    /// reserved for users.
    pub unauthenticated: usize,
    /// Unauthenticated connections of each source (an IPv4 address or an IPv6 /64). Default 64.
    pub unauthenticated_per_source: usize,
    /// Authenticated connections of one user; one more closes one without a binding, or is closed itself. Default 32.
    pub connections_per_user: usize,
    /// How long a connection may take, from its accept, until the first request with valid credentials (or, with [`Config::guests`], the
    /// first INVITE). Default 32 s, the time in which a client transaction ends (64*T1, RFC 3261 §17.1.1.2).
    pub authentication_timeout: Duration,
    /// Flows of datagrams. One more removes the one that has been idle longest and has neither a binding nor a transaction. Default
    /// 16,384.
    pub datagram_flows: usize,
    /// A flow of datagrams without a binding is removed after this idle time. Default 300 s.
    pub idle_datagram_flow: Duration,
    /// Transactions of all flows; one more request is answered 503. Default 65,536.
    pub transactions: usize,
    /// Transactions begun by one flow; one more request is answered 503. Default 16,384.
    pub transactions_per_flow: usize,
    /// Bytes that the transactions of all senders may hold. Defaults: 64 MiB in total, 32 MiB for one source, 16 MiB for one flow.
    pub bytes: Bytes,
    /// Bytes that the transactions of guests may hold. Defaults: 8 MiB in total, 2 MiB for one source, 1 MiB for one flow.
    pub guest_bytes: Bytes,
    /// Contacts of one address-of-record, and so the branches of a forked request; one more is refused with 403, unless it
    /// replaces the oldest contact of the same client (identified by its Call-ID, RFC 3261 §10.2). Default 10.
    pub bindings_per_user: usize,
    /// Bytes of one Contact value of a REGISTER; a longer one is refused with 400. Default 2,048.
    pub contact: usize,
    /// Bounds on the rate of wrong credentials.
    pub guessing: Guessing,
}

/// Bounds in bytes. A request beyond one of them is answered 503. Counted are the messages that transactions keep, and a fixed amount for
/// the table entries of each transaction (1,024) and branch (512).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// The total.
    pub total: usize,
    /// For one source: an IPv4 address or an IPv6 /64.
    pub per_source: usize,
    /// For one flow.
    pub per_flow: usize,
}

/// The rates at which wrong credentials are verified. Credentials beyond a rate are answered 503 with Retry-After without being verified.
///
/// Valid credentials do not count, and credentials with the nonce of an earlier success are always verified. A user at a source from
/// which it has authenticated within a day is not slowed by other sources, and the first attempt of a remote that has not failed yet has
/// a rate of its own, so that guesses do not lock the owner out. An attacker at the owner's own address that opens a connection for each
/// guess is indistinguishable from the owner, and slows it too.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Guessing {
    /// Wrong credentials in a row from one remote address and port. Default 3, then one in 5 s.
    pub per_remote: Rate,
    /// From one source. Default 32, then one in 1 s.
    pub per_source: Rate,
    /// For one user, from all sources at which it has not authenticated. Default 32, then one in 1 s.
    pub per_user: Rate,
    /// For one user, from one source at which it has authenticated. Default 8, then one in 2 s.
    pub per_home: Rate,
    /// From one source, by remotes that have not failed yet, while the rates above are used up. Default 64, then one in 50 ms.
    pub fresh_per_source: Rate,
    /// For one user, by remotes that have not failed yet, while the rates above are used up. Default 128, then one in 25 ms.
    pub fresh_per_user: Rate,
    /// Remotes, sources and users that are remembered, each. Default 16,384.
    pub remembered: usize,
}

/// A burst, then one in each interval.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The size of the burst.
    pub burst: u32,
    /// The interval of the following ones.
    pub interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            message: offhook_wire::Limits::default(),
            connections: 4096,
            unauthenticated: 256,
            unauthenticated_per_source: 64,
            connections_per_user: 32,
            authentication_timeout: Duration::from_secs(32),
            datagram_flows: 16_384,
            idle_datagram_flow: Duration::from_secs(300),
            transactions: 65_536,
            transactions_per_flow: 16_384,
            bytes: Bytes { total: 64 * MIB, per_source: 32 * MIB, per_flow: 16 * MIB },
            guest_bytes: Bytes { total: 8 * MIB, per_source: 2 * MIB, per_flow: MIB },
            bindings_per_user: 10,
            contact: 2048,
            guessing: Guessing::default(),
        }
    }
}

impl Default for Guessing {
    fn default() -> Self {
        let rate = |burst, millis| Rate { burst, interval: Duration::from_millis(millis) };
        Self {
            per_remote: rate(3, 5000),
            per_source: rate(32, 1000),
            per_user: rate(32, 1000),
            per_home: rate(8, 2000),
            fresh_per_source: rate(64, 50),
            fresh_per_user: rate(128, 25),
            remembered: 16_384,
        }
    }
}
