//! An Info Package (RFC 6086) is sent only to a peer that listed it, and one that a phone did not list is refused.

use std::collections::{BTreeMap, BTreeSet};

use offhook_wire::{HeaderName, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct Infos {
    /// The packages that peers listed, by phone and Call-ID.
    listed: BTreeMap<(usize, u64), BTreeSet<Vec<u8>>>,
    /// Received INFOs of a package that their phone did not list.
    unknown: BTreeSet<(usize, Transaction)>,
}

impl Oracle for Infos {
    fn name(&self) -> &'static str {
        "infos"
    }

    fn skips_corrupted_calls(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Event { phone, event } => {
                let Some((_, Told::Info { package: Some(package) })) = told(event) else { return Ok(()) };
                let setup = &view.phones[phone].setup;
                if setup.packages.iter().any(|own| own == package) {
                    return Ok(());
                }
                Err(format!("{} reports `{event}`, but it did not list this package", setup.name))
            }
            Observation::Received { phone, message: Some(message), .. } => {
                self.on_received(phone, message, &view.phones[phone].setup.packages);
                Ok(())
            }
            Observation::Sent { phone, message: Some(message), .. } => self
                .on_sent(phone, message)
                .map_err(|what| format!("{} {what}", view.phones[phone].setup.name)),
            _ => Ok(()),
        }
    }
}

impl Infos {
    fn on_received(&mut self, phone: usize, message: &Reading<'_>, packages: &[String]) {
        let listed = message.values(HeaderName::RecvInfo).map(<[u8]>::to_ascii_lowercase);
        self.listed.entry((phone, message.dialog.call)).or_default().extend(listed);
        if message.method() == Some(Method::Info)
            && let (Some(package), Some(transaction)) = (package(message), message.transaction)
            && !packages.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(package))
        {
            self.unknown.insert((phone, transaction));
        }
    }

    fn on_sent(&self, phone: usize, message: &Reading<'_>) -> Result<(), String> {
        let accepts = message.status().is_some_and(|status| (200..300).contains(&status));
        if let Some(transaction) = message.transaction.filter(|_| accepts && message.of == Method::Info)
            && self.unknown.contains(&(phone, transaction))
        {
            return Err("accepts an INFO of a package that it did not list".to_owned());
        }
        if message.method() != Some(Method::Info) {
            return Ok(());
        }
        let Some(package) = package(message) else { return Ok(()) };
        let listed = self.listed.get(&(phone, message.dialog.call));
        if listed.is_some_and(|listed| listed.contains(&package.to_ascii_lowercase())) {
            return Ok(());
        }
        Err(format!("sends an INFO of {}, which the peer did not list", String::from_utf8_lossy(package)))
    }
}

/// The Info Package of an INFO, without its parameters. It is a token, which is case-insensitive (RFC 3261 §7.3.1).
fn package<'m>(info: &'m Reading<'_>) -> Option<&'m [u8]> {
    let value = info.header(HeaderName::InfoPackage)?;
    value.split(|b| *b == b';').next().map(<[u8]>::trim_ascii)
}
