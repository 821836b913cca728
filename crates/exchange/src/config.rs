//! What the exchange answers for and how much it will hold.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook_wire::digest::{Algorithm, Password, Secret};

/// The configuration of one [`Exchange`](crate::Exchange). Fields are public; [`Config::new`] fills in defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host[:port]` that the exchange writes into its Via and Record-Route values. Peers on UDP must be able to
    /// send to it (RFC 3261 §16.6 step 4); peers on a WebSocket never resolve it.
    pub host: String,
    /// The name of the host in a second network. With one, each dialog gets two Record-Route values, [`Config::host`] nearest to
    /// its caller and this one nearest to its callee, as from a multi-homed proxy (RFC 5658 §3.1).
    pub second_host: Option<String>,
    /// The domains the exchange is responsible for (RFC 3261 §16.5), compared without case; an IPv6 literal stands in
    /// brackets. All of them share the one list of users. [`Config::host`] and [`Config::second_host`] count as some of them
    /// without being listed.
    pub domains: Vec<String>,
    /// The realm of digest challenges (RFC 3261 §22.1).
    pub realm: String,
    /// User part of the address-of-record, without escapes, to passwords: one in clear, or one hash for each algorithm that is offered
    /// (see [`Config::uncovered`]). [`Exchange::set_users`](crate::Exchange::set_users) changes them later.
    pub users: BTreeMap<String, Vec<Password>>,
    /// One challenge is offered for each of these, in this order: the strongest first (RFC 8760 §2.4). The default has
    /// MD5 last: JsSIP and SIP.js keep only the last row and know nothing else.
    pub algorithms: Vec<Algorithm>,
    /// Whether a caller whose From is of a foreign domain may send INVITE and OPTIONS to our users without credentials (default: no).
    /// Callers from our own domains are always challenged, and nobody may relay to a foreign domain.
    pub guests: bool,
    /// The shortest registration granted; a shorter wish is answered 423 (RFC 3261 §10.3 step 7). No 423 can be
    /// sent for an hour or more, so a larger minimum has no effect beyond that.
    pub min_expires: Duration,
    /// The registration granted to a Contact that names no interval.
    pub default_expires: Duration,
    /// The longest registration granted; a longer wish is shortened.
    pub max_expires: Duration,
    /// How long a nonce is good for; after that the challenge is repeated with `stale=true`.
    pub nonce_lifetime: Duration,
    /// Timer C: how long a branch may ring without news (RFC 3261 §16.6 step 11: more than three minutes).
    pub timer_c: Duration,
    /// How long a pending request, or one inside a dialog, waits for its callee to come back after the callee's connection was
    /// lost. The binding itself dies at once: a new call hears 480.
    pub flow_grace: Duration,
    /// Bounds on everything that peers can make the exchange hold.
    pub limits: Limits,
    /// The rule that this exchange breaks on purpose. `None`, the default: none.
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

    /// Adds a user with a password in clear.
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

/// Bounds on what one exchange holds. What arrives beyond a bound is refused, never queued.
#[derive(Copy, Clone, Debug)]
pub struct Limits {
    /// Limits of the parser (bytes of a message, of its head, and rows).
    pub message: offhook_wire::Limits,
    /// Connections at one time, strangers among them; one more is closed unless a stranger can make room. Default 4,096.
    pub connections: usize,
    /// Connections that no user has authenticated on, of all sources together. When they are as many, the oldest without an INVITE makes
    /// room for one more. Default 256: the other places are for users.
    pub strangers: usize,
    /// The same for each source, which is an IPv4 address or an IPv6 /64. Default 64.
    pub strangers_per_source: usize,
    /// Connections on which one user has authenticated; one more replaces one without a binding, or is closed. Default 32.
    pub connections_per_user: usize,
    /// How long a connection may take, from its accept, until the first request with right credentials (or, where guests are welcome, the
    /// first INVITE) has come over it. Default 32 s, the time in which a client transaction ends (64*T1, RFC 3261 §17.1.1.2).
    pub authentication_timeout: Duration,
    /// Flows of datagrams at one time. When they are as many, the idlest without a binding and a transaction makes room for one more.
    /// Default 16,384.
    pub datagram_flows: usize,
    /// A flow of datagrams without a binding is forgotten after this silence. Default 300 s.
    pub idle_datagram_flow: Duration,
    /// Transactions of all flows; one more request is answered 503. Default 65,536.
    pub transactions: usize,
    /// Transactions begun by one flow; one more request is answered 503. Default 16,384.
    pub transactions_per_flow: usize,
    /// Bytes that the transactions of all senders may hold. Defaults: 64 MiB in all, 32 MiB of one source, 16 MiB of one flow.
    pub bytes: Bytes,
    /// Bytes that the transactions of guests may hold. Defaults: 8 MiB in all, 2 MiB of one source, 1 MiB of one flow.
    pub guest_bytes: Bytes,
    /// Contacts of one address-of-record, and so the branches of a forked request; one more is refused with 403, unless the same
    /// client gives up its oldest for it (RFC 3261 §10.2: it is known by its Call-ID). Default 10.
    pub bindings_per_user: usize,
    /// Bytes of one Contact value of a REGISTER; a longer one is refused with 400. Default 2,048.
    pub contact: usize,
    /// How fast credentials may be guessed.
    pub guessing: Guessing,
}

/// Bounds on bytes. A request beyond one of them is answered 503. Counted are the messages that transactions keep, and a fixed amount for
/// each transaction (1,024) and branch (512) that stands for its table entries.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// All together.
    pub total: usize,
    /// Of one source: an IPv4 address or an IPv6 /64.
    pub per_source: usize,
    /// Of one flow.
    pub per_flow: usize,
}

/// How many wrong credentials are judged. What comes beyond a rate is answered 503 with Retry-After, unjudged, so that it tells nothing.
///
/// Right credentials cost nothing, and a client that continues with the nonce of a success is always judged. A user at a source from which
/// it has authenticated within a day is not slowed by what other sources try, and a remote that has not failed yet has its first
/// attempt judged at a rate of its own, so that guesses do not lock the owner out. The owner cannot be told apart from an
/// attacker at the owner's own address that opens a connection for each guess: there the owner has to wait, too.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Guessing {
    /// Wrong credentials in a row from one remote address and port. Default 3, then one in 5 s.
    pub per_remote: Rate,
    /// From one source. Default 32, then one in 1 s.
    pub per_source: Rate,
    /// For one user, from all sources that it is not known to be at. Default 32, then one in 1 s.
    pub per_user: Rate,
    /// For one user, from one source that it is known to be at. Default 8, then one in 2 s.
    pub per_home: Rate,
    /// From one source, by remotes that have not failed yet, while the rates above are used up. Default 64, then one in 50 ms.
    pub fresh_per_source: Rate,
    /// For one user, by remotes that have not failed yet, while the rates above are used up. Default 128, then one in 25 ms.
    pub fresh_per_user: Rate,
    /// Remotes, sources and users that are remembered, of each kind. Default 16,384.
    pub remembered: usize,
}

/// A burst, and after it one in each interval.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many in a burst.
    pub burst: u32,
    /// The interval in which one more is allowed.
    pub interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            message: offhook_wire::Limits::default(),
            connections: 4096,
            strangers: 256,
            strangers_per_source: 64,
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
