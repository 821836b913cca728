use crate::{Limits, Password};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The configuration of a phone. [`Config::new`] fills in the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The accounts; [`AccountId`](crate::AccountId) is the index in this list.
    pub accounts: Vec<Account>,
    /// The value of `User-Agent` and `Server`.
    pub user_agent: String,
    /// The maximum number of simultaneous calls (default 2); a further INVITE is answered with 486.
    pub call_limit: usize,
    /// How long a call may ring, incoming or outgoing, before the phone ends it (default 120 s).
    pub no_answer: Duration,
    /// How long an established call may lack a media path before the phone ends it (default 20 s).
    pub media_timeout: Duration,
    /// What to do with a REFER within a call (default: ask).
    pub refer_policy: ReferPolicy,
    /// The base times of transactions.
    pub times: TransactionTimes,
    /// How registrations are retried, and connections kept alive.
    pub registration: RegistrationPolicy,
    /// Bounds on what the network may send.
    pub limits: Limits,
    /// How many lines [`Phone::trace`](crate::Phone::trace) keeps (default 16).
    pub trace: usize,
    /// The planted bug of this phone. `None`, the default: none.
    #[cfg(feature = "planted")]
    pub planted: Option<crate::Bug>,
}

impl Config {
    /// A phone with one account and the defaults.
    pub fn new(account: Account) -> Self {
        Self {
            accounts: vec![account],
            user_agent: concat!("Offhook/", env!("CARGO_PKG_VERSION")).to_owned(),
            call_limit: 2,
            no_answer: Duration::from_secs(120),
            media_timeout: Duration::from_secs(20),
            refer_policy: ReferPolicy::default(),
            times: TransactionTimes::default(),
            registration: RegistrationPolicy::default(),
            limits: Limits::default(),
            trace: 16,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }
}

/// One address of record and the servers that serve it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The address of record: `sip:alice@example.com`.
    pub aor: String,
    /// The display name in From.
    pub display_name: Option<String>,
    /// The user name for digest authentication, if it is not the user part of `aor`.
    pub username: Option<String>,
    /// The password, or its hash.
    pub password: Option<Password>,
    /// Answer only challenges of this realm. `None`: of any realm.
    pub realm: Option<String>,
    /// The servers to connect to; see [`Server::weight`] for their order.
    pub servers: Vec<Server>,
    /// Whether to register. If not, the phone only connects.
    pub register: bool,
    /// The lifetime of a registration to request (default 600 s).
    pub expires: Duration,
    /// The maximum number of consecutive failed attempts to register; `None` is without limit.
    /// A success resets the count, a disconnection does not. The SDKs call it `reRegistryPhoneTimes`.
    #[doc(alias = "re_registry_phone_times")]
    #[doc(alias = "reRegistryPhoneTimes")]
    pub max_registration_attempts: Option<u32>,
}

impl Account {
    /// An account that registers with `server`.
    ///
    /// # Errors
    /// [`TargetError`] if `server` is not a [`Target`].
    pub fn new(
        aor: impl Into<String>,
        password: Option<Password>,
        server: &str,
    ) -> Result<Self, TargetError> {
        Ok(Self {
            aor: aor.into(),
            display_name: None,
            username: None,
            password,
            realm: None,
            servers: vec![Server { target: server.parse()?, weight: 0 }],
            register: true,
            expires: Duration::from_secs(600),
            max_registration_attempts: None,
        })
    }
}

/// What a phone does with a REFER within a call, which makes it call a target of the peer's choice (RFC 3515 §2.4.2, §5.2).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferPolicy {
    /// Refuse it with 603.
    Reject,
    /// Call a SIP or SIPS URI of the account's own domain; refuse other targets with 603.
    OwnDomain,
    /// Ask the user: [`Event::TransferRequested`](crate::Event::TransferRequested). Without a decision within
    /// [`Config::no_answer`] it counts as rejected.
    #[default]
    Ask,
}

/// A server and its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its transport and address.
    pub target: Target,
    /// Servers with a higher weight are tried first; equal ones in the order of the list.
    pub weight: u16,
}

/// Where to connect: `ws://host[:port][/path]`, `wss://…`, `udp://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The transport.
    pub transport: Transport,
    /// A host name or an address; IPv6 in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path of a WebSocket URI, starting with `/`; else empty.
    pub path: String,
}

/// A transport of SIP.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// Datagrams (RFC 3261 §18).
    Udp,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Transport {
    /// Whether it is reliable, so that transactions do not retransmit (RFC 3261 §17).
    pub fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// As in Via: `"UDP"`, `"WS"`, `"WSS"`.
    pub fn as_via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As in `;transport=`. RFC 7118 §5.2.3: `ws` for both.
    pub fn as_param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Ws | Transport::Wss => "ws",
        }
    }
}

/// The string is not a [`Target`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a server: expected ws://host[:port][/path], wss://… or udp://host[:port]")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(s: &str) -> Result<Self, TargetError> {
        let (scheme, rest) = s.split_once("://").ok_or(TargetError)?;
        let (transport, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "ws" => (Transport::Ws, 80),
            "wss" => (Transport::Wss, 443),
            "udp" => (Transport::Udp, 5060),
            _ => return Err(TargetError),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let host_end = if authority.starts_with('[') {
            authority.find(']').ok_or(TargetError)? + 1
        } else {
            authority.find(':').unwrap_or(authority.len())
        };
        let (host, port) = authority.split_at(host_end);
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().map_err(|_| TargetError)?,
            None if port.is_empty() => default_port,
            None => return Err(TargetError),
        };
        let path_allowed = transport != Transport::Udp || matches!(path, "" | "/");
        let clean = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if host.is_empty() || !clean(host) || !clean(path) || !path_allowed {
            return Err(TargetError);
        }
        let path = match transport {
            Transport::Udp => "",
            _ if path.is_empty() => "/",
            _ => path,
        };
        Ok(Self { transport, host: host.to_owned(), port, path: path.to_owned() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Udp => "udp",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

/// The base times of transactions (RFC 3261 §17.1.1.1).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TransactionTimes {
    /// Round-trip estimate (500 ms).
    pub t1: Duration,
    /// Maximum retransmission interval (4 s).
    pub t2: Duration,
    /// Maximum lifetime of a message in the network (5 s).
    pub t4: Duration,
}

impl Default for TransactionTimes {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

/// How a registration is retried and its connection kept alive. Waits depend on the cause, are capped and jittered, so that many
/// phones do not flood a server that comes back.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// The wait after the first failure; doubled for each further one (default 2 s).
    pub first_wait: Duration,
    /// The maximum wait (default 60 s), unless the server's `Retry-After` is longer.
    pub longest_wait: Duration,
    /// How long a connection attempt may take (default 10 s).
    pub connect_timeout: Duration,
    /// The interval of keep-alives (default 25 s).
    pub keep_alive: Duration,
    /// How long the answer to a keep-alive may take, on flows where one was ever received (default 10 s, RFC 5626 §4.4.1).
    pub pong_timeout: Duration,
    /// The maximum number of REGISTER requests in one minute (default 12).
    pub flood_budget: u32,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(2),
            longest_wait: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            flood_budget: 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_printed() {
        for (text, printed) in [
            ("ws://127.0.0.1:5066/ws", "ws://127.0.0.1:5066/ws"),
            ("WSS://pbx.example.com", "wss://pbx.example.com:443/"),
            ("udp://[::1]:5070", "udp://[::1]:5070"),
            ("udp://pbx", "udp://pbx:5060"),
        ] {
            assert_eq!(text.parse::<Target>().expect(text).to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "",
            "pbx",
            "http://pbx",
            "ws://",
            "ws://h:x",
            "ws://h:70000",
            "ws://[::1",
            "udp://h/p",
            "ws://h /",
        ] {
            assert_eq!(text.parse::<Target>(), Err(TargetError), "{text}");
        }
    }
}
