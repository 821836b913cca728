//! From the recording of real phones on real sockets to a scenario, run on a simulated network with oracles.

use offhook::{Account, Config, DtmfPath, Password, RegistrationState, Status};
use offhook_exchange as exchange;
use offhook_recorder::replay::{Replay, replay};
use offhook_recorder::{PhoneRecording, Recording, pcap, scenario};
use offhook_sim::run;
use offhook_sim::scenario::{Action, Scenario, UserAction};
use offhook_tokio::{
    AccountEvent, Call, CallEvent, ExchangeServer, Listen, Options, Phone, PhoneEvent, Recorder,
    RecorderOptions,
};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

type Done<T> = Result<T, Box<dyn Error>>;

async fn phone(recorder: Option<&Recorder>, name: &str, server: &str) -> Done<Phone> {
    let account = Account::new(format!("sip:{name}@house.test"), Some(Password::plain("hush-hush")), server)?;
    let mut config = Config::new(account);
    config.registration.first_wait = Duration::from_millis(50);
    let mut options = Options::default();
    options.recorder = recorder.map(|recorder| recorder.track(name));
    let mut phone = Phone::start_with(config, options).await?;
    wait_for_registration(&mut phone).await?;
    Ok(phone)
}

async fn wait_for_registration(phone: &mut Phone) -> Done<()> {
    loop {
        if let PhoneEvent::Account { event: AccountEvent::Registration(state), .. } =
            phone.next().await.ok_or("stopped")?
            && matches!(state, RegistrationState::Registered { .. })
        {
            return Ok(());
        }
    }
}

async fn incoming(phone: &mut Phone) -> Done<Call> {
    loop {
        match phone.next().await.ok_or("stopped")? {
            PhoneEvent::Incoming(call) => return Ok(call),
            _ => continue,
        }
    }
}

async fn until(call: &mut Call, expected: impl Fn(&CallEvent) -> bool) -> Done<()> {
    loop {
        if call.next().await.ok_or("over")?.event().is_some_and(&expected) {
            return Ok(());
        }
    }
}

/// Waits until a call is established and has media, in any order.
async fn wait_for_media(call: &mut Call) -> Done<()> {
    let (mut taken, mut heard) = (false, false);
    while !(taken && heard) {
        let update = call.next().await.ok_or("over")?;
        taken |= update.status() == Some(Status::Established);
        if let Some(CallEvent::Media { up }) = update.event() {
            heard = *up;
        }
    }
    Ok(())
}

/// Sends digits from one end, and waits until the other one received all of them.
async fn send_digits(outgoing_call: &Call, incoming_call: &mut Call, keys: &str) -> Done<()> {
    outgoing_call.digits(keys, Duration::from_millis(200), DtmfPath::Rtp).await?;
    for _ in keys.chars() {
        until(incoming_call, |event| matches!(event, CallEvent::Digit { .. })).await?;
    }
    Ok(())
}

/// Alice and Bob are recorded, Carol is not: a call to Carol and one from Carol, with a restart of the exchange in between.
async fn make_calls(recorder: &Recorder) -> Done<()> {
    let users = ["alice", "bob", "carol"];
    let config =
        users.into_iter().fold(exchange::Config::new("house.test"), |c, user| c.with_user(user, "hush-hush"));
    let mut server =
        ExchangeServer::start(config, Listen::ws(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).await?;
    let url = format!("ws://{}", server.addresses().ws.ok_or("listens")?);
    let mut alice = phone(Some(recorder), "alice", &url).await?;
    let mut bob = phone(Some(recorder), "bob", &url).await?;
    let mut carol = phone(None, "carol", &url).await?;
    let ended = |event: &CallEvent| matches!(event, CallEvent::Ended(_));

    let mut outgoing_call = alice.dial("carol").await?;
    let mut incoming_call = incoming(&mut carol).await?;
    incoming_call.answer().await?;
    // Digits that are sent before the path is up are lost.
    wait_for_media(&mut outgoing_call).await?;
    wait_for_media(&mut incoming_call).await?;
    // The digits are as long as in the simulator, where media is slower.
    send_digits(&outgoing_call, &mut incoming_call, "12").await?;
    outgoing_call.hold().await?;
    until(&mut incoming_call, |event| matches!(event, CallEvent::Hold { remote: true, .. })).await?;
    until(&mut outgoing_call, |event| matches!(event, CallEvent::Hold { local: true, .. })).await?;
    outgoing_call.resume().await?;
    until(&mut incoming_call, |event| matches!(event, CallEvent::Hold { remote: false, .. })).await?;
    send_digits(&outgoing_call, &mut incoming_call, "3").await?;
    incoming_call.hang_up().await?;
    until(&mut outgoing_call, ended).await?;

    // Cuts the connections. Phones cannot register before the restart.
    server.stop().await;
    server.restart().await?;
    for phone in [&mut alice, &mut bob, &mut carol] {
        wait_for_registration(phone).await?;
    }
    let mut outgoing_call = carol.dial("bob").await?;
    incoming(&mut bob).await?.reject(486).await?;
    until(&mut outgoing_call, ended).await?;
    alice.stop().await;
    bob.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_is_exported_as_a_scenario() -> Done<()> {
    let recorder = Recorder::start(RecorderOptions::default().with_memory(1 << 24))?;
    tokio::time::timeout(Duration::from_secs(60), make_calls(&recorder)).await??;
    let dump = recorder.dump().ok_or("runs")?;
    assert!(!dump.contains("hush-hush"));
    let recording = Recording::read(dump.as_bytes())?;
    let replays: Vec<Replay> = recording.phones.iter().map(replay).collect::<Result<_, _>>()?;
    let views: Vec<(&PhoneRecording, &Replay)> = recording.phones.iter().zip(&replays).collect();
    for (track, again) in &views {
        assert_eq!(again.divergence, None, "{}", track.name);
    }
    assert!(pcap(&views).len() > 10_000);

    let text = scenario(&views);
    let parsed: Scenario = text.parse().map_err(|wrong| format!("{wrong}\n{text}"))?;
    let names: Vec<&str> = parsed.phones.iter().map(|phone| phone.name.as_str()).collect();
    assert_eq!(names, ["alice", "bob", "carol"], "{text}");
    let has = |expected: &dyn Fn(&Action) -> bool| parsed.steps.iter().any(|step| expected(&step.action));
    for expected in [
        UserAction::Dial("carol".to_owned()),
        UserAction::Hold,
        UserAction::HangUp,
        UserAction::Dial("bob".to_owned()),
        UserAction::Unregister,
    ] {
        assert!(
            has(&|action| matches!(action, Action::User { action, .. } if *action == expected)),
            "{expected:?} in\n{text}"
        );
    }
    assert!(
        text.contains(" pbx crashes for ") && has(&|action| matches!(action, Action::Fault(_))),
        "{text}"
    );
    let (verdict, ladder) = run::replay(&parsed);
    assert_eq!(verdict.violation, None, "{text}\n{ladder}");
    assert!(ladder.contains("0.0 established") && ladder.contains("486"), "{text}\n{ladder}");
    Ok(())
}
