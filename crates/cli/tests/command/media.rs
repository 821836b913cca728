//! Early media, and restarts of media.

use super::{Offhook, exchange, is_tone};

#[test]
fn caller_hears_early_media_and_audio_continues_after_a_restart() {
    let (_exchange, url) = exchange();
    let of =
        |user: &'static str| ["--server", &url, "--domain", "house.test", "--user", user].map(str::to_owned);
    let start = |command: &[&str], user, options: &[&str]| {
        let account = of(user);
        let all: Vec<&str> = command
            .iter()
            .copied()
            .chain(account.iter().map(String::as_str))
            .chain(options.iter().copied())
            .collect();
        Offhook::start(&all)
    };
    let mut bob = start(
        &["answer"],
        "bob",
        &["--early-media", "--tone", "880", "--reliable", "--renegotiate-by", "update"],
    );
    bob.until("registered", |_| true);
    let mut alice = start(&["call", "bob"], "alice", &["--password", "a-pw", "--tone", "440"]);
    alice.until("progress", |line| line["code"] == 183 && line["early_media"] == true);
    alice.until("media", |line| is_tone(line, 880.0));
    bob.until("media", |line| is_tone(line, 440.0));
    bob.command("answer");
    alice.until("status", |line| line["status"] == "established");
    bob.until("status", |line| line["status"] == "established");
    bob.command("restart");
    bob.until("restarted", |line| line["accepted"] == true && line["code"].is_null());
    bob.command("tone 660");
    alice.until("media", |line| is_tone(line, 660.0));
    alice.command("restart");
    alice.until("restarted", |line| line["accepted"] == true);
    alice.command("tone 550");
    bob.until("media", |line| is_tone(line, 550.0));
    alice.command("hangup");
    assert_eq!(alice.finish().1, Some(0));
    bob.until("ended", |_| true);
    bob.command("quit");
    assert_eq!(bob.finish().1, Some(0));
}
