//! One phone of the demonstration, and its calls: waiting for events, each time with a bound.

use super::Failure;
use super::stage::DOMAIN;
use offhook::{Account, Config, Password, Status};
use offhook_media::{ReceivedTone, Source};
use offhook_tokio::{Call, CallEvent, Options, Phone, PhoneEvent};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// No step waits longer for one event.
const BOUND: Duration = Duration::from_secs(15);
/// The demonstration cannot wait the two seconds of a real phone.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Retries while the exchange is away are connections; the REGISTERs are few.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Actor {
    pub(super) name: &'static str,
    /// The tone it plays in every call, in Hz.
    hz: f32,
    pub(super) phone: Phone,
}

impl Actor {
    pub(super) async fn new(
        name: &'static str,
        password: &str,
        hz: f32,
        server: &str,
        options: Options,
    ) -> Result<Self, Failure> {
        let account = Account::new(format!("sip:{name}@{DOMAIN}"), Some(Password::plain(password)), server)
            .map_err(|why| Failure(format!("{server}: {why}")))?;
        let mut config = Config::new(account);
        config.registration.first_wait = FIRST_WAIT;
        config.registration.longest_wait = LONGEST_WAIT;
        let options = Options { play: Source::tone(hz), record: true, ..options };
        let phone = Phone::start_with(config, options)
            .await
            .map_err(|why| Failure(format!("{name} cannot start: {why}")))?;
        Ok(Self { name, hz, phone })
    }

    pub(super) async fn dial(&self, whom: &'static str) -> Result<Line, Failure> {
        let call = self
            .phone
            .dial(whom)
            .await
            .map_err(|why| Failure(format!("{} cannot dial: {why}", self.name)))?;
        Ok(Line::new((self.name, self.hz), whom, call))
    }

    /// The next call that comes in.
    pub(super) async fn incoming(&mut self, from: &'static str) -> Result<Line, Failure> {
        let own = (self.name, self.hz);
        let call = self.until("a call", |event| match event {
            PhoneEvent::Incoming(call) => Some(call),
            _ => None,
        });
        Ok(Line::new(own, from, call.await?))
    }

    /// The call that a transfer made.
    pub(super) async fn referred(&mut self, to: &'static str) -> Result<Line, Failure> {
        let own = (self.name, self.hz);
        let call = self.until("the transfer", |event| match event {
            PhoneEvent::Referred { call, .. } => Some(call),
            _ => None,
        });
        Ok(Line::new(own, to, call.await?))
    }

    /// The first event of the phone that `pick` takes something from.
    pub(super) async fn until<T>(
        &mut self,
        what: &str,
        pick: impl Fn(PhoneEvent) -> Option<T>,
    ) -> Result<T, Failure> {
        let name = self.name;
        let wait = async {
            while let Some(event) = self.phone.next().await {
                if let Some(found) = pick(event) {
                    return Ok(found);
                }
            }
            Err(Failure(format!("{name}'s phone stopped while it waited for {what}")))
        };
        let late = |_| Failure(format!("{name} waited {} s for {what}", BOUND.as_secs()));
        timeout(BOUND, wait).await.map_err(late)?
    }
}

/// One call as one phone has it.
pub(super) struct Line {
    pub(super) owner: &'static str,
    /// The tone that the owner plays, in Hz.
    pub(super) plays: f32,
    pub(super) peer: &'static str,
    pub(super) call: Call,
    begun: Instant,
    /// From the start of the call to the first sound of the peer.
    first_audio: Option<Duration>,
    walk: Vec<Status>,
}

impl Line {
    fn new((owner, plays): (&'static str, f32), peer: &'static str, call: Call) -> Self {
        Self {
            owner,
            plays,
            peer,
            call,
            begun: Instant::now(),
            first_audio: None,
            walk: vec![Status::Initial],
        }
    }

    /// The first event of the call that `pick` finds something in.
    pub(super) async fn until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&CallEvent) -> Option<T>,
    ) -> Result<T, Failure> {
        let owner = self.owner;
        let wait = async {
            while let Some(event) = self.call.next().await {
                self.note(&event);
                if let Some(found) = pick(&event) {
                    return Ok(found);
                }
                if let CallEvent::Ended(why) = event {
                    return Err(Failure(format!("{owner}'s call ended instead of {what}: {}", why.cause)));
                }
            }
            Err(Failure(format!("{owner}'s call was over before {what}")))
        };
        let late = |_| Failure(format!("{owner} waited {} s for {what}", BOUND.as_secs()));
        timeout(BOUND, wait).await.map_err(late)?
    }

    pub(super) async fn status(&mut self, status: Status) -> Result<(), Failure> {
        if self.walk.contains(&status) {
            return Ok(());
        }
        self.until(&format!("status {status}"), |event| (*event == CallEvent::Status(status)).then_some(()))
            .await
    }

    /// Waits until the tone of `hz` is heard, and says which it is exactly.
    pub(super) async fn tone(&mut self, hz: f32) -> Result<f32, Failure> {
        /// Half a bin of the detector's transform, and what a codec may add.
        const TOLERANCE: f32 = 10.0;
        /// What two measurements of a tone that has settled differ by at most …
        const SETTLED: f32 = 1.0;
        /// … when they have no sound in common.
        const APART: Duration = Duration::from_millis(200);
        let mut before: Option<(f32, Instant)> = None;
        self.hears(&format!("a tone of {hz} Hz"), |heard| {
            let now = heard.hz.filter(|heard| (heard - hz).abs() < TOLERANCE);
            match (now, before) {
                (Some(now), Some((then, at))) if (now - then).abs() < SETTLED => {
                    (at.elapsed() >= APART).then_some(now)
                }
                _ => {
                    before = now.map(|now| (now, Instant::now()));
                    None
                }
            }
        })
        .await
    }

    pub(super) async fn silence(&mut self) -> Result<(), Failure> {
        /// The level of silence in dB relative to full scale; the tones are at -12.
        const SILENT: f32 = -50.0;
        self.hears("silence", |heard| (heard.hz.is_none() && heard.level_dbfs < SILENT).then_some(())).await
    }

    pub(super) async fn first_audio(&mut self) -> Result<Duration, Failure> {
        while self.first_audio.is_none() {
            self.until("the first sound", |event| (*event == CallEvent::FirstAudio).then_some(())).await?;
        }
        self.first_audio.ok_or_else(|| Failure("no first sound".to_owned()))
    }

    /// Measures what is heard until it is what `pick` wants: again after every event, and every now and then, because
    /// a tone that comes back soon is not announced as a change.
    async fn hears<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(ReceivedTone) -> Option<T>,
    ) -> Result<T, Failure> {
        const NOW_AND_THEN: Duration = Duration::from_millis(100);
        let owner = self.owner;
        let wait = async {
            loop {
                let heard = self.call.heard().await.map_err(self.failed("hear"))?;
                if let Some(found) = pick(heard) {
                    return Ok(found);
                }
                match timeout(NOW_AND_THEN, self.call.next()).await {
                    Ok(Some(event)) => self.note(&event),
                    Ok(None) => return Err(Failure(format!("{owner}'s call was over before {what}"))),
                    Err(_) => {}
                }
            }
        };
        let late = |_| Failure(format!("{owner} waited {} s for {what}", BOUND.as_secs()));
        timeout(BOUND, wait).await.map_err(late)?
    }

    /// Waits for the end, and gives its cause.
    pub(super) async fn ended(&mut self) -> Result<offhook::Cause, Failure> {
        self.until("the end", |event| match event {
            CallEvent::Ended(why) => Some(why.cause),
            _ => None,
        })
        .await
    }

    pub(super) fn failed(&self, what: &str) -> impl Fn(offhook_tokio::CommandError) -> Failure + use<> {
        let sentence = format!("{} cannot {what}", self.owner);
        move |why| Failure(format!("{sentence}: {why}"))
    }

    /// The statuses that the call went through.
    pub(super) fn walk(&self) -> (String, Value) {
        let words: Vec<&str> = self.walk.iter().map(|status| status.as_str()).collect();
        let text = format!("{:>5} with {:<5}  {}", self.owner, self.peer, words.join(" → "));
        (text, json!({ "phone": self.owner, "peer": self.peer, "walk": words }))
    }

    fn note(&mut self, event: &CallEvent) {
        match event {
            CallEvent::Status(status) => self.walk.push(*status),
            CallEvent::FirstAudio => self.first_audio = Some(self.begun.elapsed()),
            _ => {}
        }
    }
}
