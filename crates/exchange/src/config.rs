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
    /// The domains the exchange is responsible for (RFC 3261 §16.5), compared without case. All of them share the
    /// one list of users. [`Config::host`] and [`Config::second_host`] count as some of them without
    /// being listed.
    pub domains: Vec<String>,
    /// The realm of digest challenges (RFC 3261 §22.1).
    pub realm: String,
    /// User part of the address-of-record, without escapes, to passwords: one in clear, or one hash for each algorithm that is offered
    /// (see [`Config::uncovered`]). [`Exchange::set_users`](crate::Exchange::set_users) changes them later.
    pub users: BTreeMap<String, Vec<Password>>,
    /// One challenge is offered for each of these, in this order: the strongest first (RFC 8760 §2.4). The default has
    /// MD5 last: JsSIP and SIP.js keep only the last row and know nothing else.
    pub algorithms: Vec<Algorithm>,
    /// Whether a caller whose From is of a foreign domain may call our users without credentials (default: no, it is refused with
    /// 403). Callers from our own domains are always challenged, and nobody may relay to a foreign domain.
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
    /// Flows known at one time; one more is closed.
    pub flows: usize,
    /// A UDP flow without a binding is forgotten after this silence. Connections are the host's to watch.
    pub idle_datagram_flow: Duration,
    /// Transactions of all flows; one more request is answered 503.
    pub transactions: usize,
    /// Transactions begun by one flow; one more request is answered 503.
    pub transactions_per_flow: usize,
    /// Contacts of one address-of-record, and so the branches of a forked request; one more is refused with 403, unless the same
    /// client gives up its oldest for it (RFC 3261 §10.2: it is known by its Call-ID).
    pub bindings_per_user: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: offhook_wire::Limits::default(),
            flows: 65_536,
            idle_datagram_flow: Duration::from_secs(300),
            transactions: 262_144,
            transactions_per_flow: 65_536,
            bindings_per_user: 10,
        }
    }
}
