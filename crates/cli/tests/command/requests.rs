//! `offhook message`, `offhook options`, their commands, INFO, and a password that is asked for.

use super::{Offhook, exchange};
use serde_json::Value;

const DOMAIN: [&str; 2] = ["--domain", "house.test"];

fn as_alice<'a>(url: &'a str, command: &[&'a str]) -> Offhook {
    Offhook::start(&[command, &DOMAIN, &["--server", url, "--user", "alice", "--password", "a-pw"]].concat())
}

/// A phone that answers every call; its password comes from the environment.
fn bob(url: &str, options: &[&str]) -> Offhook {
    let fixed = ["answer", "--auto", "--server", url, "--user", "bob"];
    let bob = Offhook::start(&[&fixed[..], &DOMAIN, options].concat());
    bob.until("registered", |_| true);
    bob
}

fn outcome(lines: &[Value]) -> &Value {
    lines.iter().find(|line| line["event"] == "outcome").expect("an outcome")
}

#[test]
fn message_is_delivered_and_its_outcome_is_the_exit_code() {
    let (_exchange, url) = exchange();
    let mut bob = bob(&url, &[]);
    let (lines, exit) = as_alice(&url, &["message", "bob", "see you\nat eight"]).finish();
    let result = outcome(&lines);
    assert_eq!((&result["result"], &result["code"], exit), (&"accepted".into(), &200.into(), Some(0)));
    assert_eq!((&result["request"], &result["to"]), (&"message".into(), &"bob".into()));
    let received = bob.until("message", |_| true);
    assert_eq!(received["text"], "see you\nat eight");
    assert!(received["from"].as_str().is_some_and(|from| from.contains("alice")), "{received}");

    let (lines, exit) = as_alice(&url, &["message", "nobody", "hello"]).finish();
    let result = outcome(&lines);
    assert_eq!((&result["result"], &result["cause"], exit), (&"failed".into(), &"not_found".into(), Some(4)));
    let (lines, exit) = as_alice(&url, &["message", "not an address", "hello"]).finish();
    let error = lines.last().expect("an error");
    assert_eq!((&error["event"], &error["to"], exit), (&"error".into(), &"not an address".into(), Some(1)));

    bob.command("message alice hello");
    assert_eq!(bob.until("outcome", |_| true)["cause"], "unavailable");
}

#[test]
fn options_shows_what_the_peer_supports() {
    let (_exchange, url) = exchange();
    let _bob = bob(&url, &["--info-package", "weather"]);
    let (lines, exit) = as_alice(&url, &["options", "bob"]).finish();
    let result = outcome(&lines);
    assert_eq!((&result["result"], exit), (&"capabilities".into(), Some(0)));
    let has = |list: &str, value: &str| {
        result[list].as_array().is_some_and(|list| list.contains(&Value::from(value)))
    };
    assert!(
        has("methods", "INVITE") && has("methods", "MESSAGE") && has("info_packages", "weather"),
        "{result}"
    );
    assert!(result["software"].as_str().is_some_and(|name| name.starts_with("Offhook/")), "{result}");
}

#[test]
fn info_has_an_outcome_with_its_number() {
    let (_exchange, url) = exchange();
    let bob = bob(&url, &["--info-package", "weather"]);
    let mut alice = as_alice(&url, &["call", "bob"]);
    alice.until("status", |line| line["status"] == "established");
    alice.command("info weather text/plain rain");
    let sent = alice.until("info_sent", |_| true);
    let answered = alice.until("info_outcome", |_| true);
    assert_eq!((&answered["info"], &answered["code"]), (&sent["info"], &200.into()));
    let received = bob.until("info", |_| true);
    assert_eq!((&received["package"], &received["text"]), (&"weather".into(), &"rain".into()));
    alice.command("info tides text/plain high");
    let why = alice.until("error", |_| true);
    assert!(why["message"].as_str().is_some_and(|text| text.contains("Info Package")), "{why}");
    alice.command("hangup");
    let ending = alice.until("status", |line| line["status"] == "terminating");
    assert_eq!((&ending["cause"], &ending["by"]), (&"hung_up".into(), &"us".into()));
    assert_eq!(alice.finish().1, Some(0));
}

#[test]
fn password_is_asked_for_when_the_server_challenges() {
    let (_exchange, url) = exchange();
    let asking = || {
        let command = ["register", "--once", "--ask-password", "--server", &url, "--user", "alice"];
        let alice = Offhook::start_without_password(&[&command[..], &DOMAIN].concat());
        let prompt = alice.until("credentials", |_| true);
        assert_eq!(
            (&prompt["realm"], &prompt["aor"]),
            (&"house.test".into(), &"sip:alice@house.test".into())
        );
        alice
    };
    let mut alice = asking();
    alice.command("password a-pw");
    alice.until("registered", |_| true);
    assert_eq!(alice.finish().1, Some(0));

    // Without the text it is no answer. The command has not succeeded when it is ended before the registration.
    let mut alice = asking();
    alice.command("password");
    alice.until("error", |_| true);
    alice.command("quit");
    assert_eq!(alice.finish().1, Some(3));

    // A wrong password is not sent twice.
    let mut alice = asking();
    alice.command("password guess");
    let failed = alice.until("registration_failed", |_| true);
    assert_eq!((&failed["cause"], alice.finish().1), (&"unauthorized".into(), Some(3)));

    // The end of the input is an answer, too: there is no password.
    let mut alice = asking();
    alice.end_input();
    assert_eq!(alice.until("registration_failed", |_| true)["cause"], "unauthorized");
    assert_eq!(alice.finish().1, Some(3));
}
