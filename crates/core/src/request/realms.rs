//! Challenges and credentials (RFC 3261 §22, RFC 8760): which realms are answered, and with which algorithm.
//!
//! Any party that gets a request may challenge it, with any realm. Credentials are sent only to the realms of the account's own
//! server, which are those that challenged a REGISTER, and to those that [`Account::realms`](crate::Account::realms) names: a digest
//! of another realm would let a peer guess the password offline.
//!
//! A peer can know the name of a realm. Therefore what challenges to REGISTERs gave is stored apart from what other challenges gave: no
//! peer can replace the nonce that the registrar accepts, or make the phone refuse the registrar's algorithm.

use super::realm_set::{Answered, RealmSet};
use crate::api::checkpoint::{InvalidCheckpoint, RealmCheckpoint};
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::planted::{patched, planted};
use crate::{Account, AccountId, Config};
use offhook_wire::digest::{Algorithm, Challenge, Password, Responder, strongest};
use offhook_wire::{HeaderName, Message, Method, Uri};

/// Header fields with credentials, one for each realm.
pub(crate) type Credentials = Vec<(HeaderName, String)>;

/// The realms of an account that challenged its requests.
pub(crate) struct Realms {
    account: AccountId,
    /// Counts the changes of the name, the password or the servers. What was answered before such a change is void.
    epoch: u32,
    /// At most [`bounds::REALMS`] that challenged REGISTERs, and as many that challenged other requests; none is removed, so that no
    /// peer can make the phone forget an algorithm.
    known: Vec<Realm>,
}

/// A realm of one kind of challenge.
struct Realm {
    name: String,
    asks: Asks,
    /// Whether it challenged REGISTERs: it is one of the account's own server, and REGISTERs carry credentials for it. The same realm in
    /// challenges to other requests is another one.
    registers: bool,
    /// The strongest algorithm that the server accepted. A challenge with a weaker one is not answered (RFC 8760 §3).
    learnt: Option<Algorithm>,
    /// The algorithm that becomes learnt if the server accepts it: that of the credentials in the last REGISTER. They may be from before a
    /// change of the name or the password: the server accepts the algorithm nevertheless.
    offered: Option<Algorithm>,
    responder: Responder,
}

/// The kind of a challenge.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Asks {
    /// 401, by a user agent server or a registrar.
    User,
    /// 407, by a proxy.
    Proxy,
}

/// What follows a 401 or 407.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Answer {
    /// The request is sent again, with credentials for all realms of its Call-ID.
    Again,
    /// There is no password for this realm, and the host may have one.
    Ask(String),
    /// The response is final.
    Refused,
}

/// The request that was challenged.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenged {
    /// A REGISTER: only the account's own server gets it.
    Register,
    /// A request that may wait for credentials.
    Patient,
    /// A request within a dialog, which does not wait.
    Impatient,
}

/// What one realm of a response asks for.
enum Verdict {
    /// Its challenge was stored: the credentials of this index answer it.
    Answered(usize),
    /// The realm is allowed, and there is no password for it.
    NoPassword(String),
    /// Credentials for it were refused.
    Refused,
    /// It is not answered.
    Ignored,
}

impl Realms {
    pub(crate) fn new(account: AccountId) -> Self {
        Self { account, epoch: 0, known: Vec::new() }
    }

    /// The realms of the same account with other servers follow `before`: its sets of realms are empty now.
    pub(crate) fn follow(&mut self, before: &Self) {
        self.epoch = before.epoch.wrapping_add(1);
    }

    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    /// Decides on a 401 or 407. A response may have challenges of several realms, and each of several algorithms: the strongest of each
    /// realm is answered (RFC 3261 §22.3, RFC 8760 §2.4). `set` has the realms of the Call-ID.
    pub(crate) fn challenged(
        &mut self,
        cx: &mut Cx<'_>,
        of: Challenged,
        response: &Message,
        answered: &mut Answered,
        set: &mut RealmSet,
    ) -> Answer {
        (*answered, *set) = (answered.within(self.epoch), set.within(self.epoch));
        let asks = if response.status() == Some(407) { Asks::Proxy } else { Asks::User };
        let rows = response.rows(asks.header()).filter_map(|row| Challenge::parse(row).ok());
        let rows: Vec<Challenge<'_>> = rows.take(bounds::CHALLENGES).collect();
        let (mut again, mut refused, mut ask) = (false, false, None);
        for (n, first) in rows.iter().enumerate() {
            let same = |row: &&Challenge<'_>| row.realm == first.realm;
            if rows[..n].iter().any(|row| same(&row)) {
                continue;
            }
            let group = rows.iter().filter(same).copied();
            match self.judge(cx, of, asks, group, answered) {
                Verdict::Answered(index) => {
                    answered.realms = answered.realms.with(index);
                    *set = patched!(
                        cx.config,
                        SecondRealmForgotten,
                        set.with(index),
                        RealmSet::empty(self.epoch).with(index)
                    );
                    again = true;
                }
                Verdict::NoPassword(realm) => ask = ask.or(Some(realm)),
                Verdict::Refused => refused = true,
                Verdict::Ignored => {}
            }
        }
        match ask {
            _ if refused => Answer::Refused,
            _ if again => {
                if asks == Asks::Proxy {
                    cx.mark(None, Mark::ProxyChallenge);
                }
                Answer::Again
            }
            Some(realm) if of != Challenged::Impatient && settings(cx, self.account).ask_credentials => {
                Answer::Ask(realm)
            }
            _ => Answer::Refused,
        }
    }

    /// Decides on the challenges of one realm, at least one.
    fn judge<'m>(
        &mut self,
        cx: &mut Cx<'_>,
        of: Challenged,
        asks: Asks,
        mut group: impl Iterator<Item = Challenge<'m>> + Clone,
        answered: &mut Answered,
    ) -> Verdict {
        let account = settings(cx, self.account);
        let name = group.clone().next().map(|first| first.realm.value().into_owned());
        let Some(name) = name.and_then(|name| String::from_utf8(name).ok()) else { return Verdict::Ignored };
        if of != Challenged::Register
            && !self.allows(account, &name)
            && !planted!(cx.config, ForeignRealmAnswered)
        {
            cx.mark(None, Mark::ForeignRealm);
            return Verdict::Ignored;
        }
        let serves = |challenge: &Challenge<'_>| {
            account.password.as_ref().is_some_and(|password| password.serves(challenge.algorithm))
        };
        if !group.clone().any(|challenge| serves(&challenge)) {
            return Verdict::NoPassword(name);
        }
        let registers = of == Challenged::Register;
        let least = self.least(cx.config, &name);
        let strong = |challenge: &Challenge<'_>| rank(challenge.algorithm) >= least;
        let Some(challenge) = strongest(group.clone().filter(|c| serves(c) && strong(c))) else {
            cx.mark(None, Mark::WeakerAlgorithm);
            return Verdict::Ignored;
        };
        let long = challenge.nonce.raw().len() + challenge.opaque.map_or(0, |opaque| opaque.raw().len());
        if long > bounds::CHALLENGE {
            return Verdict::Ignored;
        }
        let Some(index) = self.index(name, asks, registers) else {
            cx.mark(None, Mark::TooManyRealms);
            return Verdict::Ignored;
        };
        let realm = &mut self.known[index];
        if answered.realms.has(index) {
            let most = patched!(cx.config, StaleNonceLoop, bounds::STALE_NONCES, u8::MAX);
            let stale = group.any(|c| c.stale) && !planted!(cx.config, StaleNonceRefused);
            let tolerated = stale && answered.stale < most;
            if !(tolerated || planted!(cx.config, ChallengeLoop)) {
                cx.mark(None, Mark::ChallengeRefused);
                realm.responder.forget();
                return Verdict::Refused;
            }
            answered.stale = answered.stale.saturating_add(1);
            cx.mark(None, Mark::StaleNonce);
        }
        let cnonce: [u8; 24] = cx.entropy.token(Label::Auth);
        let cnonce = std::str::from_utf8(&cnonce).expect("tokens are ASCII");
        if realm.responder.remember(&challenge, cnonce).is_err() {
            return Verdict::Ignored;
        }
        Verdict::Answered(index)
    }

    /// Whether challenges of a realm are answered.
    fn allows(&self, account: &Account, name: &str) -> bool {
        account.realms.iter().any(|realm| realm == name) || self.is_own(name)
    }

    /// Whether it is a realm of the account's own server.
    fn is_own(&self, name: &str) -> bool {
        self.known.iter().any(|realm| realm.registers && realm.name == name)
    }

    /// The least rank that is answered: that of the strongest algorithm that the registrar accepted for the realm, by either kind of
    /// challenge.
    fn least(&self, config: &Config, name: &str) -> u8 {
        let of_name = self.known.iter().filter(|realm| realm.name == name);
        let learnt = of_name.filter_map(|realm| realm.learnt).map(rank).max().unwrap_or(0);
        patched!(config, WeakerAlgorithmAnswered, learnt, 0)
    }

    /// The index of a realm, which is added if it is new. `None`: there are too many.
    fn index(&mut self, name: String, asks: Asks, registers: bool) -> Option<usize> {
        let same = |realm: &Realm| realm.asks == asks && realm.registers == registers && realm.name == name;
        let known = self.known.iter().position(same);
        let alike = self.known.iter().filter(|realm| realm.registers == registers).count();
        if known.is_some() || alike >= bounds::REALMS || name.len() > bounds::CHALLENGE {
            return known;
        }
        let responder = Responder::new();
        self.known.push(Realm { name, asks, registers, learnt: None, offered: None, responder });
        Some(self.known.len() - 1)
    }

    /// The credentials for a request of a Call-ID whose requests these realms challenged, each with the next nonce count (RFC 3261
    /// §22.2, §22.3).
    pub(crate) fn credentials(
        &mut self,
        cx: &Cx<'_>,
        set: RealmSet,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
    ) -> Credentials {
        let mut credentials = Vec::new();
        // Only a REGISTER teaches an algorithm: any peer can challenge another request with a strong one and accept it, and the weaker
        // challenges of the server would not be answered from then on.
        let teaches = method == Method::Register;
        if teaches {
            self.known.iter_mut().for_each(|realm| realm.offered = None);
        }
        let set = set.within(self.epoch);
        if set.is_empty() {
            return credentials;
        }
        let account = settings(cx, self.account);
        let (Some(username), Some(password)) = (username(account), &account.password) else {
            return credentials;
        };
        for index in (0..self.known.len()).filter(|index| set.has(*index)) {
            let least = self.least(cx.config, &self.known[index].name);
            self.level_counts(index);
            let realm = &mut self.known[index];
            // Its nonce may be from before the algorithm was learnt.
            let Some(algorithm) = realm.responder.algorithm().filter(|algorithm| rank(*algorithm) >= least)
            else {
                continue;
            };
            let mut copy;
            let responder = match planted!(cx.config, NonceNotCounted) {
                true => {
                    copy = realm.responder.clone();
                    &mut copy
                }
                false => &mut realm.responder,
            };
            if let Some(value) = responder.reuse(&username, password, method, uri, body) {
                credentials.push((realm.asks.answer(), value));
                realm.offered = teaches.then(|| algorithm.base()).or(realm.offered);
            }
            self.level_counts(index);
        }
        credentials
    }

    /// Realms with the nonce of this one count on from the highest count: a server may give one nonce in several challenges, and `nc`
    /// counts the requests with a nonce (RFC 7616 §3.4).
    fn level_counts(&mut self, index: usize) {
        let count = |known: &[Realm], n: usize| known[n].responder.count_of_nonce(&known[index].responder);
        let used = (0..self.known.len()).filter_map(|n| count(&self.known, n)).max();
        for n in 0..self.known.len() {
            if let (Some(_), Some(used)) = (count(&self.known, n), used) {
                self.known[n].responder.count_from(used);
            }
        }
    }

    /// Those of `set` that challenged with 407. After a redirection, these proxies are still on the way, but the server that challenged
    /// with 401 is not.
    pub(crate) fn of_proxies(&self, set: RealmSet) -> RealmSet {
        let set = set.within(self.epoch);
        let proxies = (0..self.known.len()).filter(|&n| set.has(n) && self.known[n].asks == Asks::Proxy);
        proxies.fold(RealmSet::empty(self.epoch), RealmSet::with)
    }

    /// The realms that challenged REGISTERs: later ones carry credentials for them.
    pub(crate) fn of_registers(&self) -> RealmSet {
        let own = self.known.iter().enumerate().filter(|(_, realm)| realm.registers);
        own.fold(RealmSet::empty(self.epoch), |set, (index, _)| set.with(index))
    }

    /// A REGISTER was accepted: the algorithms of its credentials are learnt.
    pub(crate) fn registered(&mut self) {
        for realm in self.known.iter_mut().filter(|realm| realm.registers) {
            let used = realm.learnt.into_iter().chain(realm.offered.take());
            realm.learnt = used.max_by_key(|algorithm| rank(*algorithm));
        }
    }

    /// The name or the password has changed. Nonces belong to the credentials before, and a refusal of a request that is on its way is no
    /// refusal of the new ones. An algorithm that the new password does not serve is no longer required, but any other is, also one that
    /// the server accepts later in a REGISTER that is on its way.
    pub(crate) fn credentials_changed(&mut self, password: Option<&Password>) {
        self.epoch = self.epoch.wrapping_add(1);
        let serves = |algorithm: &Algorithm| password.is_none_or(|password| password.serves(*algorithm));
        for realm in &mut self.known {
            realm.responder.forget();
            realm.offered = realm.offered.filter(serves);
            realm.learnt = realm.learnt.filter(serves);
        }
    }
}

/// Snapshots.
impl Realms {
    pub(crate) fn snapshot(&self) -> Vec<RealmCheckpoint> {
        let snapshot = |realm: &Realm| RealmCheckpoint {
            realm: realm.name.clone(),
            proxy: realm.asks == Asks::Proxy,
            registers: realm.registers,
            algorithm: realm.learnt,
            offered: realm.offered,
            challenge: realm.responder.snapshot(),
        };
        self.known.iter().map(snapshot).collect()
    }

    pub(crate) fn restore(&mut self, at: &[RealmCheckpoint]) -> Result<(), InvalidCheckpoint> {
        self.known.clear();
        for saved in at {
            let responder = match &saved.challenge {
                None => Responder::new(),
                Some(challenge) => Responder::restore(challenge)
                    .ok()
                    .filter(|responder| responder.is_of_realm(&saved.realm))
                    .ok_or(InvalidCheckpoint("the stored challenge is malformed"))?,
            };
            let asks = if saved.proxy { Asks::Proxy } else { Asks::User };
            let before = self.known.len();
            if self.index(saved.realm.clone(), asks, saved.registers) != Some(before) {
                return Err(InvalidCheckpoint("the realms are not those of one account"));
            }
            let realm = &mut self.known[before];
            (realm.learnt, realm.offered, realm.responder) = (saved.algorithm, saved.offered, responder);
        }
        Ok(())
    }
}

impl Asks {
    fn header(self) -> HeaderName {
        match self {
            Asks::User => HeaderName::WwwAuthenticate,
            Asks::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    fn answer(self) -> HeaderName {
        match self {
            Asks::User => HeaderName::Authorization,
            Asks::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}

/// Whether a challenge has `stale=true`: the credentials were right, but their nonce has expired (RFC 7616 §3.3).
pub(crate) fn is_stale(config: &Config, challenge: &Message) -> bool {
    !planted!(config, StaleNonceRefused)
        && [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
            .into_iter()
            .flat_map(|name| challenge.rows(name))
            .any(|row| Challenge::parse(row).is_ok_and(|challenge| challenge.stale))
}

fn settings<'c>(cx: &Cx<'c>, account: AccountId) -> &'c Account {
    &cx.config.accounts[usize::from(account.0)]
}

/// The order of strength (RFC 8760 §2.1). A session variant is no stronger.
fn rank(algorithm: Algorithm) -> u8 {
    match algorithm.base() {
        Algorithm::Sha512_256 => 2,
        Algorithm::Sha256 => 1,
        _ => 0,
    }
}

/// The configured name, or the user part of the AOR.
fn username(account: &Account) -> Option<String> {
    if let Some(name) = &account.username {
        return Some(name.clone());
    }
    let user = Uri::parse(account.aor.as_bytes()).ok()?.user?;
    String::from_utf8(offhook_wire::unescape(user).into_owned()).ok()
}
