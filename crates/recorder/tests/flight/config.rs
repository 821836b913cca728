//! What a phone is made from.

use crate::recorded_phone::{RecordedPhone, account};
use offhook::{
    Account, Config, Limits, Password, RegistrationPolicy, Server, Target, TransactionTimes, Transport,
};
use std::time::Duration;

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
    config.times = TransactionTimes {
        t1: Duration::from_millis(1),
        t2: Duration::from_millis(2),
        t4: Duration::from_millis(3),
    };
    config.registration = RegistrationPolicy {
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(61),
        connect_timeout: Duration::from_secs(3),
        keep_alive: Duration::from_secs(4),
        pong_timeout: Duration::from_secs(5),
        flood_budget: 6,
    };
    config.limits = Limits { message: 1, head: 2, headers: 3 };
    config.trace = 99;
    config.accounts = vec![
        Account {
            aor: "sips:a b".to_owned(),
            display_name: Some(String::new()),
            username: Some("u u".to_owned()),
            password: Some(Password::plain("other")),
            realm: Some("r\tr".to_owned()),
            servers: vec![
                Server {
                    target: Target {
                        transport: Transport::Wss,
                        host: "h h".to_owned(),
                        port: 9,
                        path: "/p".to_owned(),
                    },
                    weight: 8,
                },
                Server { target: "udp://[::1]:7".parse().expect("a target"), weight: 1 },
            ],
            register: false,
            expires: Duration::from_secs(7),
            max_registration_attempts: Some(4),
        },
        Account { servers: Vec::new(), password: None, ..account("y") },
    ];
    // A field that comes to be has to be set here, and written: none may look as it does in a plain configuration.
    let other = shown(&Config { accounts: config.accounts[..1].to_vec(), ..config.clone() });
    let is_field = |line: &&str| line.contains(": ") && line.ends_with(',') && !line.contains("None");
    for line in plain.lines().filter(is_field) {
        assert!(!other.lines().any(|changed| changed == line), "{line}");
    }
    let recording = RecordedPhone::new(config.clone(), 0).recording();
    assert_eq!(shown(&recording.phones[0].config), shown(&config));
}
