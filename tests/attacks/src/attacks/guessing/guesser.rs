//! An attacker that tries passwords over successive links.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use offhook_wire::digest::Challenge;
use offhook_wire::{HeaderName, Message, Method};
use tokio::time::{Instant, sleep, timeout};

use crate::peer::{Account, Draft, Kind, Link, branch, fresh, guess, read};

/// Simultaneous guesses.
const BATCH: usize = 16;
/// The time limit of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The delay before a refused guesser reconnects.
const RETRY_DELAY: Duration = Duration::from_millis(10);

/// The responses to the guesses.
#[derive(Clone, Default)]
pub(super) struct Tally {
    /// Wrong passwords that were verified: 401, 403 or 407, not for a stale nonce.
    pub(super) verdicts: u64,
    /// 503: not verified.
    unverified: u64,
    /// Everything else, including timeouts.
    other: u64,
    /// Right passwords sent after a guess was answered with 503, and how many of them were accepted.
    pub(super) right_sent: u32,
    pub(super) accepted: u32,
}

impl Tally {
    pub(super) fn add(&mut self, more: &Tally) {
        self.verdicts += more.verdicts;
        self.unverified += more.unverified;
        self.other += more.other;
        self.right_sent += more.right_sent;
        self.accepted += more.accepted;
    }

    pub(super) fn sent(&self) -> u64 {
        self.verdicts + self.unverified + self.other
    }

    /// If the right password is accepted after a 503, the 503 counts as a verdict.
    pub(super) fn effective(mut self) -> Self {
        if self.accepted > 0 {
            self.verdicts += std::mem::take(&mut self.unverified);
        }
        self
    }
}

pub(super) struct Guesser {
    account: Account,
    kind: Kind,
    from: IpAddr,
    fresh: bool,
    /// The response with the present challenge.
    challenge: Option<Message>,
    tally: Tally,
}

impl Guesser {
    pub(super) fn new(account: Account, kind: Kind, from: IpAddr, fresh: bool) -> Self {
        Self { account, kind, from, fresh, challenge: None, tally: Tally::default() }
    }

    pub(super) async fn run(mut self, end: Instant) -> Tally {
        while Instant::now() < end {
            let Ok(mut link) = Link::open(self.kind, self.from, self.account.target).await else {
                sleep(RETRY_DELAY).await;
                continue;
            };
            // The next link is opened in any case.
            let _ = self.guess(&mut link, end).await;
        }
        self.tally
    }

    async fn guess(&mut self, link: &mut Link, end: Instant) -> io::Result<()> {
        let mut refused = false;
        while Instant::now() < end {
            let Some(challenge) = self.challenge.clone() else {
                self.get_challenge(link).await?;
                continue;
            };
            let size = if self.fresh { 1 } else { BATCH };
            for _ in 0..size {
                self.send(link, &challenge, &fresh("wrong")).await?;
            }
            for left in (1..=size).rev() {
                let Ok(Some(answer)) = receive(link).await else {
                    self.tally.other += left as u64;
                    break;
                };
                refused = self.count(answer);
            }
            if self.fresh {
                break;
            }
        }
        // Only at the end: a success may restore a budget, which an attacker cannot do. Not for a new connection or port: its first attempt
        // is verified if there is room for it, right or wrong, so a later acceptance means nothing.
        if refused
            && !self.fresh
            && Instant::now() >= end
            && let Some(challenge) = self.challenge.clone()
        {
            let password = self.account.password.clone();
            self.send(link, &challenge, &password).await?;
            self.tally.right_sent += 1;
            let answer = receive(link).await?;
            self.tally.accepted += u32::from(answer.and_then(|answer| answer.status()) == Some(200));
        }
        Ok(())
    }

    /// Gets a challenge.
    async fn get_challenge(&mut self, link: &mut Link) -> io::Result<()> {
        link.send(self.draft().write(&link.via(), &branch())).await?;
        let answer = receive(link).await?;
        self.challenge = answer.filter(|answer| answer.status() == Some(401));
        Ok(())
    }

    /// Without a Contact it only queries the bindings (RFC 3261 §10.3 step 8).
    fn draft(&self) -> Draft {
        let exchange = format!("sip:{}", self.account.realm);
        Draft::new(Method::Register, &exchange, &self.account.aor(), &self.account.aor())
    }

    async fn send(&self, link: &mut Link, challenge: &Message, password: &str) -> io::Result<()> {
        let draft = self.draft();
        let (name, value) =
            guess(challenge, &self.account.user, password, &draft).ok_or(io::ErrorKind::InvalidData)?;
        link.send(draft.with(name, value).write(&link.via(), &branch())).await
    }

    /// True if the guess was refused without verification.
    fn count(&mut self, answer: Message) -> bool {
        match answer.status() {
            Some(401 | 403 | 407) if is_stale(&answer) => {
                self.tally.other += 1;
                self.challenge = Some(answer);
                false
            }
            Some(401 | 403 | 407) => {
                self.tally.verdicts += 1;
                false
            }
            Some(503) => {
                self.tally.unverified += 1;
                true
            }
            _ => {
                self.tally.other += 1;
                false
            }
        }
    }
}

fn is_stale(answer: &Message) -> bool {
    let rows = answer.rows(HeaderName::WwwAuthenticate);
    rows.filter_map(|row| Challenge::parse(row).ok()).any(|challenge| challenge.stale)
}

/// The next response; none after the time limit.
async fn receive(link: &mut Link) -> io::Result<Option<Message>> {
    match timeout(RESPONSE_TIMEOUT, link.receive()).await {
        Ok(data) => Ok(read(data?)),
        Err(_) => Ok(None),
    }
}
