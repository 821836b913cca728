//! A phone of the demonstration and its calls. Each wait for an event has a time limit.

use super::step::Failure;
use offhook::{Account, Config, Password, ReferPolicy, Status};
use offhook_media::{ReceivedTone, Source};
use offhook_tokio::{Call, CallEvent, CallUpdate, MediaUpdate, Options, Phone, PhoneEvent};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The domain of the demonstration; `.test` is not in the DNS (RFC 6761 §6.2).
pub(super) const DOMAIN: &str = "offhook.test";
/// The time limit of each wait.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// Shorter than the two seconds of a real phone.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Short, since retries without the exchange send no REGISTER.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

pub(super) struct DemoPhone {
    pub(super) name: &'static str,
    /// The tone it plays in every call, in Hz.
    hz: f32,
    pub(super) phone: Phone,
}

impl DemoPhone {
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
        config.refer_policy = ReferPolicy::OwnDomain;
        let options = options.with_play(Source::tone(hz)).with_record(true);
        let phone = Phone::start_with(config, options)
            .await
            .map_err(|why| Failure(format!("{name} cannot start: {why}")))?;
        Ok(Self { name, hz, phone })
    }

    pub(super) async fn dial(&self, whom: &'static str) -> Result<CallEnd, Failure> {
        let call = self
            .phone
            .dial(whom)
            .await
            .map_err(|why| Failure(format!("{} cannot dial: {why}", self.name)))?;
        Ok(CallEnd::new((self.name, self.hz), whom, call))
    }

    /// The next incoming call.
    pub(super) async fn incoming(&mut self, from: &'static str) -> Result<CallEnd, Failure> {
        let own = (self.name, self.hz);
        let call = self.until("a call", |event| match event {
            PhoneEvent::Incoming(call) => Some(call),
            _ => None,
        });
        Ok(CallEnd::new(own, from, call.await?))
    }

    /// The call of a transfer.
    pub(super) async fn referred(&mut self, to: &'static str) -> Result<CallEnd, Failure> {
        let own = (self.name, self.hz);
        let call = self.until("the transfer", |event| match event {
            PhoneEvent::Referred { call, .. } => Some(call),
            _ => None,
        });
        Ok(CallEnd::new(own, to, call.await?))
    }

    /// Waits for the first event of the phone for which `pick` returns something.
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
        let late = |_| Failure(format!("{name} waited {} s for {what}", TIME_LIMIT.as_secs()));
        timeout(TIME_LIMIT, wait).await.map_err(late)?
    }
}

/// One end of a call.
pub(super) struct CallEnd {
    pub(super) owner: &'static str,
    /// The tone that the owner plays, in Hz.
    pub(super) plays: f32,
    pub(super) peer: &'static str,
    pub(super) call: Call,
    begun: Instant,
    /// From the start of the call to the first audio of the peer.
    first_audio: Option<Duration>,
    statuses: Vec<Status>,
}

impl CallEnd {
    fn new((owner, plays): (&'static str, f32), peer: &'static str, call: Call) -> Self {
        Self {
            owner,
            plays,
            peer,
            call,
            begun: Instant::now(),
            first_audio: None,
            statuses: vec![Status::Initial],
        }
    }

    /// Waits for the first event of the call for which `pick` returns something.
    pub(super) async fn event<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&CallEvent) -> Option<T>,
    ) -> Result<T, Failure> {
        self.until(what, |update| update.event().and_then(&mut pick)).await
    }

    /// Waits for the first update of the call for which `pick` returns something.
    async fn until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&CallUpdate) -> Option<T>,
    ) -> Result<T, Failure> {
        let owner = self.owner;
        let wait = async {
            while let Some(update) = self.call.next().await {
                self.record(&update);
                if let Some(found) = pick(&update) {
                    return Ok(found);
                }
                if let Some(why) = update.ended() {
                    return Err(Failure(format!("{owner}'s call ended instead of {what}: {}", why.cause)));
                }
            }
            Err(Failure(format!("{owner}'s call ended before {what}")))
        };
        let late = |_| Failure(format!("{owner} waited {} s for {what}", TIME_LIMIT.as_secs()));
        timeout(TIME_LIMIT, wait).await.map_err(late)?
    }

    pub(super) async fn status(&mut self, status: Status) -> Result<(), Failure> {
        if self.statuses.contains(&status) {
            return Ok(());
        }
        self.until(&format!("status {status}"), |update| (update.status() == Some(status)).then_some(()))
            .await
    }

    /// Waits until a tone of `hz` is received. Returns the measured frequency.
    pub(super) async fn tone(&mut self, hz: f32) -> Result<f32, Failure> {
        /// Half a bin of the detector's transform, and the error of a codec.
        const TOLERANCE: f32 = 10.0;
        /// The maximum difference of two measurements of a stable tone, in Hz.
        const SETTLED: f32 = 1.0;
        /// The gap between them, so that they share no audio.
        const MIN_GAP: Duration = Duration::from_millis(200);
        let mut before: Option<(f32, Instant)> = None;
        self.measure_until(&format!("a tone of {hz} Hz"), |heard| {
            let now = heard.hz.filter(|heard| (heard - hz).abs() < TOLERANCE);
            match (now, before) {
                (Some(now), Some((then, at))) if (now - then).abs() < SETTLED => {
                    (at.elapsed() >= MIN_GAP).then_some(now)
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
        self.measure_until("silence", |heard| (heard.hz.is_none() && heard.level_dbfs < SILENT).then_some(()))
            .await
    }

    pub(super) async fn first_audio(&mut self) -> Result<Duration, Failure> {
        while self.first_audio.is_none() {
            let first = CallUpdate::Media(MediaUpdate::FirstAudio);
            self.until("the first audio", |update| (*update == first).then_some(())).await?;
        }
        self.first_audio.ok_or_else(|| Failure("no first audio".to_owned()))
    }

    /// Measures the received audio until `pick` returns something: after every event and at intervals, because a tone that returns soon is not
    /// reported as a change.
    async fn measure_until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(ReceivedTone) -> Option<T>,
    ) -> Result<T, Failure> {
        const INTERVAL: Duration = Duration::from_millis(100);
        let owner = self.owner;
        let wait = async {
            loop {
                let heard = self.call.heard().await.map_err(self.failed("hear"))?;
                if let Some(found) = pick(heard) {
                    return Ok(found);
                }
                match timeout(INTERVAL, self.call.next()).await {
                    Ok(Some(update)) => self.record(&update),
                    Ok(None) => return Err(Failure(format!("{owner}'s call ended before {what}"))),
                    Err(_) => {}
                }
            }
        };
        let late = |_| Failure(format!("{owner} waited {} s for {what}", TIME_LIMIT.as_secs()));
        timeout(TIME_LIMIT, wait).await.map_err(late)?
    }

    /// Waits for the end. Returns its cause.
    pub(super) async fn ended(&mut self) -> Result<offhook::Cause, Failure> {
        self.until("the end", |update| update.ended().map(|why| why.cause)).await
    }

    pub(super) fn failed(&self, what: &str) -> impl Fn(offhook_tokio::CommandError) -> Failure + use<> {
        let sentence = format!("{} cannot {what}", self.owner);
        move |why| Failure(format!("{sentence}: {why}"))
    }

    /// The statuses of the call, as text and as JSON.
    pub(super) fn statuses(&self) -> (String, Value) {
        let words: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        let text = format!("{:>5} with {:<5}  {}", self.owner, self.peer, words.join(" → "));
        (text, json!({ "phone": self.owner, "peer": self.peer, "walk": words }))
    }

    fn record(&mut self, update: &CallUpdate) {
        self.statuses.extend(update.status());
        if *update == CallUpdate::Media(MediaUpdate::FirstAudio) {
            self.first_audio = Some(self.begun.elapsed());
        }
    }
}
