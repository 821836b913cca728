//! A recording with a marked secret in every place that can contain one.

use crate::recorded_phone::{CONNECTION, RecordedPhone, account, with_trace};
use bytes::Bytes;
use offhook::{
    AccountEvent, Agreed, CallCommand, Command, Config, ConnectionChange, ConnectionFailure, Dial, Direction,
    DtmfPath, EffectResult, Event, Input, LegId, MediaEvent, MediaFault, Misuse, Output, Password, SessionId,
    Status,
};
use offhook_recorder::replay::{ObservationKind, Replay, replay};
use offhook_recorder::{EntryKind, Recording};
use offhook_testkit::MediaBehaviour;
use offhook_wire::HeaderName;
use offhook_wire::digest::Algorithm;
use std::time::Duration;

/// Part of every secret.
const MARK: &str = "S3cr3t";
/// The digits that are sent.
const DIGITS: &str = "49162738";

pub(crate) fn sdp(version: u32) -> String {
    format!(
        "v=0\r\no=- 1 {version} IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0 101\r\n\
         c=IN IP4 192.0.2.1\r\na=rtpmap:101 telephone-event/8000\r\na=ice-ufrag:abcd\r\na=ice-pwd:{MARK}{MARK}{MARK}\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{MARK}/+AA==|2^20|1:4\r\na=sendrecv\r\n"
    )
}

/// Answers the last effect.
pub(crate) fn done(phone: &mut RecordedPhone, result: EffectResult) {
    let (effect, _) = phone.effects.pop().expect("an effect");
    phone.give(Input::Done { effect, result }).expect("no command");
}

/// Gives the offer that the phone waits for.
pub(crate) fn describe(phone: &mut RecordedPhone) {
    done(phone, EffectResult::Description(Bytes::from(sdp(9))));
}

pub(crate) fn agreed() -> Agreed {
    Agreed::new(Direction::SendRecv).with_telephone_event(true)
}

/// Gives the answer that the phone waits for.
fn answer(phone: &mut RecordedPhone, agreed: Agreed) {
    done(phone, EffectResult::Answered { answer: Bytes::from(sdp(9)), agreed });
}

/// A request of the callee within the call.
pub(crate) fn request(
    method: &str,
    phone: &RecordedPhone,
    number: u32,
    rows: &str,
    content_type: &str,
    body: &str,
) -> String {
    let invite = phone.sent.iter().find(|data| data.starts_with(b"INVITE")).expect("an INVITE");
    let invite = offhook_wire::Message::parse(invite.clone(), &offhook::Limits::default());
    let invite = invite.expect("ours");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (from, to) =
        (text(invite.header(HeaderName::From).expect("From")), text(invite.request_uri().expect("URI")));
    let call_id = text(invite.call_id().expect("Call-ID"));
    format!(
        "{method} sip:alice:{MARK}@x.invalid SIP/2.0\r\nVia: SIP/2.0/WS pbx;branch=z9hG4bK{method}{number}\r\n\
         f: <{to}>;tag=there\r\nt: {from}\r\ni: {call_id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n{rows}\
         c: {content_type}\r\nl: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Registers, and calls with a token.
pub(crate) fn call() -> (RecordedPhone, SessionId) {
    call_with_ring(1 << 20)
}

/// The same, with a ring of this size.
pub(crate) fn call_with_ring(ring: usize) -> (RecordedPhone, SessionId) {
    let mut account = account(&format!("pass{MARK}"));
    account.aor = format!("sip:alice:{MARK}@example.com");
    account.username = Some("alice".to_owned());
    account.servers[0].hop.path = format!("/ws?token={MARK}");
    let mut phone = RecordedPhone::new(with_trace(64, account), ring);
    phone.connect();
    phone.reply(
        401,
        &[(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", ik=\"S3cr3t\"")],
        b"",
    );
    let asked = phone.last_sent();
    assert!(asked.header(HeaderName::Authorization).is_some(), "it answers the challenge");
    phone.reply(
        200,
        &[
            (HeaderName::Contact, "<sip:x@y>;expires=600"),
            (HeaderName::AuthenticationInfo, "rspauth=\"S3cr3t\", nextnonce=\"n2\""),
        ],
        b"",
    );

    let session = phone.phone.next_session();
    let dial = Dial::to(format!("sip:bob:{MARK}@example.com"))
        .with_header("X-Token", format!("Bearer {MARK}.{MARK}"))
        .with_header("Subject", format!("about {MARK}"));
    phone.command(Command::Dial { session, dial });
    describe(&mut phone);
    phone.reply(200, &[(HeaderName::Contact, &format!("<sip:bob:{MARK}@there>"))], sdp(1).as_bytes());
    done(&mut phone, EffectResult::Applied(agreed()));
    assert_eq!(phone.phone.status(session), Some(Status::Established));
    phone.give(Input::Media { session, leg: LegId(0), event: MediaEvent::Up }).expect("no command");
    (phone, session)
}

/// A call with digits in both directions, a hold, a MESSAGE, a transfer, and a lost connection.
pub(crate) fn flight() -> RecordedPhone {
    let (mut phone, session) = call();
    digits(&mut phone, session);
    let rows = format!(
        "Contact: <sip:bob@there>\r\nAuthorization: Digest username=\"bob\",\r\n response\r\n = \"{MARK}\"\r\n\
         PROXY-AUTHORIZATION: Bearer {MARK}\r\ny: {MARK};info=<https://x/{MARK}>\r\nX-Key : {MARK}\r\n"
    );
    let invite =
        request("INVITE", &phone, 20, &rows, "APPLICATION/sdp; q=1", &sdp(2).replace("sendrecv", "sendonly"));
    phone.receive(invite);
    answer(&mut phone, Agreed::new(Direction::RecvOnly).with_held(true));
    checked_calls(&mut phone);
    let chat = request("MESSAGE", &phone, 21, "", "text/plain", &format!("the PIN is {MARK}"));
    phone.receive(
        chat.replace(";tag=there", ";tag=chat").replace("t: ", "t: <sip:alice@example.com>\r\nX-Was: "),
    );
    let other = request("INFO", &phone, 22, "", "application/x-secret", MARK);
    phone.receive(other);
    phone.receive(format!("INVITE sip:x SIP/2.0\r\n{MARK}\r\nAuthorization: Basic {MARK}\r\n\r\n{MARK}"));
    assert_eq!(
        phone.give(Input::Command(Command::Call { session, command: CallCommand::Answer })),
        Err(Misuse::WrongStatus(Status::Established))
    );
    let target = format!("sip:carol:{MARK}@example.com");
    phone.call_command(session, CallCommand::Transfer { target });
    let notify = request(
        "NOTIFY",
        &phone,
        23,
        "Event: refer\r\nSubscription-State: active\r\nContact: <sip:bob@there>\r\n",
        "message/sipfrag",
        &format!("SIP/2.0 180 {MARK}\r\nAuthorization: Digest response={MARK}\r\n"),
    );
    phone.receive(notify);
    phone
        .give(Input::Connection {
            connection: CONNECTION,
            change: ConnectionChange::Down(ConnectionFailure::Closed),
        })
        .expect("no command");
    phone.wait(Duration::from_secs(3));
    phone
}

/// Two more calls of the callee: one is refused because of its offer, the other one gets early media and is answered.
fn checked_calls(phone: &mut RecordedPhone) {
    phone.media.behaviour = MediaBehaviour::CannotUse(MediaFault::NoCommonTransport);
    for number in [30, 31] {
        if number == 31 {
            phone.media.behaviour = MediaBehaviour::Manual;
        }
        let rows = "Contact: <sip:bob@there>\r\nk: 100rel\r\n";
        let invite = request("INVITE", phone, number, rows, "application/sdp", &sdp(3));
        let own = format!("<sip:alice:{MARK}@example.com>");
        let to = invite.lines().find(|line| line.starts_with("t: ")).expect("To").to_owned();
        let call_id = invite.lines().find(|line| line.starts_with("i: ")).expect("Call-ID").to_owned();
        phone.receive(
            invite
                .replace(&to, &format!("t: {own}"))
                .replace(&call_id, &format!("i: call{number}"))
                .replace("there>;tag=there", &format!("there:{MARK}>;tag=t{number}")),
        );
        if number == 30 {
            continue;
        }
        let session = phone.phone.sessions().last().expect("the call rings");
        phone.call_command(session, CallCommand::EarlyMedia);
        answer(phone, agreed());
        phone.call_command(session, CallCommand::Reject { code: 486 });
    }
}

/// Sends and receives digits by RTP and by INFO.
fn digits(phone: &mut RecordedPhone, session: SessionId) {
    let digits_by =
        |path| CallCommand::Digits { digits: DIGITS.to_owned(), duration: Duration::from_millis(100), path };
    phone.call_command(session, digits_by(DtmfPath::Info));
    for _ in DIGITS.chars() {
        phone.reply(200, &[], b"");
    }
    phone.call_command(session, digits_by(DtmfPath::Rtp));
    for (place, digit) in DIGITS.chars().enumerate() {
        let duration = Duration::from_millis(160);
        phone
            .give(Input::Media { session, leg: LegId(0), event: MediaEvent::Digit { digit, duration } })
            .expect("no command");
        let info = request(
            "INFO",
            phone,
            2 + place as u32,
            "",
            "application/dtmf-relay",
            &format!("Signal={digit}\r\nDuration=160\r\n"),
        );
        phone.receive(info);
        done(phone, EffectResult::Sent);
    }
}

fn replayed(recording: &Recording) -> Replay {
    replay(&recording.phones[0]).expect("from its beginning")
}

#[test]
fn recording_has_no_secret_and_replays_the_same() {
    let phone = flight();
    let (traced, outputs) = (phone.phone.traced(), phone.observer.outputs.clone());
    let trace: Vec<_> = phone.phone.trace().collect();
    let events = outputs.iter().filter(|output| matches!(output, Output::Event(_))).count();
    let file = phone.finish();

    assert!(!file.contains(MARK), "{}", file.lines().find(|line| line.contains(MARK)).unwrap_or_default());
    for secret in
        DIGITS.chars().map(|digit| format!("Signal={digit}")).chain([DIGITS.to_owned(), "digit 4".to_owned()])
    {
        assert!(!file.contains(&secret), "{secret}");
    }
    for shown in
        ["Bearer xxxxxx", "a=ice-pwd:xxxxxx", "Signal=0", "digits 0.0 info 0.1s 00000000", "X-Key : xxxxxx"]
    {
        assert!(file.contains(shown), "{shown} in\n{file}");
    }

    let recording = Recording::read(file.as_bytes()).expect("readable");
    assert!(recording.complete);
    let again = replayed(&recording);
    assert_eq!(again.divergence, None);
    assert_eq!(
        (again.trace.len() as u64, &again.trace[again.trace.len() - trace.len()..]),
        (traced, &trace[..])
    );
    assert!(again.checks > 40, "{} checks", again.checks);
    assert_eq!(
        again
            .observations
            .iter()
            .filter(|observation| matches!(observation.kind, ObservationKind::Event(_)))
            .count(),
        events
    );
    let sent: usize = again
        .observations
        .iter()
        .filter(|s| matches!(s.kind, ObservationKind::Message { sent: true, .. }))
        .count();
    assert_eq!(sent, outputs.iter().filter(|output| matches!(output, Output::Transmit { .. })).count());
    let taken = outputs.iter().any(|output| {
        matches!(output, Output::Event(Event::Account { event: AccountEvent::Message { .. }, .. }))
    });
    assert!(taken, "the message was received");
}

#[test]
fn first_divergence_is_reported() {
    let file = flight().finish();
    // The registrar grants a shorter time: the refresh is due earlier.
    let other = Recording::read(file.replace("expires=600\n", "expires=300\n").as_bytes()).expect("readable");
    let difference = replayed(&other).divergence.expect("a difference");
    let granted = file.lines().position(|line| line.contains("expires=600")).expect("there") + 1;
    assert!(difference.line > granted && difference.line < granted + 40, "{difference} after line {granted}");
    assert!(
        difference.to_string().starts_with(&format!("line {}, after 3 inputs: ", difference.line)),
        "{difference}"
    );
}

#[test]
fn inputs_round_trip() {
    let recording = flight().recording();
    let (mut text, mut again) = (String::new(), offhook_recorder::RecordingWriter::default());
    let track = &recording.phones[0];
    let made = offhook_recorder::Notice::Created {
        name: track.name.clone(),
        config: Box::new(track.config.clone()),
        seed: Box::new(track.seed),
        now: track.start,
        made: track.made,
    };
    let id = offhook_recorder::PhoneId(0);
    again.write(id, &made, &mut text);
    for entry in &track.entries {
        if let EntryKind::Input { at, input } = &entry.kind {
            again.write(id, &offhook_recorder::Notice::Input { at: *at, input: input.clone() }, &mut text);
        }
    }
    let file = flight().finish();
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('=')).collect();
    let written: Vec<&str> = text.lines().collect();
    assert_eq!(lines[2..lines.len() - 1], written[..]);
}

#[test]
fn redacted_password_hashes_serve_the_same_challenges() {
    let challenge =
        [(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"")];
    let hash = Password::ha1(Algorithm::Sha256, "alice", "r", &MARK.into());
    let not_hex = Password::Ha1 { algorithm: Algorithm::Sha256, hex: "zz".repeat(32).into() };
    let short = Password::Ha1 { algorithm: Algorithm::Sha256, hex: "ab".into() };
    for (password, answers) in [(hash, true), (not_hex, false), (short, false)] {
        let mut account = account("");
        account.password = Some(password.clone());
        let mut phone = RecordedPhone::new(Config::new(account), 1 << 20);
        phone.connect();
        phone.reply(401, &challenge, b"");
        assert_eq!(phone.last_sent().header(HeaderName::Authorization).is_some(), answers);
        let file = phone.finish();
        let Password::Ha1 { hex, .. } = &password else { panic!("a hash") };
        assert!(file.contains(&format!("password ha1 SHA-256 {}\n", hex.shape())), "{file}");
        let recording = Recording::read(file.as_bytes()).expect("readable");
        assert_eq!(replayed(&recording).divergence, None);
    }
}
