//! A phone of a command: prints its events, and reads commands from standard input.

use super::outcome;
use super::print;
use crate::commands::{Command, Line, Lines};
use crate::exit::Exit;
use crate::output::Output;
use crate::record::{self, Record};
use crate::terminal::{Hidden, is_interactive};
use crate::{account, args, stop};
use offhook::{Credentials, Password, RegistrationState, Secret};
use offhook_tokio::{AccountEvent, Call, Clock, CredentialsRequest, Phone, PhoneEvent, Recorder};
use serde_json::json;
use std::future::Future;
use std::pin::Pin;

/// The default limit of registration attempts for commands that end.
pub(super) const ATTEMPTS: u32 = 3;

/// A phone, its output and its commands.
pub(super) struct CallLoop {
    pub(super) phone: Phone,
    pub(super) output: Output,
    recorder: Option<Recorder>,
    lines: Lines,
    /// The prompt for a password that was not answered yet.
    prompt: Option<Prompt>,
    /// Ctrl-C. Created again after it, so that a second one is noticed.
    stop: Pin<Box<dyn Future<Output = ()>>>,
    clock: Clock,
    aor: String,
    limit: Option<u32>,
}

/// A prompt for a password. On a terminal the next line is the answer, which is not shown while it is typed.
struct Prompt {
    request: CredentialsRequest,
    hidden: Option<Hidden>,
}

/// What the caller of [`CallLoop::next`] has to handle.
pub(super) enum LoopEvent {
    Incoming(Call),
    Referred(Call),
    Command(Command),
    /// Also after a refresh or a reconnection.
    Registered,
    /// The phone has given up.
    NotRegistered,
    Quit,
}

impl CallLoop {
    /// Starts the phone. `attempts` is the default limit of registration attempts.
    pub(super) async fn open(
        account: &args::Account,
        sound: Option<&args::Sound>,
        attempts: Option<u32>,
        records: &[Record],
        output: Output,
    ) -> Result<Self, Exit> {
        let fail = |why: String| output.failed(Exit::Failed, &why);
        let config = account::config(account, attempts).map_err(fail)?;
        let mut options = account::options(account, sound).map_err(fail)?;
        if let Some(file) = record::sound(records) {
            if sound.is_none() {
                return Err(fail(format!("{}: there is no audio to record", file.display())));
            }
            // Report an unwritable file before the call.
            std::fs::write(file, []).map_err(|why| fail(format!("{}: {why}", file.display())))?;
        }
        let recorder = record::flight(records).map_err(fail)?;
        options.recorder = recorder.as_ref().map(|recorder| recorder.track(account.user.as_str()));
        let clock = Clock::start();
        options.clock = Some(clock);
        let (aor, limit) = (config.accounts[0].aor.clone(), config.accounts[0].max_registration_attempts);
        let phone = Phone::start_with(config, options).await.map_err(|why| fail(why.to_string()))?;
        let stop = Box::pin(stop::requested());
        Ok(Self { phone, output, recorder, lines: Lines::new(), prompt: None, stop, clock, aor, limit })
    }

    /// Waits for the registration.
    pub(super) async fn registered(&mut self) -> Result<(), Exit> {
        loop {
            match self.next().await {
                LoopEvent::Registered => return Ok(()),
                LoopEvent::NotRegistered => return Err(Exit::NotRegistered),
                LoopEvent::Quit => return Err(Exit::NotRegistered),
                LoopEvent::Incoming(call) => self.reject_busy(call).await,
                LoopEvent::Command(_) => self.error("not registered yet"),
                LoopEvent::Referred(_) => {}
            }
        }
    }

    /// The next event to handle; prints all others. Cancel-safe.
    pub(super) async fn next(&mut self) -> LoopEvent {
        loop {
            let event = tokio::select! {
                event = self.phone.next() => event,
                line = self.lines.next() => match self.line(line) {
                    Some(event) => return event,
                    None => continue,
                },
                () = &mut self.stop => {
                    self.stop = Box::pin(stop::requested());
                    return LoopEvent::Quit;
                }
            };
            match event {
                None => return LoopEvent::Quit,
                Some(PhoneEvent::Incoming(call)) => return LoopEvent::Incoming(call),
                Some(PhoneEvent::Referred { call, target, .. }) => {
                    print::referred(self.output, call.session(), &target);
                    return LoopEvent::Referred(call);
                }
                Some(PhoneEvent::Account { event: AccountEvent::Registration(state), .. }) => {
                    print::registration(self.output, &self.aor, self.limit, self.clock.now(), &state);
                    match state {
                        RegistrationState::Registered { .. } => return LoopEvent::Registered,
                        RegistrationState::Failed(_) => return LoopEvent::NotRegistered,
                        _ => {}
                    }
                }
                Some(PhoneEvent::Account { event, .. }) => print::account(self.output, &event),
                Some(PhoneEvent::Credentials(request)) => self.ask(request),
                Some(PhoneEvent::Missed(count)) => print::missed(self.output, None, count),
                Some(_) => {}
            }
        }
    }

    /// Executes a line for the phone; otherwise returns its event.
    fn line(&mut self, line: Option<String>) -> Option<LoopEvent> {
        let Some(line) = line else {
            // Without input there is no password: what waits for it fails.
            self.prompt = None;
            return None;
        };
        if self.prompt.as_ref().is_some_and(|prompt| prompt.hidden.is_some()) {
            self.answer(Secret::new(line));
            return None;
        }
        match line.parse() {
            Ok(Line::Password(password)) => self.answer(password),
            Ok(Line::Send(send)) => {
                let (what, output) = (outcome::Sent::of(&send), self.output);
                let sending = self.phone.request(send);
                tokio::spawn(async move {
                    outcome::print(output, &what, &sending.await);
                });
            }
            Ok(Line::Call(command)) => return Some(LoopEvent::Command(command)),
            Ok(Line::Quit) => return Some(LoopEvent::Quit),
            Err(why) => self.error(&why),
        }
        None
    }

    /// Asks for the password.
    fn ask(&mut self, request: CredentialsRequest) {
        print::credentials(self.output, &self.aor, request.realm());
        if !self.lines.have_ended() {
            let hidden = is_interactive().then(Hidden::new);
            self.prompt = Some(Prompt { request, hidden });
        }
    }

    fn answer(&mut self, password: Secret) {
        match self.prompt.take() {
            Some(Prompt { request, .. }) => request.answer(Credentials::new(Password::Plain(password))),
            None => self.error("no password was requested"),
        }
    }

    /// Rejects a second call: the command has one call at a time.
    pub(super) async fn reject_busy(&self, call: Call) {
        // The caller may have cancelled.
        let _ = call.reject(486).await;
        call.detach();
    }

    pub(super) fn error(&self, why: &str) {
        self.output.event("error", &json!({ "message": why }), format_args!("! {why}"));
    }

    pub(super) async fn fail(self, why: &str) -> Exit {
        let exit = self.output.failed(Exit::Failed, why);
        self.close(exit).await
    }

    pub(super) async fn close(self, exit: Exit) -> Exit {
        self.phone.stop().await;
        match record::finish(self.recorder) {
            Ok(()) => exit,
            Err(why) => self.output.failed(Exit::Failed, &why),
        }
    }
}
