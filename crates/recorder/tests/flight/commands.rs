//! Every command and every result is written and read.

use crate::config::full_account;
use crate::recorded_phone::{TRACK, account};
use bytes::Bytes;
use offhook::{
    AccountCommand, AccountId, Agreed, CallCommand, Command, Config, Credentials, Dial, Direction, DtmfPath,
    EffectId, EffectResult, Input, Instant, LegId, MediaEvent, MediaFault, MediaTypes, Password, Request,
    RequestId, RequestKind, SessionId,
};
use offhook_recorder::{EntryKind, Notice, Recording, RecordingWriter, redact};
use offhook_wire::digest::Algorithm;
use std::time::Duration;

fn of_account(command: AccountCommand) -> Input {
    Input::Command(Command::Account { account: AccountId(3), command })
}

fn of_call(command: CallCommand) -> Input {
    let session = SessionId::from_parts(1, 7).expect("a slot");
    Input::Command(Command::Call { session, command })
}

fn request(kind: RequestKind) -> Input {
    let send = Request::new("sip:b@h", kind).with_account(AccountId(2)).with_header("X-A", "b c");
    Input::Command(Command::Request { request: RequestId(5), send })
}

fn credentials() -> [Credentials; 3] {
    let hash = Password::ha1(Algorithm::Sha256, "a", "r", &"S3cr3t".into());
    [
        Credentials::new(Password::plain("S3cr3t")),
        Credentials::new(Password::plain("S3cr3t")).with_username("a b"),
        Credentials::new(hash).with_username("ha1"),
    ]
}

const SDP: &[u8] = b"v=0\r\na=ice-pwd:S3cr3t\r\n";

const TYPES: [MediaTypes; 4] =
    [MediaTypes::NONE, MediaTypes::AUDIO, MediaTypes::VIDEO, MediaTypes::AUDIO_VIDEO];

/// All agreements.
fn agreed() -> impl Iterator<Item = Agreed> {
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    let agreed = Direction::ALL.into_iter().flat_map(move |direction| {
        flags.map(|(held, event)| Agreed::new(direction).with_held(held).with_telephone_event(event))
    });
    agreed.flat_map(|agreed| TYPES.map(|types| agreed.with_types(types)))
}

fn media_events() -> impl Iterator<Item = Input> {
    let session = SessionId::from_parts(1, 7).expect("a slot");
    let digit = MediaEvent::Digit { digit: '0', duration: Duration::from_millis(160) };
    let events = [MediaEvent::Up, MediaEvent::Down, MediaEvent::Failed, digit];
    (0..).map(LegId).zip(events).map(move |(leg, event)| Input::Media { session, leg, event })
}

fn inputs() -> Vec<Input> {
    let body = Bytes::from_static(b"S3cr3t\r\n\r\n\xff");
    let message = |body| RequestKind::Message { content_type: "text/plain;x=\"y z\"".to_owned(), body };
    let info = |package: Option<&str>, body| CallCommand::Info {
        info: 4,
        package: package.map(str::to_owned),
        content_type: "a/b".to_owned(),
        body,
    };
    let session = SessionId::from_parts(0, 2).expect("a slot");
    let dial = Dial::to("sip:b@h").with_account(AccountId(1)).with_header("Subject", "x");
    let mut inputs = vec![
        of_account(AccountCommand::Add(Box::new(full_account()))),
        of_account(AccountCommand::Replace(Box::new(account("S3cr3t")))),
        of_account(AccountCommand::Remove),
        of_account(AccountCommand::Register),
        of_account(AccountCommand::Unregister),
        Input::Command(Command::Dial { session, dial }),
        of_call(CallCommand::Answer),
        of_call(CallCommand::EarlyMedia),
        of_call(CallCommand::Reject { code: 486 }),
        of_call(CallCommand::HangUp),
        of_call(CallCommand::Hold),
        of_call(CallCommand::Resume),
        of_call(CallCommand::RestartMedia),
        of_call(CallCommand::Digits {
            digits: "12".to_owned(),
            duration: Duration::from_millis(90),
            path: DtmfPath::Info,
        }),
        of_call(info(None, Bytes::new())),
        of_call(info(Some("-"), body.clone())),
        of_call(CallCommand::Transfer { target: "sip:c@h".to_owned() }),
        of_call(CallCommand::AcceptTransfer { request: 9 }),
        of_call(CallCommand::RejectTransfer { request: 9 }),
        request(message(body)),
        request(message(Bytes::new())),
        request(RequestKind::Options),
    ];
    for types in TYPES {
        let dial = Dial::to("sip:b@h").with_types(types);
        inputs.extend([
            Input::Command(Command::Dial { session, dial: dial.clone() }),
            Input::Command(Command::Dial { session, dial: dial.with_header("X-A", "audio") }),
            of_call(CallCommand::SetMediaTypes { types }),
            of_call(CallCommand::Mute { types }),
        ]);
    }
    inputs.extend(credentials().map(|new| of_account(AccountCommand::SetCredentials(new))));
    inputs.extend(media_events());
    let results = credentials().map(|found| EffectResult::Credentials(Some(found))).into_iter();
    let results = results.chain([
        EffectResult::Credentials(None),
        EffectResult::Sent,
        EffectResult::Description(Bytes::from_static(SDP)),
    ]);
    let faults = [
        MediaFault::NoCommonCodec,
        MediaFault::NoCommonTransport,
        MediaFault::NoCommonMedia,
        MediaFault::BadDescription,
        MediaFault::Engine,
    ];
    let results = results.chain(faults.map(EffectResult::Failed)).chain(agreed().flat_map(|agreed| {
        let answer = Bytes::from_static(SDP);
        [
            EffectResult::Checked(agreed),
            EffectResult::Applied(agreed),
            EffectResult::Answered { answer, agreed },
            EffectResult::Answered { answer: Bytes::new(), agreed },
        ]
    }));
    inputs.extend(results.map(|result| Input::Done { effect: EffectId::from_u64(6), result }));
    inputs
}

/// A recording of these inputs, which no phone handles.
fn file(inputs: &[Input]) -> String {
    let (mut writer, mut text) = (RecordingWriter::default(), RecordingWriter::header());
    let created = Notice::Created {
        name: "alice".to_owned(),
        config: Box::new(Config::new(account("x"))),
        seed: Box::new([0; 32]),
        now: Instant::ZERO,
        made: Duration::ZERO,
    };
    writer.write(TRACK, &created, &mut text);
    for input in inputs {
        writer.write(TRACK, &Notice::Input { at: Instant::ZERO, input: input.clone() }, &mut text);
    }
    text + &RecordingWriter::end()
}

/// All of an input: `Debug` shows neither bytes of messages nor passwords.
fn shown(input: &Input) -> String {
    let kind = |password: &Password| match password {
        Password::Plain(_) => "plain".to_owned(),
        Password::Ha1 { algorithm, hex } => format!("{algorithm:?} {}", hex.shape()),
    };
    let secret = match input {
        Input::Done {
            result: EffectResult::Description(sdp) | EffectResult::Answered { answer: sdp, .. },
            ..
        } => format!("{sdp:?}"),
        Input::Done { result: EffectResult::Credentials(Some(found)), .. } => kind(&found.password),
        Input::Command(Command::Account { command: AccountCommand::SetCredentials(new), .. }) => {
            kind(&new.password)
        }
        _ => String::new(),
    };
    format!("{input:?} {secret}")
}

#[test]
fn all_commands_and_results_are_written_and_read() {
    let inputs = inputs();
    let text = file(&inputs);
    assert!(!text.contains("S3cr3t") && !text.contains("lost"), "{text}");
    let recording = Recording::read(text.as_bytes()).expect("readable");
    let read: Vec<String> = recording.phones[0]
        .entries
        .iter()
        .map(|entry| match &entry.kind {
            EntryKind::Input { input, .. } => shown(input),
            other => panic!("{other:?}"),
        })
        .collect();
    let written: Vec<String> = inputs.iter().map(|input| shown(&redact::input(input))).collect();
    assert_eq!(read, written);
}

#[test]
fn results_of_media_have_these_lines() {
    let agreed = Agreed::new(Direction::RecvOnly).with_held(true).with_telephone_event(true);
    let effect = EffectId::from_u64(6);
    let answer = Bytes::from_static(SDP);
    let done = |result| Input::Done { effect, result };
    let text = file(&[
        done(EffectResult::Checked(Agreed::new(Direction::SendRecv))),
        done(EffectResult::Applied(agreed)),
        done(EffectResult::Answered { answer, agreed }),
        done(EffectResult::Applied(agreed.with_types(MediaTypes::AUDIO_VIDEO))),
        media_events().nth(1).expect("there"),
    ]);
    for line in [
        "alice done 6 checked sendrecv\n",
        "alice done 6 applied recvonly held telephone-event\n",
        "alice done 6 answered recvonly held telephone-event 23\n  |v=0\n  |a=ice-pwd:xxxxxx\n",
        "alice done 6 applied recvonly held telephone-event audio-video\n",
        "alice media 1.7 1 down\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
        let words = line.trim_start_matches("alice ");
        for (from, to) in
            [("recvonly", "both"), ("held telephone-event", "telephone-event held"), ("1.7 1", "1.7 256")]
        {
            let bad = text.replacen(words, &words.replace(from, to), 1);
            assert!(bad == text || Recording::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

#[test]
fn account_of_a_command_is_complete_or_left_out() {
    let text = file(&[of_account(AccountCommand::Add(Box::new(full_account())))]);
    let start = text.find("add-account").expect("there");
    let read = |text: &str| Recording::read(text.as_bytes()).map(|it| it.phones[0].entries.len());
    assert_eq!(read(&text), Ok(1));
    for (at, _) in text.match_indices('\n').filter(|(at, _)| *at > start) {
        let end = text.len() - "end\n".len();
        if at + 1 < end {
            assert_eq!(read(&text[..=at]), Ok(0), "{}", &text[..=at]);
        }
    }
    for (from, to) in
        [("\n  account \"sips", "\n  aor \"sips"), ("  ask-credentials yes\n", ""), ("realm", "rome")]
    {
        let bad = text[start..].replacen(from, to, 1);
        assert_ne!(bad, text[start..], "{from}");
        assert!(Recording::read((text[..start].to_owned() + &bad).as_bytes()).is_err(), "{from}");
    }
}
