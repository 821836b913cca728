//! Users of `offhook exchange` in a file or in the environment.
#![cfg(unix)]

use super::Offhook;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// H("alice:house.test:a-pw").
const MD5: &str = "alice:house.test:8ddb367e829cff7efd1c1fc51a18d8f7";
const SHA_256: &str = "alice:house.test:9eb58ee79c805018c476da1ae8ef51e25c27356998caf189263162978dd1c31d";

const EXCHANGE: [&str; 5] = ["exchange", "--listen", "127.0.0.1:0", "--realm", "house.test"];

/// A private file with users, removed when dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offhook-{name}-{}.users", std::process::id()));
        let file = Self(path);
        file.write(text);
        file.permit(0o600);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("written");
    }

    fn permit(&self, mode: u32) {
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(mode)).expect("ours");
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("ours");
    }
}

/// An exchange with the users of a file, its URL, and its output before `listening`.
fn exchange(file: &File, options: &[&str]) -> (Offhook, String, Vec<Value>) {
    let exchange = Offhook::start(&[&EXCHANGE, &["--users", file.name()][..], options].concat());
    let mut before = Vec::new();
    while let Some(line) = exchange.next() {
        if line["event"] == "listening" {
            let url = line["ws"].as_str().expect("a URL").to_owned();
            return (exchange, url, before);
        }
        before.push(line);
    }
    panic!("it ended after {before:#?}");
}

fn register(url: &str, user: &str, password: &str) -> Offhook {
    let server = ["--server", url, "--domain", "house.test", "--retries", "1"];
    Offhook::start(&[&["register", "--user", user, "--password", password][..], &server].concat())
}

/// A registered phone.
fn registered(url: &str, user: &str, password: &str) -> Offhook {
    let phone = register(url, user, password);
    phone.until("registered", |_| true);
    phone
}

/// The code of a failed registration.
fn refused(url: &str, user: &str, password: &str) -> Value {
    let (lines, exit) = register(url, user, password).finish();
    let failure = lines.iter().find(|line| line["event"] == "registration_failed").expect("failed");
    assert_eq!(exit, Some(3));
    failure["code"].clone()
}

/// Sends SIGHUP and waits for an event.
fn hang_up(exchange: &Offhook, event: &str) -> Value {
    let kill = format!("kill -HUP {}", exchange.child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("runs").success());
    exchange.until(event, |_| true)
}

#[test]
fn sighup_reads_the_file_again() {
    let file = File::new("sighup", "alice:a-pw\nbob:b-pw\n");
    let (exchange, url, before) = exchange(&file, &[]);
    assert_eq!(before, Vec::<Value>::new(), "no warning");
    let _alice = registered(&url, "alice", "a-pw");
    let _bob = registered(&url, "bob", "b-pw");
    assert_eq!(refused(&url, "carol", "c-pw"), 404);

    file.write("alice:a-pw\ncarol:c-pw\n");
    let users = hang_up(&exchange, "users");
    assert_eq!((&users["added"], &users["removed"], &users["changed"]), (&1.into(), &1.into(), &0.into()));
    let revoked = exchange.until("unregistered", |_| true);
    assert_eq!((&revoked["user"], &revoked["why"]), (&"bob".into(), &"revoked".into()));
    let _carol = registered(&url, "carol", "c-pw");
    assert_eq!(refused(&url, "bob", "b-pw"), 404);

    // An error changes nothing, and is reported without the password.
    file.write("# the house\nalice:house.test:hidden\n");
    let rejected = hang_up(&exchange, "users_rejected");
    assert_eq!((&rejected["line"], &rejected["file"]), (&2.into(), &file.name().into()));
    assert!(!rejected.to_string().contains("hidden"), "{rejected}");
    file.write(&format!("alice:a-pw\nbob:house.test:{}\n", &MD5[MD5.len() - 32..]));
    let rejected = hang_up(&exchange, "users_rejected");
    assert_eq!(rejected["line"], 2);
    assert!(rejected["message"].as_str().is_some_and(|text| text.contains("--algorithm md5")), "{rejected}");

    file.write("alice:new\ncarol:c-pw\n");
    let users = hang_up(&exchange, "users");
    assert_eq!((&users["added"], &users["removed"], &users["changed"]), (&0.into(), &0.into(), &1.into()));
    assert_eq!(exchange.until("unregistered", |_| true)["user"], "alice");
    assert_eq!(refused(&url, "alice", "a-pw"), 401);
    let _alice = registered(&url, "alice", "new");
}

#[test]
fn hashed_user_registers_with_md5_and_sha_256() {
    let both = format!("{MD5}\n{SHA_256}\n");
    for (text, options) in
        [(MD5, &["--algorithm", "md5"][..]), (SHA_256, &["--algorithm", "sha-256"]), (&both, &[])]
    {
        let file = File::new("hashed", text);
        let (_exchange, url, _) = exchange(&file, options);
        let _alice = registered(&url, "alice", "a-pw");
        assert_eq!(refused(&url, "alice", "guess"), 401, "{text}");
    }
    let file = File::new("hashed", MD5);
    let (lines, exit) = Offhook::start(&[&EXCHANGE, &["--users", file.name()][..]].concat()).finish();
    let why = lines[0]["message"].as_str().expect("an error");
    for piece in [&format!("{}:1: alice has no SHA-256 hash", file.name()), "--algorithm md5"] {
        assert!(why.contains(piece), "{why}");
    }
    assert_eq!(exit, Some(1));
}

#[test]
fn variable_has_the_syntax_of_the_file() {
    let text = "# from the environment\nalice:a-pw\nbob:b,:pw";
    let exchange = Offhook::start_with(&EXCHANGE, &[("OFFHOOK_USERS", text)]);
    let url = exchange.until("listening", |_| true)["ws"].as_str().expect("a URL").to_owned();
    let _alice = registered(&url, "alice", "a-pw");
    let _bob = registered(&url, "bob", "b,:pw");

    let twice = [&EXCHANGE[..], &["--user", "alice:other"]].concat();
    let (lines, exit) = Offhook::start_with(&twice, &[("OFFHOOK_USERS", text)]).finish();
    let why = "OFFHOOK_USERS:2: this user already has a password (--user)";
    assert_eq!((&lines[0]["message"], exit), (&why.into(), Some(1)));
}

#[test]
#[cfg(target_os = "linux")]
fn process_list_shows_no_password_of_a_file() {
    let file = File::new("ps", "alice:hidden\n");
    let (exchange, ..) = exchange(&file, &[]);
    let shown = |exchange: &Offhook| {
        let path = format!("/proc/{}/cmdline", exchange.child.id());
        String::from_utf8_lossy(&std::fs::read(path).expect("runs")).into_owned()
    };
    assert!(shown(&exchange).contains("--users") && !shown(&exchange).contains("hidden"));
    let argument = Offhook::start(&[&EXCHANGE, &["--user", "alice:hidden"][..]].concat());
    argument.until("listening", |_| true);
    assert!(shown(&argument).contains("hidden"), "as the help warns");
}

#[test]
fn file_readable_by_others_causes_a_warning() {
    let file = File::new("open", "alice:a-pw\n");
    for mode in [0o640, 0o604] {
        file.permit(mode);
        let (_exchange, _, before) = exchange(&file, &[]);
        let why = before[0]["message"].as_str().expect("a warning");
        assert!(before[0]["event"] == "warning" && why.contains(&format!("mode {mode:04o}")), "{before:?}");
    }
}

#[test]
fn missing_or_invalid_users_prevent_the_start() {
    let missing = Path::new("/nowhere/users.txt");
    for (options, code, says) in [
        (&[][..], 2, "OFFHOOK_USERS"),
        (&["--user", "hidden"], 2, "--user: expected NAME:PASSWORD"),
        (&["--user", ":hidden"], 2, "--user: the name is empty"),
        (&["--user", "a:1", "--user", "a:hidden"], 2, "already"),
        (&["--users", missing.to_str().expect("text")], 1, "/nowhere/users.txt: "),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_offhook"))
            .args(EXCHANGE)
            .args(options)
            .env_remove("OFFHOOK_USERS")
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!((said.contains(says), output.status.code()), (true, Some(code)), "{said}");
        assert!(!said.contains("hidden"), "{said}");
    }
}
