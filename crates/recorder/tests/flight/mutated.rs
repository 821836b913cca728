//! Redaction does not change what a phone does: messages with secrets, mutated at random places.

use crate::secrets::{call, request};
use offhook_recorder::redact;
use offhook_recorder::replay::replay;
use proptest::prelude::*;

/// The inserted text: syntax that parsers and redaction depend on.
const BITS: [&str; 24] = [
    "\r\n", "\n", "\r", "\r\n ", " ", "\t", ":", ";", ",", "\"", "\\", "<", ">", "@", "=", "%", "\0",
    "\u{e4}", "sip:", "a:b@", "Signal=", "11", "SIP/2.0 ", "Digest ",
];

fn bodies() -> Vec<(&'static str, &'static str, String)> {
    let sdp = "v=0\r\no=- 1 7 IN IP4 h\r\nk=clear:S3cr3t\r\nm=audio 1 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n\
               a=ice-pwd:S3cr3t\r\na=crypto:1 X inline:S3cr3t\r\na=sendonly\r\n";
    vec![
        ("INFO", "application/dtmf-relay", "Signal= 7\r\nDuration=160\r\n".to_owned()),
        ("INFO", "application/dtmf-relay", "Signal=11".to_owned()),
        ("INFO", "application/dtmf", " #\r\n".to_owned()),
        ("INFO", "text/x", "S3cr3t=1".to_owned()),
        ("INVITE", "application/sdp", sdp.to_owned()),
        ("NOTIFY", "message/sipfrag", "SIP/2.0 180 S3cr3t\r\nAuthorization: x\r\n".to_owned()),
        ("REFER", "text/plain", String::new()),
        ("BYE", "text/plain", "S3cr3t".to_owned()),
        ("MESSAGE", "text/plain", "S3cr3t".to_owned()),
    ]
}

const ROWS: [&str; 9] = [
    "Referred-By: <sip:bob:S3cr3t@there>;cid=\"S3cr3t\"\r\n",
    "Authorization: Digest username=\"b\", response=\"S3cr3t\", uri=\"sip:a:S3cr3t@h\"\r\n",
    "Proxy-Authorization: Bearer S3cr3t\r\n",
    "X-Key: S3cr3t\r\n",
    "Contact: <sip:bob:S3cr3t@there>, <sip:c@d:5060>\r\n",
    "Refer-To: <sip:dave:S3cr3t@h>\r\n",
    "Event: refer\r\nSubscription-State: active\r\n",
    "Reason: SIP;cause=480;text=\"sip:a:S3cr3t@h\"\r\n",
    "Subject: S3cr3t\r\n",
];

#[derive(Clone, Debug)]
struct Mutation {
    body: prop::sample::Index,
    rows: Vec<prop::sample::Index>,
    changes: Vec<(prop::sample::Index, Option<prop::sample::Index>)>,
    in_dialog: bool,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    let rows = proptest::collection::vec(index(), 0..3);
    let changes = proptest::collection::vec((index(), proptest::option::of(index())), 0..4);
    (index(), rows, changes, any::<bool>()).prop_map(|(body, rows, changes, in_dialog)| Mutation {
        body,
        rows,
        changes,
        in_dialog,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn redaction_does_not_change_the_run(mutations in proptest::collection::vec(mutation(), 1..8)) {
        let ((mut phone, _), mut messages) = (call(), Vec::new());
        for (number, mutation) in (30..).zip(mutations) {
            let bodies = bodies();
            let (method, kind, body) = mutation.body.get(&bodies);
            let rows: String = mutation.rows.iter().map(|row| *row.get(&ROWS)).collect();
            let mut text = request(method, &phone, number, &rows, kind, body);
            if !mutation.in_dialog {
                text = text.replacen("t: ", "t: <sip:alice@example.com>\r\nX-Was: ", 1);
            }
            let mut bytes = text.into_bytes();
            for (at, bit) in mutation.changes {
                let at = at.index(bytes.len());
                match bit {
                    Some(bit) => drop(bytes.splice(at..at, bit.get(&BITS).bytes())),
                    None => drop(bytes.remove(at)),
                }
            }
            let input = offhook::Input::Received { connection: crate::recorded_phone::CONNECTION, data: bytes.clone().into() };
            let once = redact::input(&input);
            let (offhook::Input::Received { data: once, .. }, offhook::Input::Received { data: twice, .. }) =
                (once.clone(), redact::input(&once)) else { panic!("bytes stay bytes") };
            prop_assert_eq!(once.len(), bytes.len());
            prop_assert_eq!(&once, &twice, "twice is once");
            phone.receive(bytes.clone());
            messages.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let recording = phone.recording();
        let again = replay(&recording.phones[0]).expect("from its beginning");
        prop_assert_eq!(again.divergence, None, "{:?}", messages);
    }
}
