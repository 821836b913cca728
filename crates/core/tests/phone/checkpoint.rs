//! Checkpoints: an idle phone, and one that continues from its checkpoint.

use bytes::Bytes;
use offhook::{Account, Config, ConnectionChange, Input, Instant, Output, Password, Phone};
use std::time::Duration;

const OPTIONS: &str = "OPTIONS sip:alice@h SIP/2.0\r\nVia: SIP/2.0/UDP h:5060;branch=z9hG4bK%\r\nFrom: <sip:h>;tag=x\r\n\
                       To: <sip:alice@h>\r\nCall-ID: %\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n";

fn drain(phone: &mut Phone) -> Vec<String> {
    std::iter::from_fn(|| phone.poll()).map(|output: Output| format!("{output:?}")).collect()
}

/// The same configuration, seed and inputs give the same outputs, whenever the host polls. The branches that a phone sends have
/// the indexes of its transactions.
#[test]
fn outputs_do_not_depend_on_when_the_host_polls() {
    let play = |polls_late: bool| {
        let account = Account::new("sip:alice@h", Some(Password::plain("x")), "udp://h").expect("a hop");
        let start = Instant::from_nanos(1_000_000_000);
        let mut phone = Phone::new(Config::new(account), [3; 32], start);
        let mut out = Vec::new();
        let mut steps: Vec<(Duration, Input)> = Vec::new();
        let connection = offhook::ConnectionId(1);
        steps.push((
            Duration::ZERO,
            Input::Connection { connection, change: ConnectionChange::Up { local: None } },
        ));
        // Two at a time, which end in the order of their slots: the second slot is the first to be reused.
        for round in 0..4 {
            for n in 0..2 {
                let data = Bytes::from(OPTIONS.replace('%', &format!("{round}{n}")));
                steps.push((Duration::from_millis(1), Input::Received { connection, data }));
            }
            steps.push((Duration::from_secs(40), Input::Wake));
        }
        let mut now = start;
        for (after, input) in steps {
            now += after;
            phone.handle(now, input).expect("no command");
            if !polls_late {
                out.extend(drain(&mut phone));
            }
        }
        out.extend(drain(&mut phone));
        let trace: Vec<String> = phone.trace().map(|record| record.to_string()).collect();
        (out, trace)
    };
    assert_eq!(play(false), play(true));
}
