//! Tests of the command as a process: JSON output and exit codes.

#[path = "command/exchange.rs"]
mod exchange;
#[path = "command/media.rs"]
mod media;
#[path = "command/requests.rs"]
mod requests;
#[path = "command/users.rs"]
mod users;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The time limit of each wait: long enough for a loaded machine.
const BOUND: Duration = Duration::from_secs(60);

/// One running `offhook --json …`. Killed when dropped.
struct Offhook {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Offhook {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
        command.env("OFFHOOK_PASSWORD", "from-the-environment").envs(variables.iter().copied());
        Self::run(command, arguments)
    }

    fn start_without_password(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offhook"));
        command.env_remove("OFFHOOK_PASSWORD");
        Self::run(command, arguments)
    }

    fn run(mut command: Command, arguments: &[&str]) -> Self {
        if !command.get_envs().any(|(name, _)| name == "OFFHOOK_USERS") {
            command.env_remove("OFFHOOK_USERS");
        }
        let mut child = command
            .args(arguments)
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, lines }
    }

    fn next(&self) -> Option<Value> {
        match self.lines.recv_timeout(BOUND) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(late) => panic!("{late}"),
        }
    }

    /// The next line of the event for which `good` is true.
    fn until(&self, event: &str, good: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        while let Some(line) = self.next() {
            if line["event"] == event && good(&line) {
                return line;
            }
            seen.push(line);
        }
        panic!("no {event} in {seen:#?}");
    }

    fn command(&mut self, command: &str) {
        writeln!(self.stdin.as_mut().expect("open"), "{command}").expect("listens");
    }

    fn end_input(&mut self) {
        self.stdin = None;
    }

    /// The remaining lines, and the exit code.
    fn finish(mut self) -> (Vec<Value>, Option<i32>) {
        let rest = std::iter::from_fn(|| self.next()).collect();
        (rest, self.child.wait().expect("ends").code())
    }
}

impl Drop for Offhook {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exchange() -> (Offhook, String) {
    let exchange = Offhook::start(&[
        "exchange",
        "--listen",
        "127.0.0.1:0",
        "--realm",
        "house.test",
        "--user",
        "alice:a-pw",
        "--user",
        "bob:from-the-environment",
        "--user",
        "carol:c-pw",
    ]);
    let url = exchange.until("listening", |_| true)["ws"].as_str().expect("a URL").to_owned();
    (exchange, url)
}

fn is_tone(line: &Value, hz: f64) -> bool {
    line["heard_hz"].as_f64().is_some_and(|heard| (heard - hz).abs() < 10.0)
}

#[test]
fn all_steps_of_the_demonstration_pass() {
    let wav = std::env::temp_dir().join(format!("offhook-demo-{}.wav", std::process::id()));
    let flight = wav.with_extension("offhook");
    let (wav_name, flight_name) = (wav.to_str().expect("text"), flight.to_str().expect("text"));
    let (lines, exit) = Offhook::start(&["demo", "--record", wav_name, "--record", flight_name]).finish();
    for line in &lines {
        assert_eq!((line["step"].is_string(), &line["ok"]), (true, &Value::Bool(true)), "{line}");
    }
    let steps: Vec<&str> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    for step in [
        "register",
        "call",
        "media",
        "dtmf_rtp",
        "dtmf_info",
        "hold",
        "resume",
        "transfer",
        "outage",
        "restart",
    ] {
        assert!(steps.contains(&step), "{step} in {steps:?}");
    }
    assert_eq!((steps.last(), exit), (Some(&"demo"), Some(0)));
    assert!(std::fs::read(&wav).expect("recorded").starts_with(b"RIFF"));
    std::fs::remove_file(wav).expect("ours");
    replayed(&flight);
    std::fs::remove_file(flight).expect("ours");
}

/// Replays the recording of the demonstration, intact and damaged.
fn replayed(file: &Path) {
    let name = file.to_str().expect("text");
    let text = std::fs::read_to_string(file).expect("recorded");
    for secret in ["wonderland", "builder", "christmas", "159#", "Signal=4", "Signal=2"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let (lines, exit) = Offhook::start(&["replay", name]).finish();
    let of = |kind: &str| lines.iter().filter(|line| line["replay"] == kind).collect::<Vec<_>>();
    assert_eq!((of("done")[0]["ok"].as_bool(), exit), (Some(true), Some(0)));
    assert_eq!(of("phone").iter().map(|line| &line["phone"]).collect::<Vec<_>>(), ["alice", "bob", "carol"]);
    let traced: u64 = of("phone").iter().filter_map(|line| line["trace"].as_u64()).sum();
    assert_eq!(of("trace").len() as u64, traced);
    assert!(of("ladder")[0]["lines"].as_array().is_some_and(|ladder| ladder.len() > 100));

    let broken = file.with_extension("broken.offhook");
    let name = broken.to_str().expect("text");
    for (bad, code, says) in [
        (
            text.replacen("recording 5", "recording 9", 1),
            2,
            "line 1: version 9 of the format, written by a newer offhook; this one reads version 5",
        ),
        (text.replacen("recording 5", "recording 1", 1), 2, "written by an older offhook"),
        (text.replacen("SIP/2.0 200 OK", "SIP/2.0 503 OK", 1), 1, "diverged: line "),
        (text[..text.len() / 2].to_owned(), 0, "the same as recorded"),
        ("RIFF".to_owned(), 2, "line 1: not a recording"),
    ] {
        std::fs::write(&broken, bad).expect("written");
        let output = Command::new(env!("CARGO_BIN_EXE_offhook"))
            .args(["replay", "--brief", name])
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!((said.contains(says), output.status.code()), (true, Some(code)), "{said}");
    }
    std::fs::remove_file(broken).expect("ours");
}

#[test]
fn two_commands_call_each_other_and_accept_commands() {
    let (_exchange, url) = exchange();
    let wav = std::env::temp_dir().join(format!("offhook-heard-{}.wav", std::process::id()));
    // Bob's password comes from the environment.
    let mut bob = Offhook::start(&[
        "answer",
        "--server",
        &url,
        "--domain",
        "house.test",
        "--user",
        "bob",
        "--auto",
        "--tone",
        "880",
        "--record",
        wav.to_str().expect("text"),
    ]);
    bob.until("registered", |_| true);
    let mut alice = Offhook::start(&[
        "call",
        "sip:bob@house.test",
        "--server",
        &url,
        "--domain",
        "house.test",
        "--user",
        "alice",
        "--password",
        "a-pw",
        "--tone",
        "440",
        "--dtmf",
        "159#",
    ]);
    assert_eq!(bob.until("incoming", |_| true)["from"], "sip:alice@house.test");
    alice.until("status", |line| line["status"] == "established");
    alice.until("media", |line| is_tone(line, 880.0));
    let digits: Vec<Value> = (0..4).map(|_| bob.until("dtmf", |_| true)).collect();
    let keys: String = digits.iter().filter_map(|line| line["digit"].as_str()).collect();
    assert_eq!(keys, "159#");
    assert!(digits.iter().all(|line| line["via"] == "rtp"));
    alice.command("dtmf-info 4");
    assert_eq!(bob.until("dtmf", |_| true)["via"], "info");
    alice.command("hold");
    bob.until("hold", |line| line["remote"] == true);
    bob.until("media", |line| line["heard_hz"].is_null());
    alice.command("resume");
    bob.until("media", |line| is_tone(line, 440.0));
    alice.command("nonsense");
    alice.until("error", |_| true);
    bob.command("hangup");
    let ended = alice.until("ended", |_| true);
    assert_eq!((&ended["cause"], &ended["by"]), (&Value::from("hung_up"), &Value::from("peer")));
    assert_eq!(alice.finish().1, Some(0));
    bob.until("recorded", |line| line["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    bob.until("ended", |_| true);
    bob.command("quit");
    assert_eq!(bob.finish().1, Some(0));
    std::fs::remove_file(wav).expect("recorded");
}

#[test]
fn unreachable_server_fails_once_after_the_attempts() {
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("loopback");
    let url = format!("ws://{free}");
    let (lines, exit) =
        Offhook::start(&["register", "--server", &url, "--user", "alice", "--retries", "2"]).finish();
    let attempts: Vec<&Value> =
        lines.iter().filter(|line| line["event"] == "registering").map(|line| &line["attempt"]).collect();
    assert_eq!(attempts, [1, 2]);
    let failures: Vec<&Value> = lines.iter().filter(|line| line["event"] == "registration_failed").collect();
    assert_eq!((failures.len(), failures[0]["attempts"].as_u64(), exit), (1, Some(2), Some(3)));
}

#[test]
fn wrong_password_fails_without_retries() {
    let (_exchange, url) = exchange();
    let register =
        ["register", "--server", &url, "--domain", "house.test", "--user", "alice", "--password", "guess"];
    let (lines, exit) = Offhook::start(&register).finish();
    let failures: Vec<&Value> = lines.iter().filter(|line| line["event"] == "registration_failed").collect();
    assert_eq!((failures.len(), &failures[0]["cause"], exit), (1, &Value::from("unauthorized"), Some(3)));
    assert!(!lines.iter().any(|line| line.to_string().contains("guess")));
}

#[test]
fn unknown_callee_has_its_exit_code() {
    let (_exchange, url) = exchange();
    let alice = Offhook::start(&[
        "call",
        "nobody",
        "--server",
        &url,
        "--domain",
        "house.test",
        "--user",
        "alice",
        "--password",
        "a-pw",
    ]);
    let ended = alice.until("ended", |_| true);
    assert_eq!((&ended["cause"], &ended["code"]), (&Value::from("not_found"), &Value::from(404)));
    assert_eq!(alice.finish().1, Some(4));
}

#[test]
fn domain_defaults_to_the_server_address() {
    let (_exchange, url) = exchange();
    let bob = Offhook::start(&["answer", "--server", &url, "--user", "bob", "--auto", "--once"]);
    bob.until("registered", |_| true);
    let alice = Offhook::start(&[
        "call",
        "sip:bob@127.0.0.1",
        "--server",
        &url,
        "--user",
        "alice",
        "--password",
        "a-pw",
        "--duration",
        "0.2",
    ]);
    assert_eq!(alice.until("ended", |_| true)["cause"], "hung_up");
    assert_eq!((alice.finish().1, bob.finish().1), (Some(0), Some(0)));
}

#[test]
fn port_in_use_is_reported() {
    let (_exchange, url) = exchange();
    let at = url.trim_start_matches("ws://");
    let (lines, exit) = Offhook::start(&["exchange", "--listen", at, "--user", "a:b"]).finish();
    assert!(lines[0]["message"].as_str().expect("an error").contains("in use"), "{lines:?}");
    assert_eq!(exit, Some(1));
}

#[test]
fn invalid_command_line_has_its_exit_code() {
    let (lines, exit) = Offhook::start(&["call", "bob", "--server", "http://x", "--user", "a"]).finish();
    assert_eq!((lines.len(), exit), (0, Some(2)));
}
