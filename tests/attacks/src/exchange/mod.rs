//! The exchange under attack: a child process on free loopback ports.

mod memory;
mod users;

use std::io::{self, Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::peer::{Account, Target};
pub(crate) use memory::Memory;
use users::Users;

/// The realm, and the domain of all users.
pub(crate) const REALM: &str = "offhook.test";
/// How long the exchange may take until it listens.
const START: Duration = Duration::from_secs(20);
/// A port that was free is taken by something else now and then.
const ATTEMPTS: usize = 3;

/// A program to attack, and the options that it has.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// `--users FILE`.
    users: bool,
    /// `--guests`; without the option guests are always on.
    guests: bool,
    /// `--stats SECONDS`.
    stats: bool,
}

/// The load that the exchange reports.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) flows: u64,
    /// Accounted bytes.
    pub(crate) bytes: u64,
    /// The most accounted bytes since the start.
    pub(crate) most: u64,
}

pub(crate) struct Exchange {
    child: Child,
    pub(crate) target: Target,
    pub(crate) memory: Memory,
    load: watch::Receiver<Option<Load>>,
    users: Users,
}

impl Program {
    /// Asks the program for its options.
    ///
    /// # Errors
    /// When it cannot be run.
    pub(crate) async fn examine(path: &Path) -> io::Result<Self> {
        let output = Command::new(path).args(["exchange", "--help"]).output().await;
        let output =
            output.map_err(|why| Error::new(why.kind(), format!("cannot run {}: {why}", path.display())))?;
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        let has = |option: &str| help.split_whitespace().any(|word| word == option);
        if !has("--listen") {
            return Err(Error::other(format!("{} has no `exchange --listen`", path.display())));
        }
        let path = path.to_owned();
        Ok(Self { path, users: has("--users"), guests: has("--guests"), stats: has("--stats") })
    }
}

impl Exchange {
    /// Starts the program with these users, each with the password that [`Exchange::account`] returns.
    ///
    /// # Errors
    /// When it does not listen within 20 s, or on another address than a loopback one.
    pub(crate) async fn start(program: &Program, users: &[String], guests: bool) -> io::Result<Self> {
        let users = Users::new(users)?;
        let mut attempt = 1;
        loop {
            match Self::attempt(program, &users, guests).await {
                Ok((child, target, lines)) => {
                    let memory = Memory::of(child.id().ok_or(ErrorKind::NotFound)?);
                    let (load, watched) = watch::channel(None);
                    tokio::spawn(follow(lines, load));
                    return Ok(Self { child, target, memory, load: watched, users });
                }
                Err(why) if attempt == ATTEMPTS => return Err(why),
                Err(_) => attempt += 1,
            }
        }
    }

    async fn attempt(
        program: &Program,
        users: &Users,
        guests: bool,
    ) -> io::Result<(Child, Target, Lines<BufReader<ChildStdout>>)> {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(&program.path);
        command.args(["--json", "exchange", "--listen", "127.0.0.1:0", "--realm", REALM]);
        command.arg("--udp").arg(udp.to_string());
        match program.users {
            true => drop(command.arg("--users").arg(users.file())),
            false => drop(command.args(users.arguments())),
        }
        if program.stats {
            command.args(["--stats", "1"]);
        }
        if program.guests && guests {
            command.arg("--guests");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().ok_or(ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stdout).lines();
        let line = match timeout(START, lines.next_line()).await {
            Ok(line) => line?.ok_or_else(|| Error::other("the exchange ended before it listened"))?,
            Err(_) => return Err(Error::new(ErrorKind::TimedOut, "the exchange does not listen")),
        };
        let ws = listening(&line).ok_or_else(|| Error::other(format!("unexpected line: {line}")))?;
        if !ws.ip().is_loopback() {
            return Err(Error::other(format!("the exchange listens on {ws}, which is not loopback")));
        }
        Ok((child, Target { ws, udp }, lines))
    }

    /// The account of a user.
    pub(crate) fn account(&self, user: &str) -> Account {
        let (user, password) = (user.to_owned(), self.users.password(user));
        Account { user, password, realm: REALM.to_owned(), target: self.target }
    }

    /// The newest load; `None` if the program does not report it.
    pub(crate) fn load(&self) -> Option<Load> {
        *self.load.borrow()
    }

    /// The load, to be waited for.
    pub(crate) fn loads(&self) -> watch::Receiver<Option<Load>> {
        self.load.clone()
    }

    /// Whether the process is running.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

/// The address in the first event.
fn listening(line: &str) -> Option<SocketAddr> {
    let event: Value = serde_json::from_str(line).ok()?;
    event["ws"].as_str()?.strip_prefix("ws://")?.parse().ok()
}

/// Reads every line, so that the exchange never blocks on its output, and keeps the latest load.
async fn follow(mut lines: Lines<BufReader<ChildStdout>>, load: watch::Sender<Option<Load>>) {
    let mut most = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("\"load\"")
            && let Ok(event) = serde_json::from_str::<Value>(&line)
            && event["event"] == "load"
        {
            let number = |name: &str| event[name].as_u64().unwrap_or_default();
            let bytes = number("bytes");
            most = bytes.max(most);
            load.send_replace(Some(Load { flows: number("flows"), bytes, most }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_parsed() {
        let line =
            r#"{"event":"listening","realm":"x","udp":"udp://127.0.0.1:1","ws":"ws://127.0.0.1:5066"}"#;
        assert_eq!(listening(line), "127.0.0.1:5066".parse().ok());
        assert_eq!(listening(r#"{"event":"error"}"#), None);
    }
}
