//! Credentials are sent only for the realms of the account's own server, which challenged a REGISTER, and for those that the account
//! names; never with a weaker algorithm than the server accepted (RFC 8760 §3); and the nonce count increases with each use of a nonce
//! (RFC 7616 §3.4).

use std::collections::{BTreeMap, BTreeSet};

use offhook::{AccountCommand, AccountId, Command};
use offhook_wire::digest::{Algorithm, Challenge, Credentials};
use offhook_wire::{HeaderName, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, WorldView};

const CHALLENGES: [HeaderName; 2] = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate];
const CREDENTIALS: [HeaderName; 2] = [HeaderName::Authorization, HeaderName::ProxyAuthorization];

#[derive(Default)]
pub(super) struct Realms {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// The realms that challenged a REGISTER.
    own: BTreeSet<Vec<u8>>,
    registrars: BTreeMap<AccountId, Registrar>,
    /// By kind of challenge and realm: the last nonce, and its last count.
    used: BTreeMap<(bool, Vec<u8>), (Vec<u8>, u32)>,
    seen: BTreeSet<Transaction>,
}

/// The realms and the strengths of credentials.
type Strengths = Vec<(Vec<u8>, u8)>;

/// The registrar of an account.
#[derive(Default)]
struct Registrar {
    /// The strength of the algorithms with which REGISTERs were accepted, by realm.
    learnt: BTreeMap<Vec<u8>, u8>,
    /// The Call-ID of the REGISTERs: another registrar gets another one.
    call: Option<u64>,
    /// The last REGISTER, with the realms and the strength of its credentials. Responses to earlier ones change nothing.
    last: Option<(Transaction, Strengths)>,
    /// Whether the account moves to another registrar, which has accepted nothing.
    is_left: bool,
}

impl Oracle for Realms {
    fn name(&self) -> &'static str {
        "realms"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Sent { phone, connection, message: Some(message), .. }
                if message.method().is_some() =>
            {
                let node = &view.phones[phone];
                let (setup, account) = (&node.setup, node.account_of.get(&connection).copied());
                // A corrupted challenge to a REGISTER names another realm.
                let corrupted = view.corrupted_calls.of_registration(phone).is_some();
                self.phones[phone]
                    .on_request(message, account, &setup.realms, corrupted)
                    .map_err(|what| format!("{} {what}", setup.name))
            }
            Observation::Received { phone, message: Some(message), .. } => {
                self.phones[phone].on_received(message);
                Ok(())
            }
            Observation::CredentialsAsked { phone, account, realm } => {
                let node = &view.phones[phone];
                let (account_node, named) = (&node.account, &node.setup.realms);
                let is_own = self.phones[phone].own.contains(realm.as_bytes());
                let corrupted = view.corrupted_calls.of_registration(phone).is_some();
                if !is_own && !named.iter().any(|named| named == realm) && !corrupted {
                    return Err(format!("{} asks for credentials of the realm `{realm}`", node.setup.name));
                }
                if account_node.id == Some(account) && account_node.asked.is_some() {
                    return Err(format!("{} asks for credentials twice", node.setup.name));
                }
                Ok(())
            }
            Observation::Command {
                phone,
                command: Command::Account { account, command: AccountCommand::Replace(_) },
                ..
            } if view.phones[phone].account.moving => {
                let registrar = self.phones[phone].registrars.entry(*account).or_default();
                *registrar = Registrar { call: registrar.call, is_left: true, ..Registrar::default() };
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Phone {
    /// A challenge with the nonce that was used last: its credentials are refused, and their count ends.
    fn on_challenge(&mut self, message: &Reading<'_>, is_user: bool) {
        let rows = message.rows(CHALLENGES[usize::from(!is_user)]);
        for challenge in rows.filter_map(|row| Challenge::parse(row).ok()) {
            let of = (is_user, challenge.realm.value().into_owned());
            if self.used.get(&of).is_some_and(|(last, _)| *last == *challenge.nonce.value()) {
                self.used.remove(&of);
            }
        }
    }

    fn on_received(&mut self, message: &Reading<'_>) {
        let (Some(status), Some(transaction)) = (message.status(), message.transaction) else { return };
        if let 401 | 407 = status {
            self.on_challenge(message, status == 401);
        }
        let is_last = |registrar: &&mut Registrar| {
            registrar.last.as_ref().is_some_and(|(last, _)| *last == transaction)
        };
        match (status, self.registrars.values_mut().find(is_last)) {
            (401 | 407, _) if transaction.verb == Method::Register => {
                let rows = CHALLENGES.into_iter().flat_map(|name| message.rows(name));
                let challenges = rows.filter_map(|row| Challenge::parse(row).ok());
                self.own.extend(challenges.map(|challenge| challenge.realm.value().into_owned()));
            }
            (200..=299, Some(registrar)) => {
                for (realm, strength) in
                    registrar.last.take().into_iter().flat_map(|(_, credentials)| credentials)
                {
                    let learnt = registrar.learnt.entry(realm).or_default();
                    *learnt = (*learnt).max(strength);
                }
            }
            _ => {}
        }
    }

    fn on_request(
        &mut self,
        request: &Reading<'_>,
        account: Option<AccountId>,
        named: &[String],
        corrupted: bool,
    ) -> Result<(), String> {
        let (Some(method), Some(transaction)) = (request.method(), request.transaction) else {
            return Ok(());
        };
        // An ACK repeats the credentials of its INVITE (RFC 3261 §22.1).
        if method == Method::Ack || !self.seen.insert(transaction) {
            return Ok(());
        }
        let rows = CREDENTIALS.into_iter().flat_map(|name| request.rows(name).map(move |row| (name, row)));
        let all = rows.filter_map(|(name, row)| Some((name, Credentials::parse(row).ok()?)));
        let all: Vec<(HeaderName, Credentials<'_>)> = all.collect();
        for (header, credentials) in &all {
            let realm = credentials.realm.value();
            let name = String::from_utf8_lossy(&realm);
            let is_named = named.iter().any(|named| named.as_bytes() == &*realm);
            if !is_named && !self.own.contains(&*realm) && !corrupted {
                return Err(format!("sends credentials for the foreign realm `{name}`"));
            }
            let registrar = account.and_then(|account| self.registrars.get(&account));
            let learnt = registrar.and_then(|registrar| registrar.learnt.get(&*realm)).copied().unwrap_or(0);
            if strength(credentials.algorithm) < learnt && !corrupted {
                return Err(format!(
                    "sends credentials with {:?} for the realm `{name}`, whose server accepted a stronger algorithm",
                    credentials.algorithm
                ));
            }
            let nonce = credentials.nonce.value().into_owned();
            let Some(count) = credentials.nc else { continue };
            let of = (*header == HeaderName::Authorization, realm.to_vec());
            let before = self.used.insert(of, (nonce.clone(), count));
            if before.is_some_and(|(last, used)| last == nonce && used >= count) {
                return Err(format!("uses a nonce of the realm `{name}` again without a higher nonce count"));
            }
        }
        if let (Method::Register, Some(account)) = (method, account) {
            let registrar = self.registrars.entry(account).or_default();
            if registrar.call != Some(request.dialog.call) {
                *registrar = Registrar { call: Some(request.dialog.call), ..Registrar::default() };
            }
            let strengths =
                all.iter().map(|(_, one)| (one.realm.value().into_owned(), strength(one.algorithm)));
            registrar.last = Some((transaction, strengths.collect())).filter(|_| !registrar.is_left);
        }
        Ok(())
    }
}

/// The order of strength (RFC 8760 §2.1). A session variant is no stronger.
fn strength(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => 2,
        Algorithm::Sha256 | Algorithm::Sha256Sess => 1,
        _ => 0,
    }
}
