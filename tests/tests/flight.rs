//! From a recording in the field to a story in the simulator: real phones on real sockets, what happened to them, and the
//! same on a simulated network with the oracles watching.

use offhook::{Account, Config, DtmfPath, Password, RegistrationState, Status};
use offhook_exchange as exchange;
use offhook_recorder::replay::{Replay, replay};
use offhook_recorder::{PhoneRecording, Recording, pcap, scenario};
use offhook_sim::run;
use offhook_sim::scenario::{Act, Deed, Scenario};
use offhook_tokio::{Call, CallEvent, ExchangeServer, Keep, Listen, Options, Phone, PhoneEvent, Recorder};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

type Done<T> = Result<T, Box<dyn Error>>;

async fn phone(recorder: Option<&Recorder>, name: &str, server: &str) -> Done<Phone> {
    let account = Account::new(format!("sip:{name}@house.test"), Some(Password::plain("hush-hush")), server)?;
    let mut config = Config::new(account);
    config.registration.first_wait = Duration::from_millis(50);
    let recorder = recorder.map(|recorder| recorder.track(name));
    let mut phone = Phone::start_with(config, Options { recorder, ..Options::default() }).await?;
    registers(&mut phone).await?;
    Ok(phone)
}

async fn registers(phone: &mut Phone) -> Done<()> {
    loop {
        let event = phone.next().await.ok_or("stopped")?;
        if matches!(event, PhoneEvent::Registration { state: RegistrationState::Registered { .. }, .. }) {
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

async fn until(call: &mut Call, wanted: impl Fn(&CallEvent) -> bool) -> Done<()> {
    while !wanted(&call.next().await.ok_or("over")?) {}
    Ok(())
}

/// Waits until a call is taken and has its media, in whatever order.
async fn talks(call: &mut Call) -> Done<()> {
    let (mut taken, mut heard) = (false, false);
    while !(taken && heard) {
        match call.next().await.ok_or("over")? {
            CallEvent::Status(Status::Established) => taken = true,
            CallEvent::Media { up } => heard = up,
            _ => {}
        }
    }
    Ok(())
}

/// Presses keys at one end, and waits until the other one heard all of them.
async fn press(out: &Call, inn: &mut Call, keys: &str) -> Done<()> {
    out.digits(keys, Duration::from_millis(200), DtmfPath::Rtp).await?;
    for _ in keys.chars() {
        until(inn, |event| matches!(event, CallEvent::Digit { .. })).await?;
    }
    Ok(())
}

/// Alice and bob are recorded, carol is not: a call to her and one from her, the exchange away in between.
async fn fly(recorder: &Recorder) -> Done<()> {
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

    let mut out = alice.dial("carol").await?;
    let mut inn = incoming(&mut carol).await?;
    inn.answer().await?;
    // A tone that is pressed before there is a path is pressed for nobody.
    talks(&mut out).await?;
    talks(&mut inn).await?;
    // Tones take their time here as they do in the simulator, where media is slower.
    press(&out, &mut inn, "12").await?;
    out.hold().await?;
    until(&mut inn, |event| matches!(event, CallEvent::Hold { remote: true, .. })).await?;
    until(&mut out, |event| matches!(event, CallEvent::Hold { local: true, .. })).await?;
    out.resume().await?;
    until(&mut inn, |event| matches!(event, CallEvent::Hold { remote: false, .. })).await?;
    press(&out, &mut inn, "3").await?;
    inn.hang_up().await?;
    until(&mut out, ended).await?;

    // Cuts the connections, and nobody can come back before it does: the next registration is with what starts again.
    server.stop().await;
    server.restart().await?;
    for phone in [&mut alice, &mut bob, &mut carol] {
        registers(phone).await?;
    }
    let mut out = carol.dial("bob").await?;
    incoming(&mut bob).await?.reject(486).await?;
    until(&mut out, ended).await?;
    alice.stop().await;
    bob.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_becomes_a_story_for_the_simulator() -> Done<()> {
    let recorder = Recorder::start(Keep { memory: 1 << 24, ..Keep::default() })?;
    tokio::time::timeout(Duration::from_secs(60), fly(&recorder)).await??;
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
    let story: Scenario = text.parse().map_err(|wrong| format!("{wrong}\n{text}"))?;
    let names: Vec<&str> = story.phones.iter().map(|phone| phone.name.as_str()).collect();
    assert_eq!(names, ["alice", "bob", "carol"], "{text}");
    let has = |wanted: &dyn Fn(&Act) -> bool| story.steps.iter().any(|step| wanted(&step.act));
    for deed in [
        Deed::Dial("carol".to_owned()),
        Deed::Hold,
        Deed::HangUp,
        Deed::Dial("bob".to_owned()),
        Deed::Unregister,
    ] {
        assert!(
            has(&|act| matches!(act, Act::User { deed: done, .. } if *done == deed)),
            "{deed:?} in\n{text}"
        );
    }
    assert!(text.contains(" pbx crashes for ") && has(&|act| matches!(act, Act::Fault(_))), "{text}");
    let (verdict, ladder) = run::replay(&story);
    assert_eq!(verdict.violation, None, "{text}\n{ladder}");
    assert!(ladder.contains("0.0 established") && ladder.contains("486"), "{text}\n{ladder}");
    Ok(())
}
