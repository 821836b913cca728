//! The account of a phone, as its user knows it.

use offhook::{Account, AccountId, Credentials, EffectId, Hop, Password, Secret, Server, Transport};

use super::realm::{DOMAIN, PASSWORD};
use crate::scenario::{self, GivenPassword, PhoneSetup, Replacement, Scenario};

/// The account of a phone. A phone has at most one that its user did not remove.
pub struct AccountNode {
    /// Its ID; `None` while the user has none.
    pub id: Option<AccountId>,
    /// The last password that the phone got.
    pub password: GivenPassword,
    /// Whether the phone ever had a wrong password.
    pub guessed: bool,
    /// The pending request of the phone for credentials.
    pub asked: Option<EffectId>,
    /// Whether it moves to another registrar. Its requests for credentials end with its next connection, which evaluates again what waits
    /// for them.
    pub moving: bool,
    /// Whether its address of record is that of another user.
    other_user: bool,
    setup: PhoneSetup,
    servers: Vec<Server>,
}

impl AccountNode {
    /// The account at the start of a scenario.
    pub(super) fn new(scenario: &Scenario, setup: &PhoneSetup) -> Self {
        let transport = match setup.transport {
            scenario::Transport::Ws => Transport::Ws,
            scenario::Transport::Udp => Transport::Udp,
        };
        let servers = scenario.exchanges.iter().enumerate().map(|(rank, exchange)| {
            let host = exchange.name.clone();
            let path = if transport == Transport::Udp { String::new() } else { "/".to_owned() };
            let hop = Hop { transport, host, port: 5060, path };
            Server::new(hop).with_weight(u16::MAX - u16::try_from(rank).unwrap_or(u16::MAX))
        });
        let password = match (setup.late_password, setup.right_password) {
            (true, _) => GivenPassword::Nothing,
            (false, true) => GivenPassword::Right,
            (false, false) => GivenPassword::Wrong,
        };
        Self {
            id: Some(AccountId(0)),
            password,
            guessed: password == GivenPassword::Wrong,
            asked: None,
            moving: false,
            other_user: false,
            servers: servers.collect(),
            setup: setup.clone(),
        }
    }

    /// Its configuration.
    pub fn config(&self) -> Account {
        let user = if self.other_user { other_user(&self.setup.user) } else { self.setup.user.clone() };
        let credentials = credentials(self.password);
        let password = credentials.map(|credentials| credentials.password);
        let mut account =
            Account::new(format!("sip:{user}@{DOMAIN}"), password, "udp://replaced").expect("a hop");
        account.servers.clone_from(&self.servers);
        account.expires = self.setup.expires;
        account.max_registration_attempts = self.setup.attempts;
        account.ask_credentials = self.setup.late_password;
        account.realms.clone_from(&self.setup.realms);
        account
    }

    /// Changes its configuration. If its registrar is another one, the request for credentials is abandoned.
    pub fn replace(&mut self, how: Replacement) {
        let before = (self.servers.clone(), self.other_user);
        match how {
            Replacement::Same => {}
            Replacement::ServersReversed => {
                let weights: Vec<u16> = self.servers.iter().map(|server| server.weight).collect();
                for (server, weight) in self.servers.iter_mut().zip(weights.into_iter().rev()) {
                    server.weight = weight;
                }
            }
            Replacement::OtherUser => self.other_user = !self.other_user,
            Replacement::WithoutPassword => self.password = GivenPassword::Nothing,
        }
        if before != (self.servers.clone(), self.other_user) {
            self.moving = true;
        }
    }

    /// Whether the phone has the right password.
    pub fn has_right_password(&self) -> bool {
        self.password == GivenPassword::Right
    }
}

/// The user whose address of record replaces that of a user.
pub(super) fn other_user(user: &str) -> String {
    format!("{user}.other")
}

/// The credentials that a user gives.
pub(crate) fn credentials(given: GivenPassword) -> Option<Credentials> {
    let password = match given {
        GivenPassword::Right => PASSWORD,
        GivenPassword::Wrong => "guess",
        GivenPassword::Nothing => return None,
    };
    Some(Credentials::new(Password::Plain(Secret::new(password.to_owned()))))
}
