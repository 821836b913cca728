//! What a phone is made from.

use crate::recorded_phone::{RecordedPhone, account};
use offhook::{Account, Config, Hop, Limits, Server, Transport};
use std::time::Duration;

/// An account without a default value.
pub(crate) fn full_account() -> Account {
    let mut account = account("other");
    account.aor = "sips:a b".to_owned();
    account.display_name = Some(String::new());
    account.username = Some("u u".to_owned());
    account.realms = vec!["r\tr".to_owned(), "s".to_owned()];
    account.ask_credentials = true;
    let hop = Hop { transport: Transport::Wss, host: "h h".to_owned(), port: 9, path: "/p".to_owned() };
    let udp = Server::new("udp://[::1]:7".parse().expect("a hop"));
    account.servers = vec![Server::new(hop).with_weight(8), udp.with_weight(1)];
    account.register = false;
    account.expires = Duration::from_secs(7);
    account.max_registration_attempts = Some(4);
    account
}

#[test]
fn all_fields_of_a_configuration_are_recorded() {
    let mut config = Config::new(account("x"));
    let shown = |config: &Config| format!("{config:#?}");
    let plain = shown(&config);
    config.user_agent = "A \"B\"\u{a0}\\".to_owned();
    config.call_limit = 7;
    config.no_answer = Duration::from_nanos(1);
    config.media_timeout = Duration::from_millis(2500);
    config.refer_policy = offhook::ReferPolicy::Reject;
    config.reliable_provisional = true;
    config.renegotiate_by = offhook::RenegotiateBy::Update;
    config.media_legs = 3;
    config.redirect_policy = offhook::RedirectPolicy::Report;
    config.info_packages = vec!["a".to_owned(), "b c".to_owned()];
    config.times.t1 = Duration::from_millis(1);
    config.times.t2 = Duration::from_millis(2);
    config.times.t4 = Duration::from_millis(3);
    config.registration.first_wait = Duration::from_secs(1);
    config.registration.longest_wait = Duration::from_secs(61);
    config.registration.connect_timeout = Duration::from_secs(3);
    config.registration.keep_alive = Duration::from_secs(4);
    config.registration.pong_timeout = Duration::from_secs(5);
    config.registration.flood_budget = 6;
    config.limits = Limits { message: 1, head: 2, headers: 3 };
    config.trace = 99;
    let mut bare = account("y");
    (bare.servers, bare.password) = (Vec::new(), None);
    config.accounts = vec![full_account(), bare];
    // A field that comes to be has to be set here, and written: none may look as it does in a plain configuration.
    let mut other = config.clone();
    other.accounts.truncate(1);
    let other = shown(&other);
    let is_field = |line: &&str| line.contains(": ") && line.ends_with(',') && !line.contains("None");
    for line in plain.lines().filter(is_field) {
        assert!(!other.lines().any(|changed| changed == line), "{line}");
    }
    let recording = RecordedPhone::new(config.clone(), 0).recording();
    assert_eq!(shown(&recording.phones[0].config), shown(&config));
}
