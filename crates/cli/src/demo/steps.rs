//! The steps, in their order. Each returns when the events proved it, or says what did not happen.

use super::actor::{Actor, Line};
use super::stage::Stage;
use super::{Failure, Proof, tenths};
use offhook::{Cause, DtmfPath, RegistrationState, Status};
use offhook_tokio::{CallEvent, PhoneEvent};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const DIGIT: Duration = Duration::from_millis(100);
/// Failed attempts that every phone has to count before the exchange comes back.
const ATTEMPTS: u32 = 3;

/// Two ends of one call.
pub(super) struct Pair {
    pub(super) caller: Line,
    pub(super) callee: Line,
}

type Given<T> = Result<(T, Proof), Failure>;

pub(super) async fn register(stage: &mut Stage) -> Given<()> {
    for actor in stage.actors() {
        registered(actor).await?;
    }
    Ok((
        (),
        Proof::new(
            "alice, bob and carol, by WebSocket and digest",
            json!({ "phones": ["alice", "bob", "carol"] }),
        ),
    ))
}

pub(super) async fn call(stage: &mut Stage) -> Given<Pair> {
    let caller = stage.alice.dial("bob").await?;
    let pair = connect(caller, &mut stage.bob).await?;
    Ok((pair, Proof::new("alice calls bob, bob answers", json!({ "from": "alice", "to": "bob" }))))
}

pub(super) async fn media(pair: &mut Pair) -> Given<()> {
    let (at_caller, at_callee) = hear(pair).await?;
    let (caller, callee) = (pair.caller.owner, pair.callee.owner);
    let first = (pair.caller.first_audio().await?.as_millis(), pair.callee.first_audio().await?.as_millis());
    let statistics =
        pair.callee.call.statistics().await.map_err(pair.callee.failed("tell its statistics"))?;
    let codec = statistics.codec.map_or_else(|| "no codec".to_owned(), |codec| format!("{codec:?}"));
    let text = format!(
        "ICE, DTLS-SRTP, {codec}: {caller} hears {at_caller} Hz, {callee} hears {at_callee} Hz; first sound after {} and {} ms",
        first.0, first.1
    );
    let fields = json!({
        "codec": codec,
        "heard_hz": { caller: at_caller, callee: at_callee },
        "first_audio_ms": { caller: int(first.0), callee: int(first.1) },
    });
    Ok(((), Proof::new(text, fields)))
}

pub(super) async fn digits(pair: &mut Pair, digits: &str, path: DtmfPath) -> Given<()> {
    let caller = &pair.caller;
    caller.call.digits(digits, DIGIT, path).await.map_err(caller.failed("send digits"))?;
    let mut heard = String::new();
    while heard.len() < digits.len() {
        let what = format!("digits {digits} by {path:?}, got {heard:?} so far");
        let (digit, how) = pair
            .callee
            .until(&what, |event| match event {
                CallEvent::Digit { digit, path, .. } => Some((*digit, *path)),
                _ => None,
            })
            .await?;
        if how != path {
            return Err(Failure(format!("digit {digit} came by {how:?}, not by {path:?}")));
        }
        heard.push(digit);
    }
    if heard != digits {
        return Err(Failure(format!("sent {digits}, received {heard}")));
    }
    let how = if path == DtmfPath::Info { "SIP INFO" } else { "RTP telephone-event" };
    let fields = json!({ "digits": heard, "via": if path == DtmfPath::Info { "info" } else { "rtp" } });
    Ok(((), Proof::new(format!("bob received {heard} by {how}"), fields)))
}

pub(super) async fn hold(pair: &mut Pair) -> Given<()> {
    pair.caller.call.hold().await.map_err(pair.caller.failed("hold"))?;
    held(&mut pair.caller, true).await?;
    let holds = |event: &CallEvent| matches!(event, CallEvent::Hold { remote: true, .. }).then_some(());
    pair.callee.until("the peer's hold", holds).await?;
    pair.callee.silence().await?;
    Ok(((), Proof::new("alice holds, bob hears silence", json!({ "heard_hz": null }))))
}

pub(super) async fn resume(pair: &mut Pair) -> Given<()> {
    pair.caller.call.resume().await.map_err(pair.caller.failed("resume"))?;
    held(&mut pair.caller, false).await?;
    let heard = round(pair.callee.tone(pair.caller.plays).await?);
    Ok(((), Proof::new(format!("alice resumes, bob hears {heard} Hz again"), json!({ "heard_hz": heard }))))
}

/// Blind transfer (RFC 5589 §6): alice asks bob to call carol, and is out of it when carol answered.
pub(super) async fn transfer(stage: &mut Stage, pair: &mut Pair) -> Given<Pair> {
    pair.caller.call.transfer("carol").await.map_err(pair.caller.failed("transfer"))?;
    let caller = stage.bob.referred("carol").await?;
    let mut moved = connect(caller, &mut stage.carol).await?;
    let (at_bob, at_carol) = hear(&mut moved).await?;
    let cause = pair.caller.ended().await?;
    pair.callee.ended().await?;
    if cause != Cause::Transferred {
        return Err(Failure(format!("alice's call ended with {cause}, not transferred")));
    }
    let text =
        format!("alice hands bob to carol: bob hears {at_bob} Hz, carol hears {at_carol} Hz, alice is free");
    Ok((moved, Proof::new(text, json!({ "heard_hz": { "bob": at_bob, "carol": at_carol } }))))
}

pub(super) async fn hang_up(pair: &mut Pair) -> Given<()> {
    pair.caller.call.hang_up().await.map_err(pair.caller.failed("hang up"))?;
    let causes = (pair.caller.ended().await?, pair.callee.ended().await?);
    if causes != (Cause::HungUp, Cause::HungUp) {
        return Err(Failure(format!("the ends say {} and {}", causes.0, causes.1)));
    }
    let text = format!("{} hangs up, both ends are idle", pair.caller.owner);
    Ok(((), Proof::new(text, json!({ "cause": Cause::HungUp.as_str() }))))
}

pub(super) async fn recording(pair: &Pair, file: Option<&Path>) -> Given<()> {
    let file = file.map_or_else(|| std::env::temp_dir().join("offhook-demo.wav"), Path::to_owned);
    let recording =
        pair.callee.call.take_recording().await.map_err(pair.callee.failed("give the recording"))?;
    if recording.samples.iter().all(|sample| *sample == 0) {
        return Err(Failure("bob's recording is silence".to_owned()));
    }
    std::fs::write(&file, recording.to_wav()).map_err(|why| Failure(format!("{}: {why}", file.display())))?;
    let (name, seconds) = (file.display().to_string(), tenths(recording.duration().as_secs_f64()));
    let text = format!("what bob heard of alice, {seconds} s: {name}");
    Ok(((), Proof::new(text, json!({ "file": name, "seconds": seconds }))))
}

/// The exchange cuts every connection and goes away; each phone notices, tries again, and counts.
pub(super) async fn outage(stage: &mut Stage) -> Given<()> {
    stage.exchange.drop_connections().await;
    stage.exchange.stop().await;
    for actor in stage.actors() {
        let what = format!("{ATTEMPTS} attempts to register");
        actor
            .until(&what, |event| match event {
                PhoneEvent::Registration {
                    state: RegistrationState::Registering { attempt } | RegistrationState::Waiting { attempt, .. },
                    ..
                } if attempt > ATTEMPTS => Some(()),
                _ => None,
            })
            .await?;
    }
    let text =
        format!("the exchange is gone: every phone counts {ATTEMPTS} failed attempts and goes on trying");
    Ok(((), Proof::new(text, json!({ "failed_attempts": ATTEMPTS }))))
}

pub(super) async fn restart(stage: &mut Stage) -> Given<()> {
    stage.exchange.restart().await.map_err(|why| Failure(why.to_string()))?;
    let mut counts = serde_json::Map::new();
    let mut words = Vec::new();
    for actor in stage.actors() {
        let attempts = registered(actor).await?;
        words.push(format!("{} at attempt {attempts}", actor.name));
        counts.insert(actor.name.to_owned(), json!(attempts));
    }
    let text = format!("the exchange is back, knowing nothing; registered again: {}", words.join(", "));
    Ok(((), Proof::new(text, json!({ "attempts": Value::Object(counts) }))))
}

pub(super) async fn call_again(stage: &mut Stage) -> Given<Pair> {
    let caller = stage.carol.dial("alice").await?;
    let mut pair = connect(caller, &mut stage.alice).await?;
    let (at_carol, at_alice) = hear(&mut pair).await?;
    let text = format!("carol calls alice: carol hears {at_carol} Hz, alice hears {at_alice} Hz");
    Ok((pair, Proof::new(text, json!({ "heard_hz": { "carol": at_carol, "alice": at_alice } }))))
}

/// From the call on its way to both ends established.
async fn connect(mut caller: Line, callee: &mut Actor) -> Result<Pair, Failure> {
    let mut callee = callee.incoming(caller.owner).await?;
    callee.call.answer().await.map_err(callee.failed("answer"))?;
    caller.status(Status::Established).await?;
    callee.status(Status::Established).await?;
    Ok(Pair { caller, callee })
}

/// Both ends hear what the other one plays; what they hear, in Hz.
async fn hear(pair: &mut Pair) -> Result<(f64, f64), Failure> {
    let plays = (pair.caller.plays, pair.callee.plays);
    let (at_caller, at_callee) = tokio::join!(pair.caller.tone(plays.1), pair.callee.tone(plays.0));
    Ok((round(at_caller?), round(at_callee?)))
}

async fn held(line: &mut Line, wanted: bool) -> Result<(), Failure> {
    let what = if wanted { "the hold" } else { "the end of the hold" };
    let code = line.until(what, |event| match event {
        CallEvent::Hold { local, .. } if *local == wanted => Some(None),
        CallEvent::HoldFailed { code, .. } => Some(Some(*code)),
        _ => None,
    });
    match code.await? {
        None => Ok(()),
        Some(code) => Err(Failure(format!("{what} was refused: {code:?}"))),
    }
}

/// Waits until the phone is registered; how many attempts it took.
async fn registered(actor: &mut Actor) -> Result<u32, Failure> {
    let mut attempts = 1;
    loop {
        let state = actor.until("its registration", |event| match event {
            PhoneEvent::Registration { state, .. } => Some(state),
            _ => None,
        });
        match state.await? {
            RegistrationState::Registering { attempt } => attempts = attempt,
            RegistrationState::Registered { .. } => return Ok(attempts),
            RegistrationState::Failed(why) => {
                return Err(Failure(format!("{} is not registered: {}", actor.name, why.cause)));
            }
            _ => {}
        }
    }
}

fn round(hz: f32) -> f64 {
    tenths(f64::from(hz))
}

fn int(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
