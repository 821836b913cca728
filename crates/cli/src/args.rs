//! The command line.

use crate::record::Record;
use clap::{Parser, Subcommand, ValueEnum};
use offhook::{DtmfPath, Secret};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

const EXAMPLES: &str = "\
Try it:
  offhook demo                                                    three phones and an exchange, in some seconds

Record what happens to phones, and run it again bit for bit:
  offhook demo --record demo.offhook
  offhook replay demo.offhook --pcap demo.pcap --scenario demo.scn

Two phones by hand, in three terminals:
  offhook exchange --listen 127.0.0.1:5066 --realm house.test --user alice:a-pw --user bob:b-pw
  offhook answer --server ws://127.0.0.1:5066 --domain house.test --user bob --password b-pw --auto --tone 880
  offhook call sip:bob@house.test --server ws://127.0.0.1:5066 --domain house.test --user alice --password a-pw \\
          --tone 440 --dtmf '159#' --record heard.wav --duration 5

For programs: with --json standard output is one object a line, and commands are read from standard input, one a
line, with or without it: hold, resume, dtmf 12#, dtmf-info 42, transfer sip:carol@house.test, answer, reject, mute,
unmute, tone 440, hangup, quit.

Exit codes:
  0  done: the call was established and ended as calls do
  1  failed: a file, a port, a step of the demonstration, a replay that is not as recorded
  2  the command line is wrong, or a recording cannot be read
  3  not registered: the server is out of reach, or refused
  4  the call failed: refused, unanswered, or without sound";

const EVENTS: &str = "\
Example:
  offhook call sip:bob@house.test --server ws://127.0.0.1:5066 --domain house.test --user alice --password a-pw \\
          --tone 440 --dtmf '159#' --record heard.wav --duration 5 --json

With --json each line is an event:
  connection  state up, down, connecting; why           registering  attempt, of
  waiting     attempt, of, seconds, cause, code         registered   aor, expires
  registration_failed  cause, code, attempts            incoming     from, display_name, to
  status      initial, establishing, established, terminating, idle
  progress    code                                      path         up
  first_audio                                           media        heard_hz (null is silence), level_dbfs
  dtmf        digit, duration_ms, via                   dtmf_sent, dtmf_failed   digit, via or why
  hold        local, remote                             transfer     state, code
  referred    target                                    recorded     file, seconds
  ended       cause, by, code, text                     error        message
Those of a call carry its name in `call`. `offhook --help` has the commands for standard input and the exit codes.";

#[derive(Debug, Parser)]
#[command(name = "offhook", version, about = "A SIP and WebRTC phone on the command line", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) job: Job,
    /// Print one JSON object a line instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Show it all: three phones, one exchange, a real call, a lost connection
    Demo(Demo),
    /// Run the embedded exchange: a registrar and proxy
    Exchange(Exchange),
    /// Register, and stay registered until Ctrl-C
    Register(Register),
    /// Call somebody
    #[command(after_help = EVENTS)]
    Call(Call),
    /// Register and take calls
    #[command(after_help = EVENTS)]
    Answer(Answer),
    /// Run again what --record FILE.offhook recorded, compare, and draw it
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// FILE.offhook: all that happens to the phones, for `offhook replay`. FILE.wav: what bob heard [default:
    /// offhook-demo.wav in the folder for temporary files]. May be given twice
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Exchange {
    /// Where to listen for WebSocket; port 0 is a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5066")]
    pub(crate) listen: SocketAddr,
    /// Where to listen for UDP
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) udp: Option<SocketAddr>,
    /// Where to listen for WebSocket over TLS; needs --cert and --key
    #[arg(long, value_name = "IP:PORT", requires = "cert", requires = "key")]
    pub(crate) wss: Option<SocketAddr>,
    /// The certificate chain for --wss, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key for --wss, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A user and the password; once for each
    #[arg(long = "user", value_name = "NAME:PASSWORD", required = true)]
    pub(crate) users: Vec<User>,
    /// The realm, and the first domain
    #[arg(long, default_value = "offhook.test")]
    pub(crate) realm: String,
    /// A further domain; once for each. The address of --listen is one anyway
    #[arg(long = "domain", value_name = "NAME")]
    pub(crate) domains: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) account: Account,
    /// Leave as soon as it is registered
    #[arg(long)]
    pub(crate) once: bool,
    /// FILE.offhook: all that happens to the phone, for `offhook replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// Whom: sip:bob@example.com, tel:+1555…, or a user or number of the own domain
    #[arg(value_name = "WHOM")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(flatten)]
    pub(crate) sound: Sound,
    /// Digits to send when the sound is up
    #[arg(long, value_name = "DIGITS", allow_hyphen_values = true)]
    pub(crate) dtmf: Option<String>,
    /// How digits travel
    #[arg(long, value_enum, default_value_t = Via::Auto)]
    pub(crate) dtmf_via: Via,
    /// Hang up after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(flatten)]
    pub(crate) sound: Sound,
    /// Take every call at once, instead of at the command `answer`
    #[arg(long)]
    pub(crate) auto: bool,
    /// Leave after the first call
    #[arg(long)]
    pub(crate) once: bool,
    /// Hang up after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Account {
    /// ws://host[:port][/path], wss://… or udp://host[:port]
    #[arg(long, value_name = "URL")]
    pub(crate) server: offhook::Target,
    /// The user name
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// The password; others can see it in the list of processes [or the variable OFFHOOK_PASSWORD]
    #[arg(long, value_name = "TEXT", conflicts_with = "password_file")]
    pub(crate) password: Option<Secret>,
    /// A file with the password in its first line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Answer challenges of this realm only
    #[arg(long)]
    pub(crate) realm: Option<String>,
    /// The domain of the own address [default: the realm, or the server's host]
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// The name to show to others
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<String>,
    /// Give up after so many failed attempts to register, 0 never [default: 3; never for `answer` and `register`]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Trust the certificates in this PEM file, and no others, for wss://
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Receive sound on this address; once for each [default: all, or the loopback if the server is there]
    #[arg(long, value_name = "IP")]
    pub(crate) bind: Vec<IpAddr>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sound {
    /// Play a tone of so many Hz
    #[arg(long, value_name = "HZ", conflicts_with = "play", value_parser = hertz)]
    pub(crate) tone: Option<f32>,
    /// Play a WAV file
    #[arg(long, value_name = "FILE")]
    pub(crate) play: Option<PathBuf>,
    /// FILE.wav: what is heard. FILE.offhook: all that happens to the phone, for `offhook replay`. May be given twice
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Vec<Record>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The recording
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only say whether it is the same, without the ladder and the trace
    #[arg(long)]
    pub(crate) brief: bool,
    /// Write it as a scenario for the simulator: `cargo sim replay FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Write its messages for Wireshark
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
}

/// How digits travel.
#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum Via {
    /// By RTP if the peer takes it, else by INFO
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

/// `name:password`.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: Secret,
}

impl FromStr for User {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), password: Secret::new(password) })
            }
            _ => Err("expected NAME:PASSWORD"),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected seconds, such as 5 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|why| why.to_string())
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
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_call_is_read_with_all_its_options() {
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
    fn nonsense_is_refused() {
        for line in [
            "offhook call bob --server http://h --user a",
            "offhook call bob --server ws://h --user a --tone nan",
            "offhook call bob --server ws://h --user a --duration -1",
            "offhook exchange --user alice",
            "offhook exchange",
        ] {
            assert!(Args::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let user: User = "alice:se:cret".parse().expect("a user");
        assert_eq!((user.name.as_str(), user.password == Secret::new("se:cret")), ("alice", true));
        assert!(!format!("{user:?}").contains("cret"));
        let line = "offhook register --server ws://h --user a --password hidden";
        let args = Args::try_parse_from(line.split_whitespace()).expect("readable");
        assert!(!format!("{args:?}").contains("hidden"));
    }
}
