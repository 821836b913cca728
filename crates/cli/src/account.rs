//! The configuration of a phone from the command line.

use crate::{args, record};
use offhook::{Account, Config, Password, Secret};
use offhook_media::{Recording, Source};
use offhook_tokio::{Bind, Options, Roots};
use std::path::Path;
use std::time::Duration;

/// The first wait before a retry: short, since a person is waiting.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The configuration of a phone. `retries` is the default of the command.
pub(crate) fn config(account: &args::Account, retries: Option<u32>) -> Result<Config, String> {
    let host = account.server.host.as_str();
    let realm = account.realms.first().map(String::as_str);
    let domain = account.domain.as_deref().or(realm).unwrap_or(host);
    let (aor, password) = (format!("sip:{}@{domain}", account.user), password(account)?);
    let server = account.server.to_string();
    let mut phone =
        Account::new(aor, password.map(Password::Plain), &server).map_err(|why| why.to_string())?;
    phone.display_name.clone_from(&account.display_name);
    phone.realms.clone_from(&account.realms);
    phone.ask_credentials = account.ask_password;
    phone.max_registration_attempts = account.retries.or(retries).filter(|&most| most > 0);
    let mut config = Config::new(phone);
    config.registration.first_wait = FIRST_WAIT;
    config.refer_policy = account.transfers.into();
    config.redirect_policy = account.redirects.into();
    config.renegotiate_by = account.renegotiate_by.into();
    config.reliable_provisional = account.reliable;
    config.info_packages.clone_from(&account.info_packages);
    Ok(config)
}

pub(crate) fn options(account: &args::Account, sound: Option<&args::Sound>) -> Result<Options, String> {
    let mut options = Options::default();
    if let Some(file) = &account.ca {
        options.roots = Roots::only_pem(&read(file)?).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    if !account.bind.is_empty() {
        options.bind = Bind::Addresses(account.bind.clone());
    }
    let Some(sound) = sound else { return Ok(options) };
    options.record = record::sound(&sound.record).is_some();
    if let Some(hz) = sound.tone {
        options.play = Source::tone(hz);
    }
    if let Some(file) = &sound.play {
        let wav = Recording::from_wav(&read(file)?).map_err(|why| format!("{}: {why}", file.display()))?;
        options.play = Source::Wav { samples: wav.samples.into(), repeat: true };
    }
    Ok(options)
}

fn password(account: &args::Account) -> Result<Option<Secret>, String> {
    if let Some(password) = &account.password {
        return Ok(Some(password.clone()));
    }
    let Some(file) = &account.password_file else {
        return Ok(std::env::var("OFFHOOK_PASSWORD").ok().map(Secret::new));
    };
    let text = String::from_utf8(read(file)?).map_err(|_| format!("{}: not UTF-8", file.display()))?;
    Ok(Some(Secret::new(text.lines().next().unwrap_or(""))))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|why| format!("{}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Job};
    use clap::Parser;
    use offhook::{RedirectPolicy, ReferPolicy, RenegotiateBy};

    fn account(line: &str) -> args::Account {
        let line = format!("offhook register --user alice --server ws://pbx:5066 {line}");
        match Args::try_parse_from(line.split_whitespace()).expect("readable").job {
            Job::Register(register) => register.account,
            _ => panic!("register"),
        }
    }

    #[test]
    fn domain_of_the_address_of_record_defaults_to_realm_and_host() {
        for (line, aor) in [
            ("", "sip:alice@pbx"),
            ("--realm house", "sip:alice@house"),
            ("--realm house --domain home", "sip:alice@home"),
        ] {
            assert_eq!(config(&account(line), None).expect("a configuration").accounts[0].aor, aor);
        }
    }

    #[test]
    fn retries_override_the_default_of_the_command() {
        let limit = |line: &str, retries| {
            config(&account(line), retries).expect("a configuration").accounts[0].max_registration_attempts
        };
        assert_eq!(limit("", Some(3)), Some(3));
        assert_eq!(limit("--retries 5", Some(3)), Some(5));
        assert_eq!(limit("--retries 0", Some(3)), None);
        assert_eq!(limit("", None), None);
    }

    #[test]
    fn realms_policies_and_packages_are_taken_over() {
        let line = "--realm house --realm home --redirects follow --transfers own-domain --ask-password \
                    --info-package weather --info-package tides";
        let config = config(&account(line), None).expect("a configuration");
        assert_eq!(config.accounts[0].realms, ["house", "home"]);
        assert!(config.accounts[0].ask_credentials);
        assert_eq!(
            (config.redirect_policy, config.refer_policy),
            (RedirectPolicy::Follow, ReferPolicy::OwnDomain)
        );
        assert_eq!(config.info_packages, ["weather", "tides"]);
        assert!(!super::config(&account(""), None).expect("a configuration").accounts[0].ask_credentials);
    }

    #[test]
    fn requests_of_renegotiation_and_reliable_responses_are_taken_over() {
        for (line, by, reliable) in [
            ("", RenegotiateBy::Reinvite, false),
            ("--renegotiate-by reinvite", RenegotiateBy::Reinvite, false),
            ("--renegotiate-by update --reliable", RenegotiateBy::Update, true),
        ] {
            let config = config(&account(line), None).expect("a configuration");
            assert_eq!((config.renegotiate_by, config.reliable_provisional), (by, reliable), "{line}");
        }
    }

    #[test]
    fn error_names_a_missing_file() {
        let why = config(&account("--password-file /nowhere/pw"), None).expect_err("no file");
        assert!(why.starts_with("/nowhere/pw: "), "{why}");
    }
}
