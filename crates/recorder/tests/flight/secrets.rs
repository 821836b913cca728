//! A flight with a marked secret in every place that can hold one.

use crate::deck::{Deck, FLOW, account};
use bytes::Bytes;
use offhook::{
    Command, Config, Dial, DtmfPath, EffectResult, Event, FlowChange, FlowFailure, Input, MediaEvent, Misuse,
    Output, Password, SessionId, Status,
};
use offhook_recorder::replay::{Replay, Seen, replay};
use offhook_recorder::{Recording, What};
use offhook_wire::HeaderName;
use offhook_wire::digest::Algorithm;
use std::time::Duration;

/// Stands in every secret.
const MARK: &str = "S3cr3t";
/// The digits that are dialled, as one would find them.
const DIGITS: &str = "49162738";

fn sdp(version: u32) -> String {
    format!(
        "v=0\r\no=- 1 {version} IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0 101\r\n\
         c=IN IP4 192.0.2.1\r\na=rtpmap:101 telephone-event/8000\r\na=ice-ufrag:abcd\r\na=ice-pwd:{MARK}{MARK}{MARK}\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{MARK}/+AA==|2^20|1:4\r\na=sendrecv\r\n"
    )
}

/// Answers the last effect.
fn done(deck: &mut Deck, result: EffectResult) {
    let (effect, _) = deck.effects.pop().expect("an effect");
    deck.give(Input::Done { effect, result }).expect("no command");
}

/// Gives the description that the phone waits for.
fn describe(deck: &mut Deck) {
    done(deck, EffectResult::Description(Bytes::from(sdp(9))));
}

/// A request of the callee within the call.
pub(crate) fn request(
    method: &str,
    deck: &Deck,
    number: u32,
    rows: &str,
    content_type: &str,
    body: &str,
) -> String {
    let invite = deck.sent.iter().find(|data| data.starts_with(b"INVITE")).expect("an INVITE");
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
pub(crate) fn takeoff() -> (Deck, SessionId) {
    takeoff_with(1 << 20)
}

/// The same, with so much room in the ring.
pub(crate) fn takeoff_with(ring: usize) -> (Deck, SessionId) {
    let mut account = account(&format!("pass{MARK}"));
    account.aor = format!("sip:alice:{MARK}@example.com");
    account.username = Some("alice".to_owned());
    account.servers[0].target.path = format!("/ws?token={MARK}");
    let mut deck = Deck::new(Config { trace: 64, ..Config::new(account) }, ring);
    deck.connect();
    deck.reply(
        401,
        &[(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", ik=\"S3cr3t\"")],
        b"",
    );
    let asked = deck.last_sent();
    assert!(asked.header(HeaderName::Authorization).is_some(), "it answers the challenge");
    deck.reply(
        200,
        &[
            (HeaderName::Contact, "<sip:x@y>;expires=600"),
            (HeaderName::AuthenticationInfo, "rspauth=\"S3cr3t\", nextnonce=\"n2\""),
        ],
        b"",
    );

    let session = deck.phone.next_session();
    let headers = vec![
        ("X-Token".to_owned(), format!("Bearer {MARK}.{MARK}")),
        ("Subject".to_owned(), format!("about {MARK}")),
    ];
    let dial = Dial { headers, ..Dial::to(format!("sip:bob:{MARK}@example.com")) };
    deck.command(Command::Dial { session, dial });
    describe(&mut deck);
    deck.reply(200, &[(HeaderName::Contact, &format!("<sip:bob:{MARK}@there>"))], sdp(1).as_bytes());
    done(&mut deck, EffectResult::Applied);
    assert_eq!(deck.phone.status(session), Some(Status::Established));
    deck.give(Input::Media { session, event: MediaEvent::Up }).expect("no command");
    (deck, session)
}

/// In the call it is held, sends and gets digits, chats, and loses its connection.
pub(crate) fn flight() -> Deck {
    let (mut deck, session) = takeoff();
    digits(&mut deck, session);
    let rows = format!(
        "Contact: <sip:bob@there>\r\nAuthorization: Digest username=\"bob\",\r\n response\r\n = \"{MARK}\"\r\n\
         PROXY-AUTHORIZATION: Bearer {MARK}\r\ny: {MARK};info=<https://x/{MARK}>\r\nX-Key : {MARK}\r\n"
    );
    let invite =
        request("INVITE", &deck, 20, &rows, "APPLICATION/sdp; q=1", &sdp(2).replace("sendrecv", "sendonly"));
    deck.receive(invite);
    describe(&mut deck);
    let chat = request("MESSAGE", &deck, 21, "", "text/plain", &format!("the PIN is {MARK}"));
    deck.receive(
        chat.replace(";tag=there", ";tag=chat").replace("t: ", "t: <sip:alice@example.com>\r\nX-Was: "),
    );
    let other = request("INFO", &deck, 22, "", "application/x-secret", MARK);
    deck.receive(other);
    deck.receive(format!("INVITE sip:x SIP/2.0\r\n{MARK}\r\nAuthorization: Basic {MARK}\r\n\r\n{MARK}"));
    assert_eq!(
        deck.give(Input::Command(Command::Answer { session })),
        Err(Misuse::WrongStatus(Status::Established))
    );
    let target = format!("sip:carol:{MARK}@example.com");
    deck.command(Command::Transfer { session, target });
    let notify = request(
        "NOTIFY",
        &deck,
        23,
        "Event: refer\r\nSubscription-State: active\r\nContact: <sip:bob@there>\r\n",
        "message/sipfrag",
        &format!("SIP/2.0 180 {MARK}\r\nAuthorization: Digest response={MARK}\r\n"),
    );
    deck.receive(notify);
    deck.give(Input::Flow { flow: FLOW, change: FlowChange::Down(FlowFailure::Closed) }).expect("no command");
    deck.wait(Duration::from_secs(3));
    deck
}

/// By RTP and by INFO, out and in.
fn digits(deck: &mut Deck, session: SessionId) {
    let wish = |path| Command::Digits {
        session,
        digits: DIGITS.to_owned(),
        duration: Duration::from_millis(100),
        path,
    };
    deck.command(wish(DtmfPath::Info));
    for _ in DIGITS.chars() {
        deck.reply(200, &[], b"");
    }
    deck.command(wish(DtmfPath::Rtp));
    for (place, digit) in DIGITS.chars().enumerate() {
        let duration = Duration::from_millis(160);
        deck.give(Input::Media { session, event: MediaEvent::Digit { digit, duration } })
            .expect("no command");
        let info = request(
            "INFO",
            deck,
            2 + place as u32,
            "",
            "application/dtmf-relay",
            &format!("Signal={digit}\r\nDuration=160\r\n"),
        );
        deck.receive(info);
        done(deck, EffectResult::Sent);
    }
}

fn replayed(recording: &Recording) -> Replay {
    replay(&recording.tracks[0]).expect("from its beginning")
}

#[test]
fn the_file_holds_no_secret_and_the_same_happens_again() {
    let deck = flight();
    let (traced, outputs) = (deck.phone.traced(), deck.observer.outputs.clone());
    let trace: Vec<_> = deck.phone.trace().collect();
    let events = outputs.iter().filter(|output| matches!(output, Output::Event(_))).count();
    let file = deck.finish();

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
    assert_eq!(again.difference, None);
    assert_eq!(
        (again.trace.len() as u64, &again.trace[again.trace.len() - trace.len()..]),
        (traced, &trace[..])
    );
    assert!(again.checks > 40, "{} checks", again.checks);
    assert_eq!(again.sights.iter().filter(|sight| matches!(sight.what, Seen::Told(_))).count(), events);
    let sent: usize =
        again.sights.iter().filter(|s| matches!(s.what, Seen::Message { sent: true, .. })).count();
    assert_eq!(sent, outputs.iter().filter(|output| matches!(output, Output::Transmit { .. })).count());
    let taken = outputs.iter().any(|output| matches!(output, Output::Event(Event::Message { .. })));
    assert!(taken, "the message was understood");
}

#[test]
fn what_was_otherwise_is_found_where_it_first_was() {
    let file = flight().finish();
    // The exchange granted less time than it did: the refresh is planned earlier.
    let other = Recording::read(file.replace("expires=600\n", "expires=300\n").as_bytes()).expect("readable");
    let difference = replayed(&other).difference.expect("a difference");
    let granted = file.lines().position(|line| line.contains("expires=600")).expect("there") + 1;
    assert!(difference.line > granted && difference.line < granted + 40, "{difference} after line {granted}");
    assert!(
        difference.to_string().starts_with(&format!("line {}, after 3 inputs: ", difference.line)),
        "{difference}"
    );
}

#[test]
fn every_input_is_written_and_read() {
    let recording = flight().recording();
    let (mut text, mut again) = (String::new(), offhook_recorder::Scribe::default());
    let track = &recording.tracks[0];
    let made = offhook_recorder::Notice::Made {
        name: track.name.clone(),
        config: Box::new(track.config.clone()),
        seed: Box::new(track.seed),
        now: track.start,
        made: track.made,
    };
    let id = offhook_recorder::TrackId(0);
    again.note(id, &made, &mut text);
    for entry in &track.entries {
        if let What::Input { at, input } = &entry.what {
            again.note(id, &offhook_recorder::Notice::Given { at: *at, input: input.clone() }, &mut text);
        }
    }
    let file = flight().finish();
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('=')).collect();
    let written: Vec<&str> = text.lines().collect();
    assert_eq!(lines[2..lines.len() - 1], written[..]);
}

#[test]
fn hashes_of_passwords_stay_as_useful_as_they_were() {
    let challenge =
        [(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"")];
    let hash = Password::ha1(Algorithm::Sha256, "alice", "r", &MARK.into());
    let not_hex = Password::Ha1 { algorithm: Algorithm::Sha256, hex: "zz".repeat(32).into() };
    let short = Password::Ha1 { algorithm: Algorithm::Sha256, hex: "ab".into() };
    for (password, answers) in [(hash, true), (not_hex, false), (short, false)] {
        let mut account = account("");
        account.password = Some(password.clone());
        let mut deck = Deck::new(Config::new(account), 1 << 20);
        deck.connect();
        deck.reply(401, &challenge, b"");
        assert_eq!(deck.last_sent().header(HeaderName::Authorization).is_some(), answers);
        let file = deck.finish();
        let Password::Ha1 { hex, .. } = &password else { panic!("a hash") };
        assert!(file.contains(&format!("password ha1 SHA-256 {}\n", hex.shape())), "{file}");
        let recording = Recording::read(file.as_bytes()).expect("readable");
        assert_eq!(replayed(&recording).difference, None);
    }
}
