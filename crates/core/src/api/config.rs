use crate::{Limits, Password};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The configuration of a phone. [`Config::new`] fills in the defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The accounts at the start; the [`AccountId`](crate::AccountId) of each is its index in this list.
    /// [`AccountCommand::Add`](crate::AccountCommand::Add) adds others.
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
    /// Whether provisional responses are sent reliably to callers that support it (RFC 3262; default: no). They are anyway if the
    /// caller requires it, or if they have a description.
    pub reliable_provisional: bool,
    /// How media is changed in an established call (default: re-INVITE).
    pub renegotiate_by: RenegotiateBy,
    /// How many media sessions the host can hold for the early dialogs of one call (default 1, for example one RTCPeerConnection). If
    /// another branch than that with early media is accepted, the phone renegotiates. With more than 1, there may be one more until all
    /// outputs of the input with the 2xx are polled.
    pub media_legs: usize,
    /// What to do with a 3xx (default: follow it within the account's own domain).
    pub redirect_policy: RedirectPolicy,
    /// The Info Packages that the application understands (RFC 6086 §5.2). A name that is not a token is ignored. An INFO of another
    /// package is answered with 469.
    /// Empty, the default: none, and the phone does not send `Recv-Info`.
    pub info_packages: Vec<String>,
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

/// The request that changes the media of an established call.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenegotiateBy {
    /// A re-INVITE (RFC 3261 §14).
    #[default]
    Reinvite,
    /// An UPDATE, if the peer allows it (RFC 3311): it needs no ACK.
    Update,
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
            reliable_provisional: false,
            renegotiate_by: RenegotiateBy::default(),
            media_legs: 1,
            redirect_policy: RedirectPolicy::default(),
            info_packages: Vec::new(),
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
#[non_exhaustive]
pub struct Account {
    /// The address of record: `sip:alice@example.com`. If it is not a SIP or SIPS URI, `sip:anonymous@anonymous.invalid` takes its
    /// place, which a registrar refuses.
    pub aor: String,
    /// The display name in From.
    pub display_name: Option<String>,
    /// The user name for digest authentication, if it is not the user part of `aor`.
    pub username: Option<String>,
    /// The password, or its hash.
    pub password: Option<Password>,
    /// Realms whose challenges are answered, besides those of the account's own server: the phone learns the latter from the
    /// challenges to its REGISTER, with the strongest algorithm that the server accepted: a weaker one is not answered (RFC 8760 §3).
    /// A challenge of any other realm may come from a peer, and is not answered. An account that does not register has to name its
    /// realm, and learns no algorithm; a password that is a hash is for one algorithm only.
    pub realms: Vec<String>,
    /// Whether to ask the host for credentials when a challenge cannot be answered:
    /// [`AccountEffect::Credentials`](crate::AccountEffect::Credentials) (default: no, the request fails). It is asked for the realms of
    /// the account's own server, and for those of `realms`. A REGISTER, an initial INVITE, a MESSAGE and an OPTIONS wait; requests within
    /// a dialog fail. After credentials were refused, the failed request is not asked for again; the next one is, and so is
    /// [`AccountCommand::Register`](crate::AccountCommand::Register).
    pub ask_credentials: bool,
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
    /// [`HopError`] if `server` is not a [`Hop`].
    pub fn new(aor: impl Into<String>, password: Option<Password>, server: &str) -> Result<Self, HopError> {
        Ok(Self {
            aor: aor.into(),
            display_name: None,
            username: None,
            password,
            realms: Vec::new(),
            ask_credentials: false,
            servers: vec![Server::new(server.parse()?)],
            register: true,
            expires: Duration::from_secs(600),
            max_registration_attempts: None,
        })
    }

    /// The place of an account that was removed: neither servers nor a password.
    pub(crate) fn removed() -> Self {
        Self {
            aor: String::new(),
            display_name: None,
            username: None,
            password: None,
            realms: Vec::new(),
            ask_credentials: false,
            servers: Vec::new(),
            register: false,
            expires: Duration::ZERO,
            max_registration_attempts: None,
        }
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
    /// Ask the user: [`CallEvent::TransferRequested`](crate::CallEvent::TransferRequested). Without a decision within
    /// [`Config::no_answer`] it counts as rejected.
    #[default]
    Ask,
}

/// What a phone does with a 3xx to its INVITE, MESSAGE or OPTIONS, which names another target (RFC 3261 §8.1.3.4). At most five
/// targets are tried, each once, in the order of their `q`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectPolicy {
    /// Report it: the call or the request fails with [`Cause::Redirected`](crate::Cause::Redirected).
    Report,
    /// Follow SIP and SIPS URIs of the account's own domain; if there are none, report it.
    #[default]
    OwnDomain,
    /// Follow all SIP, SIPS and tel URIs.
    Follow,
}

/// A server and its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// Its transport and address.
    pub hop: Hop,
    /// Servers with a higher weight are tried first; equal ones in the order of the list.
    pub weight: u16,
}

impl Server {
    /// A server of weight 0.
    pub fn new(hop: Hop) -> Self {
        Self { hop, weight: 0 }
    }

    /// With this weight.
    #[must_use]
    pub fn with_weight(mut self, weight: u16) -> Self {
        self.weight = weight;
        self
    }
}

/// A next hop (RFC 3261 §8.1.2), where to connect: `ws://host[:port][/path]`, `wss://…`, `udp://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
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

    /// How messages are delimited on it.
    pub fn framing(self) -> Framing {
        match self {
            Transport::Udp => Framing::Datagram,
            Transport::Ws | Transport::Wss => Framing::Message,
        }
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

/// How messages are delimited on a transport. It is independent of its reliability.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// One message per datagram; bytes after the `Content-Length` are dropped (RFC 3261 §18.3).
    Datagram,
    /// One message per message of the transport (RFC 7118 §4).
    Message,
}

/// The string is not a [`Hop`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a server: expected ws://host[:port][/path], wss://… or udp://host[:port]")]
pub struct HopError;

impl FromStr for Hop {
    type Err = HopError;

    fn from_str(s: &str) -> Result<Self, HopError> {
        let (scheme, rest) = s.split_once("://").ok_or(HopError)?;
        let (transport, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "ws" => (Transport::Ws, 80),
            "wss" => (Transport::Wss, 443),
            "udp" => (Transport::Udp, 5060),
            _ => return Err(HopError),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let host_end = if authority.starts_with('[') {
            authority.find(']').ok_or(HopError)? + 1
        } else {
            authority.find(':').unwrap_or(authority.len())
        };
        let (host, port) = authority.split_at(host_end);
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().map_err(|_| HopError)?,
            None if port.is_empty() => default_port,
            None => return Err(HopError),
        };
        let path_allowed = transport != Transport::Udp || matches!(path, "" | "/");
        let clean = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if host.is_empty() || !clean(host) || !clean(path) || !path_allowed {
            return Err(HopError);
        }
        let path = match transport {
            Transport::Udp => "",
            _ if path.is_empty() => "/",
            _ => path,
        };
        Ok(Self { transport, host: host.to_owned(), port, path: path.to_owned() })
    }
}

impl fmt::Display for Hop {
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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct RegistrationPolicy {
    /// The wait after the first failure; doubled for each further one (default 2 s).
    pub first_wait: Duration,
    /// The maximum wait (default 60 s), unless the server's `Retry-After` is longer.
    pub longest_wait: Duration,
    /// How long a connection attempt may take (default 10 s).
    pub connect_timeout: Duration,
    /// The interval of keep-alives (default 25 s).
    pub keep_alive: Duration,
    /// How long the answer to a keep-alive may take, on connections where one was ever received (default 10 s, RFC 5626 §4.4.1).
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
            assert_eq!(text.parse::<Hop>().expect(text).to_string(), printed);
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
            assert_eq!(text.parse::<Hop>(), Err(HopError), "{text}");
        }
    }
}
