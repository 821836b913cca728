//! The steps in their order. Each waits for its events, or returns a failure.

use super::phone::{CallEnd, DemoPhone};
use super::step::{Failure, Proof, tenths};
use super::testbed::Testbed;
use offhook::{Cause, DtmfPath, RegistrationState, Status};
use offhook_tokio::{AccountEvent, CallEvent, PhoneEvent};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const DIGIT: Duration = Duration::from_millis(100);
/// Failed attempts of every phone before the exchange is restarted.
const ATTEMPTS: u32 = 3;

/// Both ends of a call.
pub(super) struct Pair {
    pub(super) caller: CallEnd,
    pub(super) callee: CallEnd,
}

type StepResult<T> = Result<(T, Proof), Failure>;

pub(super) async fn register(testbed: &mut Testbed) -> StepResult<()> {
    for phone in testbed.phones() {
        registered(phone).await?;
    }
    Ok((
        (),
        Proof::new(
            "alice, bob and carol, by WebSocket and digest",
            json!({ "phones": ["alice", "bob", "carol"] }),
        ),
    ))
}

pub(super) async fn call(testbed: &mut Testbed) -> StepResult<Pair> {
    let caller = testbed.alice.dial("bob").await?;
    let pair = connect(caller, &mut testbed.bob).await?;
    Ok((pair, Proof::new("alice calls bob, bob answers", json!({ "from": "alice", "to": "bob" }))))
}

pub(super) async fn media(pair: &mut Pair) -> StepResult<()> {
    let (at_caller, at_callee) = measure_tones(pair).await?;
    let (caller, callee) = (pair.caller.owner, pair.callee.owner);
    let first = (pair.caller.first_audio().await?.as_millis(), pair.callee.first_audio().await?.as_millis());
    let statistics =
        pair.callee.call.statistics().await.map_err(pair.callee.failed("read its statistics"))?;
    let codec =
        statistics.codec.map_or_else(|| "no codec".to_owned(), |codec| codec.name().replace("opus", "Opus"));
    let text = format!(
        "ICE, DTLS-SRTP, {codec}: {caller} hears {at_caller} Hz, {callee} hears {at_callee} Hz; first audio after {} and {} ms",
        first.0, first.1
    );
    let fields = json!({
        "codec": codec,
        "heard_hz": { caller: at_caller, callee: at_callee },
        "first_audio_ms": { caller: int(first.0), callee: int(first.1) },
    });
    Ok(((), Proof::new(text, fields)))
}

pub(super) async fn digits(pair: &mut Pair, digits: &str, path: DtmfPath) -> StepResult<()> {
    let caller = &pair.caller;
    caller.call.digits(digits, DIGIT, path).await.map_err(caller.failed("send digits"))?;
    let mut heard = String::new();
    while heard.len() < digits.len() {
        let what = format!("digits {digits} by {}, received so far: {heard}", name(path));
        let (digit, how) = pair
            .callee
            .event(&what, |event| match event {
                CallEvent::Digit { digit, path, .. } => Some((*digit, *path)),
                _ => None,
            })
            .await?;
        if how != path {
            return Err(Failure(format!(
                "digit {digit} was received by {}, not by {}",
                name(how),
                name(path)
            )));
        }
        heard.push(digit);
    }
    if heard != digits {
        return Err(Failure(format!("sent {digits}, received {heard}")));
    }
    let how = name(path);
    let fields = json!({ "digits": heard, "via": if path == DtmfPath::Info { "info" } else { "rtp" } });
    Ok(((), Proof::new(format!("bob received {heard} by {how}"), fields)))
}

pub(super) async fn hold(pair: &mut Pair) -> StepResult<()> {
    pair.caller.call.hold().await.map_err(pair.caller.failed("hold"))?;
    held(&mut pair.caller, true).await?;
    let holds = |event: &CallEvent| matches!(event, CallEvent::Hold { remote: true, .. }).then_some(());
    pair.callee.event("the peer's hold", holds).await?;
    pair.callee.silence().await?;
    Ok(((), Proof::new("alice holds, bob hears silence", json!({ "heard_hz": null }))))
}

pub(super) async fn resume(pair: &mut Pair) -> StepResult<()> {
    pair.caller.call.resume().await.map_err(pair.caller.failed("resume"))?;
    held(&mut pair.caller, false).await?;
    let heard = round(pair.callee.tone(pair.caller.plays).await?);
    Ok(((), Proof::new(format!("alice resumes, bob hears {heard} Hz again"), json!({ "heard_hz": heard }))))
}

/// Blind transfer (RFC 5589 §6) of bob's call from alice to carol.
pub(super) async fn transfer(testbed: &mut Testbed, pair: &mut Pair) -> StepResult<Pair> {
    pair.caller.call.transfer("carol").await.map_err(pair.caller.failed("transfer"))?;
    let caller = testbed.bob.referred("carol").await?;
    let mut transferred = connect(caller, &mut testbed.carol).await?;
    let (at_bob, at_carol) = measure_tones(&mut transferred).await?;
    let cause = pair.caller.ended().await?;
    pair.callee.ended().await?;
    if cause != Cause::Transferred {
        return Err(Failure(format!("alice's call ended with {cause}, not transferred")));
    }
    let text = format!(
        "alice transfers bob to carol: bob hears {at_bob} Hz, carol hears {at_carol} Hz, alice's call has ended"
    );
    Ok((transferred, Proof::new(text, json!({ "heard_hz": { "bob": at_bob, "carol": at_carol } }))))
}

pub(super) async fn hang_up(pair: &mut Pair) -> StepResult<()> {
    pair.caller.call.hang_up().await.map_err(pair.caller.failed("hang up"))?;
    let causes = (pair.caller.ended().await?, pair.callee.ended().await?);
    if causes != (Cause::HungUp, Cause::HungUp) {
        return Err(Failure(format!("the ends report {} and {}", causes.0, causes.1)));
    }
    let text = format!("{} hangs up, both ends are idle", pair.caller.owner);
    Ok(((), Proof::new(text, json!({ "cause": Cause::HungUp.as_str() }))))
}

pub(super) async fn recording(pair: &Pair, file: Option<&Path>) -> StepResult<()> {
    let file = file.map_or_else(|| std::env::temp_dir().join("offhook-demo.wav"), Path::to_owned);
    let recording =
        pair.callee.call.take_recording().await.map_err(pair.callee.failed("read the recording"))?;
    if recording.samples.iter().all(|sample| *sample == 0) {
        return Err(Failure("bob's recording is silence".to_owned()));
    }
    std::fs::write(&file, recording.to_wav()).map_err(|why| Failure(format!("{}: {why}", file.display())))?;
    let (name, seconds) = (file.display().to_string(), tenths(recording.duration().as_secs_f64()));
    let text = format!("audio that bob received from alice, {seconds} s: {name}");
    Ok(((), Proof::new(text, json!({ "file": name, "seconds": seconds }))))
}

/// The exchange aborts every connection and stops; each phone retries.
pub(super) async fn outage(testbed: &mut Testbed) -> StepResult<()> {
    testbed.exchange.drop_connections().await;
    testbed.exchange.stop().await;
    for phone in testbed.phones() {
        let what = format!("{ATTEMPTS} attempts to register");
        phone
            .until(&what, |event| match event {
                PhoneEvent::Account {
                    event:
                        AccountEvent::Registration(
                            RegistrationState::Registering { attempt }
                            | RegistrationState::Waiting { attempt, .. },
                        ),
                    ..
                } => (attempt > ATTEMPTS).then_some(()),
                _ => None,
            })
            .await?;
    }
    let text =
        format!("the exchange is stopped: every phone reports {ATTEMPTS} failed attempts and keeps retrying");
    Ok(((), Proof::new(text, json!({ "failed_attempts": ATTEMPTS }))))
}

pub(super) async fn restart(testbed: &mut Testbed) -> StepResult<()> {
    testbed.exchange.restart().await.map_err(|why| Failure(why.to_string()))?;
    let mut counts = serde_json::Map::new();
    let mut words = Vec::new();
    for phone in testbed.phones() {
        let attempts = registered(phone).await?;
        words.push(format!("{} at attempt {attempts}", phone.name));
        counts.insert(phone.name.to_owned(), json!(attempts));
    }
    let text = format!("the exchange is restarted without its state; registered again: {}", words.join(", "));
    Ok(((), Proof::new(text, json!({ "attempts": Value::Object(counts) }))))
}

pub(super) async fn call_again(testbed: &mut Testbed) -> StepResult<Pair> {
    let caller = testbed.carol.dial("alice").await?;
    let mut pair = connect(caller, &mut testbed.alice).await?;
    let (at_carol, at_alice) = measure_tones(&mut pair).await?;
    let text = format!("carol calls alice: carol hears {at_carol} Hz, alice hears {at_alice} Hz");
    Ok((pair, Proof::new(text, json!({ "heard_hz": { "carol": at_carol, "alice": at_alice } }))))
}

/// Answers a call and waits until both ends are established.
async fn connect(mut caller: CallEnd, callee: &mut DemoPhone) -> Result<Pair, Failure> {
    let mut callee = callee.incoming(caller.owner).await?;
    callee.call.answer().await.map_err(callee.failed("answer"))?;
    caller.status(Status::Established).await?;
    callee.status(Status::Established).await?;
    Ok(Pair { caller, callee })
}

/// Waits until both ends receive the other's tone. Returns the frequencies in Hz.
async fn measure_tones(pair: &mut Pair) -> Result<(f64, f64), Failure> {
    let plays = (pair.caller.plays, pair.callee.plays);
    let (at_caller, at_callee) = tokio::join!(pair.caller.tone(plays.1), pair.callee.tone(plays.0));
    Ok((round(at_caller?), round(at_callee?)))
}

async fn held(line: &mut CallEnd, wanted: bool) -> Result<(), Failure> {
    let what = if wanted { "the hold" } else { "the end of the hold" };
    let code = line.event(what, |event| match event {
        CallEvent::Hold { local, .. } if *local == wanted => Some(None),
        CallEvent::HoldFailed { code, .. } => Some(Some(*code)),
        _ => None,
    });
    match code.await? {
        None => Ok(()),
        Some(code) => Err(Failure(format!(
            "{what} was refused{}",
            code.map(|code| format!(" ({code})")).unwrap_or_default()
        ))),
    }
}

/// Waits until the phone is registered. Returns the number of attempts.
async fn registered(phone: &mut DemoPhone) -> Result<u32, Failure> {
    let mut attempts = 1;
    loop {
        let state = phone.until("its registration", |event| match event {
            PhoneEvent::Account { event: AccountEvent::Registration(state), .. } => Some(state),
            _ => None,
        });
        match state.await? {
            RegistrationState::Registering { attempt } => attempts = attempt,
            RegistrationState::Registered { .. } => return Ok(attempts),
            RegistrationState::Failed(why) => {
                return Err(Failure(format!("{} is not registered: {}", phone.name, why.cause)));
            }
            _ => {}
        }
    }
}

fn name(path: DtmfPath) -> &'static str {
    if path == DtmfPath::Info { "SIP INFO" } else { "RTP telephone-event" }
}

fn round(hz: f32) -> f64 {
    tenths(f64::from(hz))
}

fn int(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
