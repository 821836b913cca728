//! The command line.

use crate::record::Record;
use clap::{Parser, Subcommand, ValueEnum};
use offhook::{DtmfPath, RedirectPolicy, ReferPolicy, RenegotiateBy, Secret};
use offhook_tokio::{Origin, OriginError};
use offhook_wire::digest::Algorithm;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

const EXAMPLES: &str = "\
Try it:
  offhook demo                                                    three phones and an exchange, in a few seconds

Record phones, and replay the recording exactly:
  offhook demo --record demo.offhook
  offhook replay demo.offhook --pcap demo.pcap --scenario demo.scn

Two phones by hand, in three terminals:
  offhook exchange --listen 127.0.0.1:5066 --realm house.test --user alice:a-pw --user bob:b-pw
  offhook answer --server ws://127.0.0.1:5066 --domain house.test --user bob --password b-pw --auto --tone 880
  offhook call sip:bob@house.test --server ws://127.0.0.1:5066 --domain house.test --user alice --password a-pw \\
          --tone 440 --dtmf '159#' --record heard.wav --duration 5

For programs: with --json, standard output has one object per line. Commands are read from standard input, one per
line, with or without --json: hold, resume, restart (ICE), dtmf 12#, dtmf-info 42, info text/plain TEXT,
info PACKAGE text/plain TEXT, transfer sip:carol@house.test, accept-transfer 2, reject-transfer 2, early-media, answer,
reject (486), mute, unmute, tone 440, hangup, message bob TEXT, options bob, password TEXT, quit.

Exit codes:
  0  success: the call was established and ended normally, or you ended it; the message or OPTIONS got a 2xx
  1  failure: a file, a port, an address, a text that is too long, a step of the demonstration, a replay that differs from
     its recording
  2  the command line is wrong, or a recording cannot be read
  3  not registered: the server is unreachable or refused, or you quit before; or the connection was lost before the
     outcome of the message or OPTIONS
  4  the call failed: refused, unanswered, or without media; the message or OPTIONS failed, or you quit before its outcome";

const REQUESTS: &str = "\
Example:
  offhook message sip:bob@house.test 'see you at eight' --server ws://127.0.0.1:5066 --domain house.test --user alice \\
          --password a-pw --json

With --json each line is an event. The last one is `outcome`:
  request, to, result    message or options, the recipient, and accepted, capabilities or failed
  accepted               code (202: a server delivers the message later)
  capabilities           methods, media_types, extensions, info_packages, software: what the peer claims
  failed                 cause, code
The others are those of `offhook call`. `offhook --help` has the exit codes.";

const EVENTS: &str = "\
Example:
  offhook call sip:bob@house.test --server ws://127.0.0.1:5066 --domain house.test --user alice --password a-pw \\
          --tone 440 --dtmf '159#' --record heard.wav --duration 5 --json

With --json each line is an event:
  connection  state up, down, connecting; why           registering  attempt, of
  waiting     attempt, of, seconds, cause, code         registered   aor, expires (seconds)
  refreshing, unregistering, unregistered  aor
  registration_failed  cause, code, attempts            incoming     from, display_name, to
  status      initial, establishing, established, terminating (with cause, by), idle
  progress    code, early_media                         path         up; path_failed: why
  invite_refused  from, why: an offer that you cannot use
  first_audio                                           media        heard_hz (null is silence), level_dbfs
  played      the source has ended                      missed       events: this many were dropped
  dtmf        digit, duration_ms, via                   dtmf_sent, dtmf_failed   digit, via or why
  hold        local, remote                             hold_failed  wanted (hold or resume), code
  restarted   accepted, code
  transfer    state (trying, progress, done, failed), code
  transfer_requested  request, target, referred_by      referred     target
  transfer_request_ended  request
  redirected  target                                    info         package, content_type, text
  info_sent   info                                      info_outcome info, code
  message     from, content_type, text                  outcome      see `offhook message --help`
  credentials aor, realm: answer with `password TEXT`   recorded     file, seconds
  ended       cause, by, code, text                     error        message
Events of a call have its id in `call`. `offhook --help` has the commands for standard input and the exit codes.";

const USERS: &str = "\
Users, for --users, OFFHOOK_USERS and --user, one per line; blank lines and lines that start with # are skipped:
  NAME:PASSWORD    the plaintext password: everything after the first colon
  NAME:REALM:HASH  the format of htdigest: REALM is exactly that of --realm, HASH the 32 (MD5) or 64 (SHA-256)
                   hexadecimal digits of H(NAME:REALM:PASSWORD). One line for each offered algorithm
NAME is the user part of the address; characters other than letters, digits and -_.!~*'()&=+$,;?/ are written %HH.
A line that looks like the second form but does not match it is an error: after the name it starts with the realm in
any case and a colon, or it ends in a colon and 24 or more hexadecimal digits. A plaintext password must not look like
this. A user may be in only one of the three sources. With --users, SIGHUP reads the file again: removed users and users
with another password lose their registrations, existing calls continue; a file with an error changes nothing.

With --json each line is an event:
  listening     ws, wss, udp, realm             registered    user, contact, expires
  denied        user, code                      unregistered  user, contact, why
  call          call_id, from, to, step, code   users         added, removed, changed
  warning       message, file                   users_rejected  message, file, line
  load          flows, unauthenticated,         error         message
                bindings, transactions, bytes,
                queued";

#[derive(Debug, Parser)]
#[command(name = "offhook", version, about = "A SIP and WebRTC phone on the command line", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) job: Job,
    /// Print one JSON object per line instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Run three phones and an exchange: a real call, a transfer, a lost connection
    Demo(Demo),
    /// Run the embedded exchange: a registrar and proxy
    #[command(after_help = USERS)]
    Exchange(Exchange),
    /// Register, and stay registered until Ctrl-C
    Register(Register),
    /// Make a call
    #[command(after_help = EVENTS)]
    Call(Call),
    /// Register and answer calls
    #[command(after_help = EVENTS)]
    Answer(Answer),
    /// Send a text message
    #[command(after_help = REQUESTS)]
    Message(Message),
    /// Query the capabilities of a user, a number or a server
    #[command(after_help = REQUESTS)]
    Options(Options),
    /// Replay a flight recording, compare the result with it, and draw its ladder
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// FILE.offhook: a flight recording of the phones, for `offhook replay`. FILE.wav: the audio that bob received [default:
    /// offhook-demo.wav in the temporary directory]. May be given twice
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Exchange {
    /// Address to listen on for WebSocket; port 0: any free port
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5066")]
    pub(crate) listen: SocketAddr,
    /// Address to listen on for UDP
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) udp: Option<SocketAddr>,
    /// Address to listen on for WebSocket over TLS; needs --cert and --key
    #[arg(long, value_name = "IP:PORT", requires = "cert", requires = "key")]
    pub(crate) wss: Option<SocketAddr>,
    /// The certificate chain for --wss, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key for --wss, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A file with the users, one per line; see below. SIGHUP reads it again. The environment variable OFFHOOK_USERS, in
    /// the same syntax, is read as well
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,
    /// A user, in the syntax of that file; may be repeated. Visible to others in the process list
    #[arg(long, value_name = "NAME:PASSWORD")]
    pub(crate) user: Vec<User>,
    /// The realm, and the first domain
    #[arg(long, default_value = "offhook.test")]
    pub(crate) realm: String,
    /// An additional domain; may be repeated. The address of --listen is always included
    #[arg(long = "domain", value_name = "NAME")]
    pub(crate) domains: Vec<String>,
    /// Let callers from other domains call without credentials. A caller with one of the exchange's own domains or its
    /// address in From is not a guest
    #[arg(long)]
    pub(crate) guests: bool,
    /// Digest algorithms to offer, in this order: md5, sha-256, sha-512-256. Some phones read only the first challenge,
    /// or cannot skip an unknown one: SIPp 3.6 and baresip 1.0 need `md5`
    #[arg(long = "algorithm", value_name = "LIST", default_value = "sha-256,md5")]
    pub(crate) algorithms: Algorithms,
    /// Origin of web pages that may connect, such as https://phone.example.com; `null` for opaque origins, * for any; may
    /// be repeated [default: pages whose host is the realm, a domain, an address of --listen or --wss, or the loopback
    /// if the exchange listens there, by http or https on any port]
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub(crate) origins: Vec<Pages>,
    /// Report the load at this interval, 0.1 to 86400 seconds
    #[arg(long, value_name = "SECONDS", value_parser = period)]
    pub(crate) stats: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) account: Account,
    /// Exit once registered
    #[arg(long)]
    pub(crate) once: bool,
    /// FILE.offhook: a flight recording of the phone, for `offhook replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// The callee: sip:bob@example.com, tel:+1555…, or a user or number of your own domain
    #[arg(value_name = "CALLEE")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(flatten)]
    pub(crate) sound: Sound,
    /// Digits to send when the media path is up
    #[arg(long, value_name = "DIGITS", allow_hyphen_values = true)]
    pub(crate) dtmf: Option<String>,
    /// How digits are sent
    #[arg(long, value_enum, default_value_t = Via::Auto)]
    pub(crate) dtmf_via: Via,
    /// Hang up this many seconds after the call was established
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(flatten)]
    pub(crate) sound: Sound,
    /// Answer immediately instead of waiting for `answer` on standard input
    #[arg(long)]
    pub(crate) auto: bool,
    /// Let the caller hear --tone or --play before the call is answered
    #[arg(long, conflicts_with = "auto")]
    pub(crate) early_media: bool,
    /// Exit after the first call
    #[arg(long)]
    pub(crate) once: bool,
    /// Hang up this many seconds after the call was established
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Message {
    /// The recipient: sip:bob@example.com, or a user or number of your own domain
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    /// The text
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) account: Account,
    /// FILE.offhook: a flight recording of the phone, for `offhook replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The address: sip:bob@example.com, sip:example.com, or a user or number of your own domain
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) account: Account,
    /// FILE.offhook: a flight recording of the phone, for `offhook replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Account {
    /// ws://host[:port][/path], wss://… or udp://host[:port]
    #[arg(long, value_name = "URL")]
    pub(crate) server: offhook::Hop,
    /// The user name
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// The password; visible to others in the process list [alternative: the environment variable OFFHOOK_PASSWORD]
    #[arg(long, value_name = "TEXT", conflicts_with = "password_file")]
    pub(crate) password: Option<Secret>,
    /// A file with the password in its first line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Also answer challenges of this realm, besides those of your own server; may be repeated
    #[arg(long = "realm", value_name = "REALM")]
    pub(crate) realms: Vec<String>,
    /// Your own domain [default: the first realm, or the server's host]
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// The display name
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<String>,
    /// Give up after this many failed attempts to register; 0: unlimited [default: 3; unlimited for `answer` and `register`]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Trust only the certificates in this PEM file for wss://
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Receive media on this address; may be repeated [default: all, or the loopback if the server is there]
    #[arg(long, value_name = "IP")]
    pub(crate) bind: Vec<IpAddr>,
    /// Ask for the password when a server requests it, instead of giving up: on the terminal, or with the event
    /// `credentials` and the command `password TEXT` on standard input
    #[arg(long)]
    pub(crate) ask_password: bool,
    /// An Info Package that you accept (RFC 6086); may be repeated. Others are refused
    #[arg(long = "info-package", value_name = "NAME", value_parser = package)]
    pub(crate) info_packages: Vec<String>,
    /// Policy for redirections (3xx) of your requests
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Redirects::OwnDomain)]
    pub(crate) redirects: Redirects,
    /// Policy for the REFER requests of a peer, by which it transfers you
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Transfers::Ask)]
    pub(crate) transfers: Transfers,
    /// The request for hold, resume and restart
    #[arg(long, value_name = "REQUEST", value_enum, default_value_t = Renegotiation::Reinvite)]
    pub(crate) renegotiate_by: Renegotiation,
    /// Send 180 reliably (PRACK, RFC 3262) to callers that support it
    #[arg(long)]
    pub(crate) reliable: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sound {
    /// Play a tone of this frequency
    #[arg(long, value_name = "HZ", conflicts_with = "play", value_parser = hertz)]
    pub(crate) tone: Option<f32>,
    /// Play a WAV file
    #[arg(long, value_name = "FILE")]
    pub(crate) play: Option<PathBuf>,
    /// FILE.wav: the received audio. FILE.offhook: a flight recording of the phone, for `offhook replay`. May be given twice
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The recording
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print only the result of the comparison, without the ladder and the trace
    #[arg(long)]
    pub(crate) brief: bool,
    /// Write a scenario for the simulator: `cargo sim replay FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Write the messages as a pcap file for Wireshark
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
}

/// What to do with a REFER of the peer.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum Transfers {
    /// Ask: decide with `accept-transfer N` or `reject-transfer N` on standard input
    Ask,
    /// Call the target if it is a SIP address of your own domain, else reject
    OwnDomain,
    /// Reject
    Reject,
}

impl From<Transfers> for ReferPolicy {
    fn from(transfers: Transfers) -> Self {
        match transfers {
            Transfers::Ask => ReferPolicy::Ask,
            Transfers::OwnDomain => ReferPolicy::OwnDomain,
            Transfers::Reject => ReferPolicy::Reject,
        }
    }
}

/// How media is changed in an established call.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum Renegotiation {
    /// A re-INVITE
    Reinvite,
    /// An UPDATE (RFC 3311) if the peer allows it, else a re-INVITE
    Update,
}

impl From<Renegotiation> for RenegotiateBy {
    fn from(renegotiation: Renegotiation) -> Self {
        match renegotiation {
            Renegotiation::Reinvite => RenegotiateBy::Reinvite,
            Renegotiation::Update => RenegotiateBy::Update,
        }
    }
}

/// What to do with a 3xx to a request.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum Redirects {
    /// Report the redirection: the request has failed
    Report,
    /// Follow it to SIP addresses of your own domain
    OwnDomain,
    /// Follow it to any address, also to telephone numbers
    Follow,
}

impl From<Redirects> for RedirectPolicy {
    fn from(redirects: Redirects) -> Self {
        match redirects {
            Redirects::Report => RedirectPolicy::Report,
            Redirects::OwnDomain => RedirectPolicy::OwnDomain,
            Redirects::Follow => RedirectPolicy::Follow,
        }
    }
}

/// How digits are sent.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum Via {
    /// By RTP if the peer supports it, else by INFO
    Auto,
    /// As RTP telephone-event
    Rtp,
    /// As SIP INFO
    Info,
}

impl From<Via> for DtmfPath {
    fn from(via: Via) -> Self {
        match via {
            Via::Auto => DtmfPath::Auto,
            Via::Rtp => DtmfPath::Rtp,
            Via::Info => DtmfPath::Info,
        }
    }
}

/// A user as an unparsed line: clap's error messages would quote it with the password.
#[derive(Clone)]
pub(crate) struct User(pub(crate) String);

impl From<&str> for User {
    fn from(line: &str) -> Self {
        Self(line.to_owned())
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Digest algorithms, the preferred one first; not empty, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Algorithms(pub(crate) Vec<Algorithm>);

impl FromStr for Algorithms {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut list = Vec::new();
        for word in text.split(',') {
            let known = Algorithm::from_bytes(word.as_bytes()).filter(|algorithm| !algorithm.is_session());
            let algorithm = known.ok_or("expected a list of md5, sha-256 and sha-512-256")?;
            if list.contains(&algorithm) {
                return Err(format!("{word} is listed twice"));
            }
            list.push(algorithm);
        }
        Ok(Self(list))
    }
}

/// Web pages that may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    Any,
    Of(Origin),
}

impl FromStr for Pages {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "*" { Ok(Self::Any) } else { text.parse().map(Self::Of) }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected seconds, such as 5 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|why| why.to_string())
}

fn period(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected seconds between 0.1 and 86400".to_owned()),
    }
}

fn package(text: &str) -> Result<String, &'static str> {
    let is_name = offhook_wire::is_token(text.as_bytes());
    if is_name { Ok(text.to_owned()) } else { Err("expected a token: letters, digits and -.!%*_+`'~") }
}

fn hertz(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(hz) if (50.0..=20_000.0).contains(&hz) => Ok(hz),
        _ => Err("expected a frequency between 50 and 20000 Hz".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn all_options_of_call_are_parsed() {
        let line = "offhook call sip:bob@h --server ws://h:5066 --user alice --password x --realm r --tone 440 \
                    --record out.wav --dtmf 159# --dtmf-via info --duration 0.5 --json";
        let args = Args::try_parse_from(line.split_whitespace()).expect("readable");
        assert!(args.json);
        let Job::Call(call) = args.job else { panic!("a call") };
        assert_eq!((call.to.as_str(), call.dtmf.as_deref()), ("sip:bob@h", Some("159#")));
        assert_eq!(call.duration, Some(Duration::from_millis(500)));
        assert_eq!(call.account.server.port, 5066);
    }

    #[test]
    fn invalid_values_are_rejected() {
        for line in [
            "offhook call bob --server http://h --user a",
            "offhook call bob --server ws://h --user a --tone nan",
            "offhook call bob --server ws://h --user a --duration -1",
            "offhook call bob --server ws://h --user a --info-package a,b",
            "offhook call bob --server ws://h --user a --renegotiate-by info",
            "offhook call bob --server ws://h --user a --early-media",
            "offhook answer --server ws://h --user a --early-media --auto",
            "offhook exchange --user a:b --origin phone.example.com",
            "offhook exchange --user a:b --stats 0",
            "offhook exchange --user a:b --stats 1e300",
            "offhook exchange --user a:b --stats nan",
            "offhook exchange --user a:b --origin https://phone.example.com/",
        ] {
            assert!(Args::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
    }

    #[test]
    fn algorithms_keep_their_order() {
        let read = |text: &str| text.parse::<Algorithms>().map(|Algorithms(list)| list);
        assert_eq!(read("md5"), Ok(vec![Algorithm::Md5]));
        assert_eq!(read("SHA-256,md5"), Ok(vec![Algorithm::Sha256, Algorithm::Md5]));
        assert_eq!(read("sha-512-256"), Ok(vec![Algorithm::Sha512_256]));
        for wrong in ["", "md5,", "md5, sha-256", "sha1", "md5,sha-256,MD5", "md5-sess"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let line = ["offhook", "exchange", "--user", "a:b"];
        let Job::Exchange(exchange) = Args::try_parse_from(line).expect("readable").job else {
            panic!("an exchange")
        };
        assert_eq!(exchange.algorithms.0, offhook_exchange::Config::new("a").algorithms, "the default");
    }

    #[test]
    fn debug_output_hides_passwords() {
        for line in [
            "offhook register --server ws://h --user a --password hidden",
            "offhook exchange --user alice:hidden --user hidden",
        ] {
            let args = Args::try_parse_from(line.split_whitespace()).expect("readable");
            assert!(!format!("{args:?}").contains("hidden"), "{line}");
        }
    }
}
