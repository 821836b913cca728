//! A phone on the command line: what it tells is printed, what is typed is read.

use super::say;
use crate::commands::{Command, Commands};
use crate::exit::Exit;
use crate::output::Output;
use crate::record::{self, Record};
use crate::{account, args, stop};
use offhook::RegistrationState;
use offhook_tokio::{Call, Clock, Phone, PhoneEvent, Recorder};
use serde_json::json;
use std::future::Future;
use std::pin::Pin;

pub(super) struct Desk {
    pub(super) phone: Phone,
    pub(super) output: Output,
    recorder: Option<Recorder>,
    commands: Commands,
    /// Ctrl-C. Asked again after it came, so that a second one is heard, too.
    stop: Pin<Box<dyn Future<Output = ()>>>,
    clock: Clock,
    aor: String,
    limit: Option<u32>,
}

/// What a desk has to deal with.
pub(super) enum News {
    Incoming(Call),
    Referred(Call),
    Command(Command),
    /// Again, after a refresh or a reconnection, or for the first time.
    Registered,
    /// Given up.
    NotRegistered,
    Quit,
}

impl Desk {
    /// Starts the phone. `attempts` bounds them when the user does not.
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
                return Err(fail(format!("{}: there is no sound to record", file.display())));
            }
            // Better now than after the call.
            std::fs::write(file, []).map_err(|why| fail(format!("{}: {why}", file.display())))?;
        }
        let recorder = record::flight(records).map_err(fail)?;
        options.recorder = recorder.as_ref().map(|recorder| recorder.track(account.user.as_str()));
        let clock = Clock::start();
        options.clock = Some(clock);
        let (aor, limit) = (config.accounts[0].aor.clone(), config.accounts[0].max_registration_attempts);
        let phone = Phone::start_with(config, options).await.map_err(|why| fail(why.to_string()))?;
        let stop = Box::pin(stop::wanted());
        Ok(Self { phone, output, recorder, commands: Commands::new(), stop, clock, aor, limit })
    }

    /// Waits for the registration.
    pub(super) async fn registered(&mut self) -> Result<(), Exit> {
        loop {
            match self.next().await {
                News::Registered => return Ok(()),
                News::NotRegistered => return Err(Exit::NotRegistered),
                News::Quit => return Err(Exit::Done),
                News::Incoming(call) => self.refuse(call).await,
                News::Command(_) => self.complain("not registered yet"),
                News::Referred(_) => {}
            }
        }
    }

    /// What comes next, after printing what needs no more than that. Cancel-safe.
    pub(super) async fn next(&mut self) -> News {
        loop {
            let event = tokio::select! {
                event = self.phone.next() => event,
                command = self.commands.next() => match command {
                    Ok(Command::Quit) => return News::Quit,
                    Ok(command) => return News::Command(command),
                    Err(why) => {
                        self.complain(&why);
                        continue;
                    }
                },
                () = &mut self.stop => {
                    self.stop = Box::pin(stop::wanted());
                    return News::Quit;
                }
            };
            match event {
                None => return News::Quit,
                Some(PhoneEvent::Incoming(call)) => return News::Incoming(call),
                Some(PhoneEvent::Referred { call, target, .. }) => {
                    say::referred(self.output, call.session(), &target);
                    return News::Referred(call);
                }
                Some(PhoneEvent::Registration { state, .. }) => {
                    say::registration(self.output, &self.aor, self.limit, self.clock.now(), &state);
                    match state {
                        RegistrationState::Registered { .. } => return News::Registered,
                        RegistrationState::Failed(_) => return News::NotRegistered,
                        _ => {}
                    }
                }
                Some(event) => say::phone(self.output, &event),
            }
        }
    }

    /// Busy: there is one call at a time on a command line.
    pub(super) async fn refuse(&self, call: Call) {
        // A caller who gave up meanwhile needs no refusal.
        let _ = call.reject(486).await;
        call.detach();
    }

    pub(super) fn complain(&self, why: &str) {
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
